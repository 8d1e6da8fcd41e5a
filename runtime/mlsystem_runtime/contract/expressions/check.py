"""Syntax tree and columns → typed tree. A mistake is an ExpressionError that points at the words it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.expressions.errors import ExpressionError, did_you_mean
from mlsystem_runtime.contract.expressions.functions import (
    COMPARISONS,
    FUNCTIONS,
    MANY,
    NEGATE,
    OPERATORS,
    Function,
    Variant,
)
from mlsystem_runtime.contract.expressions.parser import parse
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
from mlsystem_runtime.contract.expressions.text import canonical_text
from mlsystem_runtime.contract.expressions.time_literals import instant_us, zone_problem
from mlsystem_runtime.contract.expressions.typed import Apply, Constant, Input, Term, Typed

INT64 = range(-(2**63), 2**63)
Columns = Mapping[str, Column]


def compile_expression(text: str, columns: Columns) -> Typed:
    """Parse and check `text` over `columns` (by name)."""
    return check(parse(text), columns)


def check(expression: Expression, columns: Columns) -> Typed:
    """The typed form of `expression`; ExpressionError for an unknown name, a wrong type or a number out of range."""
    root = _term(expression, columns)
    if root is None:
        raise _error(expression, "null alone has no type", "say which value it stands for, as in coalesce(x, 0)")
    inputs = frozenset(_inputs(root))
    return Typed(canonical_text(expression), root.type, root.nullable, inputs, root)


def _inputs(term: Term) -> set[str]:
    match term:
        case Input():
            return {term.name}
        case Apply():
            return {name for argument in term.arguments for name in _inputs(argument)}
        case Constant():
            return set()
    assert_never(term)


def _error(node: Expression, message: str, hint: str | None = None) -> ExpressionError:
    return ExpressionError(message, node.start, node.end, hint)


def _term(node: Expression, columns: Columns) -> Term | None:
    """The typed form of `node`; None for the literal `null`, which takes the type of what stands beside it."""
    match node:
        case Literal():
            return _constant(node)
        case Name():
            return _input(node, columns)
        case Unary("-", operand):
            return _variant(NEGATE, (operand,), "-", node, columns)
        case Unary(_, operand):
            return _strict("not", (_bool(operand, columns),), ColumnType.BOOL)
        case Binary(operator, left, right) if operator in COMPARISONS:
            return _comparison(COMPARISONS[operator], (left, right), node, columns)
        case Binary(operator, left, right):
            return _variant(OPERATORS[operator], (left, right), operator, node, columns)
        case Logical(operator, operands):
            return _strict(operator, tuple(_bool(operand, columns) for operand in operands), ColumnType.BOOL)
        case IsNull(operand, negated):
            name = "is_not_null" if negated else "is_null"
            return Apply(name, (_value(operand, columns),), ColumnType.BOOL, nullable=False)
        case In():
            return _in(node, columns)
        case Between(operand, low, high, negated):
            return _negated(_comparison("between", (operand, low, high), node, columns), negated)
        case Case():
            return _case(node.branches, node.otherwise, columns)
        case Call():
            return _call(node, columns)
    assert_never(node)


def _constant(node: Literal) -> Constant | None:
    if node.type is None:
        return None
    if node.type is ColumnType.INT and node.value not in INT64:
        raise _error(
            node, "the number is too large for an int (64 bits)", "write it with a fraction to make it a float"
        )
    return Constant(node.value, node.type)


def _input(node: Name, columns: Columns) -> Input:
    if node.name in columns:
        column = columns[node.name]
        return Input(node.name, column.type, column.nullable or column.type in (ColumnType.FLOAT, ColumnType.TIMESTAMP))
    hint = did_you_mean(node.name, columns)
    if hint is None and node.name.lower() in FUNCTIONS:
        hint = f"a function is called with brackets: {FUNCTIONS[node.name.lower()].usage}"
    raise _error(node, f"there is no column '{node.name}' here", hint)


def _value(node: Expression, columns: Columns) -> Term:
    term = _term(node, columns)
    if term is None:
        raise _error(node, "the result with a literal null is always the same", "to test for null write `x is null`")
    return term


def _bool(node: Expression, columns: Columns) -> Term:
    term = _value(node, columns)
    if term.type is not ColumnType.BOOL:
        hint = "compare it, as in `x != 0`" if term.type.numeric else "compare it with something"
        raise _error(node, f"a condition is expected here, and this is of type {term.type}", hint)
    return term


def _strict(operation: str, arguments: tuple[Term, ...], result: ColumnType, *, partial: bool = False) -> Apply:
    """An operation whose result is null only where an argument is, or anywhere if `partial`."""
    return Apply(operation, arguments, result, partial or any(argument.nullable for argument in arguments))


def _negated(term: Apply, negated: bool) -> Apply:
    return _strict("not", (term,), ColumnType.BOOL) if negated else term


def _as_float(term: Term) -> Term:
    match term:
        case Constant(value, ColumnType.INT):
            return Constant(None if value is None else float(value), ColumnType.FLOAT)
        case _ if term.type is ColumnType.INT:
            return _strict("float_int", (term,), ColumnType.FLOAT)
        case _:
            return term


def _common(nodes: Sequence[Expression], terms: Sequence[Term | None]) -> tuple[Term, ...]:
    """The terms brought to one type: ints become floats beside a float, null takes the type of the others."""
    types = {term.type for term in terms if term is not None}
    if types == {ColumnType.INT, ColumnType.FLOAT}:
        terms = [None if term is None else _as_float(term) for term in terms]
        types = {ColumnType.FLOAT}
    if not types:
        raise _error(nodes[0], "null alone has no type", "one of the values here has to be something other than null")
    if len(types) > 1:
        raise _unlike(nodes, terms)
    (wanted,) = types
    return tuple(Constant(None, wanted) if term is None else term for term in terms)


def _unlike(nodes: Sequence[Expression], terms: Sequence[Term | None]) -> ExpressionError:
    known = [(node, term.type) for node, term in zip(nodes, terms, strict=True) if term is not None]
    first = known[0][1]
    node, other = next(
        (node, type_) for node, type_ in known[1:] if type_ != first and not (type_.numeric and first.numeric)
    )
    hint = None
    if {first, other} == {ColumnType.TIMESTAMP, ColumnType.STRING}:
        hint = "write the instant as timestamp('2013-07-04T00:00Z')"
    elif ColumnType.BOOL in (first, other) and (first.numeric or other.numeric):
        hint = "int(x) turns a bool into 0 or 1"
    elif {first, other} == {ColumnType.STRING, ColumnType.INT}:
        hint = "string(x) turns an int into text"
    return _error(node, f"this is of type {other}, and what it goes with is of type {first}", hint)


def _comparison(operation: str, nodes: tuple[Expression, ...], whole: Expression, columns: Columns) -> Apply:
    terms = _common(nodes, [_value(node, columns) for node in nodes])
    if terms[0].type is ColumnType.BOOL and operation not in ("equal", "not_equal"):
        raise _error(whole, "true and false have no order", "use `=` or `!=`")
    return _strict(operation, terms, ColumnType.BOOL)


def _in(node: In, columns: Columns) -> Apply:
    if not node.items:
        raise _error(node, "the list after `in` is empty")
    nodes = (node.operand, *node.items)
    terms = [_value(one, columns) for one in nodes]
    for item, term in zip(node.items, terms[1:], strict=True):
        if not isinstance(term, Constant):
            raise _error(item, "only literal values may stand in the list after `in`", "join comparisons with `or`")
    return _negated(_strict("in", _common(nodes, terms), ColumnType.BOOL), node.negated)


def _case(branches: Sequence[tuple[Expression, Expression]], otherwise: Expression | None, columns: Columns) -> Apply:
    """The arguments of `case` are condition, value, condition, value, … and the value otherwise."""
    conditions = [_bool(condition, columns) for condition, _ in branches]
    nodes = [value for _, value in branches] + ([otherwise] if otherwise else [])
    values = _common(nodes, [_term(node, columns) for node in nodes])
    last = values[-1] if otherwise else Constant(None, values[0].type)
    pairs = tuple(term for pair in zip(conditions, values, strict=False) for term in pair)
    nullable = last.nullable or any(value.nullable for value in values)
    return Apply("case", (*pairs, last), last.type, nullable)


def _call(node: Call, columns: Columns) -> Term:
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise _error(node, f"there is no function '{node.function}'", did_you_mean(node.function, FUNCTIONS))
    if not function.least <= len(node.arguments) <= function.most:
        raise _error(node, f"{function.name} takes {_counted(function)}", f"it is written {function.usage}")
    match function.form:
        case "typed":
            return _variant(function.variants, node.arguments, function.name, node, columns)
        case "common":
            return _of_common_type(function, node.arguments, columns)
        case "if":
            condition, value, otherwise = node.arguments
            return _case([(condition, value)], otherwise, columns)
        case "nullif":
            terms = _common(node.arguments, [_value(one, columns) for one in node.arguments])
            return Apply("nullif", terms, terms[0].type, nullable=True)
        case "concat":
            variant = Variant((ColumnType.STRING,) * len(node.arguments), ColumnType.STRING, "concat")
            return _variant((variant,), node.arguments, function.name, node, columns)
        case "zoned":
            return _zoned(function, node.arguments, columns)
        case "instant":
            return _instant(node.arguments[0])
    assert_never(function.form)


def _counted(function: Function) -> str:
    least, most = function.least, function.most
    if most == MANY:
        return f"at least {least} arguments"
    if least == most:
        return f"{least} argument{'s' * (least > 1)}"
    return f"{least} or {most} arguments"


def _of_common_type(function: Function, nodes: tuple[Expression, ...], columns: Columns) -> Term:
    terms = _common(nodes, [_term(node, columns) for node in nodes])
    if terms[0].type is ColumnType.BOOL and function.name != "coalesce":
        raise _error(nodes[0], "true and false have no order")
    return Apply(function.name, terms, terms[0].type, all(term.nullable for term in terms))


def _variant(
    variants: tuple[Variant, ...], nodes: tuple[Expression, ...], name: str, whole: Expression, columns: Columns
) -> Term:
    """The call of the first variant that fits, an int becoming a float where no variant takes ints."""
    terms = tuple(_value(node, columns) for node in nodes)
    fitting = [variant for variant in variants if len(variant.parameters) == len(terms)]
    for variant in fitting:
        if all(_fits(term, wanted) for term, wanted in zip(terms, variant.parameters, strict=True)):
            return _applied(variant, terms)
    for place, (node, term) in enumerate(zip(nodes, terms, strict=True)):
        wanted = {variant.parameters[place] for variant in fitting}
        if not any(_fits(term, type_) for type_ in wanted):
            raise _wrong_type(node, term.type, wanted, name)
    raise _error(whole, f"'{name}' does not take these types together")


def _applied(variant: Variant, terms: tuple[Term, ...]) -> Term:
    if variant.operation == "same":
        return _as_float(terms[0]) if variant.result is ColumnType.FLOAT else terms[0]
    pairs = zip(terms, variant.parameters, strict=True)
    arguments = tuple(_as_float(term) if wanted is ColumnType.FLOAT else term for term, wanted in pairs)
    return _strict(variant.operation, arguments, variant.result, partial=variant.partial)


def _fits(term: Term, wanted: ColumnType) -> bool:
    return term.type is wanted or (term.type is ColumnType.INT and wanted is ColumnType.FLOAT)


def _wrong_type(node: Expression, found: ColumnType, wanted: set[ColumnType], name: str) -> ExpressionError:
    names = " or ".join(sorted(wanted))
    hint = None
    if found is ColumnType.TIMESTAMP and name == "-":
        hint = "minutes_between(a, b) is the time from a to b"
    elif found is ColumnType.BOOL and ColumnType.INT in wanted:
        hint = "int(x) turns a bool into 0 or 1"
    elif found is ColumnType.STRING and name == "+":
        hint = "concat(a, b) joins texts"
    elif found is ColumnType.INT and wanted == {ColumnType.STRING}:
        hint = "string(x) turns an int into text"
    return _error(node, f"'{name}' takes {names} here, and this is of type {found}", hint)


def _zoned(function: Function, nodes: tuple[Expression, ...], columns: Columns) -> Term:
    """A part of local time; the zone is written out, UTC where none was given."""
    (variant,) = function.variants
    instant = _value(nodes[0], columns)
    if instant.type is not ColumnType.TIMESTAMP:
        raise _wrong_type(nodes[0], instant.type, {ColumnType.TIMESTAMP}, function.name)
    zone = _zone(nodes[1]) if len(nodes) == 2 else "UTC"
    return _strict(
        variant.operation, (instant, Constant(zone, ColumnType.STRING)), variant.result, partial=zone != "UTC"
    )


def _zone(node: Expression) -> str:
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise _error(node, "a time zone is a literal text", "write it as in 'America/New_York'")
    problem = zone_problem(node.value)
    if problem is not None:
        raise _error(node, *problem)
    return node.value


def _instant(node: Expression) -> Constant:
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise _error(node, "timestamp takes a literal text", "as in timestamp('2013-07-04T00:00Z')")
    instant = instant_us(node.value)
    if instant is None:
        raise _error(
            node,
            f"'{node.value}' is not an instant of the years 1 to 9999",
            "write it as 2013-07-04T00:00Z or 2013-07-04T00:00:00-04:00",
        )
    return Constant(instant, ColumnType.TIMESTAMP)
