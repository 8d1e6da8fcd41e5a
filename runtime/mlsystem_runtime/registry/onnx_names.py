"""What an ONNX model calls its inputs, its output and its open dimension."""

X, IDS, ANSWERS, ROWS = "x", "ids", "answers", "rows"
