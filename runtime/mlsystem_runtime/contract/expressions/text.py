"""Syntax tree → canonical text: one spelling for each tree, and `parse(canonical_text(tree)) == tree`."""

from __future__ import annotations

from typing import assert_never

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.expressions.lexer import KEYWORDS, NAME
from mlsystem_runtime.contract.expressions.parser import COMPARISONS, PRODUCTS, SUMS
from mlsystem_runtime.contract.expressions.syntax import (
    Between,
    Binary,
    Call,
    Case,
    Expression,
    In,
    IsNull,
    Literal,
    Logical,
    Name,
    Unary,
)

OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, PRIMARY = range(8)
_LEVEL = (
    dict.fromkeys(COMPARISONS, COMPARISON)
    | dict.fromkeys(SUMS, SUM)
    | dict.fromkeys(PRODUCTS, PRODUCT)
    | {"or": OR, "and": AND, "not": NOT, "-": SUM}
)


def canonical_text(expression: Expression) -> str:
    """Lower-case key words, one space around operators, no brackets but the necessary ones."""
    return _written(expression)[0]


def _written(node: Expression) -> tuple[str, int]:
    """The text of `node` and how tightly its outermost operator binds."""
    match node:
        case Literal():
            return _literal(node), PRIMARY
        case Name():
            return _name(node.name), PRIMARY
        case Unary("-", operand):
            return f"- {_at(operand, SIGN)}", SIGN
        case Unary(_, operand):
            return f"not {_at(operand, NOT)}", NOT
        case Binary(operator, left, right):
            level = _LEVEL[operator]
            return f"{_at(left, level + (level == COMPARISON))} {operator} {_at(right, level + 1)}", level
        case Logical(operator, operands):
            level = _LEVEL[operator]
            return f" {operator} ".join(_at(operand, level + 1) for operand in operands), level
        case IsNull(operand, negated):
            return f"{_at(operand, SUM)} is {'not ' * negated}null", COMPARISON
        case In(operand, items, negated):
            return f"{_at(operand, SUM)} {'not ' * negated}in ({_list(items)})", COMPARISON
        case Between(operand, low, high, negated):
            bounds = f"{_at(low, SUM)} and {_at(high, SUM)}"
            return f"{_at(operand, SUM)} {'not ' * negated}between {bounds}", COMPARISON
        case Case():
            return _case(node), PRIMARY
        case Call(function, arguments):
            return f"{function}({_list(arguments)})", PRIMARY
    assert_never(node)


def _at(node: Expression, level: int) -> str:
    """The text of `node` where only what binds at least as tightly as `level` may stand without brackets."""
    text, own = _written(node)
    return text if own >= level else f"({text})"


def _list(nodes: tuple[Expression, ...]) -> str:
    return ", ".join(canonical_text(node) for node in nodes)


def _case(node: Case) -> str:
    branches = [f"when {canonical_text(condition)} then {canonical_text(value)}" for condition, value in node.branches]
    otherwise = [f"else {canonical_text(node.otherwise)}"] if node.otherwise else []
    return " ".join(["case", *branches, *otherwise, "end"])


def _literal(node: Literal) -> str:
    match node.type:
        case None:
            return "null"
        case ColumnType.BOOL:
            return "true" if node.value else "false"
        case ColumnType.STRING:
            return "'" + str(node.value).replace("'", "''") + "'"
        case _:
            return repr(node.value)


def _name(name: str) -> str:
    if NAME.fullmatch(name) and name.lower() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'
