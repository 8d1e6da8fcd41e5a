"""The suite from the command line, against a server that is there and against others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from broken_inference import WrapsIntegers
from inference_models import MIXED
from inference_reference import Reference
from inference_servers import serving

from mlsystem_runtime.serve.conformance.__main__ import USAGE, main

NOBODY = "http://127.0.0.1:1"
LIGHT = """
import sys
import mlsystem_runtime.serve.conformance.__main__
print(*sorted({"grpc", "google.protobuf", "torch", "pandas", "mlflow", "uvicorn", "httpx"} & set(sys.modules)))
"""


def test_a_server_that_keeps_the_protocol_ends_with_0_and_its_score(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Reference()) as address:
        code = main([address.url, "--only", "health.*", "--only", "grpc.*", "--grpc", address.grpc])

    said = capsys.readouterr().out
    assert code == 0
    assert "model mixed" in said
    assert said.splitlines()[-1].startswith("52 of 52 passed (must ")


def test_a_failure_shows_the_promise_the_request_and_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(WrapsIntegers()) as address:
        code = main([address.url, "--only", "values.integer_of_2_to_the_40"])

    said = capsys.readouterr().out
    assert code == 1
    assert "FAILED values.integer_of_2_to_the_40 (must)" in said
    assert "2^40 does not fit into 32 bits" in said
    assert "expected 4xx, got 200" in said
    assert "request: POST /v2/models/mixed/infer HTTP/1.1" in said
    assert 'answer:  200 {"model_name": "mixed"' in said
    assert said.splitlines()[-1] == "0 of 1 passed (must 0 of 1, should 0 of 0); 0 not applicable"


def test_a_failure_of_what_should_hold_alone_ends_with_0() -> None:
    class Silent(Reference):
        extensions = ()

    with serving(Silent()) as address:
        assert main([address.url, "--only", "binary.extension_is_listed"]) == 0


def test_json_has_every_check_with_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Reference()) as address:
        main([address.url, "--json", "--only", "grpc.*", "--only", "versions.*"])

    report = json.loads(capsys.readouterr().out)
    assert report["score"]["all"] == {"passed": 12, "applicable": 12}
    assert {one["verdict"] for one in report["checks"]} == {"passed", "not applicable"}
    assert {"id", "severity", "promise", "where", "verdict", "reason"} <= report["checks"][0].keys()


def test_headers_go_with_every_request_and_are_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    class Guarded(WrapsIntegers):
        def rest(self, method: str, path: str, headers: dict[str, str], body: bytes):  # type: ignore[no-untyped-def, override]
            allowed = headers.get("authorization") == "Bearer not-for-the-report"
            return super().rest(method, path, headers, body) if allowed else self.error(401, "who are you?")

    words = ["--header", "Authorization: Bearer not-for-the-report", "--only", "values.*"]
    with serving(Guarded()) as address:
        code = main([address.url, *words])

    assert code == 1
    assert "not-for-the-report" not in capsys.readouterr().out


def test_values_of_a_request_that_is_given_are_used(tmp_path: Path) -> None:
    class Picky(Reference):
        """Takes one word alone."""

        def from_json(self, declared, data, shape):  # type: ignore[no-untyped-def]
            if declared.name == "word" and "JFK" not in str(data):
                raise_refused()
            return super().from_json(declared, data, shape)

    values = {"amount": [1.0] * 3, "flag": [True], "word": ["JFK"]}
    inputs = [
        {**one.described(), "shape": [1, *one.shape[1:]], "data": values.get(one.name, [1])} for one in MIXED.inputs
    ]
    (tmp_path / "request.json").write_text(json.dumps({"inputs": inputs}))
    with serving(Picky()) as address:
        without = main([address.url, "--only", "inference.all_outputs"])
        code = main([address.url, "--only", "inference.*", "--request", str(tmp_path / "request.json")])

    assert (without, code) == (1, 0)


def raise_refused() -> None:
    from inference_reference import Refused

    raise Refused(422, "this word is not known")


def test_a_server_that_answers_no_plain_request_is_not_scored(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Reference()) as address:
        code = main([address.url, "--model", "another"])

    seen = capsys.readouterr()
    assert code == 1
    assert "no plain request is answered" in seen.err
    assert "--request FILE" in seen.err
    assert seen.out == ""


def test_nobody_there_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Reference()) as address:
        gone = address.url

    assert main([gone]) == 1
    assert "refused" in capsys.readouterr().err


@pytest.mark.parametrize("words", [
    [], ["127.0.0.1:80"], [NOBODY, "--only", "no.such"], [NOBODY, "--header", "x"], [NOBODY, "--ca", "absent"],
])  # fmt: skip
def test_a_wrong_call_ends_with_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)

    assert end.value.code == USAGE
    assert "usage:" in capsys.readouterr().err


def test_the_list_names_every_check_without_asking_anybody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([NOBODY, "--list", "--only", "agreement.*"]) == 0
    assert "agreement.json_and_raw (must): " in capsys.readouterr().out


def test_the_suite_itself_is_light() -> None:
    finished = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, timeout=60)

    assert finished.stdout.strip() == ""
