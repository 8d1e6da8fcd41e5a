"""Check this machine: what is installed, and how much room there is."""

from __future__ import annotations

import argparse

from mlsystem.cli.console import DONE, REFUSED, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.machine import findings  # lazy: --help needs no machine

    del args
    found = findings()
    for one in found:
        console.answer(
            f"{'ok ' if one.good else 'bad'}  {one.text}" + ("" if one.good else f"\n     = help: {one.help}")
        )
    return DONE if all(one.good for one in found) else REFUSED
