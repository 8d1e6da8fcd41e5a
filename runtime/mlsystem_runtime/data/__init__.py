"""Sources become typed Arrow tables: one reader per format, one conversion, one set of checks."""
