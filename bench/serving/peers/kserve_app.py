"""A KServe predictor over the Open Inference Protocol; REST alone, the line per request off."""

import sys
from typing import Any

import kserve
import numpy as np
from kserve.utils.utils import get_predict_response
from model import model


class Classifier(kserve.Model):  # type: ignore[misc]
    def load(self) -> bool:
        self.answer = model()
        self.ready = True
        return True

    def predict(self, payload: kserve.InferRequest, *_: Any, **__: Any) -> Any:
        answers = self.answer(payload.inputs[0].as_numpy().tolist())
        return get_predict_response(payload, np.asarray(answers, dtype=np.float32), self.name)


if __name__ == "__main__":
    classifier = Classifier("classifier")
    classifier.load()
    server = kserve.ModelServer(
        http_port=int(sys.argv[1]), enable_grpc=False, enable_latency_logging=False, access_log_format=None,
    )  # fmt: skip
    server.start([classifier])
