"""An MLServer runtime of one's own, with the codecs that its guide uses; validation is the server's."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from model import answer


class Mixed(MLModel):  # type: ignore[misc]
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = {one.name: one for one in payload.inputs}
        amount = self.decode(given["amount"], default_codec=NumpyCodec)
        count = self.decode(given["count"], default_codec=NumpyCodec)
        word = self.decode(given["word"], default_codec=StringCodec)
        score, labels = answer(amount, count, word)
        label = StringCodec.encode_output("label", labels)
        return InferenceResponse(
            model_name=self.name, model_version=self.version, outputs=[NumpyCodec.encode_output("score", score), label]
        )
