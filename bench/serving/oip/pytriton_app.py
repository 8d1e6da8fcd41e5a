"""The Triton server of PyTriton with a callable in Python; validation is the server's."""

import sys
from typing import Any

import numpy as np
from model import NAME, answer
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


@batch  # type: ignore[untyped-decorator]
def infer(amount: Any, count: Any, word: Any) -> dict[str, Any]:
    score, labels = answer(amount, count, word)
    return {"score": score, "label": np.char.encode(np.array(labels), "utf-8").reshape(-1, 1)}


if __name__ == "__main__":
    port = int(sys.argv[1])
    with Triton(config=TritonConfig(http_port=port, grpc_port=port + 1, metrics_port=port + 2)) as triton:
        inputs = [Tensor(name="amount", dtype=np.float32, shape=(4,)), Tensor(name="count", dtype=np.int32, shape=(1,)),
                  Tensor(name="word", dtype=bytes, shape=(1,))]
        outputs = [Tensor(name="score", dtype=np.float32, shape=(1,)), Tensor(name="label", dtype=bytes, shape=(1,))]
        triton.bind(model_name=NAME, infer_func=infer, inputs=inputs, outputs=outputs,
                    config=ModelConfig(max_batch_size=128, batcher=DynamicBatcher()), strict=True)
        triton.serve()
