"""The bill of materials of an image, CycloneDX 1.5 as JSON: what its lock files install, and what it begins with.

https://cyclonedx.org/docs/1.5/json. No serial number and no time: the same lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+-]+)")


@dataclass(frozen=True)
class Component:
    """One pinned library of the package index."""

    name: str
    version: str


def components(lock: str) -> Iterator[Component]:
    """Of a lock file as pip reads it: `name==version` begins a line, hashes stand on indented ones."""
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            yield Component(pinned[1], pinned[2])


def bill_of_materials(name: str, base: str, parts: Sequence[Component]) -> str:
    """Of the image `name`, which begins with `base`."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": name, "name": name}},
        "components": [
            {"type": "container", "bom-ref": base, "name": base},
            *(_library(one) for one in sorted(parts, key=lambda one: one.name)),
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _library(one: Component) -> dict[str, Any]:
    address = f"pkg:pypi/{one.name.lower().replace('_', '-')}@{one.version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": one.name,
        "version": one.version,
        "purl": address,
    }
