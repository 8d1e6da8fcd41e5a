"""Carrying a plan out: stages in order, an engine that does them, and the fake that ships with it."""
