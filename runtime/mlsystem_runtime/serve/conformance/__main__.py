"""`python -m mlsystem_runtime.serve.conformance URL`: how well a server keeps the Open Inference Protocol v2.

Ends with 0 where every promise that must be kept is kept, with 1 where one is not, with 64 where it was called wrongly.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import NoReturn

from mlsystem_runtime.serve.conformance.report import as_json, as_text
from mlsystem_runtime.serve.conformance.suite import CHECKS, Score, run
from mlsystem_runtime.serve.conformance.table import Check, Severity
from mlsystem_runtime.serve.conformance.target import Target, UntestableError, discover
from mlsystem_runtime.serve.conformance.wire import Address, Http, Trail

USAGE = 64


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parser() -> Parser:
    words = Parser(prog="python -m mlsystem_runtime.serve.conformance", description=__doc__)
    words.add_argument("url", help="of the server, such as http://127.0.0.1:8080")
    words.add_argument("--grpc", metavar="HOST:PORT", help="where it answers gRPC; else those checks do not apply")
    words.add_argument("--model", metavar="NAME", help="which model; without it the only one of the repository index")
    words.add_argument("--request", type=Path, metavar="FILE", help="an inference request in JSON with values it takes")
    words.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="goes with every request")
    words.add_argument("--ca", type=Path, metavar="FILE", help="certificates to trust, for https and its gRPC")
    words.add_argument("--only", action="append", default=[], metavar="PATTERN", help="checks by id, like 'binary.*'")
    words.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="the longest wait for an answer")
    words.add_argument("--json", action="store_true", help="prints every check as JSON")
    words.add_argument("--list", action="store_true", help="prints the checks and asks nothing")
    return words


def main(arguments: Sequence[str] | None = None) -> int:
    words = parser()
    options = words.parse_args(arguments)
    checks = chosen(options.only)
    if not checks:
        words.error(f"no check is called {' or '.join(options.only)}")
    if options.list:
        sys.stdout.write("".join(f"{one.id} ({one.severity}): {one.promise} [{one.where}]\n" for one in checks))
        return 0
    try:
        target = target_of(options)
    except (ValueError, ImportError) as error:
        words.error(str(error))
    except (UntestableError, OSError, HTTPException) as error:
        sys.stderr.write(f"{options.url}: {error}\n")
        return 1
    return report(target, checks, options)


def chosen(patterns: Sequence[str]) -> list[Check]:
    return [one for one in CHECKS if not patterns or any(fnmatch.fnmatch(one.id, pattern) for pattern in patterns)]


def target_of(options: argparse.Namespace) -> Target:
    """Raises ValueError where an option is wrong."""
    headers = dict(header(text) for text in options.header)
    trusted = None if options.ca is None else certificates(options.ca)
    trail = Trail()
    http = Http(Address.of(options.url, headers, options.timeout, trusted), trail)
    calls = None
    if options.grpc:
        from mlsystem_runtime.serve.conformance.calls import Calls  # lazy: grpc is needed only where it is asked for

        calls = Calls.to(options.grpc, headers, options.timeout, trail, http.address.tls is not None, trusted)
    return discover(http, options.model, options.request, calls)


def certificates(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"a header is written 'NAME: VALUE', not '{text}'")
    return name.strip(), value.strip()


def report(target: Target, checks: Sequence[Check], options: argparse.Namespace) -> int:
    outcomes = list(run(target, checks))
    if target.calls is not None:
        target.calls.close()
    written = as_json if options.json else as_text
    sys.stdout.write(written(target, outcomes, options.url))
    return 0 if Score.of(outcomes, Severity.MUST).full else 1


if __name__ == "__main__":
    sys.exit(main())
