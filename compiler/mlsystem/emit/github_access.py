"""Who may take the roles of a review, and what they may do: two documents of IAM for each.

The subject of a token says for what a job runs, and only GitHub writes it:
https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlsystem.emit.github_rights import apply_rights, plan_rights
from mlsystem.emit.tree import Artifact
from mlsystem.system.review import Review, ReviewedEnvironment
from mlsystem_runtime.contract.base import pretty_json

ISSUER = "token.actions.githubusercontent.com"
FOLDER = ".github/mlsystem"


def access_documents(review: Review) -> Iterator[Artifact]:
    for one in review.environments:
        for role, subjects in roles(review, one):
            name = f"{FOLDER}/{review.system}-{one.name}-{role.rpartition('/')[2]}.trust.json"
            yield Artifact(name, pretty_json(trust(role, subjects)))
        for taken, rights in ((one.plan_role, plan_rights), (one.apply_role, apply_rights)):
            if taken is not None and (document := rights(review, one)).statements:
                name = f"{FOLDER}/{review.system}-{one.name}-{taken.rpartition('/')[2]}.rights.json"
                yield Artifact(name, pretty_json(document.document))


def roles(review: Review, one: ReviewedEnvironment) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each role with the subjects that may take it. Nobody changes anything outside the job that waits for the
    approval of the environment."""
    repository = f"repo:{review.repository}"
    if one.plan_role is not None and one.apply_role is not None:
        yield one.plan_role, (f"{repository}:pull_request", f"{repository}:ref:refs/heads/{review.branch}")
        yield one.apply_role, (f"{repository}:environment:{one.name}",)


def trust(role: str, subjects: tuple[str, ...]) -> dict[str, Any]:
    account = role.split(":")[4]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
                "Condition": {
                    "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": list(subjects)}
                },
            }
        ],
    }
