"""Whatever text comes in: a tree that survives being written and read, or an ExpressionError that points into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.expressions import Expression, ExpressionError, canonical_text, check, parse
from mlsystem_runtime.contract.expressions.functions import FUNCTIONS
from mlsystem_runtime.contract.expressions.lexer import KEYWORDS

COLUMNS = {
    name: Column(name=name, type=type_, nullable=True)
    for name, type_ in zip("ixsbt", ("int", "float", "string", "bool", "timestamp"), strict=True)
    for type_ in [ColumnType(type_)]
}
WORDS = st.sampled_from(
    [
        *KEYWORDS,
        *FUNCTIONS,
        *COLUMNS,
        *"()(),+-*/%=<>",
        "!=",
        "<=",
        "1",
        "-2",
        "1.5",
        "1e400",
        "''",
        "'a'",
        '"b"',
        "9" * 20,
    ]
)
SOUP = st.lists(WORDS, max_size=30).map(" ".join)


def parsed(text: str) -> Expression | None:
    """The tree of `text`, checked if its types allow it; None where the text is refused."""
    tree = None
    with points_into(text):
        tree = parse(text)
        check(tree, COLUMNS)
    return tree


@contextmanager
def points_into(text: str) -> Iterator[None]:
    """Lets an ExpressionError pass that points into `text`."""
    with suppress(ExpressionError):
        try:
            yield
        except ExpressionError as error:
            if not 0 <= error.start <= error.end <= len(text):
                raise AssertionError(f"points outside: {error.start}..{error.end}") from error
            raise


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=60) | SOUP)
def test_random_text_raises_nothing_but_expression_errors(text: str) -> None:
    tree = parsed(text)

    assert tree is None or parse(canonical_text(tree)) == tree


NAMES = st.sampled_from([*COLUMNS, '"end"', '"it""s"', '"Ä b"'])
NUMBERS = st.integers(-(2**63), 2**64).map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
LEAVES = (
    NAMES | NUMBERS | TEXTS.map(lambda text: "'" + text.replace("'", "''") + "'") | st.sampled_from(["null", "TRUE"])
)
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "=", "<>", "<", ">=", "and", "or"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bracketed = inner.map("({})".format)
    return st.one_of(
        st.tuples(bracketed, BINARY, bracketed).map(" ".join),
        st.tuples(inner, BINARY, inner).map(" ".join),
        st.tuples(st.sampled_from(["-", "not "]), bracketed).map("".join),
        st.tuples(bracketed, st.sampled_from([" is null", " is not null", " in (1, 'a')", " not in (2)"])).map("".join),
        st.tuples(bracketed, bracketed, bracketed).map("{0[0]} between {0[1]} and {0[2]}".format),
        st.tuples(inner, inner, inner).map("if({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(inner, inner, inner).map("case when {0[0]} then {0[1]} else {0[2]} end".format),
    )


@settings(max_examples=1000, deadline=None)
@given(st.recursive(LEAVES, grown, max_leaves=12))
def test_canonical_text_reads_as_the_same_tree_and_is_its_own_canonical_text(text: str) -> None:
    tree = parsed(text)

    if tree is not None:
        canonical = canonical_text(tree)
        assert parse(canonical) == tree
        assert canonical_text(parse(canonical)) == canonical
