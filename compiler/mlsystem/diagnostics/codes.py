"""Every code that a diagnostic can have. One table, in parts: MLS0 YAML and composition, MLS1 shape and types,
MLS2 references, MLS3 expressions, MLS4 points in time and leaks, MLS5 environments and what is not supported yet,
MLS6 service levels, and what is below and in front of a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from mlsystem.diagnostics.code import Code
from mlsystem.diagnostics.codes_account import ACCOUNT
from mlsystem.diagnostics.codes_cost import COST
from mlsystem.diagnostics.codes_environment import ENVIRONMENT
from mlsystem.diagnostics.codes_hardware import HARDWARE
from mlsystem.diagnostics.codes_operation import OPERATION
from mlsystem.diagnostics.codes_reference import EXPRESSION, REFERENCE, TIME
from mlsystem.diagnostics.codes_review import REVIEW
from mlsystem.diagnostics.codes_shape import SHAPE
from mlsystem.diagnostics.codes_yaml import COMPOSITION, YAML

CODES: Mapping[str, Code] = {
    **YAML, **COMPOSITION, **SHAPE, **REFERENCE, **EXPRESSION, **TIME, **ENVIRONMENT, **OPERATION, **COST,
    **REVIEW, **ACCOUNT, **HARDWARE,
}  # fmt: skip
