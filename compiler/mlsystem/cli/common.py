"""What most commands begin with: the file, the environment, and the diagnostics."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.apply.recorded import Recorded
    from mlsystem.compile import Compiled
    from mlsystem.diagnostics.report import Report

SPEC = "mlsystem.yaml"
UNDECLARED, UNCHOSEN = "MLS502", "MLS503"
"""What the file may say of the environment though nothing else is wrong with it."""

UNPROVEN = frozenset({"MLS606", "MLS607", "MLS609", "MLS670"})
"""What is wrong with the capacity of an endpoint alone, or with what things cost."""


def spec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-e", "--environment", metavar="ENV", help="default: the only one, or dev")
    parser.add_argument("-f", "--file", type=Path, default=Path(SPEC), metavar="FILE", help=f"default: {SPEC}")


def compiled_from(
    args: argparse.Namespace, console: Console, *, warn: bool = True, certified: bool = True
) -> Compiled | None:
    """The compiled system; None after showing why there is none.

    `warn`: with warnings either way. A command that looks at what runs, or operates it, does not repeat them.
    `certified` False: what is to be solved again is no reason to refuse.
    """
    from mlsystem.compile import compile_system  # lazy: --help needs no compiler
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    report = Report()
    if warn or not certified:
        compiled = compile_system(args.file, args.environment, os.environ, report, certified=certified)
    else:
        compiled = compiled_to_operate(args, report)
    if warn or compiled is None:
        console.say(render_text(report if warn else report.without_warnings(), color=console.color))
    return compiled


def compiled_to_operate(args: argparse.Namespace, report: Report) -> Compiled | None:
    """As `compile_system`; but where nothing is wrong except the proof of its replicas, what runs can still be looked
    at, taken back and destroyed."""
    from mlsystem.compile import compile_system  # lazy: --help needs no compiler
    from mlsystem.diagnostics.report import Report

    compiled = compile_system(args.file, args.environment, os.environ, report)
    if compiled is None and {one.code for one in report.diagnostics if one.severity == "error"} <= UNPROVEN:
        return compile_system(args.file, args.environment, os.environ, Report(), certified=False)
    return compiled


def environment_from(args: argparse.Namespace, console: Console) -> Environment | None:
    """The environment at hand; None after showing what is wrong with the file."""
    from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine

    compiled = compiled_from(args, console, warn=False)
    return None if compiled is None else environment_of(compiled, args.file, os.environ)


def any_environment_from(
    args: argparse.Namespace, console: Console, port: int | None = None, *, warn: bool = True
) -> Environment | ClusterEnvironment | None:
    """The environment at hand, wherever it runs; None after showing what is wrong with the file.

    `warn` as in `compiled_from`.
    """
    compiled = compiled_from(args, console, warn=warn)
    if compiled is None:
        return None
    if compiled.cluster is None:
        from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine

        return environment_of(compiled, args.file, os.environ, port)
    from mlsystem.apply.cluster_environment import cluster_environment_of  # lazy: one machine needs none of it

    if port is not None:
        raise MlsystemError("`--port` means nothing in a cluster", "a Service answers on port 80")
    return cluster_environment_of(compiled, args.file, os.environ)


def in_cluster(environment: Recorded | ClusterEnvironment) -> TypeIs[ClusterEnvironment]:
    """What runs in a cluster is found by what the file says; on one machine, by what is remembered."""
    from mlsystem.apply.recorded import Recorded  # lazy: --help needs no engine

    return not isinstance(environment, Recorded)


def recorded_from(
    args: argparse.Namespace, console: Console, *, named: bool = False
) -> Recorded | ClusterEnvironment | None:
    """The environment as it was last applied, also where the file does not compile or does not declare it any more;
    None after showing what is wrong with the file where nothing is remembered either. One in a cluster is as the file
    has it; raises MlsystemError where the file says nothing about it.

    `named`: without a file that compiles, -e has to say which one is meant.
    """
    from mlsystem.apply.recorded import recorded_names, recorded_of  # lazy: --help needs no engine
    from mlsystem.apply.stores import recorded_store, runs_in_a_cluster
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    report, names = Report(), recorded_names(args.file)
    try:
        compiled = compiled_to_operate(args, report)
        wrong = _wrong(args, report)
    except MlsystemError as error:
        if not names or args.environment not in (None, *names):
            raise
        compiled, wrong = None, error.message
    if compiled is not None:
        return _remembered(compiled, args.file)
    name = args.environment or (names[0] if len(names) == 1 and not named else None)
    if not names or args.environment not in (None, *names) or UNCHOSEN in {one.code for one in report.diagnostics}:
        console.say(render_text(report.without_warnings(), color=console.color))
        return None
    if name is None:
        raise MlsystemError(f"{wrong}: which environment is meant?", f"say it with -e: {', '.join(names)}")
    store = recorded_store(args.file, name)
    if runs_in_a_cluster(store, store.read()):
        raise _not_described(name)
    console.say(f"warning: {wrong}; this goes by the last apply to {name}")
    return recorded_of(args.file, name, os.environ)


def _remembered(compiled: Compiled, spec: Path) -> Recorded | ClusterEnvironment:
    """Where it was applied: that may be one machine though the file means a cluster by now."""
    from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine
    from mlsystem.apply.recorded import recorded_of
    from mlsystem.apply.stores import declared_store, runs_in_a_cluster

    name, store = compiled.system.environment, declared_store(compiled, spec)
    manifest = store.read()
    there = runs_in_a_cluster(store, manifest)
    if compiled.cluster is None and there:
        raise _not_described(name)
    if not there and manifest is not None:
        return recorded_of(spec, name, os.environ)
    if compiled.cluster is None:
        return environment_of(compiled, spec, os.environ)
    from mlsystem.apply.cluster_environment import cluster_environment_of  # lazy: one machine needs none of it

    return cluster_environment_of(compiled, spec, os.environ)


def _not_described(name: str) -> MlsystemError:
    return MlsystemError(
        f"what {name} has in its cluster is found by the file, which does not describe it any more",
        "bring back the environment as it was last applied; mlsystem validate says what is wrong",
    )


def _wrong(args: argparse.Namespace, report: Report) -> str:
    """Why the file says nothing about the environment."""
    if {one.code for one in report.diagnostics if one.severity == "error"} == {UNDECLARED}:
        return f"{args.file} does not declare {args.environment} any more"
    return f"{args.file} does not compile (mlsystem validate says why)"


def report_outcome(outcome: Outcome, console: Console) -> int:
    """Says which gates said no; the exit code."""
    for step, reason in outcome.blocked:
        console.say(f"{step}: a gate said no: {reason}")
    if outcome.blocked:
        console.say("  = help: nothing runs again until an input changes; to evaluate again: mlsystem apply --retry")
    return REFUSED if outcome.blocked else DONE
