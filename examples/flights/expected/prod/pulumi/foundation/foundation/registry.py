"""Registry."""

import pulumi
import pulumi_aws as aws

from foundation.account import account
from foundation.keys import key

# What is in it can be built again from the same files: its tag is their digest.
image_dependencies_server = aws.ecr.Repository(
    "image-dependencies-server",
    name="flight-delay-prod/flight-delay/dependencies-server",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    opts=pulumi.ResourceOptions(provider=account),
)

# What is in it can be built again from the same files: its tag is their digest.
image_dependencies_trainer = aws.ecr.Repository(
    "image-dependencies-trainer",
    name="flight-delay-prod/flight-delay/dependencies-trainer",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    opts=pulumi.ResourceOptions(provider=account),
)

# What is in it can be built again from the same files: its tag is their digest.
image_server = aws.ecr.Repository(
    "image-server",
    name="flight-delay-prod/flight-delay/server",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    opts=pulumi.ResourceOptions(provider=account),
)

# What is in it can be built again from the same files: its tag is their digest.
image_trainer = aws.ecr.Repository(
    "image-trainer",
    name="flight-delay-prod/flight-delay/trainer",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    force_delete=True,
    opts=pulumi.ResourceOptions(provider=account),
)

image_dependencies_server_ages = aws.ecr.LifecyclePolicy(
    "image-dependencies-server-ages",
    repository=image_dependencies_server.name,
    policy=pulumi.Output.json_dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Parts of images that have no name any more.",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                    "action": {"type": "expire"},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

image_dependencies_trainer_ages = aws.ecr.LifecyclePolicy(
    "image-dependencies-trainer-ages",
    repository=image_dependencies_trainer.name,
    policy=pulumi.Output.json_dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Parts of images that have no name any more.",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                    "action": {"type": "expire"},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

image_server_ages = aws.ecr.LifecyclePolicy(
    "image-server-ages",
    repository=image_server.name,
    policy=pulumi.Output.json_dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Parts of images that have no name any more.",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                    "action": {"type": "expire"},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)

image_trainer_ages = aws.ecr.LifecyclePolicy(
    "image-trainer-ages",
    repository=image_trainer.name,
    policy=pulumi.Output.json_dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": "Parts of images that have no name any more.",
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 14,
                    },
                    "action": {"type": "expire"},
                },
            ],
        },
    ),
    opts=pulumi.ResourceOptions(provider=account),
)
