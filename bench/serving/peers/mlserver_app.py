"""An MLServer runtime of one's own, with the codec that its guide uses."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from model import model


class Classifier(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        self.answer = model()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        answers = np.asarray(self.answer(rows.tolist()), dtype=np.float32)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", answers)])
