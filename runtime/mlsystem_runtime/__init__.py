"""Trains, serves and monitors what `mlsystem` compiled. Runs in containers and on one machine alike."""
