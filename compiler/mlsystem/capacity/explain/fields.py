"""Takes fields out of a Kubernetes object, and notes what is wrong, and what is written where nobody reads it."""

from __future__ import annotations

from collections.abc import Mapping as Table
from decimal import Decimal
from typing import TypeVar

from mlsystem.capacity.explain.quantity import quantity
from mlsystem.capacity.trace_rows import Problem
from mlsystem.source.document import Mapping, Node, Scalar, Sequence

T = TypeVar("T")


class Fields:
    """A map at `path` of the object, empty where there is none; problems are added to a list that all share."""

    def __init__(self, node: Node | None, path: str, line: int, problems: list[Problem]) -> None:
        self.path, self.line, self.problems = path, line, problems
        self.present = node is not None and not (isinstance(node, Scalar) and node.value is None)
        self._entries = node.entries if isinstance(node, Mapping) else {}
        self._taken: set[str] = set()
        if self.present and not isinstance(node, Mapping):
            self.wrong(f"`{path}` is not a map of fields")

    def wrong(self, message: str, help: str | None = None, *, line: int | None = None) -> None:
        self.problems.append(Problem(line or self.line, message, help))

    def node(self, name: str) -> Node | None:
        self._taken.add(name)
        return self._entries[name].value if name in self._entries else None

    def section(self, name: str) -> Fields:
        return Fields(self.node(name), self._below(name), self._line(name), self.problems)

    def items(self, name: str) -> list[Fields]:
        node = self.node(name)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return []
        if not isinstance(node, Sequence):
            self.wrong(f"`{self._below(name)}` is not a list", line=self._line(name))
            return []
        return [
            Fields(item, f"{self._below(name)}[{place}]", item.span.line, self.problems)
            for place, item in enumerate(node.items)
        ]

    def text(self, name: str, default: str = "") -> str:
        node = self.node(name)
        return node.text if isinstance(node, Scalar) and node.value is not None else default

    def choice(self, name: str, table: Table[str, T], default: T) -> T:
        text = self.text(name)
        if text and text not in table:
            known = ", ".join(table)
            self.wrong(f"`{self._below(name)}` is '{text}'", f"one of {known}", line=self._line(name))
        return table.get(text, default)

    def amount(self, name: str) -> Decimal | None:
        """A quantity; None where it is absent or, after saying so, is none."""
        text = self.text(name)
        found = quantity(text) if text else None
        if text and found is None:
            self.wrong(f"`{self._below(name)}` is '{text}', which is no quantity", line=self._line(name))
        return found

    def number(self, name: str) -> float | None:
        found = self.amount(name)
        return None if found is None else float(found)

    def integer(self, name: str) -> int | None:
        found = self.amount(name)
        if found is not None and (found != int(found) or found < 0):
            self.wrong(f"`{self._below(name)}` is not a whole number", line=self._line(name))
            return None
        return None if found is None else int(found)

    def flag(self, name: str, default: bool) -> bool:
        return self.choice(name, {"true": True, "false": False}, default)

    def required(self, name: str, value: T | None, default: T) -> T:
        if value is None and name not in self._entries:
            self.wrong(f"`{self._below(name)}` is missing")
        return default if value is None else value

    def skip(self, *names: str) -> None:
        """Known, and of no meaning here."""
        self._taken.update(names)

    def end(self, homes: Table[str, str]) -> None:
        """What is left is written where nobody reads it; `homes`: where some fields belong."""
        for name, entry in self._entries.items():
            if name not in self._taken:
                where = f"in `{self.path}`" if self.path else "beside `spec`"
                home = homes.get(name)
                help = f"it belongs in `{home}`; as it stands, the defaults hold" if home else None
                message = f"`{name}` {where} is not read by anything and silently ignored"
                self.problems.append(Problem(entry.key.line, message, help, warning=True))

    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def line_of(self, name: str) -> int:
        return self._line(name)

    def _line(self, name: str) -> int:
        return self._entries[name].key.line if name in self._entries else self.line

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
