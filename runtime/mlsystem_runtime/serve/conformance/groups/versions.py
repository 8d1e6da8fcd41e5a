"""Paths with a version, and models that the server does not have."""

from __future__ import annotations

from mlsystem_runtime.serve.conformance.answers import ModelMetadata, inference, ok, refused
from mlsystem_runtime.serve.conformance.groups.health import NOBODY
from mlsystem_runtime.serve.conformance.places import ERRORS, HTTP, RESPONSE, VERSIONS
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("versions", "Versions and unknown models")
NEVER = "987654321"
ODD = ("no-version", "-1", "1.5", "01x", "9" * 40, "..", "%00")


def listed(target: Target) -> tuple[str, ...]:
    only_if(bool(target.versions), "the model has no versions to ask for")
    return target.versions


@GROUP.must(VERSIONS)
def metadata_of_a_version(target: Target) -> None:
    """Each version that the metadata lists has metadata under its own path."""
    for version in listed(target):
        name = ok(target.http.ask("GET", f"{target.path}/versions/{version}"), ModelMetadata).name
        expect(name == target.model.name, f"the name is {name!r}")


@GROUP.must(VERSIONS)
def readiness_of_a_version(target: Target) -> None:
    """One of the listed versions, at least, is ready under its own path."""
    statuses = [target.http.ask("GET", f"{target.path}/versions/{version}/ready").status for version in listed(target)]
    expect(200 in statuses, f"their statuses are {statuses}")


@GROUP.must(VERSIONS)
def inference_by_a_version(target: Target) -> None:
    """A listed version that is asked for answers itself, and says so."""
    for version in listed(target):
        answer = inference(target.infer(target.request(), version=version))
        expect(answer.model_version == version, f"version {version} is answered by {answer.model_version}")


@GROUP.must(RESPONSE)
def version_of_an_answer(target: Target) -> None:
    """The version that an answer names can be asked for: the metadata lists it."""
    version = inference(target.infer(target.request())).model_version
    only_if(version is not None, "answers name no version")
    only_if(bool(target.versions), "the model has no versions to ask for")
    expect(version in target.versions, f"version {version} is not among {target.versions}")


@GROUP.must(ERRORS)
def unknown_version(target: Target) -> None:
    """Inference by a version that the model does not have is an error, 4xx, and never another version's answer."""
    refused(target.infer(target.request(), version=NEVER))


@GROUP.should(HTTP)
def unknown_version_404(target: Target) -> None:
    """Inference by a version that the model does not have is 404."""
    refused(target.infer(target.request(), version=NEVER), 404)


@GROUP.must(ERRORS)
def unknown_version_metadata(target: Target) -> None:
    """Metadata of a version that the model does not have is an error, 4xx."""
    refused(target.http.ask("GET", f"{target.path}/versions/{NEVER}"))


@GROUP.must(ERRORS)
def unknown_version_readiness(target: Target) -> None:
    """A version that the model does not have is not ready: 4xx."""
    status = target.http.ask("GET", f"{target.path}/versions/{NEVER}/ready").status
    expect(400 <= status < 500, f"expected 4xx, got {status}")


@GROUP.must(ERRORS)
def odd_versions(target: Target) -> None:
    """Whatever stands where a version belongs, the server does not fail."""
    for version in ODD:
        refused(target.infer(target.request(), version=version))


@GROUP.must(ERRORS)
def unknown_model(target: Target) -> None:
    """Inference by a model that the server does not have is an error, 4xx, with {"error": $string}."""
    refused(target.http.ask("POST", f"/v2/models/{NOBODY}/infer", b'{"inputs": []}'))


@GROUP.should(HTTP)
def unknown_model_404(target: Target) -> None:
    """Inference by a model that the server does not have is 404, whatever the body is."""
    for body in (b'{"inputs": []}', b"not json"):
        refused(target.http.ask("POST", f"/v2/models/{NOBODY}/infer", body), 404)


@GROUP.must(VERSIONS)
def answer_without_a_version(target: Target) -> None:
    """A model with versions answers also a request that names none."""
    listed(target)
    expect(target.infer(target.request()).status == 200, "it does not")
