"""Sources become typed Arrow tables: one reader per format, one conversion, one set of checks."""

from typing import Final

ROWS: Final = "rows.parquet"  # the output of an ingest step
