"""MLS63: the account below a cluster."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

ACCOUNT = {
    "MLS630": Code(
        "an AWS environment that does not say where",
        "Names of what is made, and addresses in generated files, contain the account's number and the region; nothing"
        " is ever done in another account. The cluster is made there, or is one that exists.",
        "environments: {prod: {target: aws, region: eu-central-1}}",
        'environments: {prod: {target: aws, region: eu-central-1, account: "123456789012", cluster: create}}',
    ),
    "MLS631": Code(
        "a network that no cluster fits in",
        "Every pod has an address of the network, and the control plane needs two availability zones.",
        "network: {cidr: 10.0.0.0/28, zones: [a]}",
        "network: {cidr: 10.0.0.0/16, zones: [a, b]}",
    ),
    "MLS632": Code(
        "a secret of the account that no pod can read",
        "Hosts and passwords of databases that are made in the account stand in its Secrets Manager. External Secrets"
        " brings them into the cluster; in one that is made here it is installed.",
        "cluster: {existing: company}\nsecrets: {from: kubernetes}",
        "cluster: {existing: company}\nsecrets: {from: external_secrets, store: company-store}",
    ),
}
