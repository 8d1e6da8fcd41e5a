"""Check mlsystem.yaml and show every problem of it."""

from __future__ import annotations

import argparse
import os

from mlsystem.cli.common import spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.compile import resolve_system  # lazy: --help needs no compiler
    from mlsystem.diagnostics.render import render_json, render_text
    from mlsystem.diagnostics.report import Report

    report = Report()
    system = resolve_system(args.file, args.environment, os.environ, report)
    if args.format == "json":
        console.answer(render_json(report))
    else:
        console.answer(render_text(report, color=console.color))
        if system is not None:
            console.answer(f"{args.file} is valid for {system.environment}")
    return REFUSED if system is None else DONE
