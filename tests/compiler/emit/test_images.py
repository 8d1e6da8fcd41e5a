"""What images are built from, and when their names change."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mlsystem.emit.images import Base, Code, Images, ImageSettings, Locks, emit_images
from mlsystem.emit.tree import ArtifactTree
from mlsystem.emit.vendored import lock_files, runtime_source

DIGEST = f"sha256:{'a' * 64}"
SETTINGS = ImageSettings(
    system="flight_delay", registry="registry.example.com/ml", base=Base("docker.io/library/python:3.11", DIGEST),
    version="1.2.3",
)  # fmt: skip
RUNTIME = {"mlsystem_runtime/__init__.py": "", "mlsystem_runtime/__main__.py": "print()\n"}
LOCKS = Locks(server="msgspec==0.20 \\\n    --hash=sha256:00\n", trainer="duckdb==1.4 \\\n    --hash=sha256:11\n")
CODE = Code({"model.py": "x = 1\n"}, requirements="einops==0.8 \\\n    --hash=sha256:22\n")
PROCESSES, LIBRARIES = ("server", "trainer"), ("dependencies-server", "dependencies-trainer")

HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def images(settings: ImageSettings = SETTINGS, locks: Locks = LOCKS, code: Code | None = None) -> Images:
    return emit_images(settings, RUNTIME, locks, code)


def dockerfile(name: str, made: Images) -> str:
    return made[name].dockerfile.content


def tags(made: Images) -> dict[str, str]:
    return {image.name: image.tag for image in made.images}


def changed(before: Images, after: Images) -> set[str]:
    old, new = tags(before), tags(after)
    return {name for name in old if old[name] != new[name]}


def copied(text: str) -> set[str]:
    """What a Dockerfile takes from its context."""
    return {line.split()[1] for line in text.splitlines() if line.startswith("COPY ") and "--from=" not in line}


@pytest.fixture(params=["index", "wheelhouse"])
def every_kind(request: pytest.FixtureRequest) -> Images:
    settings = replace(SETTINGS, wheelhouse=request.param == "wheelhouse", source="https://example.com/r")
    return images(settings, code=CODE)


def test_a_reference_is_registry_system_image_and_the_beginning_of_the_digest_of_its_context() -> None:
    server = images()["server"]

    assert re.fullmatch(r"registry\.example\.com/ml/flight-delay-[0-9a-f]{4}/server", server.repository)
    assert re.fullmatch(r"sha256-[0-9a-f]{16}", server.tag)
    assert server.reference == f"{server.repository}:{server.tag}"
    assert server.context_digest.replace(":", "-").startswith(server.tag)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert images() == images()
    assert ArtifactTree.of(images().files).digest == ArtifactTree.of(images().files).digest


def test_every_file_has_one_writer_and_lies_below_images(every_kind: Images) -> None:
    paths = [artifact.path for artifact in ArtifactTree.of(every_kind.files)]

    assert all(path.startswith("images/") for path in paths)
    assert "images/server/Dockerfile" in paths
    assert "images/dependencies-trainer/requirements.txt" in paths
    assert "images/runtime/mlsystem_runtime/__main__.py" in paths


@pytest.mark.parametrize("code", [None, Code({"model.py": ""}), CODE], ids=["none", "plain", "with libraries"])
def test_the_digest_of_a_context_is_of_exactly_the_files_that_its_dockerfile_copies(code: Code | None) -> None:
    for image in images(code=code).images:
        hashed = {artifact.path.removeprefix("images/") for artifact in image.copies}
        taken = copied(image.dockerfile.content)

        assert all(any(path == one or path.startswith(f"{one}/") for one in taken) for path in hashed)
        assert all(any(path == one or path.startswith(f"{one}/") for path in hashed) for one in taken)


def test_a_patched_base_moves_every_image() -> None:
    patched = replace(SETTINGS, base=Base(SETTINGS.base.name, f"sha256:{'b' * 64}"))

    assert changed(images(), images(patched)) == {*PROCESSES, *LIBRARIES}


def test_another_runtime_moves_no_libraries() -> None:
    after = emit_images(SETTINGS, {**RUNTIME, "mlsystem_runtime/new.py": ""}, LOCKS)

    assert changed(images(), after) == {*PROCESSES}


def test_another_version_moves_no_libraries() -> None:
    assert changed(images(), images(replace(SETTINGS, version="2"))) == {*PROCESSES}


def test_what_only_the_trainer_needs_moves_no_server() -> None:
    after = images(locks=replace(LOCKS, trainer="duckdb==2.0 \\\n    --hash=sha256:33\n"))

    assert changed(images(), after) == {"trainer", "dependencies-trainer"}


def test_code_of_the_user_moves_what_runs_it() -> None:
    both = ("server", "server-torch")
    before, after = (emit_images(SETTINGS, RUNTIME, LOCKS, code, both) for code in (None, CODE))

    assert changed(before, after) == {"server-torch", "trainer"}
    assert "COPY code" not in dockerfile("server-torch", before)


def test_a_server_in_torch_begins_with_the_trainers_libraries_and_is_made_only_where_one_is_needed() -> None:
    torch = emit_images(SETTINGS, RUNTIME, LOCKS, servers=["server-torch"])

    assert torch["server-torch"].parent == "dependencies-trainer"
    assert [image.name for image in torch.images] == [*LIBRARIES, "server-torch", "trainer"]
    assert set(torch.references) == {"server-torch", "trainer"}
    assert set(images().references) == {"server", "trainer"}


def test_a_base_is_written_with_its_digest_or_without() -> None:
    name = "docker.io/library/python:3.11"

    assert Base.of(f"{name}@{DIGEST}") == Base(name, DIGEST)
    assert Base.of(f"{name}@{DIGEST}").reference == f"{name}@{DIGEST}"
    assert Base.of(name) == Base(name)


def test_libraries_are_installed_by_hash_and_never_built(every_kind: Images) -> None:
    for name in LIBRARIES:
        (install,) = re.findall(r"pip --python .*?requirements\.txt", dockerfile(name, every_kind), re.DOTALL)

        assert "--require-hashes --no-deps --only-binary=:all:" in install
        assert "--no-cache-dir" in install


def test_with_a_wheelhouse_no_index_is_asked() -> None:
    made = images(replace(SETTINGS, wheelhouse=True), code=CODE)

    for image in made.images:
        assert image.dockerfile.content.count("/pip --python") == image.dockerfile.content.count("--no-index")
    assert "--no-index" not in "".join(image.dockerfile.content for image in images().images)


def test_processes_run_as_a_user_that_is_not_root_and_start_the_runtime(every_kind: Images) -> None:
    for name in PROCESSES:
        lines = dockerfile(name, every_kind).splitlines()

        assert [line for line in lines if line.startswith("USER")] == ["USER 65532:65532"]
        assert lines[-1] == 'ENTRYPOINT ["python", "-m", "mlsystem_runtime"]'


def test_what_is_last_is_made_of_copies_alone(every_kind: Images) -> None:
    """No tool that built it is left in an image: only a stage that is thrown away runs commands."""
    for image in every_kind.images:
        last = image.dockerfile.content.rpartition("\nFROM ")[2]

        assert "RUN" not in last
        assert "COPY --from=build" in last


def test_an_image_says_where_it_comes_from(every_kind: Images) -> None:
    server, libraries = dockerfile("server", every_kind), dockerfile("dependencies-server", every_kind)

    assert 'org.opencontainers.image.source="https://example.com/r"' in server
    assert 'org.opencontainers.image.version="1.2.3"' in server
    assert 'dev.mlsystem.context="${CONTEXT_DIGEST}"' in server
    assert f'org.opencontainers.image.base.digest="{DIGEST}"' in libraries


def test_a_label_cannot_be_broken_out_of() -> None:
    text = dockerfile("server", images(replace(SETTINGS, source='https://example.com/"$(id)\n')))

    assert r'"https://example.com/\"\$(id)\n"' in text


def test_a_bill_of_materials_lists_what_the_lock_files_install_and_the_base() -> None:
    tree = ArtifactTree.of(images(code=CODE).files)
    document = json.loads(tree.content("images/trainer/sbom.cdx.json"))
    names = {(part["type"], part["name"]) for part in document["components"]}

    assert document["bomFormat"] == "CycloneDX"
    assert names == {
        ("container", SETTINGS.base.reference),
        *(("library", name) for name in ("mlsystem", "msgspec", "duckdb", "einops")),
    }


def test_this_installation_has_a_runtime_and_locks_for_it() -> None:
    runtime = runtime_source()

    assert {"mlsystem_runtime/__main__.py", "mlsystem_runtime/py.typed"} <= set(runtime)
    assert all(path.endswith((".py", "py.typed")) for path in runtime)
    assert "torch==" not in lock_files().server
    assert "torch==" in lock_files().trainer


def test_reading_and_hashing_the_runtime_costs_little() -> None:
    emit_images(SETTINGS, runtime_source(), lock_files())  # the template engine is loaded once
    costs = []
    for _ in range(5):
        began = time.process_time()
        made = emit_images(SETTINGS, runtime_source(), lock_files())
        assert made["server"].tag
        costs.append(time.process_time() - began)

    assert min(costs) < 0.05, f"{min(costs):.3f} s of processor time"


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_dockerfiles_have_no_findings_of_hadolint(every_kind: Images, tmp_path: Path) -> None:
    paths = []
    for image in every_kind.images:
        path = tmp_path / image.name
        path.write_text(image.dockerfile.content)
        paths.append(path)

    found = subprocess.run([str(HADOLINT), *map(str, paths)], capture_output=True, text=True, check=False)

    assert found.stdout == ""
    assert found.returncode == 0
