"""Tokens → syntax tree, by precedence.

From loose to tight: `or`, `and`, `not`, comparisons with `is`, `in` and `between` (which do not chain), `+ -`,
`* / %`, the minus sign.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.expressions.errors import ExpressionError
from mlsystem_runtime.contract.expressions.lexer import Token, tokens
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
    Node,
    Place,
    Unary,
)

MAX_DEPTH = 40
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
SUMS = frozenset({"+", "-"})
PRODUCTS = frozenset({"*", "/", "%"})

_N = TypeVar("_N", bound=Node)


def parse(text: str) -> Expression:
    """The syntax tree of `text`; ExpressionError where it is not an expression or is nested too deeply."""
    parser = _Parser(tokens(text))
    expression = parser.expression()
    parser.finish()
    return expression


class _Parser:
    def __init__(self, found: tuple[Token, ...]) -> None:
        self.tokens = found
        self.position = 0
        self.nesting = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def finish(self) -> None:
        if self.token.kind != "end":
            raise self.unexpected("nothing more")

    def at(self, kind: str, *texts: str) -> bool:
        return self.token.kind == kind and (not texts or self.token.text in texts)

    def advance(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def accept(self, kind: str, *texts: str) -> bool:
        found = self.at(kind, *texts)
        self.position += found
        return found

    def expect(self, kind: str, text: str) -> None:
        if not self.accept(kind, text):
            raise self.unexpected(f"'{text}'")

    def unexpected(self, wanted: str) -> ExpressionError:
        token = self.token
        return ExpressionError(f"{token.shown} stands where {wanted} is expected", token.start, token.end)

    def make(self, build: Callable[..., _N], start: int, children: tuple[Expression, ...]) -> _N:
        """The node from `start` to the token before this one, unless it would be nested too deeply."""
        end = self.tokens[self.position - 1].end
        depth = 1 + max((child.place.depth for child in children), default=0)
        if depth > MAX_DEPTH:
            raise self.too_deep(start, end)
        return build(place=Place(start, end, depth))

    def too_deep(self, start: int, end: int) -> ExpressionError:
        message = f"the expression is nested more than {MAX_DEPTH} levels deep"
        return ExpressionError(message, start, end, "give a part of it a name under `derive` or `compute`")

    def nested(self, inner: Callable[[], Expression]) -> Expression:
        """What `inner` reads, one level deeper: brackets make no node and still cost a level here."""
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise self.too_deep(self.token.start, self.token.end)
        node = inner()
        self.nesting -= 1
        return node

    def expression(self) -> Expression:
        return self.nested(partial(self.logical, "or", partial(self.logical, "and", self.negation)))

    def logical(self, operator: str, operand: Callable[[], Expression]) -> Expression:
        start = self.token.start
        operands = [operand()]
        while self.accept("keyword", operator):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return self.make(partial(Logical, operator, tuple(operands)), start, tuple(operands))

    def negation(self) -> Expression:
        start = self.token.start
        if not self.accept("keyword", "not"):
            return self.comparison()
        operand = self.nested(self.negation)
        return self.make(partial(Unary, "not", operand), start, (operand,))

    def comparison(self) -> Expression:
        start = self.token.start
        left = self.chain(SUMS, partial(self.chain, PRODUCTS, self.signed))
        node = self.comparison_of(left, start)
        if node is not left and (self.at("operator", *COMPARISONS) or self.at("keyword", "is", "in", "between")):
            token = self.token
            raise ExpressionError(
                "comparisons do not chain", token.start, token.end, "use `and`, or put the first one in brackets"
            )
        return node

    def comparison_of(self, left: Expression, start: int) -> Expression:
        if self.at("operator", *COMPARISONS):
            operator = self.advance().text
            right = self.chain(SUMS, partial(self.chain, PRODUCTS, self.signed))
            return self.make(partial(Binary, operator, left, right), start, (left, right))
        if self.accept("keyword", "is"):
            negated = self.accept("keyword", "not")
            self.expect("keyword", "null")
            return self.make(partial(IsNull, left, negated), start, (left,))
        negated = self.accept("keyword", "not")
        if self.accept("keyword", "in"):
            items = self.arguments()
            return self.make(partial(In, left, items, negated), start, (left, *items))
        if self.accept("keyword", "between"):
            return self.between(left, start, negated)
        if negated:
            raise self.unexpected("'in' or 'between'")
        return left

    def between(self, operand: Expression, start: int, negated: bool) -> Expression:
        low = self.chain(SUMS, partial(self.chain, PRODUCTS, self.signed))
        self.expect("keyword", "and")
        high = self.chain(SUMS, partial(self.chain, PRODUCTS, self.signed))
        return self.make(partial(Between, operand, low, high, negated), start, (operand, low, high))

    def chain(self, operators: frozenset[str], operand: Callable[[], Expression]) -> Expression:
        """`a op b op c` as ((a op b) op c)."""
        start = self.token.start
        left = operand()
        while self.at("operator", *operators):
            operator = self.advance().text
            right = operand()
            left = self.make(partial(Binary, operator, left, right), start, (left, right))
        return left

    def signed(self) -> Expression:
        start = self.token.start
        if not self.accept("operator", "-"):
            return self.primary()
        operand = self.nested(self.signed)
        if isinstance(operand, Literal) and isinstance(operand.value, int | float) and _unsigned(operand):
            return self.make(partial(Literal, -operand.value, operand.type), start, ())
        return self.make(partial(Unary, "-", operand), start, (operand,))

    def primary(self) -> Expression:
        token = self.advance()
        match token.kind:
            case "int" | "float" | "string":
                return self.make(partial(_literal, token), token.start, ())
            case "keyword" if token.text in _WORDS:
                return self.make(partial(Literal, *_WORDS[token.text]), token.start, ())
            case "keyword" if token.text == "case":
                return self.case(token.start)
            case "name" if self.at("operator", "("):
                arguments = self.arguments()
                return self.make(partial(Call, token.text.lower(), arguments), token.start, arguments)
            case "name" | "column":
                return self.make(partial(Name, token.text), token.start, ())
            case "operator" if token.text == "(":
                inner = self.expression()
                self.expect("operator", ")")
                return inner
        self.position -= 1
        raise self.unexpected("a value")

    def arguments(self) -> tuple[Expression, ...]:
        """What stands in brackets, separated by commas."""
        self.expect("operator", "(")
        found: list[Expression] = []
        while not self.accept("operator", ")"):
            if found and not self.accept("operator", ","):
                raise self.unexpected("',' or ')'")
            found.append(self.expression())
        return tuple(found)

    def case(self, start: int) -> Expression:
        branches: list[tuple[Expression, Expression]] = []
        while self.accept("keyword", "when"):
            condition = self.expression()
            self.expect("keyword", "then")
            branches.append((condition, self.expression()))
        if not branches:
            raise self.unexpected("'when'")
        otherwise = self.expression() if self.accept("keyword", "else") else None
        self.expect("keyword", "end")
        children = [child for branch in branches for child in branch] + ([otherwise] if otherwise else [])
        return self.make(partial(Case, tuple(branches), otherwise), start, tuple(children))


_WORDS: dict[str, tuple[bool | None, ColumnType | None]] = {
    "true": (True, ColumnType.BOOL),
    "false": (False, ColumnType.BOOL),
    "null": (None, None),
}


def _unsigned(literal: Literal) -> bool:
    return literal.type in (ColumnType.INT, ColumnType.FLOAT) and not str(literal.value).startswith("-")


def _literal(token: Token, *, place: Place) -> Literal:
    if token.kind == "string":
        return Literal(token.text, ColumnType.STRING, place=place)
    if token.kind == "float" and (number := float(token.text)) != float("inf"):
        return Literal(number, ColumnType.FLOAT, place=place)
    if token.kind == "int" and len(token.text.lstrip("0")) <= 19:
        return Literal(int(token.text), ColumnType.INT, place=place)
    raise ExpressionError("the number is too large", token.start, token.end)
