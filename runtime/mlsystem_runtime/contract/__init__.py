"""What compiler and runtime agree on: plain types, light imports, no behaviour that needs a library.

Importing this package or any module in it must not import torch, duckdb, pyarrow, numpy or sqlglot.
"""
