"""The release behind one protocol: what the file of a workspace promises, a ConfigMap promises too."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import pytest
from fake_api_server import FakeApiServer, fake_api_server

from mlsystem_runtime.contract.api_server import ApiServer, ApiServerUnreachableError, api_server
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore, labels_of, open_releases
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import FileLedger
from mlsystem_runtime.contract.names import KUBERNETES_API
from mlsystem_runtime.contract.release import EMPTY, ModelRelease, Release, Share
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.releases import release_version, rollback
from mlsystem_runtime.contract.workspace import Workspace

KEY = "prod/flights-release"


def release(serial: int, version: int = 1) -> Release:
    return Release(serial, {"main": ModelRelease("salt", (Share(version, 1.0),))})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(str(tmp_path))
    for model in ("main", *(f"model{number}" for number in range(4))):
        for version in (1, 2, 3):
            made.version(model, version).mkdir(parents=True)
    return made


@pytest.fixture
def api() -> Iterator[FakeApiServer]:
    with fake_api_server() as server:
        yield server


def configmap(api: FakeApiServer) -> ConfigMapReleaseStore:
    return ConfigMapReleaseStore(ApiServer(api.url), *KEY.split("/"), labels_of("flights-release", "production"))


@pytest.fixture(params=["file", "configmap"])
def store(request: pytest.FixtureRequest, workspace: Workspace) -> ReleaseStore:
    return FileReleaseStore(workspace) if request.param == "file" else configmap(request.getfixturevalue("api"))


@contextmanager
def noticed(store: ReleaseStore) -> Iterator[Callable[[int], float]]:
    """Gives a function that waits until the store holds that serial, having heard of a change; the seconds it took."""
    heard = threading.Event()
    with store.watch(heard.set):
        def wait_for(serial: int) -> float:
            started = time.monotonic()
            while time.monotonic() - started < 10:
                assert heard.wait(10)
                heard.clear()
                if store.read().release.serial == serial:
                    return time.monotonic() - started
            raise AssertionError(f"serial {serial} never came")

        yield wait_for


def test_nothing_was_released_at_first(store: ReleaseStore) -> None:
    assert (store.read().release, store.read().token) == (EMPTY, "")


def test_what_was_written_is_read(store: ReleaseStore) -> None:
    assert store.write(release(1), "")
    assert store.write(release(2), store.read().token)

    assert store.read().release == release(2)


def test_of_two_that_change_the_same_release_the_second_is_refused(store: ReleaseStore) -> None:
    first = store.read().token
    assert store.write(release(1), first)
    second = store.read().token
    assert store.write(release(2), second)

    for old in (first, second):
        assert not store.write(release(9), old)
    assert store.read().release == release(2)


def test_releases_of_several_models_at_once_all_count(store: ReleaseStore, workspace: Workspace) -> None:
    def run(model: str) -> None:
        for version in (1, 2, 3):
            release_version(workspace, model, version, "gates passed", "apply", store)

    threads = [threading.Thread(target=run, args=(f"model{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    held = store.read().release
    assert held.serial == 12
    assert {model: one.champion for model, one in held.models.items()} == {f"model{number}": 3 for number in range(4)}
    assert [entry.body.serial for entry in FileLedger(workspace.ledger).entries()] == list(range(1, 13))


def test_a_rollback_goes_through_the_store(store: ReleaseStore, workspace: Workspace) -> None:
    for version in (1, 2):
        release_version(workspace, "main", version, "gates passed", "apply", store)

    rolled_back = rollback(workspace, "main", None, "me", store)

    assert rolled_back == store.read().release
    assert rolled_back.models["main"].champion == 1


def test_a_change_is_noticed_within_a_second_and_so_is_the_next(store: ReleaseStore) -> None:
    with noticed(store) as wait_for:
        for serial in (1, 2, 3):
            assert store.write(release(serial), store.read().token)

            assert wait_for(serial) < 1.0


def test_watching_ends_at_once(store: ReleaseStore) -> None:
    assert store.write(release(1), "")
    before = threading.active_count()
    with noticed(store) as wait_for:
        wait_for(1)
        started = time.monotonic()

    assert time.monotonic() - started < 0.5
    assert "release" not in {thread.name for thread in threading.enumerate()}
    assert threading.active_count() <= before + 2


def test_a_damaged_release_says_how_to_make_a_new_one(api: FakeApiServer, workspace: Workspace) -> None:
    workspace.release.write_text('{"serial":')
    api.put(KEY, {"metadata": {"name": "flights-release"}, "data": {"release.json": '{"serial":'}})

    for store in (FileReleaseStore(workspace), configmap(api)):
        with pytest.raises(MlsystemError, match="cannot be read") as damaged:
            store.read()
        assert damaged.value.hint is not None
        assert "rollback --to" in damaged.value.hint


def test_the_configmap_is_made_with_the_labels_of_the_system_and_keeps_what_others_wrote(api: FakeApiServer) -> None:
    store = configmap(api)
    store.write(release(1), "")
    made = api.held[KEY]
    assert made["metadata"]["labels"]["app.kubernetes.io/instance"] == "flights-production"
    assert made["metadata"]["labels"]["mlsystem.dev/environment"] == "production"
    assert json.loads(made["data"]["release.json"])["serial"] == 1
    api.put(KEY, {**made, "metadata": {**made["metadata"], "annotations": {"note": "theirs"}}})

    assert store.write(release(2), store.read().token)

    assert api.held[KEY]["metadata"]["annotations"] == {"note": "theirs"}
    assert api.held[KEY]["metadata"]["labels"] == made["metadata"]["labels"]


@pytest.mark.parametrize("exists", [False, True])
def test_a_write_that_is_overtaken_on_its_way_is_refused_and_made_again(
    api: FakeApiServer, workspace: Workspace, exists: bool
) -> None:
    store = configmap(api)
    if exists:
        store.write(release(1), "")
    serial = store.read().release.serial

    def overtake() -> None:
        api.overtake = None
        other = Release(serial + 1, {"other": ModelRelease("s", (Share(7, 1.0),))})
        api.put(KEY, {"metadata": {"name": "flights-release"}, "data": {"release.json": json.dumps(
            {"serial": other.serial, "models": {"other": {"salt": "s", "shares": [{"version": 7, "share": 1.0}]}}})}})

    api.overtake = overtake
    made = release_version(workspace, "main", 3, "gates passed", "apply", store)

    assert made.serial == serial + 2
    assert {model: one.champion for model, one in made.models.items()} == {"other": 7, "main": 3}


def test_a_configmap_that_is_deleted_on_the_way_is_made_again(api: FakeApiServer, workspace: Workspace) -> None:
    store = configmap(api)
    store.write(release(1), "")

    def overtake() -> None:
        api.overtake = None
        del api.held[KEY]

    api.overtake = overtake
    release_version(workspace, "main", 3, "gates passed", "apply", store)

    assert store.read().release.models["main"].champion == 3


def test_an_answer_that_is_no_text_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xff")

        threading.Thread(target=babble, daemon=True).start()

        with pytest.raises(ApiServerUnreachableError):
            ApiServer(f"http://127.0.0.1:{listener.getsockname()[1]}").ask("GET", "/api")


def test_a_watch_that_the_server_ends_is_taken_up_again(api: FakeApiServer) -> None:
    store = configmap(api)
    store.write(release(1), "")
    with noticed(store) as wait_for:
        wait_for(1)
        for serial in (2, 3):
            api.end_watches()
            assert store.write(release(serial), store.read().token)

            assert wait_for(serial) < 1.0


def test_a_watch_survives_a_restart_of_the_api_server(api: FakeApiServer, caplog: pytest.LogCaptureFixture) -> None:
    store = configmap(api)
    store.write(release(1), "")
    with noticed(store) as wait_for:
        wait_for(1)
        api.stop()
        with pytest.raises(ApiServerUnreachableError, match="does not answer"):
            store.read()
        time.sleep(0.3)
        api.start()
        assert store.write(release(2), store.read().token)

        assert wait_for(2) < 5.0
    assert "the release is not watched" in caplog.text


def test_where_it_may_not_watch_it_asks_again_and_again(api: FakeApiServer) -> None:
    api.watching = False
    store = configmap(api)
    with noticed(store) as wait_for:
        store.write(release(1), "")

        assert wait_for(1) < 2.0


def test_a_refused_request_says_what_to_do(api: FakeApiServer) -> None:
    api.refusing = 403

    with pytest.raises(MlsystemError, match=r"refused to read configmap://prod/.* with 403: not now") as told:
        configmap(api).read()

    assert told.value.hint is not None
    assert "Role" in told.value.hint


def test_the_token_of_the_account_is_read_again_for_every_request(api: FakeApiServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    bearer = ApiServer(api.url, headers=lambda: {"authorization": f"Bearer {token.read_text().strip()}"})
    store = ConfigMapReleaseStore(bearer, "prod", "flights-release", {})
    api.token = "first"
    assert store.write(release(1), "")
    api.token = "second"
    with pytest.raises(MlsystemError, match="401"):
        store.read()
    token.write_text("second")

    assert store.read().release == release(1)


def test_a_pod_finds_its_api_server(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="let the pod mount its token"):
        api_server({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)
    (tmp_path / "ca.crt").write_bytes(Path(certifi.where()).read_bytes())
    (tmp_path / "token").write_text("secret\n")

    found = api_server({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, tmp_path)
    over_ipv6 = api_server({"KUBERNETES_SERVICE_HOST": "fd00::1"}, tmp_path)

    assert (found.url, found.headers()) == ("https://10.0.0.1:6443", {"authorization": "Bearer secret"})
    assert found.tls is not None
    assert over_ipv6.url == "https://[fd00::1]:443"
    assert api_server({KUBERNETES_API: "http://localhost:8001"}) == ApiServer("http://localhost:8001")
    with pytest.raises(MlsystemError, match="does not run in a cluster"):
        api_server({})


def test_the_address_says_which_store_it_is(workspace: Workspace, api: FakeApiServer) -> None:
    environ = {KUBERNETES_API: api.url}

    assert isinstance(open_releases(None, workspace, "dev", environ), FileReleaseStore)
    opened = open_releases(f"configmap://{KEY}", workspace, "dev", environ)
    assert opened.write(release(1), "")
    assert api.held[KEY]["metadata"]["labels"]["app.kubernetes.io/instance"] == "flights-dev"
    for wrong in ("configmap://prod", "configmap://prod/", "s3://bucket/release.json", "configmap://a/b/c"):
        with pytest.raises(MlsystemError, match="no place of a release"):
            open_releases(wrong, workspace, "dev", environ)
