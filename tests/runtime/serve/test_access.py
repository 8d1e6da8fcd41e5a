"""Who may ask, how often, and what nobody ever reads of it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import SECRET_FOLDER
from mlsystem_runtime.contract.secrets import FollowedSecret
from mlsystem_runtime.serve import access
from mlsystem_runtime.serve.access import Access, Quota, Tokens, read_clients
from mlsystem_runtime.serve.refused import RefusedError

ALICE, BOB, EVE = "alice-0123456789abcdef", "bob-0123456789abcdef", "eve-0123456789abcdef"


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def tokens(text: str) -> Tokens:
    return Tokens(FollowedSecret("TOKENS", {"TOKENS": text}))


def nobody(client: str, outcome: str) -> None:
    """Counts nothing."""


def access_of(*held: Tokens, others: tuple[Tokens, ...] = (), count: Callable[[str, str], None] = nobody) -> Access:
    return Access(held, others, count)


def asked(guard: Access, **headers: str) -> str | int:
    """The client's name, or the status of the refusal."""
    try:
        return guard.check({name.replace("_", "-").encode(): value.encode() for name, value in headers.items()})
    except RefusedError as refused:
        return refused.status


def test_a_client_is_known_by_its_token_in_either_header():
    guard = access_of(tokens(f"alice: {ALICE}\nbob: {BOB}"))

    assert asked(guard, authorization=f"Bearer {ALICE}") == "alice"
    assert asked(guard, authorization=f"bearer  {BOB} ") == "bob"
    assert asked(guard, x_api_key=BOB) == "bob"
    assert asked(guard, authorization="Basic cHJveHk6eA==", x_api_key=BOB) == "bob"


@pytest.mark.parametrize("headers", [
    {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": ALICE}, {"x_api_key": ""},
    {"authorization": f"Bearer {EVE}"}, {"authorization": f"Bearer {ALICE[:-1]}"}, {"x_api_key": f"{ALICE}x"},
    {"authorization": f"Bearer {EVE}", "x_api_key": ALICE},
])  # fmt: skip
def test_nobody_else_is_let_in(headers):
    assert asked(access_of(tokens(ALICE)), **headers) == 401


def test_a_token_for_another_model_is_forbidden_rather_than_unknown():
    assert asked(access_of(tokens(ALICE), others=(tokens(BOB),)), x_api_key=BOB) == 403


def test_every_token_is_compared_wherever_the_right_one_stands(monkeypatch):
    compared = []
    compare = access.hmac.compare_digest
    monkeypatch.setattr(access.hmac, "compare_digest", lambda one, other: compared.append(one) or compare(one, other))
    guard = access_of(tokens(f"{ALICE}\n{BOB}\n{EVE}"))
    counts = []
    for token in (ALICE, BOB, EVE, "no-such-token-at-all"):
        compared.clear()
        asked(guard, x_api_key=token)
        counts.append((len(compared), {len(digest) for digest in compared}))

    assert counts == [(3, {32})] * 4


def test_lines_have_names_quotas_and_comments():
    clients = read_clients(f"# of the shop\nalice: {ALICE} 20rps  # web\n\n{BOB}, eve:{EVE}")

    assert [(one.name, one.quota and one.quota.rate) for one in clients] == [
        ("alice", 20.0), ("unnamed", None), ("eve", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [
    ("hunter2", "line 1 is not a token"),
    (f"{ALICE}\nalice; hunter2-hunter2-hunter2", "line 2 is not a token"),
    (f"{ALICE} 0rps", "line 1 is not a token"),
    (f"{ALICE} fast", "line 1 is not a token"),
    (f"alice: {ALICE}\nbob: {ALICE}", "line 2 repeats a token"),
    (f"alice: {ALICE} 1rps\nalice: {BOB} 2rps", "line 2 gives 'alice' another quota"),
    ("# nobody", "it holds no token"),
])
def test_a_damaged_line_is_named_by_its_number_and_never_shown(text, message):
    with pytest.raises(MlsystemError, match=message) as refused:
        tokens(text)

    assert "'TOKENS'" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("hunter2", ALICE, BOB))


def test_a_secret_without_a_value_refuses_to_start():
    with pytest.raises(MlsystemError, match="secret 'TOKENS' has no value"):
        Tokens(FollowedSecret("TOKENS", {}))


def test_a_quota_lets_its_rate_through_and_says_exactly_when_the_next_may_come():
    clock = Clock()
    quota = Quota(10.0, clock)
    first = [quota.take() for _ in range(11)]
    clock.seconds = first[-1]

    assert first == [0.0] * 10 + [pytest.approx(0.1)]
    assert quota.take() == 0.0
    assert quota.take() == pytest.approx(0.1)


def test_a_quota_saves_up_for_one_second_only():
    clock = Clock()
    quota = Quota(5.0, clock)
    clock.seconds = 3600.0

    assert [quota.take() > 0 for _ in range(6)] == [False] * 5 + [True]


def test_a_rate_below_one_a_second_still_lets_one_through():
    clock = Clock()
    quota = Quota(0.1, clock)

    assert (quota.take(), quota.take()) == (0.0, pytest.approx(10.0))


def test_beyond_its_quota_a_client_is_told_when_to_come_again_and_others_are_not_hit():
    guard = access_of(tokens(f"alice: {ALICE} 1rps\nbob: {BOB}"))
    asked(guard, x_api_key=ALICE)
    with pytest.raises(RefusedError) as refused:
        guard.check({b"x-api-key": ALICE.encode()})

    assert refused.value.status == 429
    assert 0 < refused.value.retry_after <= 1
    assert asked(guard, x_api_key=BOB) == "bob"


def test_processes_share_a_quota_in_equal_parts():
    (client,) = read_clients(f"alice: {ALICE} 8rps", parts=4)

    assert client.quota.rate == 2.0


def test_what_became_of_requests_is_counted_by_client():
    counts = Counter[tuple[str, str]]()
    held, others = tokens(f"alice: {ALICE} 1rps"), (tokens(f"bob: {BOB}"),)
    guard = access_of(held, others=others, count=lambda *counted: counts.update([counted]))
    for token in (ALICE, ALICE, BOB, EVE, ""):
        asked(guard, x_api_key=token)

    once = [("alice", "ok"), ("alice", "quota"), ("bob", "forbidden"), ("", "unknown_token"), ("", "no_token")]
    assert counts == dict.fromkeys(once, 1)


@pytest.fixture
def mounted(tmp_path):
    (tmp_path / "TOKENS").write_text(f"alice: {ALICE} 1rps")
    return tmp_path / "TOKENS", Tokens(FollowedSecret("TOKENS", {SECRET_FOLDER: str(tmp_path)}))


def test_a_rotated_file_lets_new_tokens_in_and_ends_the_old_ones(mounted):
    path, held = mounted
    guard = access_of(held)
    path.write_text(f"bob: {BOB}\n")
    held.refresh()

    assert (asked(guard, x_api_key=ALICE), asked(guard, x_api_key=BOB)) == (401, "bob")


def test_a_client_that_changes_its_token_keeps_what_is_left_of_its_quota(mounted):
    path, held = mounted
    guard = access_of(held)
    first = asked(guard, x_api_key=ALICE)
    path.write_text(f"alice: {ALICE} 1rps\nalice: {EVE} 1rps\n")
    held.refresh()

    assert (first, asked(guard, x_api_key=EVE)) == ("alice", 429)


@pytest.mark.parametrize("damage", ["", "hunter2", "# nobody\n", None])
def test_a_damaged_file_leaves_the_last_good_tokens_in_force_and_is_told_once(mounted, damage, caplog):
    path, held = mounted
    path.unlink()
    if damage is not None:
        path.write_text(damage)
    caplog.set_level(logging.INFO)
    for _ in range(3):
        held.refresh()

    assert asked(access_of(held), x_api_key=ALICE) == "alice"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "hunter2" not in caplog.text


def test_nothing_that_is_said_of_tokens_shows_one(mounted, caplog):
    path, held = mounted
    caplog.set_level(logging.DEBUG)
    path.write_text(f"bob: {BOB} 1rps\n")
    held.refresh()
    said = [caplog.text, repr(held.clients), repr(vars(held)), repr(vars(held.clients[0].quota))]

    assert not any(token in text for token in (ALICE, BOB) for text in said)
