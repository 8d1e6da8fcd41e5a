"""From the draft to the system: nothing is left to guess, and every part of a group has its fingerprint."""

from __future__ import annotations

from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Problems
from mlsystem.passes.sources import contract_check
from mlsystem.passes.target import entry_of, made_bucket
from mlsystem.spec.account import existing_cluster
from mlsystem.spec.features import RequestGroupSpec
from mlsystem.spec.review import ReviewedEnvironmentSpec
from mlsystem.spec.review_fit import region_of
from mlsystem.spec.system import SystemSpec
from mlsystem.system.nodes import GroupNode, ModelNode, SourceNode, System
from mlsystem.system.review import Review, ReviewedEnvironment
from mlsystem_runtime.contract.features import AnyGroup, FeatureContract, RequestGroup
from mlsystem_runtime.contract.identity import group_fingerprint


def finish(draft: Draft, problems: Problems) -> Draft:
    """Does nothing where an earlier pass found a mistake."""
    if problems.report.has_errors:
        return draft
    environment = draft.spec.environments[draft.environment]
    assert draft.target is not None, "no mistake, so it was resolved"
    system = System(
        name=draft.spec.name,
        environment=draft.environment,
        clock=environment.clock,
        sources=tuple(source_node(draft, name) for name in draft.sources),
        groups=tuple(group_node(draft, name) for name in draft.spec.features),
        models=tuple(draft.models.values()),
        target=draft.target,
        secrets=secrets(draft),
        unused=problems.loaded.unused,
        code=draft.code,
        review=review(draft.spec),
        state=None if environment.state is None else environment.state.rstrip("/"),
    )
    return replace(draft, system=with_fingerprints(system))


def review(spec: SystemSpec) -> Review | None:
    if spec.review is None:
        return None
    written = spec.review.github
    given = (one.env for one in spec.variables.values() if one.env is not None and one.default is None)
    return Review(
        system=spec.name,
        repository=written.repository,
        branch=written.branch,
        drift=written.drift,
        folder=written.folder,
        runner=written.runner,
        requirements=written.requirements,
        variables=tuple(sorted(set(given))),
        environments=tuple(
            reviewed(spec, name, one) for name, one in written.environments.items() if name in spec.environments
        ),
    )


def reviewed(spec: SystemSpec, name: str, written: ReviewedEnvironmentSpec) -> ReviewedEnvironment:
    there = spec.environments[name]
    places = [one for one in (there.state, there.pulumi.backend) if one is not None and one.startswith("s3://")]
    one = ReviewedEnvironment(
        name, region_of(spec, name), written.plan_role, written.apply_role, there.target == "aws", tuple(places)
    )
    if not one.account:
        return one
    return replace(
        one, entry=entry_of(spec, name), bucket=made_bucket(spec, name), existing=existing_cluster(there),
        boundary=there.permissions_boundary,
    )  # fmt: skip


def source_node(draft: Draft, name: str) -> SourceNode:
    written = draft.spec.sources[name]
    return SourceNode(
        name=name,
        source=draft.sources[name],
        checks=tuple(contract_check(check) for check in written.checks),
        renamed_from=written.renamed_from,
    )


def group_node(draft: Draft, name: str) -> GroupNode:
    written = draft.spec.features[name]
    if isinstance(written, RequestGroupSpec):
        group = request_group(draft, name)
        return GroupNode(name=name, group=group, every_us=None, on_failure="reject", renamed_from=written.renamed_from)
    return GroupNode(
        name=name,
        group=draft.groups[name],
        every_us=written.online.every,
        on_failure=written.online.on_failure,
        renamed_from=written.renamed_from,
    )


def request_group(draft: Draft, name: str) -> RequestGroup:
    """The union of what models use of it; a request group that no model uses has no types and says only its name."""
    parts = [group for model in draft.models.values() for group in model.contract.groups if group.name == name]
    used = [part for part in parts if isinstance(part, RequestGroup)]
    fields = {field.name: field for part in used for field in part.fields}
    compute = {one.name: one for part in used for one in part.compute}
    return RequestGroup(name=name, fingerprint="", fields=tuple(fields.values()), compute=tuple(compute.values()))


def secrets(draft: Draft) -> tuple[str, ...]:
    """The names of those that its processes read; where its stores and its tracking are, a target says."""
    assert draft.target is not None, "no mistake, so it was resolved"
    models, tls = draft.models.values(), draft.target.tls
    names = {alert.url_secret for model in models for alert in model.monitoring.alerts if alert.url_secret}
    names |= {model.serving.auth.tokens for model in models if model.serving.auth is not None}
    names |= set() if tls is None else {tls.certificate, tls.key}
    return tuple(sorted(names))


def with_fingerprints(system: System) -> System:
    def named(group: AnyGroup) -> AnyGroup:
        source = None if isinstance(group, RequestGroup) else system.source(group.source).source
        return replace(group, fingerprint=group_fingerprint(group, source))

    def contract(written: FeatureContract) -> FeatureContract:
        return replace(written, groups=tuple(named(group) for group in written.groups))

    def model(written: ModelNode) -> ModelNode:
        return replace(written, contract=contract(written.contract))

    groups = tuple(replace(node, group=named(node.group)) for node in system.groups)
    return replace(system, groups=groups, models=tuple(model(one) for one in system.models))
