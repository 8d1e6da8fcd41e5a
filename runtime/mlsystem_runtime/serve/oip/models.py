"""What both transports of the protocol do: find a model and its version, say what it takes and gives, let it answer."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mlsystem_runtime.contract.columns import Column
from mlsystem_runtime.serve.call import Call
from mlsystem_runtime.serve.http import Answered
from mlsystem_runtime.serve.oip.tensors import (
    InferAnswer,
    InferRequest,
    Parameters,
    bad,
    chosen_types,
    input_types,
    output_tensors,
    output_types,
    rows_of,
)
from mlsystem_runtime.serve.predict import Predictor
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service import Service
from mlsystem_runtime.serve.values import timestamp
from mlsystem_runtime.serve.versions import LoadedVersion, Released

SERVER = "mlsystem"
EXTENSIONS = ("binary_tensor_data", "parameters")


class Models:
    """The models of a server as the protocol sees them. All but `infer` answers at once.

    Raises RefusedError: 404 for a model or a version that is not there, 503 for a model before its first release.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._predictors = {one.endpoint.model: one for one in service.predictors}

    def server_metadata(self) -> dict[str, Any]:
        return {"name": SERVER, "version": server_version(), "extensions": list(EXTENSIONS)}

    def ready(self) -> bool:
        """Whether requests may be sent here: every model is loaded, and the server was not told to stop."""
        return not self._service.drain.begun and self._predictors.keys() <= self._service.board.models.keys()

    def model_ready(self, name: str, number: str) -> bool:
        self.predictor(name)
        released = self._service.board.models.get(name)
        loaded = released is not None and (not number or self._loaded(released, name, number) is not None)
        return loaded and not self._service.drain.begun

    def predictor(self, name: str) -> Predictor:
        found = self._predictors.get(name)
        if found is None:
            raise RefusedError(404, f"there is no model '{name}' here; there is {', '.join(self._predictors)}")
        return found

    def index(self) -> list[dict[str, str]]:
        """One entry per model and loaded version."""
        return [
            {"name": name, "version": str(number), "state": "READY", "reason": ""}
            for name in self._predictors if (released := self._service.board.models.get(name)) is not None
            for number in sorted(released.versions)
        ]

    def metadata(self, name: str, number: str) -> dict[str, Any]:
        """`versions` are those that can be asked for by number. Without a number, the signature is the champion's."""
        released = self.predictor(name).released()
        card = self._version(released, name, number).card
        return {
            "name": name,
            "versions": [str(one) for one in sorted(released.versions)],
            "platform": f"{SERVER}_{card.type}",
            "inputs": [one.metadata for one in input_types(card.contract.request)],
            "outputs": [one.metadata for one in output_types(card)],
        }

    async def infer(self, name: str, number: str, request: InferRequest, call: Call) -> InferAnswer:
        """Counts whatever is wrong with the request; the predictor counts the rest."""
        predictor = self.predictor(name)
        with counted(predictor):
            released = predictor.released()
            version = self._version(released, name, number)
            call.version = version.number if number else None
            rows = rows_of(request.inputs, _columns(released, version, pinned=bool(number)))
            types = chosen_types(request, version.card)
            at_us = _at(request.parameters)
            limit(call, _timeout(request.parameters))
        answer = await predictor.answer_rows(rows, at_us, call)
        said = "" if answer.version is None else str(answer.version)
        return InferAnswer(name, said, request.id, output_tensors(types, answer.predictions))

    def _version(self, released: Released, name: str, number: str) -> LoadedVersion:
        return self._loaded(released, name, number) if number else released.champion

    def _loaded(self, released: Released, name: str, number: str) -> LoadedVersion:
        found = {str(one): loaded for one, loaded in released.versions.items()}.get(number)
        if found is None:
            raise RefusedError(404, f"version '{number}' of '{name}' is not loaded")
        return found


@contextlib.contextmanager
def counted(predictor: Predictor) -> Iterator[None]:
    """A request that is refused before the predictor sees it is counted all the same."""
    try:
        yield
    except RefusedError as refused:
        predictor.outcomes.refused(refused)
        raise


def answered(answer: InferAnswer, call: Call) -> Answered:
    return Answered(answer.model, int(answer.version) if answer.version else None, call)


def limit(call: Call, seconds: float) -> None:
    """The client wants no answer later than `seconds` from now."""
    call.deadline = min(call.deadline, time.monotonic() + seconds)
    call.due = min(call.due, call.deadline)


def _columns(released: Released, version: LoadedVersion, pinned: bool) -> Mapping[str, Column]:
    """Those that a request may bring. Without a number any released version may answer a row, and checks it again."""
    asked = [] if pinned else [released.versions[share.version] for share in released.release.shares]
    return {column.name: column for one in (*asked, version) for column in one.card.contract.request}


def _at(parameters: Parameters) -> int | None:
    if "at" not in parameters:
        return None
    try:
        return timestamp(parameters["at"])
    except ValueError as error:
        raise bad(f"the parameter 'at' {error}") from error


def _timeout(parameters: Parameters) -> float:
    """Seconds, from microseconds; 0 is no limit."""
    timeout = parameters.get("timeout", 0)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or not 0 <= timeout < 2**63:
        raise bad("the parameter 'timeout' must be whole microseconds")
    return timeout / 1e6 if timeout else math.inf


def server_version() -> str:
    """Of the installed package; the source tree of an image has none."""
    try:
        return version("mlsystem")
    except PackageNotFoundError:
        return "0"
