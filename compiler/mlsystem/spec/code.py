"""`code`: what a model of type `custom` is built from."""

from typing import Annotated

from mlsystem.spec.base import Section, declare, named

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

Entrypoint = Annotated[
    str,
    named("a function of a module", rf"{_NAME}(\.{_NAME})*:{_NAME}", "for example my_package.model:build"),
]


class CodeSpec(Section):
    """Code of your own."""

    path: str = declare(
        "The folder that holds it, below that of the file: all of its files but hidden ones.", "fit", example="src"
    )
    requirements: str | None = declare(
        "The libraries that it needs beside those of the runtime, each pinned and with its hashes. Images install "
        "them; on one machine you do.",
        "fit", default=None, example="requirements.txt", implied="none",
    )  # fmt: skip
