"""From a system to files, one module per target. An emitter writes nothing; the tree is the only thing with a digest."""
