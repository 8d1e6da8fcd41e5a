"""How the monitor of a cluster begins a retraining that nobody has to approve: where the pipeline does it."""

from __future__ import annotations

from mlsystem.emit.kubernetes.objects import Names
from mlsystem.emit.sections import PIPELINE
from mlsystem.system.nodes import ModelNode, System
from mlsystem.system.target import KubernetesTarget, dns_name
from mlsystem_runtime.contract.run import Submission, retrains_by_itself


def submission(system: System, model: ModelNode) -> Submission | None:
    """None where the monitor submits nothing: on one machine, and where a person or a schedule begins retrainings."""
    monitoring, target = model.monitoring, system.target
    by_itself = retrains_by_itself(monitoring.retrain_on, monitoring.approve)
    if not by_itself or not isinstance(target, KubernetesTarget):
        return None
    names = Names(system, target)
    return Submission(
        namespace=target.namespace,
        template=pipeline_name(names),
        entrypoint=model_entrypoint(model.name),
        name=names.name("retrain", model.name),
        labels=names.labels(PIPELINE, model.name),
    )


def pipeline_name(names: Names) -> str:
    """Of the WorkflowTemplate."""
    return names.name(PIPELINE)


def model_entrypoint(model: str) -> str:
    """Where it begins for one model."""
    return f"model-{dns_name(model)}"
