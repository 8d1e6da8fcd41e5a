"""What an environment changes: maps merge by key, the rest replaces; a changed discriminator replaces its map."""

from __future__ import annotations

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Entry, Mapping, Scalar

DISCRIMINATORS = ("kind", "type")


def merge(base: Mapping, over: Mapping) -> Mapping:
    """`over` laid on `base`. Every value keeps the place where it was written, and a replaced one's key moves there."""
    entries = dict(base.entries)
    for name, entry in over.entries.items():
        there = entries.get(name)
        if there is not None and isinstance(there.value, Mapping) and isinstance(entry.value, Mapping):
            entries[name] = Entry(entry.key, _merge_or_replace(there.value, entry.value))
        else:
            entries[name] = entry
    return Mapping(entries, base.span)


def _merge_or_replace(base: Mapping, over: Mapping) -> Mapping:
    return over if any(_changed(base, over, name) for name in DISCRIMINATORS) else merge(base, over)


def _changed(base: Mapping, over: Mapping, name: str) -> bool:
    old, new = base.entries.get(name), over.entries.get(name)
    if old is None or new is None or not isinstance(old.value, Scalar) or not isinstance(new.value, Scalar):
        return False
    return bool(old.value.value != new.value.value)


def without_nulls(over: Mapping, report: Report) -> Mapping:
    """An override cannot take away: keys with nothing are reported and left out."""
    entries = {}
    for name, entry in over.entries.items():
        if isinstance(entry.value, Scalar) and entry.value.value is None:
            help = "write the value that holds here, or leave the key out"
            report.error("MLS041", f"an override cannot remove `{name}`", entry.key, help)
        elif isinstance(entry.value, Mapping):
            entries[name] = Entry(entry.key, without_nulls(entry.value, report))
        else:
            entries[name] = entry
    return Mapping(entries, over.span)
