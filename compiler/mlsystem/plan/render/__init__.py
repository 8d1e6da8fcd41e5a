"""One plan, three forms: text for a terminal, Markdown for a review, JSON for programs."""
