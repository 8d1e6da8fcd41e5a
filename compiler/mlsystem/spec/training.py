"""`training`: how the model is fitted."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlsystem.source.schedule import is_schedule
from mlsystem.spec.addresses import LabelValue
from mlsystem.spec.base import Duration, Section, Share, Size, at_least, declare, problem


class SplitSpec(Section):
    """Which examples are held back."""

    by: Literal["time", "random"] = declare(
        "By time, the latest are held back; by chance otherwise.", "fit", default_of="split.by"
    )
    validation: Share = declare("The share that chooses when to stop.", "fit", default_of="split.validation")
    test: Share = declare("The share that the model is judged on.", "fit", default_of="split.test")

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if self.validation <= 0 or self.test <= 0 or self.validation + self.test >= 0.9:
            raise problem(
                "MLS114",
                "`validation` and `test` must each be above 0% and together below 90%",
                "the rest is what the model learns from",
            )
        return self


class ParametersSpec(Section):
    """The parameters of a tabular model."""

    hidden: tuple[Annotated[int, Field(gt=0, le=65536)], ...] = declare(
        "The width of each hidden layer.", "fit", default_of="parameters.hidden", min_length=1
    )
    epochs: int = declare("The most passes over the training rows.", "fit", default_of="parameters.epochs", gt=0)
    batch_size: int = declare("Rows per step of the optimizer.", "fit", default_of="parameters.batch_size", gt=0)
    learning_rate: float = declare(
        "The peak learning rate.", "fit", default_of="parameters.learning_rate", gt=0, allow_inf_nan=False
    )
    weight_decay: float = declare(
        "Decoupled weight decay.", "fit", default_of="parameters.weight_decay", ge=0, allow_inf_nan=False
    )
    dropout: float = declare(
        "The share of activations dropped while training.", "fit", default_of="parameters.dropout", ge=0, lt=1
    )
    numeric_embedding: Literal["periodic", "piecewise", "none"] = declare(
        "How numbers enter the network.", "fit", default_of="parameters.numeric_embedding"
    )
    embedding_size: int = declare(
        "The length of each feature's embedding.", "fit", default_of="parameters.embedding_size", gt=0, le=1024
    )
    patience: int = declare(
        "Epochs without a better validation loss before training stops.", "fit", default_of="parameters.patience", gt=0
    )


class GpuSpec(Section):
    """GPUs of one machine."""

    type: LabelValue | None = declare(
        "The model, matched with `platform.gpu_selector`.", "operate", default=None, example="a10g", implied="any"
    )
    count: int = declare("How many.", "operate", default_of="gpu.count", ge=1, le=16)


class TrainingHardwareSpec(Section):
    """What training runs on."""

    cpu: int | None = declare(
        "How many CPU threads training uses; in a cluster, cores.", "operate", default=None, example="4",
        implied="all there are; in a cluster, 1", gt=0,
    )  # fmt: skip
    memory: Size = declare("Memory, in a cluster.", "operate", default_of="training.hardware.memory")
    gpu: GpuSpec | None = declare("GPUs, in a cluster.", "operate", default=None, example="{count: 1}", implied="none")

    nodes: int = declare(
        "How many machines train together, in a cluster: each has the hardware above, and looks at its share of every "
        "batch. The model is that of one but for rounding.",
        "operate", default_of="training.hardware.nodes", ge=1, le=64,
    )  # fmt: skip
    spot: bool = declare(
        "Whether machines may be ones that cost less and can be taken away at any time, in a cluster that is made on"
        " AWS. The training goes on where it was saved.", "operate", default_of="training.hardware.spot",
    )  # fmt: skip

    _enough = field_validator("memory")(at_least("256Mi"))


class LimitsSpec(Section):
    """What training may cost."""

    max_loss_of_work: Duration = declare(
        "How much work a crash may lose: the time between checkpoints.", "operate", default_of="limits.max_loss_of_work"
    )

    NOT_YET = {"max_cost": "a limit on the money that training costs"}


class TrainingSpec(Section):
    """How the model is fitted."""

    split: SplitSpec = declare("Which examples are held back.", "fit", default={})
    parameters: ParametersSpec = declare("The parameters of the model and its optimizer.", "fit", default={})
    hardware: TrainingHardwareSpec = declare("What training runs on.", "operate", default={})
    limits: LimitsSpec = declare("What training may cost.", "operate", default={})
    seed: int = declare("The seed of everything random in training.", "fit", default_of="training.seed", ge=0, lt=2**31)

    schedule: str | None = declare(
        "When training is run again, in a cluster: minute, hour, day, month, weekday, in UTC.", "operate", default=None,
        example='"0 3 * * 1"', implied="when the system or a person asks for it",
    )  # fmt: skip

    NOT_YET = {"search": "a search over parameters"}

    @field_validator("schedule")
    @classmethod
    def _five_fields(cls, value: str | None) -> str | None:
        if value is not None and not is_schedule(value):
            raise problem("MLS122", f"'{value}' is not a schedule", 'for example "0 3 * * 1": Mondays at 3:00 UTC')
        return value
