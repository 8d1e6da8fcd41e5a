"""Explain a code (MLS201) or a key (training.parameters.epochs)."""

from __future__ import annotations

import argparse

from mlsystem.cli.console import DONE, Console
from mlsystem.errors import MlsystemError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic", metavar="CODE|path.to.key")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.diagnostics.suggest import help_among  # lazy: --help needs no tables
    from mlsystem.spec.explain import explain, topics

    text = explain(args.topic)
    if text is None:
        raise MlsystemError(f"'{args.topic}' is neither a code nor a key", help_among(args.topic, topics()))
    console.answer(text)
    return DONE
