from __future__ import annotations

import socket
import subprocess
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis_server import RedisServer, free_port, need_redis, redis_server

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features import redis_store
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.store import Change, Generation, Packed, StoreUnreachableError

KEYS = [number.to_bytes(4, "big") for number in range(3000)]
ROW = b"Ada Lovelace"


def generation(watermark_us: int, fingerprint: str = "one") -> Generation:
    return Generation(fingerprint, "group", "{}", watermark_us)


def put(store: RedisStore, watermark_us: int, *keys: bytes, body: bytes = b"1") -> None:
    new = generation(watermark_us)
    assert store.write(new, [Change(key, watermark_us, body, b"") for key in keys], (), store.generation("one"))


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own that a restart does not rob."""
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


def test_a_reader_goes_on_after_the_server_was_restarted(durable: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "PAUSE_S", 0.05)
    writer, reader = RedisStore(durable.url, "a", writable=True), RedisStore(durable.url, "a")
    put(writer, 1, b"a")
    assert reader.read("one", [b"a"]) == [Packed(b"1")]

    durable.stop()
    with pytest.raises(StoreUnreachableError, match=f"redis://127.0.0.1:{durable.port} cannot be read"):
        reader.read("one", [b"a"])
    durable.start()
    time.sleep(0.06)

    assert reader.read("one", [b"a"]) == [Packed(b"1")]
    writer.close()
    put(writer, 2, b"a", body=b"2")
    assert reader.read("one", [b"a"]) == [Packed(b"2")]


def test_a_restart_that_nobody_noticed_costs_a_reader_nothing(durable: RedisServer) -> None:
    writer, reader = RedisStore(durable.url, "a", writable=True), RedisStore(durable.url, "a")
    put(writer, 1, b"a")
    assert reader.read("one", [b"a"]) == [Packed(b"1")]

    durable.stop()
    durable.start()

    assert reader.read("one", [b"a"]) == [Packed(b"1")]


def test_states_that_the_server_lost_are_unreachable_until_they_are_made_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        writer, reader = RedisStore(server.url, "a", writable=True), RedisStore(server.url, "a")
        put(writer, 1, b"a")
        assert reader.read("one", [b"a"]) == [Packed(b"1")]
        server.client().flushall()

        with pytest.raises(StoreUnreachableError, match="holds nothing of the group"):
            reader.read("one", [b"a"])
        put(writer, 1, b"a")

        assert reader.read("one", [b"a"]) == [Packed(b"1")]


def test_a_server_that_does_not_answer_is_asked_again_only_after_a_pause() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}", "a")
        started = time.monotonic()
        with pytest.raises(StoreUnreachableError):
            reader.read("one", [b"a"])
        first = time.monotonic() - started
        for _ in range(100):
            with pytest.raises(StoreUnreachableError, match="a moment ago"):
                reader.read("one", [b"a"])

    assert first < 3 * redis_store.READ_TIMEOUT_S
    assert time.monotonic() - started < first + 0.2


@pytest.mark.parametrize("url", [
    "http://example:6379", "redis://", "redis://:hunter2@:6379", "redis://user:hunter2#@host:6379/0", "hunter2",
    "redis://:hunter2@host/0?socket_timeout=hunter2",
])  # fmt: skip
def test_an_address_that_is_none_is_refused_without_showing_what_it_holds(url: str) -> None:
    with pytest.raises(MlsystemError) as refused:
        RedisStore(url, "a").read("one", [b"a"])

    assert "address of the online store" in refused.value.message
    assert "hunter2" not in str(refused.value)


def test_a_wrong_password_is_reported_without_it(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "right") as server:
        wrong = server.url.replace("//", "//:hunter2@")
        with pytest.raises(StoreUnreachableError, match="cannot be read") as refused:
            RedisStore(wrong, "a").read("one", [b"a"])
        with pytest.raises(MlsystemError, match="cannot be written") as unwritten:
            RedisStore(wrong, "a", writable=True).drop("one")
        writer = RedisStore(server.url.replace("//", "//:right@"), "a", writable=True)
        put(writer, 1, b"a")

        assert writer.read("one", [b"a"]) == [Packed(b"1")]
    assert "hunter2" not in str(refused.value) + str(unwritten.value) + repr(refused.value.__cause__)


def test_a_full_server_takes_none_of_a_write(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        writer = RedisStore(server.url, "a", writable=True)
        put(writer, 1, b"a")
        with pytest.raises(MlsystemError, match="cannot be written"):
            put(writer, 2, b"a", *KEYS, body=bytes(4000))

        assert writer.read("one", [b"a", KEYS[0]]) == [Packed(b"1"), None]
        assert not [key for key in server.client().keys("*") if b"staged" in key]
        put(writer, 2, b"a", body=b"2")
        assert writer.read("one", [b"a"]) == [Packed(b"2")]


def test_what_a_server_refuses_is_told_without_the_rows(
    shared_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client quotes a refused command with its arguments."""
    writer, client = RedisStore(shared_redis.url, tmp_path.name, writable=True), shared_redis.client()
    put(writer, 1, b"a")
    client.set(f"mlsystem:{{{tmp_path.name}}}:staged:token", "no hash")
    monkeypatch.setattr("secrets.token_hex", lambda _: "token")
    with pytest.raises(MlsystemError, match="cannot be written: it answers with ResponseError") as unwritten:
        put(writer, 2, ROW, body=ROW)
    client.set(f"mlsystem:{{{tmp_path.name}}}:one:live", "no hash")
    for keys in ([ROW], [ROW] * 5000):
        with pytest.raises(StoreUnreachableError, match="cannot be read: it answers with ResponseError") as unread:
            writer.read("one", keys)
        assert "Ada" not in "".join(traceback.format_exception(unread.value))

    assert "Ada" not in "".join(traceback.format_exception(unwritten.value))


@pytest.mark.parametrize("damage", [b"", b"{", b'{"group":"Ada Lovelace"}', b"\xff", b'{"group":"\xff"}'])
def test_a_damaged_record_is_told_with_its_key_and_without_what_it_holds(
    shared_redis: RedisServer, tmp_path: Path, damage: bytes
) -> None:
    writer, client = RedisStore(shared_redis.url, tmp_path.name, writable=True), shared_redis.client()
    put(writer, 1, b"a")
    key = f"mlsystem:{{{tmp_path.name}}}:one:record"
    client.hset(key, "generation", damage)

    for ask in (
        lambda: writer.generation("one"), writer.generations, lambda: writer.write(generation(2), (), (), generation(1))
    ):
        with pytest.raises(MlsystemError, match=r"record of the group with fingerprint one .* is damaged") as told:
            ask()
        assert key in (told.value.hint or "")
        assert "Ada" not in "".join(traceback.format_exception(told.value))
    client.delete(key)
    put(writer, 2, b"a", body=b"2")
    assert writer.read("one", [b"a"]) == [Packed(b"2")]


def test_what_was_committed_answers_before_it_is_carried_over_and_the_next_writer_does_that(
    shared_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RedisStore(shared_redis.url, tmp_path.name, writable=True)
    put(writer, 1, *KEYS)
    reader = RedisStore(shared_redis.url, tmp_path.name)

    def cut_off(*_: Any) -> None:
        raise redis.ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(RedisStore, "_carry_over_all", cut_off)
        held = writer.generation("one")
        changes = [Change(key, 2, b"2", b"h") for key in KEYS[:2000]]
        assert writer.write(generation(2), changes, KEYS[2500:], held)
    after = [Packed(b"2", b"h")] * 2000 + [Packed(b"1")] * 500 + [None] * 500
    digests = {key: 2 if place < 2000 else 1 for place, key in enumerate(KEYS[:2500])}
    assert reader.read("one", KEYS) == after
    assert reader.digests("one") == digests

    put(RedisStore(shared_redis.url, tmp_path.name, writable=True), 3, KEYS[2999], body=b"3")

    assert reader.read("one", KEYS) == [*after[:-1], Packed(b"3")]
    assert reader.digests("one") == digests | {KEYS[2999]: 3}
    client = shared_redis.client()
    keys = {key.decode().rpartition(":")[2] for key in client.keys(f"mlsystem:{{{tmp_path.name}}}*")}
    assert keys == {"record", "live", "generations"}
    assert client.hlen(f"mlsystem:{{{tmp_path.name}}}:one:live") == 2501


def test_what_a_killed_writer_had_staged_expires_and_what_is_committed_does_not(
    shared_redis: RedisServer, tmp_path: Path
) -> None:
    writer, client = RedisStore(shared_redis.url, tmp_path.name, writable=True), shared_redis.client()
    put(writer, 1, b"a")
    put(writer, 2, b"a", b"b")
    expiries: list[int] = []

    def looking() -> Iterator[Change]:
        yield from (Change(key, 3, b"3", b"") for key in KEYS)
        expiries.extend(client.ttl(key) for key in client.keys(f"mlsystem:{{{tmp_path.name}}}:staged:*"))

    assert writer.write(generation(3), looking(), (), generation(2))

    assert len(expiries) == 1
    assert 0 < expiries[0] <= redis_store.STAGED_S
    assert {client.ttl(key) for key in client.keys(f"mlsystem:{{{tmp_path.name}}}*")} == {-1}


def test_a_write_whose_staged_states_were_evicted_is_refused_whole(shared_redis: RedisServer, tmp_path: Path) -> None:
    writer, client = RedisStore(shared_redis.url, tmp_path.name, writable=True), shared_redis.client()
    put(writer, 1, b"a")

    def evicted() -> Iterator[Change]:
        yield from (Change(key, 2, b"2", b"") for key in KEYS[:1500])
        client.delete(*client.keys(f"mlsystem:{{{tmp_path.name}}}:staged:*"))
        yield from (Change(key, 2, b"2", b"") for key in KEYS[1500:])

    with pytest.raises(MlsystemError, match="evicted, or has expired"):
        writer.write(generation(2), evicted(), (), generation(1))

    assert writer.generation("one") == generation(1)
    assert writer.read("one", [b"a", *KEYS[:2]]) == [Packed(b"1"), None, None]


def test_systems_on_one_server_do_not_see_each_other(shared_redis: RedisServer, tmp_path: Path) -> None:
    ours = RedisStore(shared_redis.url, f"{tmp_path.name}/dev", writable=True)
    theirs = RedisStore(shared_redis.url, f"{tmp_path.name}/prod", writable=True)
    put(ours, 1, b"a")

    assert theirs.generations() == ()
    theirs.drop("one")
    assert ours.read("one", [b"a"]) == [Packed(b"1")]


def test_a_read_of_many_keys_is_one_round_trip(shared_redis: RedisServer, tmp_path: Path) -> None:
    writer, client = RedisStore(shared_redis.url, tmp_path.name, writable=True), shared_redis.client()
    put(writer, 1, *KEYS)
    writer.read("one", KEYS[:1])
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]

    writer.read("one", KEYS)

    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_a_server_that_forgot_the_scripts_is_told_again(shared_redis: RedisServer, tmp_path: Path) -> None:
    writer = RedisStore(shared_redis.url, tmp_path.name, writable=True)
    put(writer, 1, *KEYS)
    shared_redis.client().script_flush()

    assert writer.read("one", KEYS * 2) == [Packed(b"1")] * (2 * len(KEYS))
    shared_redis.client().script_flush()
    put(writer, 2, *KEYS)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A folder with ca.pem, and server.pem and server.key for 127.0.0.1."""
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    need_redis()
    (tmp_path / "san").write_text("subjectAltName=IP:127.0.0.1")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "csr", "-subj", "/CN=redis")
    openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "server.pem", "-extfile", "san")
    return tmp_path


def test_rediss_is_encrypted_and_the_certificate_is_checked(authority: Path) -> None:
    tls = free_port()
    files = ("--tls-cert-file", "server.pem", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.pem")
    with redis_server(authority, "--tls-port", str(tls), "--tls-auth-clients", "no", *files):
        url = f"rediss://127.0.0.1:{tls}/0"
        writer = RedisStore(f"{url}?ssl_ca_certs={authority / 'ca.pem'}", "a", writable=True)
        put(writer, 1, b"a")

        assert writer.read("one", [b"a"]) == [Packed(b"1")]
        with pytest.raises(StoreUnreachableError, match=f"rediss://127.0.0.1:{tls} cannot be read.*certificate"):
            RedisStore(url, "a").read("one", [b"a"])
