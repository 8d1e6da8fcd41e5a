"""The state of an entity as one text, for stores that keep texts by key."""

from __future__ import annotations

from collections.abc import Mapping

from mlsystem_runtime.features.store import Change, Packed


def digest_bytes(digest: int) -> bytes:
    """8 bytes, with which the text of a state starts."""
    return digest.to_bytes(8, "big", signed=True)


def digest_of(state: bytes) -> int:
    return int.from_bytes(state[:8], "big", signed=True)


def packed(change: Change, bodies: Mapping[bytes, bytes]) -> bytes:
    """Digest (8 bytes), length of the body (4), body, head."""
    body = bodies[change.key] if change.body is None else change.body
    return digest_bytes(change.digest) + len(body).to_bytes(4, "big") + body + change.head


def unpacked(state: bytes | None) -> Packed | None:
    """Nothing, or an empty text, is no state."""
    if not state:
        return None
    end = 12 + int.from_bytes(state[8:12], "big")
    return Packed(state[12:end], state[end:])
