"""Sources: named columns exist and have fitting types, derived ones are typed, what is known when is settled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.spec import sources as spec
from mlsystem_runtime.contract import columns as contract
from mlsystem_runtime.contract.columns import AnyCheck, Column, ColumnType, Derived, Source
from mlsystem_runtime.contract.expressions.time_literals import zone_problem

Columns = dict[str, Column]


def resolve_sources(draft: Draft, problems: Problems) -> Draft:
    resolved: dict[str, Source] = {}
    for name, source in draft.spec.sources.items():
        before = problems.errors
        result = resolve_source(name, source, problems)
        if problems.errors == before:
            resolved[name] = result
    return replace(draft, sources=resolved)


def resolve_source(name: str, source: spec.SourceSpec, problems: Problems) -> Source:
    path = ("sources", name)
    check_zone(source, path, problems)
    declared = {
        column: Column(name=column, type=written.type, nullable=written.nullable)
        for column, written in source.columns.items()
    }
    check_timestamp(source.time, declared, (*path, "time"), problems)
    if source.available is not None:
        check_timestamp(source.available, declared, (*path, "available"), problems)
    derived, inputs = derive(source, declared, path, problems)
    every = declared | {one.name: Column(name=one.name, type=one.type, nullable=one.nullable) for one in derived}
    check_columns("key", source.key, declared, path, problems)
    check_columns("known_at_time", source.known_at_time or (), every, path, problems)
    check_checks(source.checks, every, path, problems)
    return Source(
        name=name,
        format=source.type,
        uri=source.uri,
        time=source.time,
        timezone=source.timezone,
        available=source.available,
        known_at_time=known_at_time(source, every, inputs),
        key=source.key,
        columns=tuple(declared.values()),
        derived=tuple(derived),
    )


def check_zone(source: spec.SourceSpec, path: Path, problems: Problems) -> None:
    wrong = None if source.timezone is None else zone_problem(source.timezone)
    if wrong is not None:
        message, help = wrong
        problems.error("MLS212", message, (*path, "timezone"), help)


def check_timestamp(column: str, columns: Columns, path: Path, problems: Problems) -> None:
    if not problems.known("MLS202", f"column '{column}' is not declared", column, columns, path):
        return
    found = columns[column]
    if found.type is not ColumnType.TIMESTAMP:
        problems.error(
            "MLS206",
            f"`{path[-1]}` needs a timestamp; column '{column}' is of type {found.type}",
            path,
            f"declare it as `{column}: timestamp`",
        )


def check_columns(key: str, names: Iterable[str], columns: Columns, path: Path, problems: Problems) -> None:
    for index, column in enumerate(names):
        problems.known("MLS202", f"column '{column}' is not declared", column, columns, (*path, key, index))


def derive(
    source: spec.SourceSpec, declared: Columns, path: Path, problems: Problems
) -> tuple[list[Derived], dict[str, frozenset[str]]]:
    """The derived columns, and what each is computed from."""
    derived: list[Derived] = []
    inputs: dict[str, frozenset[str]] = {}
    for name, text in source.derive.items():
        if name in declared:
            problems.error("MLS208", f"'{name}' is declared already", (*path, "derive", name), "rename one", key=True)
            continue
        typed = problems.expression(text, declared, (*path, "derive", name))
        if typed is not None:
            derived.append(Derived(name=name, expression=typed.text, type=typed.type, nullable=typed.nullable))
            inputs[name] = typed.inputs
    return derived, inputs


def known_at_time(source: spec.SourceSpec, every: Columns, inputs: dict[str, frozenset[str]]) -> tuple[str, ...]:
    """All columns where rows are available at once; else those listed, `time`, and what is derived from them alone."""
    if source.available is None and source.known_at_time is None:
        return tuple(every)
    known = {source.time, *(source.known_at_time or ())}
    return tuple(name for name in every if name in known or (name in inputs and inputs[name] <= known))


def check_checks(checks: tuple[spec.Check, ...], columns: Columns, path: Path, problems: Problems) -> None:
    for index, check in enumerate(checks):
        place = (*path, "checks", index)
        match check:
            case spec.NotNullCheck() | spec.UniqueCheck():
                check_columns("columns", check.columns, columns, place, problems)
            case spec.RangeCheck():
                check_type(check.column, columns, (ColumnType.INT, ColumnType.FLOAT), place, problems)
            case spec.OneOfCheck() | spec.MatchesCheck():
                check_type(check.column, columns, (ColumnType.STRING,), place, problems)
            case _:
                pass


def check_type(column: str, columns: Columns, types: tuple[ColumnType, ...], path: Path, problems: Problems) -> None:
    if not problems.known("MLS202", f"column '{column}' is not declared", column, columns, (*path, "column")):
        return
    found = columns[column].type
    if found not in types:
        wanted = " or ".join(types)
        problems.error(
            "MLS206", f"this check needs a column of type {wanted}; '{column}' is {found}", (*path, "column")
        )


def contract_check(check: spec.Check) -> AnyCheck:
    """The same check for the runtime. Both sides name their classes alike."""
    fields = {name: value for name, value in check if name != "kind"}
    if isinstance(check, spec.FreshnessCheck):
        return contract.Freshness(severity=check.severity, within_us=check.within)
    kind = getattr(contract, type(check).__name__.removesuffix("Check"))
    return cast(AnyCheck, kind(**fields))
