"""A page as a browser shows it: Debian's chromium without a window and without a network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ALONE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"


def chromium() -> str:
    """Skips the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is absent")
    return found


def screenshot(page: Path, width: int, height: int, *flags: str) -> Path:
    picture = page.with_suffix(f".{width}{'-dark' if DARK in flags else ''}.png")
    run(page, f"--screenshot={picture}", f"--window-size={width},{height}", *flags)
    return picture


def text_of(page: Path, *flags: str) -> str:
    """The document as the browser has it after loading it."""
    return run(page, "--dump-dom", *flags)


def run(page: Path, *flags: str) -> str:
    command = [chromium(), *ALONE, f"--user-data-dir={page.parent / 'profile'}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
