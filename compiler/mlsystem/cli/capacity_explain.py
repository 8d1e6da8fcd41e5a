"""Say why there were as many replicas at a moment: what the autoscaler saw, and which of its clauses decided.

The moment is one of a record: the autoscaler's YAML, and a CSV file of what it saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mlsystem.cli.console import DONE, Console


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", required=True, metavar="T", help="03:12, 2h5m, or 2026-03-01T03:12:00Z")
    parser.add_argument("--metrics", type=Path, required=True, metavar="FILE.csv", help="what was recorded")
    parser.add_argument(
        "--hpa", type=Path, required=True, metavar="FILE.yaml",
        help="as `kubectl get hpa NAME -o yaml` prints it; also a ScaledObject, or a Knative Service",
    )  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.capacity.explain.recorded import explain_recorded  # lazy: --help needs no controllers

    console.answer(explain_recorded(args.at, args.metrics, args.hpa))
    return DONE
