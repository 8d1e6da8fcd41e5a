"""What a plan says of a cluster."""

from __future__ import annotations

from mlsystem.plan.render.words import headline
from mlsystem.system.snapshot import Facet, Kind, NodeSnapshot


def with_image(snapshot, base):
    image = NodeSnapshot(id="image.server", kind=Kind.IMAGE, semantics=1, facets={Facet.OPERATE: {"b": base}}, edges=())
    return type(snapshot)(name=snapshot.name, environment=snapshot.environment, nodes=(image, *snapshot.nodes))


def test_a_first_plan_builds_images_before_all_else(system, plan_for):
    plan = plan_for(None, with_image(system(), "a"))

    assert headline(plan).startswith("dev of flights: builds image server, then ingests flights")


def test_another_base_builds_the_image_again(system, plan_for):
    plan = plan_for(with_image(system(), "a"), with_image(system(), "b"))

    assert headline(plan) == "dev of flights: builds image server; nothing is deleted."


def test_another_bound_of_replicas_reconfigures_what_runs(system, plan_for):
    plan = plan_for(system(), system({"endpoint.main.operate.scaling.max_replicas": 30}))

    assert headline(plan) == "dev of flights: reconfigures what runs; nothing is deleted."


def test_another_schedule_of_training_trains_nothing_now(system, plan_for):
    plan = plan_for(system(), system({"model.main.operate.schedule": "0 4 * * *"}))

    assert headline(plan) == "dev of flights: reconfigures what runs; nothing is deleted."
    assert plan.steps == ()
