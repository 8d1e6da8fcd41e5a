"""The protocol over gRPC: what right calls are answered with. Nothing applies without an address for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsystem_runtime.serve.conformance.datatypes import Array, same
from mlsystem_runtime.serve.conformance.groups.concurrency import at_once, expected_of, row_of
from mlsystem_runtime.serve.conformance.places import (
    GRPC_ANSWER,
    GRPC_CONTENTS,
    GRPC_INFER,
    GRPC_RAW,
    GRPC_SERVICE,
    GRPC_STATUS,
)
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target, same_outputs

if TYPE_CHECKING:
    from mlsystem_runtime.serve.conformance.calls import Calls

GROUP = Group("grpc", "gRPC")
RAW_ONLY = ("FP16", "BF16")


def calls_of(target: Target) -> Calls:
    only_if(target.calls is not None, "no address for gRPC is given")
    assert target.calls is not None
    return target.calls


def message(name: str, /, **fields: Any) -> Any:
    from mlsystem_runtime.serve.conformance.protobuf import messages  # lazy: protobuf is needed for gRPC alone

    return messages()[name](**fields)


def call(target: Target, method: str, **fields: Any) -> Any:
    """The answer to a call that is right."""
    from mlsystem_runtime.serve.conformance.calls import succeeded  # lazy, with grpc

    return succeeded(calls_of(target).call(method, message(f"{method}Request", **fields)))


def request(target: Target, rows: int = 1, first: int = 0, packed: bool = True) -> Any:
    """The plain request of these rows, with raw contents or typed ones."""
    from mlsystem_runtime.serve.conformance.calls import raw, typed  # lazy, with grpc

    calls_of(target)
    only_if(packed or not any(one.datatype in RAW_ONLY for one in target.model.inputs), "its inputs are raw only")
    tensors, made = target.tensors(rows, first), message("ModelInferRequest", model_name=target.model.name)
    for one in target.model.inputs:
        array = tensors[one.name]
        contents = {} if packed else {"contents": typed(array, one.datatype)}
        made.inputs.add(name=one.name, datatype=one.datatype, shape=array.shape, **contents)
        if packed:
            made.raw_input_contents.append(raw(array, one.datatype))
    return made


def infer(target: Target, made: Any, **options: Any) -> Any:
    """The answer to an inference that is right."""
    from mlsystem_runtime.serve.conformance.calls import succeeded  # lazy, with grpc

    return succeeded(calls_of(target).call("ModelInfer", made, **options))


def outputs_of(answer: Any) -> Mapping[str, Array]:
    from mlsystem_runtime.serve.conformance.calls import outputs  # lazy, with grpc

    return outputs(answer)


def answers_as_plain(target: Target, made: Any, rows: int = 1, first: int = 0, **options: Any) -> None:
    same_outputs(outputs_of(infer(target, made, **options)), target.expected(rows, first))


@GROUP.must(GRPC_SERVICE)
def server_live(target: Target) -> None:
    """ServerLive says that the server is live."""
    expect(call(target, "ServerLive").live, "live is false")


@GROUP.must(GRPC_SERVICE)
def server_ready(target: Target) -> None:
    """ServerReady says that the server is ready."""
    expect(call(target, "ServerReady").ready, "ready is false")


@GROUP.must(GRPC_SERVICE)
def model_ready(target: Target) -> None:
    """ModelReady says that the model is ready."""
    expect(call(target, "ModelReady", name=target.model.name).ready, "ready is false")


@GROUP.must(GRPC_SERVICE)
def unknown_model_is_not_ready(target: Target) -> None:
    """ModelReady of a model that the server does not have is false, or NOT_FOUND."""
    found = calls_of(target).call("ModelReady", message("ModelReadyRequest", name="no-such-model"))
    expect(found.status == "NOT_FOUND" or (found.status == "OK" and not found.message.ready), f"got {found.status}")


@GROUP.must(GRPC_SERVICE)
def server_metadata(target: Target) -> None:
    """ServerMetadata has what the server's metadata over REST have."""
    found = call(target, "ServerMetadata")
    there = (found.name, found.version, tuple(found.extensions))
    here = (target.server.name, target.server.version, target.server.extensions)
    expect(there == here, f"gRPC has {there}, REST {here}")


@GROUP.must(GRPC_SERVICE)
def model_metadata(target: Target) -> None:
    """ModelMetadata has what the model's metadata over REST have."""
    found, model = call(target, "ModelMetadata", name=target.model.name), target.model
    expect(found.name == model.name, f"the name is {found.name!r}")
    expect(found.platform == (model.platform or ""), f"the platform is {found.platform!r}")
    expect(tuple(found.versions) == target.versions, f"versions are {list(found.versions)}")
    for there, here in ((found.inputs, model.inputs), (found.outputs, model.outputs)):
        seen = [(one.name, one.datatype, tuple(one.shape)) for one in there]
        expect(seen == [(one.name, one.datatype, one.shape) for one in here], f"gRPC has {seen}")


@GROUP.must(GRPC_RAW)
def raw_contents(target: Target) -> None:
    """An inference with raw contents is answered as the same values over REST are."""
    answers_as_plain(target, request(target))


@GROUP.must(GRPC_CONTENTS)
def typed_contents(target: Target) -> None:
    """An inference with typed contents is answered as the same values over REST are."""
    answers_as_plain(target, request(target, packed=False))


@GROUP.must(GRPC_RAW)
def rows_in_raw_contents(target: Target) -> None:
    """Three rows in raw contents are answered as over REST."""
    answers_as_plain(target, request(target, 3), 3)


@GROUP.must(GRPC_CONTENTS)
def rows_in_typed_contents(target: Target) -> None:
    """Three rows in typed contents are answered as over REST."""
    answers_as_plain(target, request(target, 3, packed=False), 3)


@GROUP.must(GRPC_ANSWER)
def contents_of_answers(target: Target) -> None:
    """The contents of every output, raw or typed, are exactly those of its shape and of the declared datatype."""
    answer, declared = infer(target, request(target)), {one.name: one.datatype for one in target.model.outputs}
    outputs_of(answer)
    for one in answer.outputs:
        expect(one.datatype == declared.get(one.name), f"{one.name} is {one.datatype}")


@GROUP.must(GRPC_ANSWER)
def names_in_answers(target: Target) -> None:
    """An answer names its model, and a version that the model has where there are versions."""
    answer = infer(target, request(target))
    expect(answer.model_name == target.model.name, f"model_name is {answer.model_name!r}")
    expect(not target.versions or answer.model_version in ("", *target.versions), f"version {answer.model_version!r}")


@GROUP.must(GRPC_INFER)
def id_comes_back(target: Target) -> None:
    """The id of a call comes back in its answer; without one there is none of another."""
    made = request(target)
    made.id = "é-42"
    found = infer(target, made).id
    expect(found == "é-42", f"it comes back as {found!r}")
    expect(infer(target, request(target)).id != "é-42", "the id of an earlier call comes back")


@GROUP.must(GRPC_INFER)
def one_output(target: Target) -> None:
    """A call that names an output gets that one alone."""
    for one in target.model.outputs:
        made = request(target)
        made.outputs.append(message("InferRequestedOutputTensor", name=one.name))
        same_outputs(outputs_of(infer(target, made)), {one.name: target.expected()[one.name]})


@GROUP.should(GRPC_INFER)
def unknown_parameters(target: Target) -> None:
    """Parameters that a server does not know change nothing."""
    made = request(target)
    made.parameters["my_text"].string_param = "a"
    made.inputs[0].parameters["my_number"].int64_param = 3
    made.parameters["my_switch"].bool_param = True
    answers_as_plain(target, made)


@GROUP.must(GRPC_INFER)
def order_of_inputs(target: Target) -> None:
    """Inputs are told apart by their names; raw contents stand in their order."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    plain = request(target)
    made = message("ModelInferRequest", model_name=target.model.name, inputs=plain.inputs[::-1],
                   raw_input_contents=list(plain.raw_input_contents)[::-1])
    answers_as_plain(target, made)


@GROUP.must(GRPC_INFER)
def by_a_version(target: Target) -> None:
    """A call that names a listed version is answered by it."""
    only_if(bool(target.versions), "the model has no versions to ask for")
    for version in target.versions:
        made = request(target)
        made.model_version = version
        found = infer(target, made).model_version
        expect(found == version, f"version {version} is answered by {found!r}")


@GROUP.must(GRPC_STATUS)
def unknown_metadata(target: Target) -> None:
    """Metadata of a call that the server does not know are ignored."""
    answers_as_plain(target, request(target), metadata=[("x-no-such-thing", "a"), ("x-bytes-bin", b"\0\1")])


@GROUP.should(GRPC_STATUS)
def compressed(target: Target) -> None:
    """A message may be compressed with gzip."""
    answers_as_plain(target, request(target, 16 if target.batched else 1), 16 if target.batched else 1, compressed=True)


@GROUP.must(GRPC_INFER)
def own_answers(target: Target) -> None:
    """Each of many calls at once gets the answer to its own rows, under its own id."""
    expected_of(target)
    calls_of(target)

    def work(number: int) -> None:
        row = row_of(target, number)
        made = request(target, 1, row, packed=number % 2 == 0 or target_is_raw_only(target))
        made.id = f"call-{number}"
        answer = infer(target, made)
        expect(answer.id == made.id, f"call {number} gets the answer of {answer.id}")
        same_outputs(outputs_of(answer), target.expected(1, row))

    at_once(work)


def target_is_raw_only(target: Target) -> bool:
    return any(one.datatype in RAW_ONLY for one in target.model.inputs)


@GROUP.must(GRPC_STATUS)
def time_enough(target: Target) -> None:
    """A call with a deadline of ten seconds is answered."""
    answers_as_plain(target, request(target), timeout=10.0)


@GROUP.must(GRPC_INFER)
def asked_twice(target: Target) -> None:
    """The same call gets the same answer again, whatever came between."""
    first = outputs_of(infer(target, request(target)))
    if target.batched:
        infer(target, request(target, 3))
    for name, array in outputs_of(infer(target, request(target))).items():
        expect(same(array, first[name]), f"{name} is another the second time")
