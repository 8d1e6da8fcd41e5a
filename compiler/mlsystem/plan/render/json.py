"""A plan for programs: the plan itself, with its headline and digest."""

from __future__ import annotations

import msgspec

from mlsystem.plan.plan import Plan
from mlsystem.plan.render.words import headline
from mlsystem_runtime.contract.base import pretty_json


def render_json(plan: Plan) -> str:
    return pretty_json({"headline": headline(plan), "digest": plan.digest, "plan": msgspec.to_builtins(plan)})
