"""Sequences of requests that schemathesis makes up from a schema, right and wrong ones, for as long as there is time.

What fails is kept in a folder, each request in a file of its own, without the token, and can be sent again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).resolve().parent.parent / "schemathesis.toml"
CHECKS = "not_a_server_error"
CRASHES = "crashes"
BOUND_SECONDS, SLACK_SECONDS, MOST_SHOWN = 5.0, 120.0, 3000


@dataclass(frozen=True)
class Made:
    """How many requests were made up, and what failed in words: empty where nothing did."""

    requests: int
    failed: str


def fuzzed(schema: Path, url: str, headers: Mapping[str, str], seed: int, seconds: float, kept: Path) -> Made:
    """An answer that takes BOUND_SECONDS is a failure."""
    kept.mkdir(parents=True, exist_ok=True)
    return _said(
        kept, seconds + SLACK_SECONDS, "fuzz", str(schema), "--url", url, *_with(headers), "--checks", CHECKS,
        "--seed", str(seed), "--max-time", str(max(1, round(seconds))), "--request-timeout", str(BOUND_SECONDS),
        "--generation-database", "none",
    )  # fmt: skip


def replayed(schema: Path, url: str, headers: Mapping[str, str], kept: Path) -> Made:
    """The kept requests, and what of them fails still."""
    if not any(kept.rglob(f"{CRASHES}/*")):
        return Made(0, "")
    return _said(
        kept, SLACK_SECONDS, "replay", "--keep", "--schema-location", str(schema), "--url", url, *_with(headers))


def _with(headers: Mapping[str, str]) -> list[str]:
    return [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]


def _said(folder: Path, seconds: float, *arguments: str) -> Made:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=seconds, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Made(0, f"schemathesis did not end within {seconds:g} s")
    counted = re.search(r"(\d+) generated|Replaying (\d+)", done.stdout)
    requests = int(counted[1] or counted[2]) if counted else 0
    return Made(requests, "" if done.returncode == 0 else done.stdout[-MOST_SHOWN:])
