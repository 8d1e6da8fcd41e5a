"""The pipeline as Argo Workflows run it: the same steps as on one machine, each with the same command line.

One WorkflowTemplate has an entrypoint for everything (`all`), for each model (`model-NAME`), for each period of the
online store (`refresh-15m`) and for a proposal; CronWorkflows say when. Outputs are found again by their content, so
the engine caches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlsystem.emit.argo_gang import gang_services, gang_template
from mlsystem.emit.argo_pods import (
    HOUR,
    STEP_SECONDS,
    TRAINING_SECONDS,
    Resources,
    pod_settings,
    record_template,
    resources_of,
    step_template,
)
from mlsystem.emit.contract import monitored, refreshes
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import config_name
from mlsystem.emit.sections import PIPELINE, section_of
from mlsystem.emit.submission import model_entrypoint, pipeline_name
from mlsystem.system.nodes import ModelNode
from mlsystem.system.own_pods import STEPS_AT_ONCE
from mlsystem.system.schedules import cron_period
from mlsystem.system.target import dns_name
from mlsystem_runtime.contract.names import PROPOSE
from mlsystem_runtime.contract.run import Step, refresh_entrypoint

API = "argoproj.io/v1alpha1"
ALL, BEGIN, END, CHOSEN = "all", "begin", "end", "chosen"
DAY = 24 * HOUR


def pipeline_objects(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    """The WorkflowTemplate, one CronWorkflow per `online.every` and one per `training.schedule`, a Service per gang."""
    template = KubernetesObject("pipeline", workflow_template(cluster), "infrastructure.environment", "pipelines")
    return (template, *refresh_schedules(cluster), *training_schedules(cluster), *gang_services(cluster))


def workflow_template(cluster: Cluster) -> Body:
    steps = all_steps(cluster)
    models = {model.name: model for model in cluster.system.models}
    classes = step_classes(cluster)
    graph = graph_of(cluster)
    records = (
        record_template(cluster, BEGIN, "--reason", "{{workflow.parameters.reason}}"),
        record_template(
            cluster, END, "--entrypoint", "{{workflow.mainEntrypoint}}", "--outcome", "{{workflow.status}}",
            "--failures", "{{workflow.failures}}",
        ),
        record_template(
            cluster, PROPOSE, "--model", "{{workflow.parameters.model}}", "--reason", "{{workflow.parameters.reason}}"
        ),
    )  # fmt: skip
    spec: Body = {
        "entrypoint": ALL,
        "onExit": END,
        "arguments": {
            "parameters": [
                {"name": "reason", "value": "submitted"},
                {"name": "proposes", "value": "0"},
                {"name": "model", "value": ""},
            ]
        },
        **pod_settings(cluster),
        "workflowMetadata": {"labels": cluster.labels("pipeline")},
        "parallelism": STEPS_AT_ONCE,
        "activeDeadlineSeconds": TRAINING_SECONDS + 4 * STEP_SECONDS,
        "podGC": {"strategy": "OnWorkflowSuccess", "deleteDelayDuration": "1h"},
        "ttlStrategy": {"secondsAfterSuccess": 3 * DAY, "secondsAfterFailure": 14 * DAY},
        "templates": [
            graph.recorded(ALL, [step.name for step in steps]),
            *(graph.recorded(model_entrypoint(name), model_steps(cluster, one)) for name, one in models.items()),
            *(graph.dag(refresh_entrypoint(one), one.steps) for one in refreshes(cluster.system)),
            *(template_of(cluster, one) for one in sorted(set(classes.values()), key=lambda found: found.name)),
            *records,
        ],
    }
    return resource(cluster, "WorkflowTemplate", pipeline_name(cluster), spec)


def template_of(cluster: Cluster, resources: Resources) -> Body:
    return step_template(cluster, resources) if resources.gang is None else gang_template(cluster, resources)


def chosen_steps(cluster: Cluster, steps: Iterable[str]) -> Body:
    """The specification of a workflow that runs some steps, in the pods that the template has for them."""
    spec: Body = workflow_template(cluster)["spec"]
    chosen = graph_of(cluster).recorded(CHOSEN, steps)
    return {**spec, "entrypoint": CHOSEN, "templates": [chosen, *spec["templates"]]}


def step_classes(cluster: Cluster) -> dict[str, Resources]:
    models = {model.name: model for model in cluster.system.models}
    return {step.name: resources_of(step, models) for step in all_steps(cluster)}


def graph_of(cluster: Cluster) -> Graph:
    steps = all_steps(cluster)
    return Graph(
        steps,
        {name: resources.name for name, resources in step_classes(cluster).items()},
        {one.name: config_name(cluster, section_of(one)) for one in steps},
    )


def all_steps(cluster: Cluster) -> tuple[Step, ...]:
    """In an order in which they can run."""
    return tuple(step for section in cluster.sections.values() for step in section.steps)


def model_steps(cluster: Cluster, model: ModelNode) -> tuple[str, ...]:
    """The same as those of a retraining on one machine."""
    return monitored(cluster.system, model).retrain_steps


class Graph:
    """All steps; each is a task of every DAG that has it. `templates` and `configs` say what runs it, and the name of
    the ConfigMap that tells about it."""

    def __init__(self, steps: Sequence[Step], templates: Mapping[str, str], configs: Mapping[str, str]) -> None:
        self._steps = {step.name: step for step in steps}
        self._templates = templates
        self._configs = configs
        self._tasks = task_names(self._steps)

    def recorded(self, name: str, steps: Iterable[str]) -> Body:
        """A DAG whose beginning stands in the ledger; its end does so by the exit handler."""
        template = self.dag(name, steps)
        tasks = template["dag"]["tasks"]
        begun = [{**task, "depends": task.get("depends", BEGIN)} for task in tasks]
        template["dag"]["tasks"] = [{"name": BEGIN, "template": BEGIN}, *begun]
        return template

    def dag(self, name: str, steps: Iterable[str]) -> Body:
        """One that reads a failed step's output is left out; independent ones go on, as on one machine."""
        chosen = [self._steps[step] for step in steps]
        among = {step.name for step in chosen}
        return {"name": name, "dag": {"failFast": False, "tasks": [self._task(step, among) for step in chosen]}}

    def _task(self, step: Step, among: set[str]) -> Body:
        reads = [self._tasks[read.step] for read in step.reads if read.step in among]
        task = {
            "name": self._tasks[step.name],
            "template": self._templates[step.name],
            "arguments": arguments(step=step.name, config=self._configs[step.name]),
        }
        return {**task, "depends": " && ".join(reads)} if reads else task


def task_names(steps: Iterable[str]) -> dict[str, str]:
    """By step: only letters, digits and dashes; told apart by a tail where two became one, or one is too long."""
    plain = {step: re.sub(r"[^a-z0-9]+", "-", step.lower()).strip("-") for step in steps}
    taken = list(plain.values())
    return {
        step: dns_name(step, 63) if len(name) > 63 or taken.count(name) > 1 else name for step, name in plain.items()
    }


def refresh_schedules(cluster: Cluster) -> Iterator[KubernetesObject]:
    """No two at once; one that hangs is ended, for it would hold up all that follow."""
    for refresh in refreshes(cluster.system):
        period = cron_period(refresh.every_us)
        assert period is not None, "a pass refuses what cron cannot say"
        name = refresh_entrypoint(refresh)
        run = {"entrypoint": name, "activeDeadlineSeconds": max(HOUR, 4 * refresh.every_us // 1_000_000)}
        groups = [one.partition(".")[2] for one in refresh.steps if one.startswith("materialize.")]
        yield schedule(
            cluster, cluster.name(name), period.schedule, {**run, "arguments": arguments(reason=name)},
            origin=f"feature_group.{groups[0].partition('.')[0]}",
        )  # fmt: skip


def training_schedules(cluster: Cluster) -> Iterator[KubernetesObject]:
    """A run that nobody asked for: where retraining has to be approved it is only proposed."""
    for model in cluster.system.models:
        written = model.training.schedule
        if written is None:
            continue
        name = cluster.name("train", model.name)
        reason, proposes = f"schedule {written}", "retrain" in model.monitoring.approve
        if proposes:
            run = {"entrypoint": PROPOSE, "arguments": arguments(reason=reason, model=model.name)}
        else:
            run = {"entrypoint": model_entrypoint(model.name), "arguments": arguments(reason=reason, proposes="1")}
        yield schedule(cluster, name, written, run, origin=f"model.{model.name}", model=model.name)


def arguments(**values: str) -> Body:
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def schedule(
    cluster: Cluster, name: str, when: str, run: Body, origin: str, model: str | None = None
) -> KubernetesObject:
    """A CronWorkflow, in UTC. A run that was due while the controller was away is made up for within ten minutes."""
    spec = {
        "schedules": [when],
        "timezone": "UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "workflowMetadata": {"labels": cluster.labels(PIPELINE, model)},
        "workflowSpec": {"workflowTemplateRef": {"name": pipeline_name(cluster)}, **run},
    }
    return KubernetesObject("pipeline", resource(cluster, "CronWorkflow", name, spec, model), origin, "pipelines")


def resource(cluster: Cluster, kind: str, name: str, spec: Body, model: str | None = None) -> Body:
    return {"apiVersion": API, "kind": kind, "metadata": cluster.metadata(name, PIPELINE, model), "spec": spec}
