"""Print the JSON Schema of mlsystem.yaml, for editors."""

from __future__ import annotations

import argparse

from mlsystem.cli.console import DONE, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.spec.schema import schema_text  # lazy: --help needs no schema

    del args
    console.answer(schema_text())
    return DONE
