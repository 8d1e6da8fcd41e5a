"""Commands: each parses, calls, and hands the answer to the console. Nothing is decided here."""
