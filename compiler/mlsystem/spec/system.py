"""The whole file."""

from typing import Any, Literal

from mlsystem.spec.base import EnvironmentVariable, Identifier, Name, Section, declare
from mlsystem.spec.code import CodeSpec
from mlsystem.spec.entities import EntitySpec
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.evaluation import EvaluationSpec
from mlsystem.spec.features import FeatureGroupSpec
from mlsystem.spec.model import ModelSpec
from mlsystem.spec.monitoring import MonitoringSpec
from mlsystem.spec.review import ReviewSpec
from mlsystem.spec.serving import ServingSpec
from mlsystem.spec.sources import SourceSpec
from mlsystem.spec.training import TrainingSpec

MODEL_KEYS = ("model", "training", "evaluation", "serving", "monitoring")
"""At the top of a file these are sugar for `models: {main: {…}}`."""
SUGAR = ("models", "main")


class VariableSpec(Section):
    """A value that is put in for `${var:NAME}`."""

    type: Literal["string", "int", "float", "bool", "duration", "share", "size", "rate", "money", "cost"] = declare(
        "What the value is.", None, example="rate"
    )
    default: Any = declare(
        "The value where the environment says nothing.", None, default=None, implied="`env` must be set"
    )
    env: EnvironmentVariable | None = declare(
        "The environment variable that gives the value.", None, default=None, example="PEAK", implied="only the default"
    )
    description: str | None = declare("A note for readers.", None, default=None)


class ModelSection(Section):
    """One model and everything around it."""

    model: ModelSpec = declare("What is predicted, from what.", "fit")
    training: TrainingSpec = declare("How the model is fitted.", "fit", default={})
    evaluation: EvaluationSpec = declare("How a trained model is judged.", "evaluate", default={})
    serving: ServingSpec = declare("How predictions are answered.", "operate", default={})
    monitoring: MonitoringSpec = declare("What is watched while the model answers.", "operate", default={})
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())
    renamed_from: Name | None = declare("The former name, to keep the identity across a rename.", None, default=None)


class SystemSpec(Section):
    """One machine-learning system, from sources to monitors."""

    api_version: Literal["mlsystem/v1"] = declare(
        "The version of the language.", None, alias="apiVersion", example="mlsystem/v1"
    )
    name: Name = declare("The system's name.", "operate", example="flight-delay")
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())
    include: tuple[str, ...] = declare(
        "Other files of the same language; maps merge by key.", None, default=(), example="[features/*.yaml]"
    )
    variables: dict[Identifier, VariableSpec] = declare("Values that are put in for `${var:NAME}`.", None, default={})
    sources: dict[Identifier, SourceSpec] = declare("Where the data is.", "data", min_length=1)
    entities: dict[Identifier, EntitySpec] = declare("What features are about.", "features", default={})
    features: dict[Identifier, FeatureGroupSpec] = declare("Groups of features.", "features", min_length=1)
    models: dict[Name, ModelSection] = declare(
        "The models; one alone may be written as `model`, `training`, … at the top.", "fit", min_length=1
    )
    environments: dict[Name, EnvironmentSpec] = declare(
        "Where the system runs.", "operate", default={}, implied="one local environment `dev`", min_length=1
    )
    code: CodeSpec | None = declare(
        "Code of your own, which builds the models of type `custom`.", "fit", default=None, example="{path: src}",
        implied="none",
    )  # fmt: skip
    review: ReviewSpec | None = declare(
        "How a change gets from a pull request into the environments.", None, default=None,
        example="{github: {repository: acme/flight-delay, environments: {staging: {}}}}", implied="by hand",
    )  # fmt: skip
