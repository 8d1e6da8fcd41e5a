"""The published schemas of Kubernetes' own objects, of every version: unknown fields are mistakes."""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

Schema = dict[str, Any]


def mistakes(body: Schema, version: str) -> list[str]:
    """What is wrong with an object in a cluster of this version, such as `1.33`. KeyError where no schema is known."""
    name = f"{body['kind'].lower()}-{group_and_version(body['apiVersion'])}"
    path = folder(version) / f"{name}.json"
    if not path.exists():
        raise KeyError(f"{body['apiVersion']} {body['kind']}")
    errors = validator(path).iter_errors(body)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]


def group_and_version(api_version: str) -> str:
    """As the files are named: `rbac.authorization.k8s.io/v1` is `rbac-v1`."""
    return re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)


@cache
def validator(path: Path) -> Draft202012Validator:
    schema = json.loads(path.read_text())
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ definitions(path.parent))


@cache
def definitions(place: Path) -> Registry[Any]:
    shared: Resource[Any] = Resource.from_contents(json.loads((place / "_definitions.json").read_text()))
    return shared @ Registry()


@cache
def folder(version: str) -> Path:
    """Found without importing the package, which reads all of it."""
    package = importlib.util.find_spec("kubernetes_validate")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0], "kubernetes-json-schema", f"v{version}.0-local-strict")
