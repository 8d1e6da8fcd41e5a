"""LitServe with its defaults; its loggers are told to be quiet."""

import sys
from typing import Any

import litserve
from model import model


class Classifier(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:  # noqa: ARG002
        self.answer = model()

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        row: list[float] = request["x"]
        return row

    def predict(self, x: list[float]) -> list[float]:
        return self.answer([x])[0]

    def encode_response(self, output: list[float]) -> dict[str, list[float]]:
        return {"y": output}


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
