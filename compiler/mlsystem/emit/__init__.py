"""From a system to files, one module per target. An emitter writes nothing; only the tree has a digest."""
