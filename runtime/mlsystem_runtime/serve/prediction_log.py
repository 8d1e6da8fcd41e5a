"""The sampled prediction log of one model, below predictions/MODEL; see `contract.records`."""

from __future__ import annotations

from pathlib import Path

from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.records import Prediction, prediction_layout
from mlsystem_runtime.contract.release import bucket
from mlsystem_runtime.serve.journal import Journals, header_of

SALT = "prediction-log"


class PredictionLog:
    """`folder` is predictions/MODEL. A share of `sample` of all request ids is logged, with all rows of the request."""

    def __init__(self, folder: Path, sample: float, process: str) -> None:
        self.journals = Journals(folder, process)
        self.sample = sample
        self._headers: dict[int, bytes] = {}

    def samples(self, request_id: str) -> bool:
        return self.sample >= 1.0 or (self.sample > 0.0 and bucket(SALT, request_id) < self.sample)

    def add(self, card: ModelCard, prediction: Prediction) -> bool:
        """`card` is that of the version that answered. False when too much waits already (the disk does not keep up)
        and the record was dropped."""
        header = self._headers.get(prediction.version)
        if header is None:
            header = self._headers[prediction.version] = header_of(prediction_layout(card))
        return self.journals.add(header, prediction.at_us, prediction)
