"""Text → tokens. Key words are recognised in either case; column names keep theirs."""

from __future__ import annotations

import re
from typing import Literal

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.expressions.errors import ExpressionError

MAX_LENGTH = 10_000
KEYWORDS = frozenset(
    ["and", "or", "not", "is", "null", "in", "between", "case", "when", "then", "else", "end", "true", "false"]
)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<float>[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
  | (?P<int>[0-9]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<operator><=|>=|<>|!=|==|[-+*/%=<>(),])
    """,
    re.VERBOSE,
)
_SYNONYMS = {"==": "=", "<>": "!="}

Kind = Literal["float", "int", "name", "column", "keyword", "string", "operator", "end"]


class Token(Struct):
    """`text` is what it means: key words in lower case, strings and quoted names without their quotes."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


def tokens(text: str) -> tuple[Token, ...]:
    """All tokens of `text` in order, the last of kind `end`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters", MAX_LENGTH, len(text))
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        if match.lastgroup != "space":
            found.append(_token(match))
            _refuse_unit(text, found[-1])
        position = match.end()
    return (*found, Token("end", "", position, position))


def _token(match: re.Match[str]) -> Token:
    start, end, written = match.start(), match.end(), match.group()
    match match.lastgroup:
        case "name" if written.lower() in KEYWORDS:
            return Token("keyword", written.lower(), start, end)
        case "name":
            return Token("name", written, start, end)
        case "int":
            return Token("int", written, start, end)
        case "float":
            return Token("float", written, start, end)
        case "string":
            return Token("string", _unquoted(match), start, end)
        case "quoted":
            return Token("column", _unquoted(match), start, end)
        case _:
            return Token("operator", _SYNONYMS.get(written, written), start, end)


def _unquoted(match: re.Match[str]) -> str:
    written = match.group()
    text = written[1:-1].replace(written[0] * 2, written[0])
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ExpressionError("text in quotes cannot hold a NUL or half a character", match.start(), match.end())
    if written == '""':
        raise ExpressionError("a column has a name", match.start(), match.end(), "text is written in single quotes: ''")
    return text


def _refuse_unit(text: str, token: Token) -> None:
    if token.kind in ("int", "float") and (match := NAME.match(text, token.end)):
        message = f"'{text[token.start : match.end()]}' is not a number"
        raise ExpressionError(message, token.start, match.end(), "numbers in expressions have no unit")


def _unreadable(text: str, position: int) -> ExpressionError:
    character = text[position]
    if character in "'\"":
        return ExpressionError(
            "this quote is not closed", position, len(text), f"a quote inside is written {character * 2}"
        )
    hints = {
        "&": "write `and`",
        "|": "write `or`, or concat(a, b) for text",
        "!": "write `not`",
        "^": "write pow(x, y)",
    }
    message = f"{character!r} is not part of the language of expressions"
    return ExpressionError(message, position, position + 1, hints.get(character))
