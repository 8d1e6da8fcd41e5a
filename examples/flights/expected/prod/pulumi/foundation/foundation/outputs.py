"""What other stacks of the environment may ask for."""

import pulumi

from foundation.keys import key
from foundation.network import private_a, private_b, private_c, vpc

pulumi.export("key_arn", key.arn)
pulumi.export("network_id", vpc.id)
pulumi.export("private_subnet_ids", [private_a.id, private_b.id, private_c.id])
pulumi.export("workspace", "s3://flight-delay-prod-123456789012")
