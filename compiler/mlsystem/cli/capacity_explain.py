"""Say why there were as many replicas at a moment: what the autoscaler saw, and which of its clauses decided.

The moment is one of the traffic that is expected, in which the certified configuration (or else the one that is
written) is simulated; or, with --metrics and --hpa, one of a record of an autoscaler that runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mlsystem.cli.capacity_endpoints import endpoints
from mlsystem.cli.common import spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--at", required=True, metavar="T", help="03:12, 2h5m, or of a record 2026-03-01T03:12:00Z")
    parser.add_argument("--model", metavar="NAME", help="default: the only one")
    parser.add_argument("--scenario", metavar="NAME", help="such as 'flash crowd'; default: all the traffic")
    parser.add_argument("--metrics", type=Path, metavar="FILE.csv", help="what was recorded")
    parser.add_argument(
        "--hpa", type=Path, metavar="FILE.yaml",
        help="as `kubectl get hpa NAME -o yaml` prints it; also a ScaledObject, or a Knative Service",
    )  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> int:
    if args.metrics is None and args.hpa is None:
        return simulated(args, console)
    if args.metrics is None or args.hpa is None:
        raise MlsystemError("a record is two files", "say both --metrics FILE.csv and --hpa FILE.yaml")
    for flag in ("environment", "model", "scenario"):
        if getattr(args, flag) is not None:
            raise MlsystemError(f"--{flag} means nothing for a record", "leave it out")
    from mlsystem.capacity.explain.recorded import explain_recorded  # lazy: --help needs no controllers

    console.answer(explain_recorded(args.at, args.metrics, args.hpa))
    return DONE


def simulated(args: argparse.Namespace, console: Console) -> int:
    found = endpoints(args, console)
    if found is None:
        return REFUSED
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        raise MlsystemError("there are several models", f"say which one with --model: {names}")
    from mlsystem.capacity.explain.in_traffic import explain_simulated  # lazy: --help simulates nothing

    name, configured = found[0]
    console.answer(explain_simulated(args.at, name, configured, args.scenario))
    return DONE
