"""Where images are kept: a repository for each, in which a tag never means another image."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.keys import KEY
from mlsystem.emit.aws.resource import Json, Ref, Resource, Value

CONCERN = "registry"
UNTAGGED_DAYS = 14


def registry(account: Account) -> Iterator[Resource]:
    if not account.aws.repositories:
        return
    for repository in account.repositories:
        name = f"image-{repository.rpartition('/')[2]}"
        inputs = {
            "name": repository,
            "image_tag_mutability": "IMMUTABLE",
            "image_scanning_configuration": {"scan_on_push": True},
            "encryption_configurations": [{"encryption_type": "KMS", "kms_key": KEY}],
            "force_delete": True,
        }
        why = "What is in it can be built again from the same files: its tag is their digest."
        yield account.made("ecr.Repository", name, CONCERN, inputs, why=why)
        policy = {"repository": Ref(name, "name"), "policy": Json({"rules": [untagged()]})}
        yield account.made("ecr.LifecyclePolicy", f"{name}-ages", CONCERN, policy)


def untagged() -> dict[str, Value]:
    return {
        "rulePriority": 1,
        "description": "Parts of images that have no name any more.",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
