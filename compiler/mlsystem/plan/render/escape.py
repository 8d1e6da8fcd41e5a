"""Text that is the user's, in Markdown as GitHub reads it: nothing in it may end a cell, start markup, call somebody or
hide what it says."""

from __future__ import annotations

import re
from urllib.parse import quote

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls, and what turns the order of letters around or has no width."""

MARKUP = re.compile(r"([\\`*_\[\]<>|~#$&])")
CALLING = re.compile(r"([@#])(?=[\w./-])")
LINKING = re.compile(r"(?i)\b(https?|ftp)(?=://)|\b(www)(?=\.)")
APART = "\u200b"
SIGN = re.compile(r"[!-/:-@\[-`{-~]")
TICKS = re.compile("`+")


def visible(text: str) -> str:
    return UNSEEN.sub("\ufffd", text)


def prose(text: str) -> str:
    """A sentence on one line, every sign in it as it is read."""
    line = " ".join(visible(text).split())
    line = CALLING.sub(rf"\1{APART}", LINKING.sub(lambda found: found[0] + APART, line))
    return MARKUP.sub(r"\\\1", line)


def code(text: str) -> str:
    """In code, where nobody is called and nothing is markup; also in a cell of a table."""
    line = " ".join(visible(text).split())
    if not line:
        return "`(empty)`"
    if "|" in line:  # a cell ends at one though it is in code
        return f"<code>{SIGN.sub(lambda found: f'&#{ord(found[0])};', line)}</code>"
    fence = "`" * (1 + max((len(run) for run in TICKS.findall(line)), default=0))
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{space}{line}{space}{fence}"


def address(link: str) -> str:
    """Of a link, which nothing in it ends."""
    return quote(link, safe=";/?:@&=+$,#%~!*'")


def html(text: str) -> str:
    """Inside of a tag that GitHub keeps, as the summary of what is folded."""
    line = " ".join(visible(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return CALLING.sub(rf"\1{APART}", LINKING.sub(lambda found: found[0] + APART, line))


def fenced(text: str, language: str = "") -> str:
    """A block of code whose fence is longer than any in it."""
    runs = (len(run) for run in TICKS.findall(text))
    fence = "`" * max(3, 1 + max(runs, default=0))
    return f"{fence}{language}\n{visible(text)}\n{fence}"
