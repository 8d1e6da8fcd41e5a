"""`model`: what is learned from which examples, with which features."""

import re
from typing import Any, Literal, Self

from pydantic import model_validator

from mlsystem.spec.base import ColumnName, Identifier, Section, declare, problem
from mlsystem.spec.code import Entrypoint
from mlsystem_runtime.contract.model import Task


class ExamplesSpec(Section):
    """Each row of `source` that passes `where` is an example."""

    source: str = declare("The source whose rows are the examples.", "features", example="flights")
    at: ColumnName = declare(
        "The timestamp column at which the prediction is asked for.", "features", example="scheduled_departure"
    )
    where: str | None = declare(
        "Which rows are examples.", "features", default=None, example="arr_delay is not null", implied="all rows"
    )


class LabelSpec(Section):
    """What is predicted."""

    column: ColumnName = declare(
        "The column that is predicted; declared or derived.", "features", alias="is", example="late"
    )
    known: ColumnName | None = declare(
        "The timestamp column from which the label is known; null excludes the row.", "features", default=None,
        example="landed_at", implied="the source's `available`, else its `time`",
    )  # fmt: skip


class FeatureRef(Section):
    """Features of a group for one key. Short form: `group.*` or `group.feature`."""

    group: str = declare("The feature group.", "features", example="airport_weather")
    columns: tuple[str, ...] | None = declare(
        "Which features of the group.", "features", default=None, implied="all", min_length=1
    )
    lookup: dict[Identifier, ColumnName] = declare(
        "Which column of the request (and of the examples' source) holds each part of the entity's key.", "features",
        default={}, example="{code: dest}", implied="columns with the names of the key's parts",
    )  # fmt: skip
    alias: Identifier | None = declare(
        "Another name for this use of the group.", "features", default=None, alias="as", example="dest_weather",
        implied="the group's name",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"([A-Za-z][A-Za-z0-9_]*)\.(\*|[A-Za-z_][A-Za-z0-9_]*)", value)
        if match is None:
            raise problem(
                "MLS116",
                f"'{value[:80]}' is not a reference to features",
                f"write `{_head(value)}.*` for all features of a group",
            )
        return {"group": match[1]} if match[2] == "*" else {"group": match[1], "columns": (match[2],)}

    @property
    def name(self) -> str:
        """The first part of each feature's name `ALIAS.COLUMN`."""
        return self.alias or self.group


class ModelSpec(Section):
    """What is predicted, from what."""

    task: Task = declare("The kind of prediction.", "fit", example="binary_classification")
    examples: ExamplesSpec = declare("Which rows the model learns from.", "features")
    label: LabelSpec = declare("What is predicted.", "features", example="{is: late, known: landed_at}")
    features: tuple[FeatureRef, ...] = declare(
        "The features that the model sees.", "features", example="[carrier_history.*, trip.*]", min_length=1
    )
    type: Literal["tabular", "custom"] = declare(
        "The network: `tabular` is built in, `custom` is one of your own.", "fit", default_of="model.type"
    )
    entrypoint: Entrypoint | None = declare(
        "The function of your `code` that returns the network of a custom model, a torch module.", "fit", default=None,
        example="my_package.model:build", implied="none: the built-in network",
    )  # fmt: skip

    @model_validator(mode="after")
    def _custom_has_an_entrypoint(self) -> Self:
        if (self.type == "custom") != (self.entrypoint is not None):
            raise problem(
                "MLS114",
                "`type: custom` and `entrypoint` go together",
                "write both for a network of your own, as `type: custom` and `entrypoint: my_package.model:build`; "
                "neither for the built-in one",
            )
        return self


def _head(text: str) -> str:
    match = re.match(r"[A-Za-z][A-Za-z0-9_]*", text)
    return match[0] if match else "group"
