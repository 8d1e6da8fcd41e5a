"""The server process: takes the port, then starts; stops on SIGTERM once requests are answered and all is written."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import DRAIN_SECONDS, WRITE_SECONDS
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.slots import Fleet, alone
from mlsystem_runtime.serve.workers import Limits, Parent

if TYPE_CHECKING:
    from mlsystem_runtime.serve.app import Beside
    from mlsystem_runtime.serve.doors import Doors
    from mlsystem_runtime.serve.service import Service
    from mlsystem_runtime.serve.versions import LoadVersion

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75  # longer than a load balancer keeps a connection idle, so that it is the one that closes it

logger = logging.getLogger(__name__)


def serve(
    config: RunConfig, workspace: Workspace, host: str, port: int, releases: ReleaseStore | None = None,
    drain_delay: float = 0.0, workers: int | None = None, grpc_port: int | None = None, access_log: bool = False,
    metrics_port: int | None = None,
) -> int:
    """Runs until SIGTERM or SIGINT, then for `drain_delay` seconds more. `releases` None is the workspace's file;
    `workers` None are as many as the contract says; at `grpc_port` the server speaks gRPC too, and at `metrics_port`
    only probes and metrics answer, in plain HTTP. With `access_log` all requests are logged, not failures alone.

    Raises MlsystemError before anything heavy is loaded when a port is taken.
    """
    if grpc_port is not None:
        listen(host, grpc_port).close()  # only looked at: gRPC takes no socket that listens already
    count, listener = workers or config.server.workers, listen(host, port)
    pages = None if metrics_port is None else listen(host, metrics_port)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until there is something to finish, also as process 1
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    def work(fleet: Fleet) -> int:
        from mlsystem_runtime.serve.loading import version_loader  # lazy: such imports make a start slow

        load = version_loader(config, workspace, count)
        return run(config, workspace, listener, load, releases, drain_delay, fleet, grpc_port, access_log, pages)

    listeners = [one for one in (listener, pages) if one is not None]
    return together(work, count, listeners, drain_delay)


def together(
    work: Callable[[Fleet], int], workers: int, listeners: Sequence[socket.socket], drain_delay: float
) -> int:
    """One worker is this process itself; several are children of it, which loads nothing."""
    def close() -> None:
        for listener in listeners:
            listener.close()

    if workers == 1:
        return work(alone())
    limits = Limits(stopping=drain_delay + DRAIN_SECONDS + WRITE_SECONDS)
    return Parent(workers, work, close, limits).run()


def run(
    config: RunConfig, workspace: Workspace, listener: socket.socket, load: LoadVersion,
    releases: ReleaseStore | None = None, drain_delay: float = 0.0, fleet: Fleet | None = None,
    grpc_port: int | None = None, access_log: bool = False, pages: socket.socket | None = None,
) -> int:
    """Answers on `listener` and `pages`, which are listening already, until SIGTERM or SIGINT. `fleet` None is a worker
    alone."""
    import uvicorn  # these too only now, for their weight

    from mlsystem_runtime.serve.accepting import WorkerServer
    from mlsystem_runtime.serve.access_log import AccessLog
    from mlsystem_runtime.serve.app import App
    from mlsystem_runtime.serve.draining import DrainingServer
    from mlsystem_runtime.serve.guarded import Guarded, doors_of
    from mlsystem_runtime.serve.protocol import Connection
    from mlsystem_runtime.serve.service import service_of
    from mlsystem_runtime.serve.tracing import tracing_of

    tracing = tracing_of(config.system, os.environ)
    service = replace(
        service_of(config, workspace, load, releases, fleet), access=AccessLog(access_log), tracing=tracing)
    host, port = listener.getsockname()[:2]
    doors = doors_of(service, config.server, pages)
    beside = [] if grpc_port is None else [over_grpc(host, grpc_port, doors)]
    app = Guarded(App(service, beside), doors)
    connection: Any = partial(Connection, app)  # which uvicorn calls as it would the class
    settings = uvicorn.Config(
        app, loop="uvloop", http=connection, ws="none", lifespan="on",
        log_config=None, access_log=False, server_header=False, proxy_headers=False, backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_context_factory=app.tls,
    )
    server = DrainingServer(settings, service.drain, drain_delay, pages)
    if service.fleet.parent is not None:
        server = WorkerServer(settings, service.drain, drain_delay, service.fleet, lambda: service.state, pages)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)  # from now on, and again when uvicorn has given signals back
    logger.info("listening on %s://%s:%d", "http" if app.tls is None else "https", host, port)
    gc.freeze()  # what was imported stays: looking through it for garbage stops the loop for a fifth of a second
    server.run(sockets=[listener])
    return 0 if server.started else 1


def over_grpc(host: str, port: int, doors: Doors) -> Beside:
    """Workers share the port: the kernel deals connections out. The import is lazy for its weight."""
    from mlsystem_runtime.serve.oip.grpc import Listening, answering

    def beside(service: Service) -> AbstractAsyncContextManager[int]:
        shared, certificate = service.fleet.parent is not None, doors.certificate
        pem = None if certificate is None else certificate.read
        return answering(service, Listening(host, port, shared, pem), doors.admit)

    return beside


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises MlsystemError that names the port and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise MlsystemError(f"cannot listen on {host}:{port}: {error.strerror}", hint(error.errno, port)) from error
    return listener


def hint(number: int | None, port: int) -> str:
    if number == errno.EADDRINUSE:
        return f"another process uses it: stop that one (`ss -ltnp 'sport = :{port}'` names it) or choose another port"
    if number == errno.EACCES:
        return "ports below 1024 are reserved: choose a higher one"
    return "check that the address belongs to this machine"
