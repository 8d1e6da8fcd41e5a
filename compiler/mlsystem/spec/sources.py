"""`sources`: tables, what their columns are, and when each row could have been known."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from mlsystem.spec.base import ColumnName, ColumnTypeText, Duration, Section, declare, problem

Severity = Literal["error", "warn"]


class CheckSpec(Section):
    severity: Severity = declare(
        "What a failed check does: `error` stops before training, `warn` only reports.", "operate",
        default_of="checks.severity",
    )  # fmt: skip


class NotNullCheck(CheckSpec):
    """No value of these columns is null."""

    kind: Literal["not_null"] = declare("Which check this is.", "data")
    columns: tuple[ColumnName, ...] = declare("The columns.", "data", example="[carrier, origin]", min_length=1)


class UniqueCheck(CheckSpec):
    """No two rows have the same values in these columns."""

    kind: Literal["unique"] = declare("Which check this is.", "data")
    columns: tuple[ColumnName, ...] = declare("The columns.", "data", example="[flight_id]", min_length=1)


class RangeCheck(CheckSpec):
    """`min <= column <= max`; nulls pass."""

    kind: Literal["range"] = declare("Which check this is.", "data")
    column: ColumnName = declare("The column.", "data")
    min: float | None = declare("The smallest allowed value.", "data", default=None, implied="no lower bound")
    max: float | None = declare("The greatest allowed value.", "data", default=None, implied="no upper bound")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        _require_bounds("range", self.min, self.max)
        return self


class OneOfCheck(CheckSpec):
    """Every value is one of these; nulls pass."""

    kind: Literal["one_of"] = declare("Which check this is.", "data")
    column: ColumnName = declare("The column.", "data")
    values: tuple[str, ...] = declare("The allowed values.", "data", example="[EWR, JFK, LGA]", min_length=1)


class MatchesCheck(CheckSpec):
    """The whole text matches the regular expression; nulls pass."""

    kind: Literal["matches"] = declare("Which check this is.", "data")
    column: ColumnName = declare("The column.", "data")
    pattern: str = declare("A regular expression (RE2) for the whole value.", "data", example='"[A-Z]{3}"')


class RowCountCheck(CheckSpec):
    """The source has this many rows."""

    kind: Literal["row_count"] = declare("Which check this is.", "data")
    min: int | None = declare("The fewest rows.", "data", default=None, implied="no lower bound", ge=0)
    max: int | None = declare("The most rows.", "data", default=None, implied="no upper bound", ge=0)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        _require_bounds("row_count", self.min, self.max)
        return self


class FreshnessCheck(CheckSpec):
    """The newest event is at most this old on the environment's clock."""

    kind: Literal["freshness"] = declare("Which check this is.", "data")
    within: Duration = declare("The greatest age of the newest row.", "data", example="2d")


Check = Annotated[
    NotNullCheck | UniqueCheck | RangeCheck | OneOfCheck | MatchesCheck | RowCountCheck | FreshnessCheck,
    Field(discriminator="kind"),
]


class SourceSpec(Section):
    """A table of rows, each with an event time and the moment from which it could be known."""

    type: Literal["csv", "parquet", "json"] = declare(
        "The kind of source.", "data", example="parquet",
        not_yet={"sql": "a query on a database", "delta": "a Delta table", "iceberg": "an Iceberg table",
                 "stream": "a stream of events", "push": "rows sent to an endpoint"},
    )  # fmt: skip
    uri: str = declare(
        "Where the data is, relative to the folder of the root file.", "data", example="data/flights.parquet"
    )
    time: ColumnName = declare(
        "The timestamp column that says when the event happened.", "data", example="scheduled_departure"
    )
    timezone: str | None = declare(
        "The time zone of timestamps that carry none.", "data", default=None, example="America/New_York",
        implied="timestamps carry their offset",
    )  # fmt: skip
    available: ColumnName | None = declare(
        "The timestamp column that says from when the row could be known; null means never.", "data",
        default=None, example="landed_at", implied="the same as `time`",
    )  # fmt: skip
    known_at_time: tuple[ColumnName, ...] | None = declare(
        "Columns that are known already at `time`; all others only from `available`.", "data",
        default=None, example="[carrier, origin]", implied="none where `available` is given, else all",
    )  # fmt: skip
    key: tuple[ColumnName, ...] = declare(
        "Columns that identify a row; a repeat fails ingest.",
        "data",
        default=(),
        example="[flight_id]",
        implied="rows are not checked for repeats",
    )
    columns: dict[ColumnName, ColumnTypeText] = declare(
        "Every column that is used, and its type; `?` marks one that may be null.", "data",
        example='{carrier: string, arr_delay: "float?"}', min_length=1,
    )  # fmt: skip
    derive: dict[ColumnName, str] = declare(
        "New columns computed from others of the same row.", "data", default={}, example="{late: arr_delay > 15}",
        implied="none",
    )  # fmt: skip
    checks: tuple[Check, ...] = declare("What must hold for the rows.", "data", default=(), implied="none")
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())
    renamed_from: ColumnName | None = declare(
        "The former name, to keep the identity across a rename.", None, default=None
    )

    NOT_YET = {
        "query": "the query of an sql source",
        "table": "the table of an sql, delta or iceberg source",
        "topic": "the topic of a stream",
        "format": "the format of a stream's messages",
    }


def _require_bounds(kind: str, low: Any, high: Any) -> None:
    if low is None and high is None:
        raise problem("MLS113", f"a {kind} check needs `min`, `max` or both", "add the bound that must hold")
    if low is not None and high is not None and low > high:
        raise problem("MLS114", f"`min` {low} is greater than `max` {high}", "swap the two bounds")
