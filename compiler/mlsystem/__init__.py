"""Compiles `mlsystem.yaml` into everything that carries it out."""
