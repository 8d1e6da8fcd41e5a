"""The endpoints of an environment with their configurations, for commands that simulate them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlsystem.cli.capacity_solve import check_installed, chosen
from mlsystem.cli.console import Console

if TYPE_CHECKING:
    from mlsystem.capacity.configured import Configured
    from mlsystem.diagnostics.report import Report
    from mlsystem.system.nodes import System


def endpoints(args: argparse.Namespace, console: Console) -> list[tuple[str, Configured]] | None:
    """By the name of the model; None after showing what is wrong with the file."""
    check_installed()
    from mlsystem.compile import resolve_system  # lazy: --help needs no compiler
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    report = Report()
    system = resolve_system(args.file, args.environment, os.environ, report, certified=False)
    found = [] if system is None else list(of_system(system, args, report))
    console.say(render_text(report.without_warnings(), color=console.color))
    return None if system is None or report.has_errors else found


def of_system(system: System, args: argparse.Namespace, report: Report) -> Iterator[tuple[str, Configured]]:
    from mlsystem.capacity.cases import case_of  # lazy: --help simulates nothing
    from mlsystem.capacity.configured import configured

    for model in chosen(system, args.model):
        asked = case_of(system, model, args.file, os.environ, report)
        if asked is not None:
            yield model.name, configured(system, model, asked.case, args.file.absolute().parent)
