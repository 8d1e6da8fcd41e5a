"""The programs that the generated artefacts are meant for, built from published modules and started for tests."""
