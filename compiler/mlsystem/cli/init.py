"""Start a project from a template; its preparation script fetches the data."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlsystem.cli.console import DONE, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help="without one, lists them")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="default: the template's name")
    parser.add_argument("--no-data", action="store_true", help="do not run the preparation script")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.templates import create, prepare, templates  # lazy: --help needs no templates

    if args.template is None:
        console.answer("\n".join(f"{name:<12}  {title}" for name, title in templates().items()))
        return DONE
    folder = args.folder or Path(args.template)
    create(args.template, folder)
    if not args.no_data:
        console.answer(f"{folder / 'prepare.py'} makes the data …")
        prepare(folder)
    console.answer(f"{folder} is ready. Next:\n  cd {folder}\n  mlsystem plan\n  mlsystem apply")
    return DONE
