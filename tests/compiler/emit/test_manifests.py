"""Objects as YAML: whoever reads it, by YAML 1.1 or 1.2, sees the object that was meant."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from clusters import cluster_named
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.manifests import emit_manifests, manifest, text

MISREAD = (
    "yes", "No", "ON", "off", "y", "N", "true", "null", "~", "", "1", "0777", "0o17", "1e3", "1_000", "12:30", "1.5",
    ".inf", "nan", "2026-11-21", "=", "<<", "- a", "a: b", "a:", "a #b", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "|",
    ">", "{a", "[a", "'a", '"a', "a\tb", " a", "a ", "a\nb", "\u2028", "\x00", "-", "--", "---", "?", "? a",
)  # fmt: skip


def read_as_1_2(content: str) -> Any:
    """Everything plain as text, numbers and words of YAML 1.2 aside: what is left is where the versions agree."""
    return yaml.load(content, Loader=yaml.BaseLoader)


def plain(value: Any) -> Any:
    """A value as a loader sees it that knows texts only."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            return str(value)


@pytest.mark.parametrize("value", MISREAD)
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(value: str) -> None:
    assert text(value).startswith('"')
    assert yaml.safe_load(manifest({"kind": value})) == {"kind": value}


@pytest.mark.parametrize("value", ["main", "flight-delay", "--config", "-m", "/data", "2Gi", "500m", "a b", "v1",
                                   "registry.example.com/ml/server:sha256-0a", "redis://store:6379/0"])  # fmt: skip
def test_a_text_that_nobody_misreads_stands_as_it_is(value: str) -> None:
    assert text(value) == value


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(MISREAD)
keys = st.text(min_size=1) | st.sampled_from(["spec", "kind", "metadata"])
bodies = st.dictionaries(
    keys,
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(bodies)
def test_what_is_read_is_what_was_written(body: dict[str, Any]) -> None:
    content = manifest(body)

    assert yaml.safe_load(content) == body
    assert read_as_1_2(content) == plain(body)


def test_texts_of_several_lines_stand_line_by_line() -> None:
    content = manifest({"data": {"run.json": '{\n  "a": 1\n}\n', "end": "a\n\nb"}})

    assert content == 'data:\n  run.json: |\n    {\n      "a": 1\n    }\n  end: |-\n    a\n\n    b\n'


def test_what_identifies_an_object_stands_first() -> None:
    body = {"spec": {"b": 1, "a": 2}, "metadata": {"name": "x"}, "kind": "K", "apiVersion": "v1"}

    assert manifest(body) == "apiVersion: v1\nkind: K\nmetadata:\n  name: x\nspec:\n  b: 1\n  a: 2\n"


@pytest.mark.parametrize("variation", ["flights", "rollouts and keda", "external secrets"])
def test_each_object_has_a_file_that_says_the_same_and_where_it_came_from(variation: str) -> None:
    objects = kubernetes_objects(cluster_named(variation))
    artifacts = emit_manifests(objects)

    assert [yaml.safe_load(one.content) for one in artifacts] == [one.body for one in objects]
    assert [one.origin for one in artifacts] == [one.origin for one in objects]
    assert len({one.path for one in artifacts}) == len(objects)


def test_a_file_lies_in_the_folder_of_its_concern() -> None:
    one = KubernetesObject("server", {"kind": "Service", "metadata": {"name": "a-server"}}, "endpoint.a")

    (artifact,) = emit_manifests([one])

    assert artifact.path == "manifests/server/service-a-server.yaml"
