"""Who may do what, keys, logs, and what is said when something happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from engines.aws.kinds import KINDS, Account, Kind, absent, nothing, seen, stored, sub_resource
from engines.provider_protocol import Properties


def create_role(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"RoleName": inputs["name"], "AssumeRolePolicyDocument": inputs["assumeRolePolicy"]}
    asked |= {"Path": inputs.get("path", "/"), "Tags": account.tag_list(inputs)}
    made = account("iam").create_role(**asked, Description=inputs.get("description", ""))["Role"]
    return inputs["name"], {"arn": made["Arn"], "uniqueId": made["RoleId"]}


def live_role(account: Account, identity: str, state: Properties) -> Properties:
    found = account("iam").get_role(RoleName=identity)["Role"]["AssumeRolePolicyDocument"]
    same = found == json.loads(state["assumeRolePolicy"]) if "assumeRolePolicy" in state else False
    return {} if same else {"assumeRolePolicy": json.dumps(found)}


def update_role(account: Account, identity: str, inputs: Properties) -> None:
    account("iam").update_assume_role_policy(RoleName=identity, PolicyDocument=inputs["assumeRolePolicy"])


def put_role_policy(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )  # fmt: skip
    return f"{inputs['role']}:{inputs['name']}", {}


def live_role_policy(account: Account, identity: str, state: Properties) -> Properties:
    role, _, name = identity.partition(":")
    found = account("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return {} if "policy" in state and found == json.loads(state["policy"]) else {"policy": json.dumps(found)}


def delete_role_policy(account: Account, identity: str, state: Properties) -> None:
    role, _, name = identity.partition(":")
    account("iam").delete_role_policy(RoleName=role, PolicyName=name)


def create_policy(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"PolicyName": inputs["name"], "PolicyDocument": inputs["policy"], "Tags": account.tag_list(inputs)}
    made = account("iam").create_policy(**asked, Path=inputs.get("path", "/"))["Policy"]["Arn"]
    return made, {"arn": made}


def update_policy(account: Account, identity: str, inputs: Properties) -> None:
    account("iam").create_policy_version(PolicyArn=identity, PolicyDocument=inputs["policy"], SetAsDefault=True)


def attach(account: Account, inputs: Properties) -> tuple[str, Properties]:
    managed(account, inputs["policyArn"])
    account("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}-{inputs['policyArn']}", {}


def managed(account: Account, arn: str) -> None:
    """AWS' own policies are there for everybody; moto has them only where it is told to load them."""
    iam = account("iam")
    if not arn.startswith("arn:aws:iam::aws:"):
        return
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException as error:
        raise AssertionError("start moto with MOTO_IAM_LOAD_MANAGED_POLICIES=true") from error


def detach(account: Account, identity: str, state: Properties) -> None:
    account("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"])


def attached(account: Account, identity: str, state: Properties) -> Properties:
    if "role" in state:
        account("iam").get_role(RoleName=state["role"])
    return {}


def create_profile(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("iam").create_instance_profile(InstanceProfileName=inputs["name"])["InstanceProfile"]
    if "role" in inputs:
        account("iam").add_role_to_instance_profile(InstanceProfileName=inputs["name"], RoleName=inputs["role"])
    return inputs["name"], {"arn": made["Arn"]}


def delete_profile(account: Account, identity: str, state: Properties) -> None:
    if "role" in state:
        account("iam").remove_role_from_instance_profile(InstanceProfileName=identity, RoleName=state["role"])
    account("iam").delete_instance_profile(InstanceProfileName=identity)


def create_issuer(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("iam").create_open_id_connect_provider(
        Url=inputs["url"], ClientIDList=inputs["clientIdLists"],
        ThumbprintList=inputs.get("thumbprintLists", ["0" * 40]),
    )  # fmt: skip
    return made["OpenIDConnectProviderArn"], {"arn": made["OpenIDConnectProviderArn"]}


def create_key(account: Account, inputs: Properties) -> tuple[str, Properties]:
    tags = [{"TagKey": one["Key"], "TagValue": one["Value"]} for one in account.tag_list(inputs)]
    policy = {"Policy": inputs["policy"]} if "policy" in inputs else {}
    made = account("kms").create_key(Description=inputs.get("description", ""), Tags=tags, **policy)["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        account("kms").enable_key_rotation(KeyId=made["KeyId"])
    return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}


def live_key(account: Account, identity: str, state: Properties) -> Properties:
    """One that waits for its deletion is gone."""
    found = account("kms").describe_key(KeyId=identity)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        raise account("kms").exceptions.NotFoundException({"Error": {"Code": "NotFound"}}, "DescribeKey")
    rotates = account("kms").get_key_rotation_status(KeyId=identity)["KeyRotationEnabled"]
    return {"enableKeyRotation": rotates} if "enableKeyRotation" in state else {}


def update_key(account: Account, identity: str, inputs: Properties) -> None:
    wanted = "enable_key_rotation" if inputs.get("enableKeyRotation") else "disable_key_rotation"
    getattr(account("kms"), wanted)(KeyId=identity)
    if "policy" in inputs:
        account("kms").put_key_policy(KeyId=identity, PolicyName="default", Policy=inputs["policy"])


def create_alias(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return inputs["name"], {"arn": account.arn("kms", inputs["name"])}


def live_alias(account: Account, identity: str, state: Properties) -> Properties:
    pages = account("kms").get_paginator("list_aliases").paginate()
    if identity not in {one["AliasName"] for page in pages for one in page["Aliases"]}:
        raise absent(identity)
    return {}


def create_log_group(account: Account, inputs: Properties) -> tuple[str, Properties]:
    key = {"kmsKeyId": inputs["kmsKeyId"]} if "kmsKeyId" in inputs else {}
    account("logs").create_log_group(logGroupName=inputs["name"], tags=account.tags_of(inputs), **key)
    retain(account, inputs["name"], inputs)
    return inputs["name"], {"arn": account.arn("logs", f"log-group:{inputs['name']}")}


def retain(account: Account, identity: str, inputs: Properties) -> None:
    if "retentionInDays" in inputs:
        account("logs").put_retention_policy(logGroupName=identity, retentionInDays=inputs["retentionInDays"])


def live_log_group(account: Account, identity: str, state: Properties) -> Properties:
    groups = account("logs").describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
    found = next((one for one in groups if one["logGroupName"] == identity), None)
    if found is None:
        raise account("logs").exceptions.ResourceNotFoundException({"Error": {"Code": "NotFound"}}, "DescribeLogGroups")
    return {"retentionInDays": found["retentionInDays"]} if "retentionInDays" in found else {}


def create_budget(account: Account, inputs: Properties) -> tuple[str, Properties]:
    limit = {"Amount": inputs["limitAmount"], "Unit": inputs.get("limitUnit", "USD")}
    budget = {"BudgetName": inputs["name"], "BudgetType": inputs["budgetType"], "TimeUnit": inputs["timeUnit"]}
    account("budgets").create_budget(AccountId=account.number, Budget={**budget, "BudgetLimit": limit})
    return f"{account.number}:{inputs['name']}", {
        "arn": account.arn("budgets", f"budget/{inputs['name']}", region=False)
    }


def live_budget(account: Account, identity: str, state: Properties) -> Properties:
    name = identity.partition(":")[2]
    found = account("budgets").describe_budget(AccountId=account.number, BudgetName=name)["Budget"]
    amount = found["BudgetLimit"]["Amount"]
    same = "limitAmount" in state and float(amount) == float(state["limitAmount"])
    return {} if same else {"limitAmount": amount}


def replace_budget(account: Account, identity: str, inputs: Properties) -> None:
    """Moto has no change of one."""
    delete_budget(account, identity, inputs)
    create_budget(account, inputs)


def delete_budget(account: Account, identity: str, state: Properties) -> None:
    account("budgets").delete_budget(AccountId=account.number, BudgetName=identity.partition(":")[2])


def create_topic(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("sns").create_topic(Name=inputs["name"], Tags=account.tag_list(inputs))["TopicArn"]
    return made, {"arn": made}


def create_queue(account: Account, inputs: Properties) -> tuple[str, Properties]:
    made = account("sqs").create_queue(QueueName=inputs["name"], tags=account.tags_of(inputs))["QueueUrl"]
    return made, {"arn": account.arn("sqs", inputs["name"]), "url": made}


def put_queue_policy(account: Account, inputs: Properties) -> tuple[str, Properties]:
    account("sqs").set_queue_attributes(QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]})
    return inputs["queueUrl"], {}


def put_rule(account: Account, inputs: Properties) -> tuple[str, Properties]:
    asked = {"Name": inputs["name"], "EventPattern": inputs["eventPattern"]}
    made = account("events").put_rule(**asked)["RuleArn"]
    return inputs["name"], {"arn": made}


def put_target(account: Account, inputs: Properties) -> tuple[str, Properties]:
    identity = inputs.get("targetId", inputs["rule"])
    account("events").put_targets(Rule=inputs["rule"], Targets=[{"Id": identity, "Arn": inputs["arn"]}])
    return f"{inputs['rule']}-{identity}", {"targetId": identity}


def remove_target(account: Account, identity: str, state: Properties) -> None:
    account("events").remove_targets(Rule=state["rule"], Ids=[state.get("targetId", state["rule"])])


def call(service: str, operation: str, name: str, **more: Any) -> Callable[[Account, str, Properties], None]:
    """An operation that needs nothing but the id."""
    return lambda account, identity, state: getattr(account(service), operation)(**{name: identity}, **more) and None


def look(service: str, operation: str, name: str) -> Callable[[Account, str, Properties], Properties]:
    return lambda account, identity, state: getattr(account(service), operation)(**{name: identity}) and {}


KINDS |= {
    "aws:iam/role:Role": Kind(
        create_role, live_role, call("iam", "delete_role", "RoleName"), update_role, ("name", "path"), "name",
        ("arn", "uniqueId"),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        put_role_policy, live_role_policy, delete_role_policy, None, ("name", "role"), "name", (),
    ),
    "aws:iam/policy:Policy": Kind(
        create_policy, look("iam", "get_policy", "PolicyArn"), call("iam", "delete_policy", "PolicyArn"), update_policy,
        ("name", "path", "description"), "name",
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(
        attach, attached, detach, None, ("role", "policyArn"), computed=(),
    ),
    "aws:iam/instanceProfile:InstanceProfile": Kind(
        create_profile, look("iam", "get_instance_profile", "InstanceProfileName"), delete_profile, nothing,
        ("name",), "name",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Kind(
        create_issuer, look("iam", "get_open_id_connect_provider", "OpenIDConnectProviderArn"),
        call("iam", "delete_open_id_connect_provider", "OpenIDConnectProviderArn"), nothing, ("url",),
    ),
    "aws:kms/key:Key": Kind(
        create_key, live_key, call("kms", "schedule_key_deletion", "KeyId", PendingWindowInDays=7), update_key,
        ("customerMasterKeySpec", "keyUsage"), computed=("arn", "keyId"),
    ),
    "aws:kms/alias:Alias": Kind(
        create_alias, live_alias, call("kms", "delete_alias", "AliasName"), nothing, ("name", "targetKeyId"), "name",
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        create_log_group, live_log_group, call("logs", "delete_log_group", "logGroupName"), retain, ("name",), "name",
    ),
    "aws:budgets/budget:Budget": Kind(
        create_budget, live_budget, delete_budget, replace_budget, ("name", "budgetType", "timeUnit"), "name",
    ),
    "aws:sns/topic:Topic": Kind(
        create_topic, look("sns", "get_topic_attributes", "TopicArn"), call("sns", "delete_topic", "TopicArn"), nothing,
        ("name",), "name",
    ),
    "aws:sns/topicPolicy:TopicPolicy": stored(
        "topicpolicy", ("arn",), lambda inputs: inputs["arn"], "sns", again=True
    ),
    "aws:sns/topicSubscription:TopicSubscription": stored(
        "subscription", ("topic", "protocol", "endpoint"),
        lambda inputs: f"{inputs['topic']}:{inputs['endpoint']}", "sns", again=True,
    ),
    "aws:sqs/queue:Queue": Kind(
        create_queue, look("sqs", "get_queue_attributes", "QueueUrl"), call("sqs", "delete_queue", "QueueUrl"), nothing,
        ("name", "fifoQueue"), "name", ("arn", "url"),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": sub_resource(put_queue_policy, fixed=("queueUrl",)),
    "aws:cloudwatch/eventRule:EventRule": Kind(
        put_rule, look("events", "describe_rule", "Name"), call("events", "delete_rule", "Name"), None, ("name",),
        "name",
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(
        put_target, seen, remove_target, None, ("rule", "targetId"), computed=("targetId",),
    ),
}  # fmt: skip
