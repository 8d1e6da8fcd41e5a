"""What most commands begin with: the file, the environment, and the diagnostics."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.apply.recorded import Recorded
    from mlsystem.compile import Compiled
    from mlsystem.diagnostics.report import Report

SPEC = "mlsystem.yaml"
UNDECLARED, UNCHOSEN = "MLS502", "MLS503"
"""What the file may say of the environment though nothing else is wrong with it."""


def spec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-e", "--environment", metavar="ENV", help="default: the only one, or dev")
    parser.add_argument("-f", "--file", type=Path, default=Path(SPEC), metavar="FILE", help=f"default: {SPEC}")


def compiled_from(args: argparse.Namespace, console: Console) -> Compiled | None:
    """The compiled system; None after showing why there is none. Warnings are shown either way."""
    from mlsystem.compile import compile_system  # lazy: --help needs no compiler
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    report = Report()
    compiled = compile_system(args.file, args.environment, os.environ, report)
    console.say(render_text(report, color=console.color))
    return compiled


def environment_from(args: argparse.Namespace, console: Console, port: int | None = None) -> Environment | None:
    """The environment at hand; None after showing what is wrong with the file."""
    from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine

    compiled = compiled_from(args, console)
    return None if compiled is None else environment_of(compiled, args.file, os.environ, port)


def any_environment_from(
    args: argparse.Namespace, console: Console, port: int | None = None
) -> Environment | ClusterEnvironment | None:
    """The environment at hand, wherever it runs; None after showing what is wrong with the file."""
    compiled = compiled_from(args, console)
    if compiled is None:
        return None
    if compiled.cluster is None:
        from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine

        return environment_of(compiled, args.file, os.environ, port)
    from mlsystem.apply.cluster_environment import cluster_environment_of  # lazy: one machine needs none of it

    if port is not None:
        raise MlsystemError("`--port` means nothing in a cluster", "a Service answers on port 80")
    return cluster_environment_of(compiled, args.file, os.environ)


def recorded_from(args: argparse.Namespace, console: Console, *, named: bool = False) -> Recorded | None:
    """The environment as it was last applied, also where the file does not compile or does not declare it any more;
    None after showing what is wrong with the file where nothing is remembered either.

    `named`: without a file that compiles, -e has to say which one is meant.
    """
    from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine
    from mlsystem.apply.recorded import recorded_names, recorded_of
    from mlsystem.compile import compile_system
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    report, names = Report(), recorded_names(args.file)
    try:
        compiled = compile_system(args.file, args.environment, os.environ, report)
        wrong = _wrong(args, report)
    except MlsystemError as error:
        if not names or args.environment not in (None, *names):
            raise
        compiled, wrong = None, error.message
    if compiled is not None:
        console.say(render_text(report, color=console.color))
        environment = environment_of(compiled, args.file, os.environ)
        applied = environment.store.read() is not None
        return recorded_of(args.file, environment.name, os.environ) if applied else environment
    name = args.environment or (names[0] if len(names) == 1 and not named else None)
    if not names or args.environment not in (None, *names) or UNCHOSEN in {one.code for one in report.diagnostics}:
        console.say(render_text(report, color=console.color))
        return None
    if name is None:
        raise MlsystemError(f"{wrong}: which environment is meant?", f"say it with -e: {', '.join(names)}")
    console.say(f"warning: {wrong}; this goes by the last apply to {name}")
    return recorded_of(args.file, name, os.environ)


def destroyable_from(args: argparse.Namespace, console: Console) -> Recorded | ClusterEnvironment | None:
    """What -e names, wherever it runs; None after showing what is wrong with the file."""
    from mlsystem.apply.recorded import runs_in_a_cluster  # lazy: --help needs no engine
    from mlsystem.compile import compile_system
    from mlsystem.diagnostics.report import Report

    if runs_in_a_cluster(args.file, args.environment):
        compiled = compile_system(args.file, args.environment, os.environ, Report())
        if compiled is None or compiled.cluster is None:
            raise MlsystemError(
                f"what {args.environment} has in its cluster is found by the file, which does not describe it any more",
                "bring back the environment as it was last applied; mlsystem validate says what is wrong",
            )
        from mlsystem.apply.cluster_environment import cluster_environment_of  # lazy: one machine needs none of it

        return cluster_environment_of(compiled, args.file, os.environ)
    return recorded_from(args, console, named=True)


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
