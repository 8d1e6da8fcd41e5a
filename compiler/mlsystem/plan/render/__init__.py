"""One plan, three forms: text for a terminal, Markdown for a review, JSON for programs."""

from collections.abc import Callable, Mapping

from mlsystem.plan.plan import Plan
from mlsystem.plan.render.json import render_json
from mlsystem.plan.render.markdown import render_markdown
from mlsystem.plan.render.text import render_text

RENDERERS: Mapping[str, Callable[[Plan], str]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
}
