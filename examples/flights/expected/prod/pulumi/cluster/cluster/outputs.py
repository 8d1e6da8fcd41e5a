"""What other stacks of the environment may ask for."""

import pulumi

from cluster.eks import cluster

pulumi.export("cluster_name", cluster.name)
pulumi.export("cluster_arn", cluster.arn)
pulumi.export("cluster_endpoint", cluster.endpoint)
pulumi.export("cluster_certificate", cluster.certificate_authority.data)
pulumi.export(
    "kubeconfig",
    pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "flight-delay-prod",
                    "cluster": {
                        "server": cluster.endpoint,
                        "certificate-authority-data": cluster.certificate_authority.data,
                    },
                },
            ],
            "users": [
                {
                    "name": "flight-delay-prod",
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": [
                                "eks",
                                "get-token",
                                "--cluster-name",
                                "flight-delay-prod",
                                "--region",
                                "us-east-1",
                                "--output",
                                "json",
                            ],
                            "interactiveMode": "Never",
                        },
                    },
                },
            ],
            "contexts": [
                {
                    "name": "flight-delay-prod",
                    "context": {
                        "cluster": "flight-delay-prod",
                        "user": "flight-delay-prod",
                        "namespace": "flight-delay",
                    },
                },
            ],
            "current-context": "flight-delay-prod",
        },
    ),
)
