"""`mlsystem COMMAND`: finds the command's module and imports no other one."""

from __future__ import annotations

import argparse
import difflib
import errno
import gc
import importlib
import os
import signal
import sys
from typing import NoReturn, Protocol, cast

from mlsystem.cli.console import DONE, REFUSED, WRONG_USAGE, Console
from mlsystem.errors import MlsystemError

COMMANDS = {
    "init": "start a project from a template",
    "validate": "check mlsystem.yaml; all problems in one run",
    "compile": "write the generated files",
    "plan": "show what an apply would do, and why",
    "apply": "carry out a plan",
    "review": "let a pull request show what it means, and a merge carry out what was reviewed",
    "destroy": "stop everything and delete the environment's data",
    "status": "show what runs, what it decided, and what waits for you",
    "run": "run the pipeline again, with the data as it is now",
    "logs": "show the log of the server, the monitor or a step",
    "approve": "approve a proposal and carry it out",
    "reject": "close a proposal",
    "rollback": "let the version that answered before answer again",
    "replay": "send past requests to a server and a monitor of their own",
    "explain": "explain a code or a key of mlsystem.yaml",
    "schema": "print the JSON Schema of mlsystem.yaml",
    "capacity": "measure, derive and explain how many replicas it takes",
    "graph": "print what depends on what",
    "doctor": "check this machine",
}


class Command(Protocol):
    """A module of this package."""

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace, console: Console) -> int: ...


class Parser(argparse.ArgumentParser):
    """Wrong usage is exit code 64, as the language of exit codes in sysexits.h says."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 the file or the world said no, 2 there are changes (plan, if asked), 64 wrong usage."""
    gc.set_threshold(100_000)  # what imports make stays: looking for garbage in it is a tenth of `validate`
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # there are none; looking for them costs 10 ms
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        name, arguments = _command(sys.argv[1:] if argv is None else argv)
        module = cast(Command, importlib.import_module(f"mlsystem.cli.{name}"))
        parser = Parser(prog=f"mlsystem {name}", description=module.__doc__)
        module.arguments(parser)
        return module.run(parser.parse_args(arguments), console)
    except MlsystemError as error:
        console.error(error)
    except KeyboardInterrupt:
        console.say("stopped")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left; say no more
    except OSError as error:
        console.error(MlsystemError(str(error), _hint(error)))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else DONE
    return REFUSED


def _command(arguments: list[str]) -> tuple[str, list[str]]:
    """The name of the command and what follows it."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {help}" for name, help in COMMANDS.items())
    parser = Parser(
        prog="mlsystem",
        usage="mlsystem COMMAND …",
        description=f"From one file to a trained, served and monitored model.\n\ncommands:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version")
    first = arguments[:1]
    if first and first[0] in COMMANDS:
        return first[0], arguments[1:]
    if first and not first[0].startswith("-"):
        near = difflib.get_close_matches(first[0], COMMANDS, n=1)
        parser.error(f"there is no command '{first[0]}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    if parser.parse_args(arguments).version:
        from importlib import metadata  # lazy: reading it takes longer than the rest of this command

        Console().answer(f"mlsystem {metadata.version('mlsystem')}")
    else:
        parser.print_help()
    raise SystemExit(DONE if arguments else WRONG_USAGE)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _hint(error: OSError) -> str | None:
    if error.errno == errno.ENOSPC:
        return "make room on the disk, then run the command again: it goes on where it stopped"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this user may not do that here"
    return None


if __name__ == "__main__":
    sys.exit(main())
