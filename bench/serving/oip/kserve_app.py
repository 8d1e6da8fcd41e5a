"""A KServe predictor over the Open Inference Protocol, REST and gRPC; validation is the server's."""

import sys
from typing import Any

import kserve
import numpy as np
from kserve.utils.utils import generate_uuid
from model import INPUTS, NAME, OUTPUTS, answer


class Mixed(kserve.Model):  # type: ignore[misc]
    def load(self) -> bool:
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        return list(INPUTS)

    def get_output_types(self) -> list[dict[str, Any]]:
        return list(OUTPUTS)

    def predict(self, payload: kserve.InferRequest, *_: Any, **__: Any) -> Any:
        """With the outputs made as KServe's own `get_predict_response` makes its one."""
        given = {one.name: one.as_numpy() for one in payload.inputs}
        score, labels = answer(given["amount"], given["count"], given["word"])
        outputs = [kserve.InferOutput("score", list(score.shape), "FP32"),
                   kserve.InferOutput("label", [len(labels), 1], "BYTES")]
        for output, array in zip(outputs, (score, np.array(labels, dtype=object).reshape(-1, 1)), strict=True):
            output.set_data_from_numpy(array, binary_data=payload.use_binary_outputs)
        return kserve.InferResponse(
            response_id=payload.id or generate_uuid(), model_name=self.name, infer_outputs=outputs,
            use_binary_outputs=payload.use_binary_outputs, requested_outputs=payload.request_outputs,
        )  # fmt: skip


if __name__ == "__main__":
    mixed = Mixed(NAME)
    mixed.load()
    port = int(sys.argv[1])
    kserve.ModelServer(http_port=port, grpc_port=port + 1, enable_latency_logging=False).start([mixed])
