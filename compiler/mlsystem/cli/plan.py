"""Show what an apply would do: each change, why, and what it costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, spec_arguments
from mlsystem.cli.console import CHANGES, DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.plan.plan import Plan


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the plan, for `mlsystem apply FILE`")
    parser.add_argument("--refresh", action="store_true", help="look at what changed in the cluster outside")
    parser.add_argument("--detailed-exitcode", action="store_true", help="2 when there are changes")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.plan.plan import save_plan  # lazy: --help needs no plan
    from mlsystem.plan.render import RENDERERS
    from mlsystem_runtime.contract.workspace import write_atomically

    environment = any_environment_from(args, console)
    if environment is None:
        return REFUSED
    plan = _plan(environment, args.refresh)
    console.answer(RENDERERS[args.format](plan))
    if args.out is not None:
        write_atomically(args.out.absolute(), save_plan(plan))
        console.say(f"saved; to carry out exactly this: mlsystem apply {args.out}")
    return CHANGES if args.detailed_exitcode and not plan.empty else DONE


def _plan(environment: Environment | ClusterEnvironment, refresh: bool) -> Plan:
    from mlsystem.apply.environment import Environment  # lazy: --help needs no engine

    if not isinstance(environment, Environment):
        return environment.plan(refresh=refresh)
    if refresh:
        raise MlsystemError("`--refresh` looks at a cluster", "on one machine a plan always looks at what runs")
    return environment.plan()
