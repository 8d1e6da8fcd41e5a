"""The checks themselves: a server that keeps the protocol passes all, and each defect is found by the checks meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import broken_inference
import broken_transports
import pytest
from expected_failures import EXPECTED, expected
from inference_models import FIXED, HALVES, MIXED, Model
from inference_reference import Reference
from inference_servers import Handler, Service, serving

from mlsystem_runtime.serve.conformance.answers import ModelMetadata, ServerMetadata, TensorMetadata
from mlsystem_runtime.serve.conformance.calls import Calls
from mlsystem_runtime.serve.conformance.suite import CHECKS, GROUPS, Outcome, Verdict, carry_out, run
from mlsystem_runtime.serve.conformance.table import Check, Severity
from mlsystem_runtime.serve.conformance.target import Target, discover
from mlsystem_runtime.serve.conformance.wire import Address, Http, Trail

DEFECTS = {**vars(broken_inference), **vars(broken_transports)}
HARMLESS = {
    "another_datatype", "bytes_that_are_no_text", "a_byte_that_is_no_boolean", "unknown_model_metadata",
    "unknown_method", "no_message", "no_time", "cancelled",
}  # fmt: skip
WHOLESALE = ("Agreeable", "AgreeableService", "FailsAlways", "FailingService", "ErrorsInHtml")


def outcomes_of(
    reference: Reference, service: type[Service] | None = None, handler: type[Handler] | None = None,
    checks: Sequence[Check] = CHECKS, grpc: bool = True,
) -> list[Outcome]:  # fmt: skip
    with serving(reference, service, handler) as address:
        trail = Trail()
        calls = Calls.to(address.grpc, {}, 5.0, trail) if grpc else None
        target = discover(Http(Address.of(address.url, {}, 5.0), trail), None, None, calls)
        try:
            return list(run(target, checks))
        finally:
            if calls is not None:
                calls.close()


def outcomes_of_defect(name: str) -> list[Outcome]:
    kind: Any = DEFECTS[name]
    if issubclass(kind, Service):
        return outcomes_of(Reference(), service=kind)
    return outcomes_of(Reference(), handler=kind) if issubclass(kind, Handler) else outcomes_of(kind())


def failed(outcomes: Sequence[Outcome]) -> set[str]:
    return {one.check.id for one in outcomes if one.verdict is Verdict.FAILED}


def reasons(outcomes: Sequence[Outcome]) -> dict[str, str]:
    return {one.check.id: one.reason for one in outcomes if one.verdict is Verdict.FAILED}


def test_there_are_more_than_a_hundred_and_twenty_checks_each_under_a_name_of_its_own() -> None:
    ids = [one.id for one in CHECKS]

    assert len(ids) >= 120
    assert len(set(ids)) == len(ids)
    assert len({group.name for group in GROUPS}) == len(GROUPS)


def test_every_check_promises_in_a_sentence_and_says_where() -> None:
    silent = [one.id for one in CHECKS if not re.fullmatch(r"\S.{10,}[.?]", one.promise)]
    nowhere = [one.id for one in CHECKS if not re.match(r"OIP|Triton|RFC|gRPC", one.where)]

    assert (silent, nowhere) == ([], [])


def test_most_checks_must_hold_for_a_client_to_rely_on_the_protocol() -> None:
    assert sum(one.severity is Severity.MUST for one in CHECKS) >= 120


@pytest.mark.parametrize("model", [MIXED, HALVES, FIXED], ids=lambda model: model.name)
def test_a_server_that_keeps_the_protocol_passes(model: Model) -> None:
    assert reasons(outcomes_of(Reference(model))) == {}


def test_every_check_applies_to_a_model_of_many_datatypes() -> None:
    absent = [one for one in outcomes_of(Reference(MIXED)) if one.verdict is Verdict.NOT_APPLICABLE]

    assert absent == []


def test_without_an_address_for_grpc_its_checks_do_not_apply_and_do_not_count() -> None:
    checks = [one for one in CHECKS if one.group.startswith("grpc")]

    outcomes = outcomes_of(Reference(), checks=checks, grpc=False)

    assert {one.verdict for one in outcomes} == {Verdict.NOT_APPLICABLE}
    assert {one.reason for one in outcomes} == {"no address for gRPC is given"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_defect_is_found_by_exactly_the_checks_that_are_meant_for_it(name: str) -> None:
    assert failed(outcomes_of_defect(name)) == expected(name)


def test_answers_that_go_to_the_wrong_caller_are_found_by_checks_of_concurrency_alone() -> None:
    """Which of them see it depends on who overtakes whom."""
    found = failed(outcomes_of_defect("MixesCallers"))

    assert found & {"concurrency.own_answers", "concurrency.long_connections", "grpc.own_answers"}
    assert all(one.startswith("concurrency.") or one == "grpc.own_answers" for one in found)


def test_errors_without_json_are_found_by_every_check_of_what_is_refused() -> None:
    found = failed(outcomes_of_defect("ErrorsInHtml"))

    assert {one.id for one in CHECKS if one.group == "tensors"} <= found


@pytest.mark.parametrize(
    ("name", "group"), [("Agreeable", "tensors"), ("Agreeable", "bytes-refused"), ("AgreeableService", "grpc-refused")]
)
def test_a_server_that_agrees_to_everything_fails_what_must_be_refused(name: str, group: str) -> None:
    """Those that only ask for no server error pass."""
    passed = {one.check.name for one in outcomes_of_defect(name)
              if one.check.group == group and one.verdict is Verdict.PASSED}

    assert passed <= HARMLESS


FP32 = TensorMetadata("x", "FP32", (-1,))
ODD_METADATA = {
    "health.inputs_are_described": {"inputs": (FP32, FP32)},
    "health.outputs_are_described": {"outputs": (TensorMetadata("y", "FLOAT", (-1,)),)},
    "health.inputs_are_there": {"inputs": ()},
    "health.versions_are_distinct": {"versions": ("1", "1")},
}


@pytest.mark.parametrize("name", sorted(ODD_METADATA))
def test_metadata_that_describe_nothing_are_found(name: str) -> None:
    check = next(one for one in CHECKS if one.id == name)
    plain = target_of(ModelMetadata("m", (FP32,), (FP32,), "p", ("1",)))
    odd = replace(plain, model=ModelMetadata(**{**vars_of(plain.model), **ODD_METADATA[name]}))

    assert carry_out(check, plain).verdict is Verdict.PASSED
    assert carry_out(check, odd).verdict is Verdict.FAILED


def target_of(model: ModelMetadata) -> Target:
    http = Http(Address("127.0.0.1", 1, "", {}, 1.0), Trail())
    return Target(http, ServerMetadata("s", "1", ()), model, {}, binary=False)


def vars_of(model: ModelMetadata) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.__struct_fields__}


def test_every_check_can_fail() -> None:
    found = {one for name in EXPECTED for one in expected(name)} | ODD_METADATA.keys()
    for name in WHOLESALE:
        found |= failed(outcomes_of_defect(name))

    assert {one.id for one in CHECKS} - found == set()
