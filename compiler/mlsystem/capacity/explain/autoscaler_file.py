"""The autoscaler that a recorded history is replayed with: one Kubernetes object of a kind that is modelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from mlsystem.capacity.controllers.hpa_types import HpaConfig
from mlsystem.capacity.controllers.keda_types import KedaConfig
from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.capacity.explain.fields import Fields
from mlsystem.capacity.explain.hpa_file import hpa_config
from mlsystem.capacity.explain.hpa_metric_words import label
from mlsystem.capacity.explain.keda_file import keda_config
from mlsystem.capacity.explain.kpa_file import COLUMNS, kpa_config
from mlsystem.capacity.trace_rows import MOST_PROBLEMS, Problem
from mlsystem.diagnostics.report import Report
from mlsystem.errors import MlsystemError
from mlsystem.source.read import read

Config: TypeAlias = HpaConfig | KedaConfig | KpaConfig
KINDS: Final = ("HorizontalPodAutoscaler", "ScaledObject", "Service", "Revision")


@dataclass(frozen=True)
class Autoscaler:
    """`columns` are the metrics as a history names them; `notes` are of what is written where nobody reads it."""

    config: Config
    columns: tuple[str, ...]
    notes: tuple[Problem, ...]


def read_autoscaler(data: bytes, file: str) -> Autoscaler:
    """Raises MlsystemError with the lines of `file` that are wrong."""
    report = Report()
    document = read(data, file, report)
    if document is None or report.has_errors:
        found = [Problem(one.span.line if one.span else 1, one.message, one.help) for one in report.diagnostics]
        raise unusable(file, found)
    problems: list[Problem] = []
    root = the_object(Fields(document, "", 1, problems))
    config, columns = configured(root)
    notes = tuple(problem for problem in problems if problem.warning)
    if len(notes) < len(problems):
        raise unusable(file, [problem for problem in problems if not problem.warning])
    return Autoscaler(config, columns, notes)


def the_object(root: Fields) -> Fields:
    """Of a list, which `kubectl get hpa -o yaml` prints without a name, the only one."""
    if root.text("kind") != "List":
        return root
    items = root.items("items")
    if len(items) != 1:
        root.wrong(f"the list holds {len(items)} objects", "print one: kubectl get hpa NAME -o yaml")
    return items[0] if items else root


def configured(root: Fields) -> tuple[Config, tuple[str, ...]]:
    match root.text("kind"):
        case "HorizontalPodAutoscaler":
            config = hpa_config(root)
            return config, tuple(label(metric) for metric in config.metrics)
        case "ScaledObject":
            return keda_config(root)
        case "Service" | "Revision":
            return kpa_config(root), COLUMNS
    if not root.problems:
        kind = root.text("kind") or "nothing"
        root.wrong(f"`kind` is {kind}, which is no autoscaler", f"one of {', '.join(KINDS)}", line=root.line_of("kind"))
    return HpaConfig((), 1), ()


def unusable(file: str, problems: Iterable[Problem]) -> MlsystemError:
    """An error that says every line that is wrong."""
    shown = list(problems)[:MOST_PROBLEMS]
    lines = "".join(f"\n  {file}:{one.line}: {one.message}" for one in shown)
    hints = dict.fromkeys(one.help for one in shown if one.help)
    return MlsystemError(f"{file} cannot be read as it is:{lines}", "; ".join(hints) or None)


