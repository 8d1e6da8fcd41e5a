"""The generated contexts, built by a real tool from a wheelhouse, pushed to a registry on loopback, and run."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from engines.images import BASE, Storage, new_storage, pack_wheel
from engines.recipes import is_built
from oci_registry import StoredRegistry, oci_registry

from mlsystem.apply.events import nobody
from mlsystem.apply.image_tool import find_tool
from mlsystem.apply.images import ImageBuilder
from mlsystem.apply.registry import RemoteRegistry
from mlsystem.emit.images import Base, Code, Images, ImageSettings, Locks, emit_images
from mlsystem.emit.tree import ArtifactTree
from mlsystem.emit.vendored import runtime_source
from mlsystem.errors import MlsystemError


@dataclass(frozen=True)
class Workshop:
    """A folder of generated files, wheels, and what builds images of them. The locks hold as little as starts; `code`
    stands for the user's own."""

    folder: Path
    storage: Storage
    registry: StoredRegistry
    locks: Locks
    code: Code

    def images(self, locks: Locks | None = None, runtime: dict[str, str] | None = None) -> Images:
        settings = ImageSettings(
            system="flights", registry=f"{self.registry.host}/ml", base=Base(BASE), version="1.2.3", wheelhouse=True
        )
        made = emit_images(settings, runtime or runtime_source(), locks or self.locks, self.code)
        for artifact in ArtifactTree.of(made.files):
            path = self.folder / "tree" / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.content)
        return made

    @property
    def builder(self) -> ImageBuilder:
        environ = self.storage.environ
        return ImageBuilder(
            tool=find_tool(self.folder / "logs", environ),
            registry=RemoteRegistry(environ),
            tree=self.folder / "tree",
            environ=environ,
            wheelhouse=self.folder / "wheels",
        )


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    if not is_built("images"):
        pytest.skip("engine 'images' is not built: make engines")
    if os.geteuid() != 0:
        pytest.skip("building images in a chroot needs root")
    folder = tmp_path_factory.mktemp("images")
    (folder / "wheels").mkdir()
    server, trainer, mine = (pack_wheel(name, folder / "wheels") for name in ("msgspec", "tzdata", "iniconfig"))
    code = Code({"mine.py": "from iniconfig import IniConfig\n"}, requirements=mine)
    with oci_registry(StoredRegistry()) as registry:
        yield Workshop(folder, new_storage(folder / "storage"), registry, Locks(server, trainer), code)
    subprocess.run(["rm", "-rf", folder / "storage"], check=True)


@pytest.fixture(scope="module")
def made(workshop: Workshop) -> Images:
    """Built and pushed once, for all tests here."""
    images = workshop.images()
    assert len(workshop.builder.make(images, nobody)) == 4
    return images


def config(workshop: Workshop, reference: str) -> dict[str, object]:
    inspected = json.loads(workshop.storage.buildah("inspect", "--type", "image", reference))
    found = inspected["OCIv1"]["config"]
    assert isinstance(found, dict)
    return found


def test_server_and_trainer_start_as_a_user_that_is_not_root(workshop: Workshop, made: Images) -> None:
    for name in ("server", "trainer"):
        said = workshop.storage.run(made[name].reference, "python", "-m", "mlsystem_runtime", "serve", "--help")
        user = workshop.storage.run(made[name].reference, "id", "-u")

        assert "--workspace" in said
        assert user == "65532"


def test_the_trainer_has_the_servers_libraries_its_own_and_the_users_code(workshop: Workshop, made: Images) -> None:
    """To a server in torch each model brings the code that it was trained with; one in ONNX Runtime runs a graph."""
    names = ("msgspec", "tzdata", "mine", "iniconfig")
    script = f"import importlib.util as u; print([u.find_spec(name) is not None for name in {names}])"
    used = (
        "from pathlib import Path; from mlsystem_runtime.contract.code import IN_IMAGE, read_code; "
        "from mlsystem_runtime.train.imported import Snapshot; folder = Path(IN_IMAGE); "
        "print(Snapshot(folder, read_code(folder)).function('mine:IniConfig').__name__)"
    )

    assert workshop.storage.run(made["server"].reference, "python", "-c", script) == "[True, False, False, False]"
    assert workshop.storage.run(made["trainer"].reference, "python", "-c", script) == "[True, True, False, True]"
    assert workshop.storage.run(made["trainer"].reference, "python", "-c", used) == "IniConfig"


def test_everything_is_compiled_before_the_root_becomes_read_only(workshop: Workshop, made: Images) -> None:
    script = (
        "import os, sys, mlsystem_runtime.contract.run; "
        "found = [m.__cached__ for m in sys.modules.values() if (getattr(m, '__file__', '') or '').startswith('/opt/')"
        " and m.__file__.endswith('.py') and '_distutils' not in m.__file__]; "
        "print(len(found) > 10, [path for path in found if not os.path.exists(path)])"
    )

    assert workshop.storage.run(made["trainer"].reference, "python", "-c", script) == "True []"


def test_nothing_that_built_an_image_is_in_it(workshop: Workshop, made: Images) -> None:
    trainer = made["trainer"].reference
    said = workshop.storage.run(trainer, "sh", "-c", "ls /opt /opt/mlsystem/bin; ls -A /tmp /run")

    assert "pip" not in said
    assert "wheelhouse" not in said
    assert "requirements" not in said
    assert workshop.storage.run(trainer, "sh", "-c", "command -v gcc pip pulumi uv || echo none") == "none"


def test_an_image_carries_the_digest_of_its_context_and_its_command(workshop: Workshop, made: Images) -> None:
    found = config(workshop, made["server"].reference)

    assert found["Entrypoint"] == ["python", "-m", "mlsystem_runtime"]
    assert found["User"] == "65532:65532"
    assert isinstance(found["Labels"], dict)
    assert found["Labels"]["dev.mlsystem.context"] == made["server"].context_digest
    assert found["Labels"]["org.opencontainers.image.base.name"] == BASE


def test_server_and_trainer_share_the_layers_of_the_servers_libraries(workshop: Workshop, made: Images) -> None:
    layers = {}
    for image in made.images:
        inspected = json.loads(workshop.storage.buildah("inspect", "--type", "image", image.reference))
        layers[image.name] = inspected["OCIv1"]["rootfs"]["diff_ids"]
    shared = layers["dependencies-server"]

    assert layers["server"][: len(shared)] == layers["trainer"][: len(shared)] == shared
    assert layers["server"] != shared


def test_what_is_in_the_registry_is_not_built_again(workshop: Workshop, made: Images) -> None:
    asked = len(workshop.registry.asked)

    assert workshop.builder.make(made, nobody) == ()
    assert all(one.startswith("HEAD") for one in workshop.registry.asked[asked:])


def test_a_library_with_another_hash_is_refused_and_the_message_says_so(workshop: Workshop, made: Images) -> None:
    wrong = Locks(f"{workshop.locks.server.partition('sha256:')[0]}sha256:{'0' * 64}\n", workshop.locks.trainer)

    with pytest.raises(MlsystemError, match=r"(?s)build dependencies-server.*DO NOT MATCH THE HASHES"):
        workshop.builder.make(workshop.images(wrong), nobody)


def test_an_image_is_saved_under_its_name_for_a_node_without_a_registry(
    workshop: Workshop, made: Images, tmp_path: Path
) -> None:
    archive, server = tmp_path / "server.tar", made["server"]
    workshop.builder.tool.save(server.reference, archive, nobody)

    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        (manifest,) = json.load(index)["manifests"]
    assert manifest["annotations"]["org.opencontainers.image.ref.name"] == server.reference


def test_pushed_libraries_are_what_another_machine_builds_on(workshop: Workshop, made: Images, tmp_path: Path) -> None:
    """One that has only the base: it pulls the libraries and builds the new runtime on them."""
    elsewhere = replace(workshop, storage=new_storage(tmp_path / "storage"))
    after = elsewhere.images(runtime={**runtime_source(), "mlsystem_runtime/newer.py": ""})
    try:
        assert [image.name for image in elsewhere.builder.make(after, nobody)] == ["server", "trainer"]
        assert elsewhere.storage.run(after["server"].reference, "python", "-c", "import mlsystem_runtime.newer") == ""
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "storage"], check=True)
