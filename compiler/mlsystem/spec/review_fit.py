"""Whether what is reviewed can be reached by a workflow: a runner comes without a memory."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.diagnostics.suggest import help_among
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.system import SystemSpec
from mlsystem.spec.targets import Misfit


def review_misfits(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """What of `review` cannot be done: of `environment`, and of names that nothing declares."""
    if spec.review is None:
        return
    place, written = ("review", "github", "environments"), spec.review.github.environments
    for name in written:
        if name not in spec.environments:
            yield Misfit("MLS680", f"environment '{name}' is reviewed and not declared", (*place, name),
                         help_among(name, spec.environments))  # fmt: skip
    if environment not in written:
        return
    one = spec.environments[environment]
    if one.target == "local":
        yield Misfit("MLS681", f"'{environment}' is on one machine, where no runner of a workflow comes",
                     (*place, environment), "leave it out: `mlsystem apply` is for people there")  # fmt: skip
        return
    if written[environment].plan_role is not None and region_of(spec, environment) is None:
        yield Misfit("MLS682", "roles are assumed in a region", (*place, environment), "add `region: eu-central-1`")
    yield from _forgotten(one, environment)


def region_of(spec: SystemSpec, environment: str) -> str | None:
    """Written at the review, or at the environment."""
    assert spec.review is not None, "asked of a review only"
    return spec.review.github.environments[environment].region or spec.environments[environment].region


def _forgotten(one: EnvironmentSpec, environment: str) -> Iterator[Misfit]:
    """What a runner would lose when it ends."""
    place = ("environments", environment)
    if one.state is None:
        yield Misfit("MLS683", f"what was applied to '{environment}' would be forgotten with the runner", place,
                     'keep it in a bucket: `state: "s3://BUCKET/PREFIX"`')  # fmt: skip
    if one.delivery == "pulumi" and one.pulumi.secrets_provider == "passphrase":
        yield Misfit("MLS683", f"Pulumi's secrets of '{environment}' have a passphrase, which a runner has not",
                     (*place, "pulumi"), "let a key encrypt them: `secrets_provider: awskms://…`")  # fmt: skip
