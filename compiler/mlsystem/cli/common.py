"""What most commands begin with: the file, the environment, and the diagnostics."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.console import DONE, REFUSED, Console

if TYPE_CHECKING:
    from mlsystem.apply.apply import Outcome
    from mlsystem.apply.environment import Environment
    from mlsystem.compile import Compiled

SPEC = "mlsystem.yaml"


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


def report_outcome(outcome: Outcome, console: Console) -> int:
    """Says which gates said no; the exit code."""
    for step, reason in outcome.blocked:
        console.say(f"{step}: a gate said no: {reason}")
    if outcome.blocked:
        console.say("  = help: nothing runs again until an input changes; to evaluate again: mlsystem apply --retry")
    return REFUSED if outcome.blocked else DONE
