"""The steps of a pipeline, one file each. A step is a function of its payload and its inputs; `base` runs it."""
