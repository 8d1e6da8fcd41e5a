"""The two sugars of the language, taken out of a document: one model at the top, and no environments."""

from __future__ import annotations

from mlsystem.diagnostics.report import Note, Report
from mlsystem.source.document import Entry, Mapping, Part, Scalar
from mlsystem.span import Span
from mlsystem.spec.system import MODEL_KEYS

DEFAULT_ENVIRONMENT = "dev"
FIXED = (
    "apiVersion", "name", "description", "owners", "include", "variables", "environments", "code",
    "entities", "features", "review",
)  # fmt: skip
"""Keys at the top that are the same in every environment."""
FIXED_BELOW = (("sources", "known_at_time"), ("model", "label"), ("model", "features"))
"""The same below a source or a model: what a label means and what is known when."""


def normalise(root: Mapping, report: Report) -> Mapping:
    """`model` … `monitoring` at the top become `models.main`; a file without environments gets a local `dev`."""
    root = _with_models(root, report)
    if "environments" in root.entries:
        return root
    place = root.span
    environment = Mapping({"target": Entry(place, Scalar("local", "local", place))}, place)
    environments = Mapping({DEFAULT_ENVIRONMENT: Entry(place, environment)}, place)
    return Mapping({**root.entries, "environments": Entry(place, environments)}, root.span)


def normalise_override(over: Mapping, root: Mapping, report: Report) -> Mapping:
    """The part of an override that may be overridden, in the form of the normalised `root`; the rest is reported."""
    entries = {name: entry for name, entry in over.entries.items() if _allowed(name, entry.key, report)}
    models = root.entries.get("models")
    for name in MODEL_KEYS:
        known = isinstance(models.value, Mapping) and "main" in models.value.entries if models is not None else True
        if name in entries and not known:
            help = f"write models: {{NAME: {{{name}: …}}}}"
            report.error("MLS108", f"`{name}` at the top is for files with one model", entries.pop(name).key, help)
    over = _with_models(Mapping(entries, over.span), report)
    return _without_fixed(over, (), report)


def _with_models(root: Mapping, report: Report) -> Mapping:
    sugar = {name: root.entries[name] for name in MODEL_KEYS if name in root.entries}
    if not sugar:
        return root
    rest = {name: entry for name, entry in root.entries.items() if name not in sugar}
    first = next(iter(sugar.values()))
    if "models" in rest:
        for name, entry in sugar.items():
            notes = [Note("`models` is written here", rest["models"].key)]
            help = "move it below a model, or write the only model at the top"
            report.error("MLS108", f"`{name}` at the top and `models` in one file", entry.key, help, notes)
        return Mapping(rest, root.span)
    main = Entry(first.key, Mapping(sugar, first.key))
    models = Entry(first.key, Mapping({"main": main}, first.key))
    return Mapping({**rest, "models": models}, root.span)


def _allowed(name: str, key: Span, report: Report) -> bool:
    if name in FIXED:
        report.error("MLS040", f"`{name}` is the same in every environment", key, "remove it from the override")
        return False
    return True


def _without_fixed(node: Mapping, path: tuple[Part, ...], report: Report) -> Mapping:
    """Drops and reports what would change what a model means: its label, its features, what is known when."""
    entries = {}
    for name, entry in node.entries.items():
        if _is_fixed(path, name):
            report.error(
                "MLS040", f"`{name}` is the same in every environment", entry.key, "remove it from the override"
            )
        elif isinstance(entry.value, Mapping):
            entries[name] = Entry(entry.key, _without_fixed(entry.value, (*path, name), report))
        else:
            entries[name] = entry
    return Mapping(entries, node.span)


def _is_fixed(path: tuple[Part, ...], name: str) -> bool:
    match path:
        case ("sources", _):
            return ("sources", name) in FIXED_BELOW
        case ("models", _, "model"):
            return ("model", name) in FIXED_BELOW
        case _:
            return False
