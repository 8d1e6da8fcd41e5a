"""`review`: how a change gets from a pull request into the environments."""

from typing import Annotated

from pydantic import ValidationInfo, field_validator

from mlsystem.source.schedule import is_schedule
from mlsystem.spec.aws import Region
from mlsystem.spec.base import Name, Section, declare, named, problem

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_ID = r"(@[0-9]{1,19})?"

Repository = Annotated[
    str,
    named("a repository of GitHub", rf"[A-Za-z0-9][A-Za-z0-9-]*{_ID}/{_PART}{_ID}",
          "OWNER/NAME, as acme/flight-delay; acme@123/flight-delay@456 where tokens name the ids too"),
]  # fmt: skip
Role = Annotated[
    str,
    named("a role of IAM", r"arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,128}",
          "for example arn:aws:iam::111122223333:role/flight-delay-staging-plan"),
]  # fmt: skip
PathInside = Annotated[
    str, named("a path inside the repository", rf"{_PART}(/{_PART})*", "relative, with /, as systems/flight-delay")
]
Word = Annotated[str, named("a label or a branch", rf"{_PART}(/{_PART})*", "letters, digits, ., _, - and /")]


class ReviewedEnvironmentSpec(Section):
    """How the workflow reaches one environment."""

    region: Region | None = declare(
        "The region of AWS.", None, default=None, example="eu-central-1", implied="the environment's own"
    )
    plan_role: Role | None = declare(
        "The role that may look; plans are made with it.", "operate", default=None,
        example="arn:aws:iam::111122223333:role/flight-delay-staging-plan",
        implied="the runner has access of its own",
    )  # fmt: skip
    apply_role: Role | None = declare(
        "The role that may change; what was reviewed is carried out with it.", "operate", default=None,
        example="arn:aws:iam::111122223333:role/flight-delay-staging-apply",
        implied="the runner has access of its own",
    )  # fmt: skip

    @field_validator("apply_role")
    @classmethod
    def _apart(cls, value: str | None, info: ValidationInfo) -> str | None:
        plan = info.data.get("plan_role")
        if (value is None) is not (plan is None):
            raise problem("MLS682", "of `plan_role` and `apply_role` there is only one", "name both, or neither")
        if value is not None and value == plan:
            raise problem(
                "MLS682", "plans are made with the role that changes things: every pull request would have it",
                "give plans a role that may only read",
            )  # fmt: skip
        return value


class GithubSpec(Section):
    """The workflow of GitHub Actions that plans pull requests and applies what was merged."""

    repository: Repository = declare("The repository.", None, example="acme/flight-delay")
    environments: dict[Name, ReviewedEnvironmentSpec] = declare(
        "The environments that it plans and applies, in this order.", None, min_length=1, example="{staging: {}}"
    )
    branch: Word = declare("The branch that is applied.", None, default_of="review.branch")
    drift: str = declare(
        "When it looks for what changed outside: minute, hour, day, month, weekday, in UTC.", None,
        default_of="review.drift",
    )  # fmt: skip
    folder: PathInside | None = declare(
        "The folder of this file in the repository.", None, default=None, example="systems/flight-delay",
        implied="the repository's own",
    )  # fmt: skip
    runner: Word = declare("The label of the runners.", None, default_of="review.runner")
    requirements: PathInside | None = declare(
        "What is installed on a runner, with its hashes; beside this file.", None, default=None,
        example="requirements.txt", implied="this version of mlsystem, from the package index",
    )  # fmt: skip

    @field_validator("drift")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if not is_schedule(value):
            raise problem("MLS122", f"'{value}' is not a schedule", 'for example "0 5 * * *": every day at 5:00 UTC')
        return value


class ReviewSpec(Section):
    """How a change gets from a pull request into the environments."""

    github: GithubSpec = declare("Through a workflow of GitHub Actions.", None)
