"""Code of the user: what of it decides a model, where a step finds it, what images hold of it, what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.passes.code import unusable
from mlsystem.passes.entrypoint import fault_of
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.diff import diff_nodes
from mlsystem_runtime.contract.code import IN_IMAGE, code_digest, read_code
from mlsystem_runtime.contract.run import TrainStep

BUILD = "from torch import nn\n\n\ndef build(numeric, outputs):\n    return nn.LazyLinear(len(outputs))\n"
LOCK = "einops==0.8.1 \\\n    --hash=sha256:00\n"
STAGING = """
target: kubernetes
registry: registry.example.com/ml
workspace: s3://models/delays
platform: {argo_workflows: true}
"""

Compile = Callable[..., Compiled]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "networks"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(BUILD)
    return folder.parent


@pytest.fixture
def custom(spec: Any) -> Any:
    """The example with a network of its own, for one machine and for a cluster."""
    spec["models"]["main"]["model"] |= {"type": "custom", "entrypoint": "networks.model:build"}
    spec["environments"]["staging"] = yaml.load(STAGING, Loader=yaml.BaseLoader)
    for one in spec["sources"].values():
        one["uri"] = f"s3://delays/{one['uri']}"
    return spec | {"code": {"path": "src"}}


def train_step(made: Compiled) -> TrainStep:
    return next(one.payload for one in made.config.steps if isinstance(one.payload, TrainStep))


def fingerprints(made: Compiled) -> dict[str, str]:
    return {step.name: step.fingerprint for step in made.config.steps}


def test_a_step_finds_the_code_beside_the_file_or_in_its_image(custom: Any, compiled: Compile, source: Path) -> None:
    here, there = (train_step(compiled(custom, name)).code for name in ("dev", "staging"))

    assert here is not None
    assert there is not None
    assert (here.path, there.path) == ("src", IN_IMAGE)
    assert here.entrypoint == there.entrypoint == "networks.model:build"
    assert here.digest == there.digest == code_digest(read_code(source))


def test_a_changed_line_trains_again_and_nothing_else(custom: Any, compiled: Compile, source: Path) -> None:
    before = compiled(custom)
    (source / "networks" / "model.py").write_text(BUILD + "# wider\n")
    after = compiled(custom)

    old, new = fingerprints(before), fingerprints(after)
    changes = {one.node: one.consequence for one in diff_nodes(before.snapshot, after.snapshot)}
    assert {name for name in old if old[name] != new[name]} == {"train.main", "evaluate.main"}
    assert changes["model.main"] is Consequence.RETRAIN
    assert {one for name, one in changes.items() if name != "model.main"} <= {
        Consequence.RE_EVALUATE, Consequence.RELEASE}  # fmt: skip


def test_caches_hidden_files_and_the_name_of_the_folder_change_nothing(
    custom: Any, compiled: Compile, source: Path
) -> None:
    before = fingerprints(compiled(custom))
    for path in ("networks/__pycache__/model.cpython-311.pyc", ".git/HEAD", "networks/.model.py.swp"):
        (source / path).parent.mkdir(exist_ok=True)
        (source / path).write_bytes(b"\xff")
    source.rename(source.with_name("lib"))

    assert fingerprints(compiled(custom | {"code": {"path": "lib"}})) == before


def test_other_libraries_train_again(custom: Any, compiled: Compile, source: Path) -> None:
    lock = source.with_name("requirements.txt")
    custom["code"]["requirements"] = "requirements.txt"
    made = []
    for text in (LOCK, LOCK.replace("0.8.1", "0.8.2")):
        lock.write_text(text)
        made.append(fingerprints(compiled(custom))["train.main"])

    assert made[0] != made[1]


def test_images_hold_the_code_where_the_step_looks(custom: Any, compiled: Compile, source: Path) -> None:
    source.with_name("requirements.txt").write_text(LOCK)
    custom["code"]["requirements"] = "requirements.txt"
    custom["models"]["main"]["serving"]["engine"] = "torch"
    tree = {one.path: one.content for one in compiled(custom, "staging").tree}

    assert tree["images/code/networks/model.py"] == BUILD
    assert tree["images/code-requirements.txt"] == LOCK
    assert f"COPY --from=build {IN_IMAGE} {IN_IMAGE}" in tree["images/trainer/Dockerfile"]
    assert "COPY code /opt/code" not in tree["images/server-torch/Dockerfile"]
    assert "code-libraries" in tree["images/server-torch/Dockerfile"]


def test_a_server_in_onnx_runtime_has_neither_the_code_nor_its_libraries(
    custom: Any, compiled: Compile, source: Path
) -> None:
    source.with_name("requirements.txt").write_text(LOCK)
    custom["code"]["requirements"] = "requirements.txt"
    tree = {one.path: one.content for one in compiled(custom, "staging").tree}

    assert "code" not in tree["images/server/Dockerfile"]
    assert "images/server-torch/Dockerfile" not in tree


def test_a_changed_line_moves_the_trainer_and_what_runs_in_it_and_no_server(
    custom: Any, compiled: Compile, source: Path
) -> None:
    before = compiled(custom, "staging")
    (source / "networks" / "model.py").write_text(BUILD + "# wider\n")
    after = compiled(custom, "staging")

    assert before.cluster is not None
    assert after.cluster is not None
    old, new = before.cluster.images.references, after.cluster.images.references
    changes = {(one.node, one.consequence) for one in diff_nodes(before.snapshot, after.snapshot)}
    assert {name for name in old if old[name] != new[name]} == {"trainer"}
    assert {one for one in changes if one[1] is not Consequence.NOTHING} == {
        ("image.trainer", Consequence.RECONFIGURE), ("model.main", Consequence.RETRAIN),
        ("evaluation.main", Consequence.RE_EVALUATE), ("endpoint.main", Consequence.RELEASE),
        ("monitor.main", Consequence.RESTART),
    }  # fmt: skip


def test_code_that_no_model_uses_leaves_no_trace(spec: Any, compiled: Compile, source: Path) -> None:
    assert source.exists()
    spec["environments"]["staging"] = yaml.load(STAGING, Loader=yaml.BaseLoader)
    for one in spec["sources"].values():
        one["uri"] = f"s3://delays/{one['uri']}"

    for environment in ("dev", "staging"):
        without, beside = (compiled(one, environment) for one in (spec, spec | {"code": {"path": "src"}}))

        assert without.tree.digest == beside.tree.digest
        assert without.snapshot == beside.snapshot
    contract = next(json.loads(one.content) for one in without.tree if one.path == "contract/run.json")
    assert "code" not in next(one["payload"] for one in contract["steps"] if one["name"] == "train.main")


@pytest.mark.parametrize(("text", "said"), [
    (BUILD, None),
    ("from networks.other import build\n", None),
    ("from torch.nn import *\n", None),
    ("build = lambda **given: None\n", None),
    ("try:\n    from fast import build\nexcept ImportError:\n    def build(): ...\n", None),
    ("class build:\n    def __init__(self, numeric, *, outputs, width=3): ...\n", None),
    ("def build(numeric, *rest, **more): ...\n", None),
    ("def build(numeric, /): ...\n", "line 1, asks for numeric, /"),
    ("def build(*, depth): ...\n", "line 1, asks for depth"),
    ("class build:\n    def __init__(self, depth): ...\n", "line 2, asks for depth"),
    ("async def build(): ...\n", "is an async function"),
    ("def build(:\n", "src/networks/model.py, line 1 is not Python"),
    ("\0", "is not Python"),
    ("def other():\n    def build(): ...\n", "src/networks/model.py has no function 'build'"),
])  # fmt: skip
def test_the_function_is_found_without_importing_it(text: str, said: str | None) -> None:
    found = fault_of("networks.model:build", {"networks/model.py": text}, "src")

    assert (found is None) if said is None else (found is not None and said in found.message)


def test_a_package_is_a_module_too() -> None:
    assert fault_of("networks:build", {"networks/__init__.py": BUILD}, "src") is None


def test_a_module_that_is_not_there_is_told_with_what_may_have_been_meant() -> None:
    found = fault_of("networks.modle:build", {"networks/model.py": BUILD}, "src")

    assert found is not None
    assert "there is no module 'networks.modle'" in found.message
    assert "networks.model" in str(found.help)


@pytest.mark.parametrize(("text", "lines"), [
    (LOCK, []),
    ("# by uv\n--index-url https://wheels.example.com\n\n" + LOCK, []),
    ("einops==0.8.1\n" + LOCK, ["einops==0.8.1"]),
    ("einops @ https://example.com/einops.whl  # our own\n", ["einops @ https://example.com/einops.whl"]),
    ("-r base.txt\n-e .\n", ["-r base.txt", "-e ."]),
])  # fmt: skip
def test_requirements_without_hashes_are_found(text: str, lines: list[str]) -> None:
    assert list(unusable(text)) == lines


def test_a_link_that_leads_elsewhere_and_a_file_that_is_not_text_are_refused(
    custom: Any, compiled: Compile, tmp_path: Path, source: Path
) -> None:
    compiled(custom)
    spec = tmp_path / "project" / "mlsystem.yaml"
    spec.parent.mkdir()
    spec.write_text((tmp_path / "mlsystem.yaml").read_text())
    messages = []
    for prepare in (
        lambda: (spec.parent / "src").symlink_to(source),
        lambda: ((spec.parent / "src").unlink(), source.rename(spec.parent / "src"),
                 (spec.parent / "src" / "weights.bin").write_bytes(b"\xff\xfe")),
    ):  # fmt: skip
        prepare()
        report = Report()
        compile_system(spec, "dev", {}, report)
        messages += [one.message for one in report.diagnostics if one.code == "MLS213"]

    assert messages[0] == "the code's path 'src' leaves the folder of the file"
    assert messages[1] == "src/weights.bin is not text"
