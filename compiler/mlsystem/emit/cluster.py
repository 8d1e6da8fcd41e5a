"""All files of a system in a cluster, and the values that they are printed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.aws.resource import Stack
from mlsystem.emit.aws.stacks import account_stacks
from mlsystem.emit.grafana import dashboard_objects, dashboards
from mlsystem.emit.images import Base, Code, Images, ImageSettings, emit_images
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.manifests import emit_manifests
from mlsystem.emit.prometheus import rule_files, rule_objects
from mlsystem.emit.pulumi_aws import emit_stack
from mlsystem.emit.pulumi_kubernetes import emit_pulumi
from mlsystem.emit.sections import emit_sections, sections
from mlsystem.emit.tree import Artifact
from mlsystem.emit.vendored import lock_files, runtime_source
from mlsystem.system.nodes import System
from mlsystem.system.target import KubernetesTarget
from mlsystem_runtime.contract.run import RunConfig


@dataclass(frozen=True)
class InCluster:
    """What an engine needs beside the files: the images to build, the objects that will be there."""

    cluster: Cluster
    images: Images
    objects: tuple[KubernetesObject, ...]
    stacks: tuple[Stack, ...] = ()
    """Of the account below the cluster, in the order in which they are made."""

    def artifacts(self) -> Iterator[Artifact]:
        yield from emit_sections(self.cluster.system, self.cluster.sections)
        yield from self.images.files
        yield from emit_manifests(self.objects)
        yield from rule_files(self.cluster)
        yield from dashboards(self.cluster)
        if self.cluster.target.delivery == "pulumi":
            yield from emit_pulumi(self.cluster, self.objects)
        for stack in self.stacks:
            yield from emit_stack(stack)


def in_cluster(system: System, target: KubernetesTarget, config: RunConfig) -> InCluster:
    servers = {model.serving.image for model in system.models}
    images = emit_images(image_settings(system, target), runtime_source(), lock_files(), user_code(system), servers)
    cluster = Cluster(system=system, target=target, images=images.references, sections=sections(config))
    objects = (
        *kubernetes_objects(cluster),
        *pipeline_objects(cluster),
        *rule_objects(cluster),
        *dashboard_objects(cluster),
    )
    return InCluster(cluster, images, objects, account_stacks(cluster, [one.repository for one in images.images]))


def user_code(system: System) -> Code | None:
    return None if system.code is None else Code(system.code.files, system.code.requirements)


def image_settings(system: System, target: KubernetesTarget) -> ImageSettings:
    return ImageSettings(
        system=system.name,
        registry=target.registry,
        base=Base.of(target.images.base),
        version=metadata.version("mlsystem"),
        wheelhouse=target.images.wheelhouse is not None,
    )
