"""BentoML as its guide begins, and with its adaptive batching; metrics on, the access log off."""

import bentoml
import numpy as np
from model import model

SETTINGS = {"metrics": {"enabled": True}, "logging": {"access": {"enabled": False}}}


@bentoml.service(**SETTINGS)
class Single:
    def __init__(self) -> None:
        self.answer = model()

    @bentoml.api
    def predict(self, x: list[float]) -> list[float]:
        return self.answer([x])[0]


@bentoml.service(**SETTINGS)
class Batched:
    def __init__(self) -> None:
        self.answer = model()

    @bentoml.api(batchable=True)
    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.answer(x.tolist()))
