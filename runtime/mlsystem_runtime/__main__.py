"""`python -m mlsystem_runtime step|serve|monitor|replay …`: the same command line on one machine and in containers.

`begin`, `end` and `propose` are for engines that run steps by themselves.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.run import RunConfig, decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.peers import peers_of


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="python -m mlsystem_runtime", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, required=True, help="run.json")
    common.add_argument("--workspace", required=True, help="where everything is written")

    released = argparse.ArgumentParser(add_help=False)
    released.add_argument("--release", help="configmap://NAMESPACE/NAME; without it the file of the workspace")

    step = commands.add_parser("step", parents=[common, released], help="run one step of the pipeline")
    step.add_argument("name")
    step.add_argument("--run-id", required=True)
    step.add_argument("--nodes", type=int, default=1, help="how many processes carry it out; each is started like this")
    step.add_argument("--peer", metavar="HOST:PORT", help="where the first of them listens for the others")

    serve = commands.add_parser("serve", parents=[common, released], help="answer requests")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--drain-delay", type=float, default=0.0, metavar="SECONDS",
                       help="how long to go on accepting after SIGTERM, while others learn that it is not ready")
    serve.add_argument("--metrics-port", type=int, help="where probes and metrics answer in plain HTTP, to everybody")
    serve.add_argument("--workers", type=int, metavar="N",
                       help="processes that answer on the port, each with all models; else as the contract says")
    serve.add_argument("--grpc-port", type=int, help="where to speak gRPC too; without it nowhere")
    serve.add_argument("--access-log", action="store_true",
                       help="a line of JSON on stderr for every request, not only for those that the server failed")

    monitor = commands.add_parser(
        "monitor", parents=[common, released], help="watch the system and keep the online store fresh"
    )
    monitor.add_argument("--metrics-port", type=int, help="where Prometheus reads; without it nowhere")

    replay = commands.add_parser(
        "replay", parents=[common], help="send past requests to a server and a monitor of their own"
    )
    replay.add_argument("--model", required=True)
    replay.add_argument("--from", dest="start", required=True, help="first instant, ISO 8601")
    replay.add_argument("--to", dest="end", required=True, help="end of the interval, ISO 8601")
    add_records(commands, [common, released])
    add_score(commands, [common, released])
    return main


def add_score(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    score = commands.add_parser("score", parents=parents, help="predictions for the rows of Parquet files")
    score.add_argument("--input", required=True, metavar="FILE", help="or a pattern: 'folder/*.parquet'")
    score.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    score.add_argument("--model", help="without it the only one")
    score.add_argument("--version", type=int, help="without it the one that answers most requests")
    score.add_argument("--at", metavar="COLUMN", help="the instant at which each row is asked; without it now")
    score.add_argument("--keep", nargs="*", metavar="COLUMN", help="what else of the input is in the output")
    score.add_argument("--rejects", action="store_true", help="put rows aside that no request could be")


def add_records(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """What an engine that runs steps by itself writes down around them."""
    begin = commands.add_parser("begin", parents=parents, help="record that a run begins")
    begin.add_argument("--reason", required=True)
    end = commands.add_parser("end", parents=parents, help="record how a run ended")
    end.add_argument("--entrypoint", required=True)
    end.add_argument("--outcome", required=True, help="Succeeded, or anything else")
    end.add_argument("--failures", default="", help="as Argo has them")
    propose = commands.add_parser("propose", parents=parents, help="open a proposal to retrain")
    propose.add_argument("--model", required=True)
    propose.add_argument("--reason", required=True)
    for command in (begin, end, propose):
        command.add_argument("--run-id", required=True)


def main(arguments: list[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin take the processor of those they wait for
    die_with_parent()
    try:
        return run(args, read_config(args.config), Workspace(args.workspace))
    except MlsystemError as error:
        sys.stderr.write(f"error: {error}\n")
    except OSError as error:
        sys.stderr.write(f"error: {MlsystemError(str(error), hint(error))}\n")
    return 1


def read_config(path: Path) -> RunConfig:
    try:
        return decode_run_config(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(
            f"{path} is not a contract that this version reads: {error}", "mlsystem apply writes it anew"
        ) from error


def hint(error: OSError) -> str | None:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on the disk, then run it again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "this user may not do that there: change the permissions, or the workspace"
        case _:
            return None


def run(args: argparse.Namespace, config: RunConfig, workspace: Workspace) -> int:
    """Imports are lazy: a step must not pay for the server's libraries, nor the server for the trainer's."""
    match args.command:
        case "step":
            run_one(args, config, workspace)
            return 0
        case "serve":
            from mlsystem_runtime.serve.process import serve

            return serve(
                config, workspace, host=args.host, port=args.port, releases=releases(args, config, workspace),
                drain_delay=args.drain_delay, workers=args.workers, grpc_port=args.grpc_port,
                access_log=args.access_log, metrics_port=args.metrics_port,
            )
        case "monitor":
            from mlsystem_runtime.monitor.process import monitor

            releases(args, config, workspace)  # what a step would refuse is refused now
            return monitor(
                config, workspace, config_path=args.config, release=args.release, metrics_port=args.metrics_port
            )
        case "score":
            return run_score(args, config, workspace)
        case "begin" | "end" | "propose":
            return record(args, config, workspace)
        case _:
            from mlsystem_runtime.monitor.replay import replay

            return replay(config, workspace, model=args.model, start=args.start, end=args.end)


def run_one(args: argparse.Namespace, config: RunConfig, workspace: Workspace) -> None:
    """Imports are lazy, as in `run`."""
    peers = peers_of(args.nodes, args.peer, os.environ)
    if peers is None:
        from mlsystem_runtime.steps.base import run_step

        run_step(config, args.name, workspace, args.run_id, releases(args, config, workspace))
        return
    # a pod's first process is deaf to signals that it does not handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from mlsystem_runtime.steps.together import run_together

    run_together(config, args.name, workspace, args.run_id, releases(args, config, workspace), peers)


def run_score(args: argparse.Namespace, config: RunConfig, workspace: Workspace) -> int:
    """Imports are lazy, as in `run`."""
    import logging

    from mlsystem_runtime.steps.score import Order, score

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    keep = None if args.keep is None else tuple(args.keep)
    order = Order(args.input, args.output, args.model, args.version, args.at, keep, args.rejects)
    score(config, workspace, releases(args, config, workspace), order)
    return 0


def record(args: argparse.Namespace, config: RunConfig, workspace: Workspace) -> int:
    from mlsystem_runtime.steps import recording  # lazy, as in `run`

    match args.command:
        case "begin":
            recording.begin(workspace, args.run_id, args.reason)
        case "end":
            recording.end(config, workspace, args.run_id, args.entrypoint, args.outcome, args.failures)
        case _:
            recording.propose(workspace, args.run_id, args.model, args.reason)
    return 0


def releases(args: argparse.Namespace, config: RunConfig, workspace: Workspace) -> ReleaseStore:
    """The import is lazy: where the release is the workspace's file, nobody speaks to a cluster."""
    if args.release is None:
        return FileReleaseStore(workspace)
    from mlsystem_runtime.contract.configmap_release import open_releases

    return open_releases(args.release, workspace, config.environment, os.environ)


if __name__ == "__main__":
    sys.exit(main())
