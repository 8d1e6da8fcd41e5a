"""The two evaluators of expressions: SQL for DuckDB offline, a Python function online. They agree on every row.

Floats are equal to the last bit where IEEE 754 says what they are (`+ - * / %`, sqrt, comparisons, conversions);
`ln log2 log10 exp pow sin cos` are the mathematical library's and may differ by one unit in the last place between
machines. A result is never NaN, infinite or a negative zero.
"""
