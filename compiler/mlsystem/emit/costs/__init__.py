"""What the emitted objects and resources use, as plain data that prices can be put to."""
