"""Show what an apply would do: each change, why, and what it costs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import any_environment_from, spec_arguments
from mlsystem.cli.console import CHANGES, DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.apply.cluster_environment import ClusterEnvironment
    from mlsystem.apply.environment import Environment
    from mlsystem.apply.reviewed import Before
    from mlsystem.plan.plan import Plan
    from mlsystem.plan.upgrade import Base


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the plan, for `mlsystem apply FILE`")
    parser.add_argument("--base", type=Path, metavar="FOLDER", help="the folder as it was, to compare with")
    parser.add_argument("--link", metavar="URL", help="where readers of the Markdown find the saved plan")
    parser.add_argument("--refresh", action="store_true", help="look at what changed in the cluster outside")
    parser.add_argument("--detailed-exitcode", action="store_true", help="2 when there are changes")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.reviewed import Before  # lazy: --help needs no plan
    from mlsystem.plan.plan import save_plan
    from mlsystem.plan.render import RENDERERS
    from mlsystem_runtime.contract.workspace import write_atomically

    if args.link is not None and args.format != "markdown":
        raise MlsystemError("`--link` is for readers of Markdown", "add `--format markdown`")
    environment = any_environment_from(args, console)
    if environment is None:
        return REFUSED
    before = None if args.base is None else Before(args.base / args.file.name, environment.name, os.environ)
    plan = plan_of(environment, refresh=args.refresh, base=None if before is None else before.base)
    saved = None if args.out is None else args.out.name
    if args.format == "markdown":
        console.answer(reviewed(plan, environment, args.file, before, saved, args.link))
    else:
        console.answer(RENDERERS[args.format](plan))
    if args.out is not None:
        write_atomically(args.out.absolute(), save_plan(plan))
        console.say(f"saved, digest {plan.digest}; to carry out exactly this: mlsystem apply {args.out}")
    return CHANGES if args.detailed_exitcode and not plan.empty else DONE


def reviewed(
    plan: Plan,
    environment: Environment | ClusterEnvironment,
    spec: Path,
    before: Before | None,
    saved: str | None,
    link: str | None = None,
    *,
    sharing: int = 1,
) -> str:
    """The plan as a comment. `before` is the spec as it was; `saved` names the file that holds the plan; `sharing` is
    how many plans share the comment."""
    from mlsystem.apply.committed import committed_folder  # lazy: --help needs no plan
    from mlsystem.apply.reviewed import review_of
    from mlsystem.plan.render.markdown import LIMIT, render_markdown

    folders = (environment.engine.generated, committed_folder(spec, environment.name))
    manifest = environment.store.read()
    review = review_of(plan, environment.compiled, manifest, folders, before, saved, link)
    return render_markdown(plan, review, LIMIT // sharing)


def plan_of(environment: Environment | ClusterEnvironment, *, refresh: bool, base: Base | None = None) -> Plan:
    from mlsystem.apply.environment import Environment  # lazy: --help needs no engine

    if not isinstance(environment, Environment):
        return environment.plan(refresh=refresh, base=base)
    if refresh:
        raise MlsystemError("`--refresh` looks at a cluster", "on one machine a plan always looks at what runs")
    return environment.plan(base=base)
