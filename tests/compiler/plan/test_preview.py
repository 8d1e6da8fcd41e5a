"""What an engine adds to a plan: values at paths, and what counts as a surprise."""

from __future__ import annotations

import msgspec
import pytest

from mlsystem.plan.change import FieldChange
from mlsystem.plan.preview import ObjectChange, Preview, field_changes, surprises, value_at
from mlsystem.plan.render.objects import preview_lines

POD = {"spec": {"containers": [{"image": "a:1"}], "labels": {"a.b/c": "d"}}}


def update(name: str, old: int, new: int) -> ObjectChange:
    return ObjectChange("update", "Deployment", name, (FieldChange(path="spec.replicas", old=old, new=new),))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.containers[0].image", "a:1"), ('spec.labels["a.b/c"]', "d"), ("spec.containers[1].image", msgspec.UNSET),
        ("spec.containers.image", msgspec.UNSET), ("status", msgspec.UNSET),
    ],
)  # fmt: skip
def test_a_path_leads_to_its_value_or_nowhere(path: str, value: object) -> None:
    assert value_at(POD, path) == value


def test_a_side_that_is_not_there_is_left_out() -> None:
    assert list(field_changes(["spec.replicas"], {}, {"spec": {"replicas": 2}})) == [
        FieldChange(path="spec.replicas", new=2)
    ]


def test_a_long_text_is_cut() -> None:
    (found,) = field_changes(["data"], {"data": "x" * 5000}, {"data": "y"})

    assert len(found.old) < 300


def test_what_was_planned_is_no_surprise_and_less_is_none_either() -> None:
    planned = Preview((update("one", 1, 2), update("two", 1, 2)), 0)

    assert surprises(planned, planned) == ()
    assert surprises(planned, Preview((update("two", 1, 2),), 1)) == ()


def test_another_value_of_the_same_field_is_a_surprise() -> None:
    planned, fresh = Preview((update("one", 1, 2),), 0), Preview((update("one", 5, 2),), 0)

    assert surprises(planned, fresh) == ("update Deployment one",)


def test_everything_is_a_surprise_where_nothing_was_shown() -> None:
    assert surprises(None, Preview((update("one", 1, 2),), 0)) == ("update Deployment one",)


def test_a_preview_reads_as_old_and_new() -> None:
    replaced = ObjectChange("replace", "Service", "api", (), ("spec.clusterIP",))
    lines = list(preview_lines(Preview((update("one", 1, 2), replaced), 3, (update("one", 1, 9),))))

    assert lines == [
        "Changed in the cluster since the last apply, by somebody else: 1 object.",
        "  ~ Deployment one: update",
        "      spec.replicas: 1 → 9",
        "In the cluster: 2 objects of 5 will change.",
        "  ~ Deployment one: update",
        "      spec.replicas: 1 → 2",
        "  ± Service api: replace",
        "      cannot be changed in place: spec.clusterIP",
    ]
