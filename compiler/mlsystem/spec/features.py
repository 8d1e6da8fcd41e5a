"""`features`: groups of features — latest values, windowed aggregates, and what comes from the request."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mlsystem.spec.base import ColumnName, Duration, Identifier, Section, declare, problem
from mlsystem_runtime.contract.features import AggregateFunction

FUNCTIONS: tuple[AggregateFunction, ...] = ("count", "sum", "mean", "min", "max")


class OnlineSpec(Section):
    """How the online store is kept."""

    every: Duration = declare(
        "How often new rows are brought to the online store.", "operate", default_of="online.every"
    )
    on_failure: Literal["nulls", "reject"] = declare(
        "What a request gets when the store is out of reach: nulls, or an error.", "operate",
        default_of="online.on_failure",
    )  # fmt: skip


class GroupSpec(Section):
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())
    renamed_from: Identifier | None = declare(
        "The former name, to keep the identity across a rename.", None, default=None
    )


class StoredGroupSpec(GroupSpec):
    source: str = declare("The source whose rows are read.", "features", example="flights")
    entity: str = declare("The entity that the features describe.", "features", example="carrier")
    on: dict[Identifier, ColumnName] = declare(
        "Which column of the source holds each part of the entity's key.", "features", default={},
        example="{code: origin}", implied="columns with the names of the key's parts",
    )  # fmt: skip
    online: OnlineSpec = declare("How the online store is kept.", "operate", default={})


class LatestGroupSpec(StoredGroupSpec):
    """The latest known value of some columns for each entity."""

    kind: Literal["latest"] = declare("Which kind of group this is.", "features")
    columns: tuple[ColumnName, ...] = declare(
        "The columns whose latest values are features.", "features", example="[temp, wind_speed]", min_length=1
    )
    ttl: Duration | None = declare(
        "Values older than this are null.", "features", default=None, example="3h", implied="values never expire"
    )


class AggregateSpec(Section):
    """One function over a window of time: exactly one of count, sum, mean, min, max.

    Rows with `time` in [floor(q - over, tail), q) that are available at q.
    """

    count: str | None = declare(
        'Counts rows (`"*"`) or the values of a column that are not null.', "features", default=None, example='"*"'
    )
    sum: ColumnName | None = declare("The sum of a column.", "features", default=None)
    mean: ColumnName | None = declare("The mean of a column.", "features", default=None, example="arr_delay")
    min: ColumnName | None = declare("The least value of a column.", "features", default=None)
    max: ColumnName | None = declare("The greatest value of a column.", "features", default=None)
    over: Duration = declare("The length of the window.", "features", example="7d")
    tail: Duration = declare("How finely the far end of the window moves.", "features", default_of="aggregate.tail")

    @model_validator(mode="after")
    def _one_function(self) -> Self:
        given = [name for name in FUNCTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            raise problem(
                "MLS115",
                f"an aggregate has exactly one function; this one has {found}",
                f"write one of {', '.join(FUNCTIONS)}",
            )
        if self.tail > self.over:
            raise problem("MLS114", "`tail` is longer than the window `over`", "make `tail` a small part of `over`")
        return self

    @property
    def function(self) -> AggregateFunction:
        return next(name for name in FUNCTIONS if getattr(self, name) is not None)

    @property
    def column(self) -> str | None:
        """None for `count: "*"`."""
        column: str = getattr(self, self.function)
        return None if column == "*" else column


class AggregateGroupSpec(StoredGroupSpec):
    """Aggregates over windows of time, for each entity."""

    kind: Literal["aggregate"] = declare("Which kind of group this is.", "features")
    aggregate: dict[Identifier, AggregateSpec] = declare(
        "The features and what each computes.",
        "features",
        example="{delay_mean_1d: {mean: arr_delay, over: 1d}}",
        min_length=1,
    )


class RequestGroupSpec(GroupSpec):
    """Computed from the request itself, by the same expression offline and online."""

    kind: Literal["request"] = declare("Which kind of group this is.", "features")
    fields: tuple[ColumnName, ...] = declare(
        "What a request carries; in training, columns of the examples' source.",
        "features",
        example="[scheduled_departure, distance]",
        min_length=1,
    )
    compute: dict[Identifier, str] = declare(
        "The features and their expressions over the fields.",
        "features",
        example="{log_distance: ln(distance)}",
        min_length=1,
    )


FeatureGroupSpec = Annotated[LatestGroupSpec | AggregateGroupSpec | RequestGroupSpec, Field(discriminator="kind")]
