"""MLflow, on SQLite or a server: a record of every version for people to look at. Nothing in the system reads it.

Imported by the register step alone: MLflow's import costs seconds.
"""

from __future__ import annotations

import logging
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from itertools import islice

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import MetricValue, ModelCard
from mlsystem_runtime.contract.workspace import Workspace

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # seven take minutes
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations inside MLflow and what it imports
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

MOST_METRICS, MOST_TAGS, MOST_TEXT = 1000, 100, 500  # MLflow's limits for one call, and of a parameter's text
KEY = "mlsystem.key"
TRACKING_URI = "MLFLOW_TRACKING_URI"  # MLflow's own


def track(
    workspace: Workspace, experiment: str, card: ModelCard, key: str, parameters: Mapping[str, object],
    tags: Mapping[str, str],
) -> str:
    """One MLflow run for this version; its id. The same `key` is tracked once.

    Raises MlsystemError when the store cannot be written.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _track(workspace, experiment, card, key, parameters, tags)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise MlsystemError(
            f"MLflow could not record version {card.version} of '{card.model}': {error}",
            "the version is registered all the same; look at the tracking store"
            + ("" if served() else f": {workspace.path('mlflow.db')}"),
        ) from error


def _track(
    workspace: Workspace, experiment: str, card: ModelCard, key: str, parameters: Mapping[str, object],
    tags: Mapping[str, str],
) -> str:
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    client = MlflowClient(tracking_uri=tracking_uri(workspace))
    experiment_id = _experiment(client, workspace, experiment)
    found = client.search_runs([experiment_id], filter_string=f"tags.`{KEY}` = '{key}' and status = 'FINISHED'")
    if found:
        return str(found[0].info.run_id)
    run_id = str(client.create_run(experiment_id, run_name=f"{card.model} {card.version}").info.run_id)
    now_ms = time.time_ns() // 1_000_000
    metrics = (
        Metric(metric_name(one), one.value, now_ms, 0) for one in card.metrics if one.value is not None
    )
    params = [Param(name, str(value)[:MOST_TEXT]) for name, value in parameters.items()]
    labels = [RunTag(name, value) for name, value in {**tags, KEY: key}.items()]
    client.log_batch(run_id, params=params[:MOST_TAGS], tags=labels[:MOST_TAGS])
    while batch := list(islice(metrics, MOST_METRICS)):
        client.log_batch(run_id, metrics=batch)
    client.set_terminated(run_id)
    return run_id


def _experiment(client: MlflowClient, workspace: Workspace, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = None if served() else workspace.path("mlflow").as_uri()  # a server has a place of its own
    return str(client.create_experiment(name, artifact_location=location))


def served() -> bool:
    """Whether a tracking server is given."""
    return bool(os.environ.get(TRACKING_URI))


def tracking_uri(workspace: Workspace) -> str:
    """The server that MLFLOW_TRACKING_URI names, else a file of the workspace.

    Raises MlsystemError where the workspace is a bucket, which holds no database.
    """
    if served():
        return os.environ[TRACKING_URI]
    if workspace.bucket is not None:
        raise MlsystemError(
            "there is no tracking store: a workspace in a bucket cannot hold one", f"name a server: {TRACKING_URI}")
    return f"sqlite:///{workspace.path('mlflow.db')}"


def metric_name(value: MetricValue) -> str:
    """MLflow allows letters, digits and `_-./ ` in names; anything else becomes an underscore."""
    name = value.metric if value.slice is None else f"{value.metric}/{value.slice.replace('=', '/')}"
    return re.sub(r"[^\w\-./ ]", "_", name)


def tags_of(card: ModelCard, evaluation: str, passed: bool) -> dict[str, str]:
    """Where the version came from, as MLflow's own names where it has some."""
    return dict(_tags(card, evaluation, passed))


def _tags(card: ModelCard, evaluation: str, passed: bool) -> Iterator[tuple[str, str]]:
    lineage = card.lineage
    yield "mlsystem.model", card.model
    yield "mlsystem.version", str(card.version)
    yield "mlsystem.run_id", lineage.run_id
    yield "mlsystem.status", "accepted" if passed else "rejected"
    yield "mlsystem.dataset", lineage.dataset
    yield "mlsystem.feature_contract", card.contract_digest
    yield "mlsystem.evaluation", evaluation
    yield "mlsystem.python", lineage.python
    for name, version in lineage.packages.items():
        yield f"mlsystem.package.{name}", version
    if lineage.code is not None:
        yield "mlflow.source.git.commit", lineage.code
