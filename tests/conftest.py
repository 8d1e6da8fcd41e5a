"""What all tests begin with."""

from __future__ import annotations

import signal

import pytest

# A shell starts what runs in the background deaf to interrupts, and children inherit that: some tests interrupt theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several processes none is left with what takes long when the others are done: it begins first. The rest of a
    file stays together, with what its tests share."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if not any(item.iter_markers("slow")) and not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: not any(item.iter_markers("slow")))
