"""A stand-in for Pulumi's AWS provider, so that Pulumi's engine is real where the provider is not to be had.

It refuses what `pulumi_aws` does not declare, makes what moto knows through boto3 and reads it back, and keeps what
moto does not know as it was asked for (`STORED`, by name). Waits for nothing; a kind that it has not is refused.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from engines.aws import cluster, identity, network, storage
from engines.aws.declared import UndeclaredError, problems
from engines.aws.kinds import KINDS, Account, Kind, is_absent, remember, remembered, short
from engines.aws.making import Making
from engines.aws.questions import QUESTIONS
from engines.provider_protocol import UNKNOWN, Properties, diff_response, linger, read, serve, write
from engines.stacks import PulumiPlace

ACCOUNT = "MLSYSTEM_TEST_ACCOUNT"
"""The folder of the account: what moto does not know is in a file there."""
VERSION = "7.51.1"
STORED = sorted(token for token, kind in KINDS.items() if kind.only_stored)
DECLARES = (cluster, identity, network, storage)
"""Importing them fills KINDS."""


def install(place: PulumiPlace) -> Path:
    """On the PATH of everything that runs with the place's settings."""
    support = Path(__file__).resolve().parents[2]
    return place.add_program(
        "pulumi-resource-aws",
        f'#!/bin/sh\nPYTHONPATH={support} exec {sys.executable} -m engines.aws.provider "$@"\n',
    )


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self) -> None:
        self.account, self.making = account_of({}), Making()

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return diff_response(read(request.old_inputs), read(request.news), ("region",))

    def Configure(self, request: Any, context: Any) -> Any:
        settings = read(request.args)
        self.account = account_of(settings)
        allowed = listed(settings.get("allowedAccountIds"))
        with refusing(context):
            if allowed and self.account.number not in allowed:
                message = f"AWS account ID not allowed: {self.account.number}"
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        question = QUESTIONS.get(request.tok)
        if question is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not answer {request.tok}")
            raise AssertionError("aborted")
        with refusing(context):
            return provider_pb2.InvokeResponse(**{"return": write(question(self.account, read(request.args)))})

    def Check(self, request: Any, context: Any) -> Any:
        """Names are made up like Pulumi's: from the name of the resource, but the same every time."""
        inputs, token = read(request.news), token_of(request.urn)
        named = KINDS[token].named if token in KINDS else None
        if named is not None and named not in inputs:
            inputs[named] = f"{request.urn.rpartition('::')[2]}-{short(request.urn)[:7]}"
        try:
            found = problems(token, inputs) if token in KINDS else [*problems(token, inputs), ("", unknown(token))]
        except UndeclaredError as error:
            found = [("", str(error))]
        failures = [provider_pb2.CheckFailure(property=path, reason=f"{path} {why}".strip()) for path, why in found]
        return provider_pb2.CheckResponse(inputs=write(inputs), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        fixed = KINDS[token_of(request.urn)].fixed
        return diff_response(read(request.old_inputs), read(request.news), fixed)

    def Create(self, request: Any, context: Any) -> Any:
        kind, inputs = kind_of(request), read(request.properties)
        if request.preview:
            later = dict.fromkeys(("id", *kind.computed), UNKNOWN)
            return provider_pb2.CreateResponse(properties=write({**later, **inputs}))
        token = token_of(request.urn)
        with refusing(context), self.making.one(token):
            linger()
            identity, outputs = kind.create(self.account, inputs)
            remember(self.account, token, identity, outputs)
            linger()
        return provider_pb2.CreateResponse(id=identity, properties=write(self._with_all_tags({**inputs, **outputs})))

    def Read(self, request: Any, context: Any) -> Any:
        kind, inputs, state = kind_of(request), read(request.inputs), read(request.properties)
        with refusing(context):
            try:
                live = kind.read(self.account, request.id, inputs)
            except (ClientError, IndexError) as error:
                if isinstance(error, ClientError) and not is_absent(error):
                    raise
                return provider_pb2.ReadResponse()
        asked = {key: value for key, value in live.items() if key in inputs or not state}
        known = {**remembered(self.account, token_of(request.urn), request.id), **state, **live}
        return provider_pb2.ReadResponse(id=request.id, properties=write(known), inputs=write({**inputs, **asked}))

    def Update(self, request: Any, context: Any) -> Any:
        kind, inputs, old = kind_of(request), read(request.news), read(request.olds)
        if not request.preview:
            with refusing(context):
                linger()
                change(kind, self.account, request.id, inputs)
                linger()
        kept = {name: old[name] for name in old.keys() - read(request.old_inputs).keys()}
        return provider_pb2.UpdateResponse(properties=write(self._with_all_tags({**kept, **inputs})))

    def Delete(self, request: Any, context: Any) -> Any:
        with refusing(context):
            linger()
            try:
                kind_of(request).delete(self.account, request.id, read(request.properties))
            except ClientError as error:
                if not is_absent(error):
                    raise
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _with_all_tags(self, properties: Properties) -> Properties:
        return {**properties, "tagsAll": self.account.tags_of(properties)} if "tags" in properties else properties


def change(kind: Kind, account: Account, one: str, inputs: Properties) -> None:
    if kind.update is None:
        kind.create(account, inputs)
    else:
        kind.update(account, one, inputs)


def account_of(settings: Properties) -> Account:
    """`settings` are the provider's; what is not flat stands in them as JSON."""
    tags = settings.get("defaultTags", {})
    given = json.loads(tags) if isinstance(tags, str) else tags
    region = settings.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    place = Path(os.environ.get(ACCOUNT, "."))
    return Account(region or "us-east-1", given.get("tags", {}), place / "stored.json")


def unknown(token: str) -> str:
    return f"the stand-in does not know {token}"


def listed(value: Any) -> list[str]:
    return list(json.loads(value) if isinstance(value, str) else value or ())


def token_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def kind_of(request: Any) -> Kind:
    return KINDS[token_of(request.urn)]


@contextmanager
def refusing(context: Any) -> Iterator[None]:
    """What the account says no to is the operation's error."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


if __name__ == "__main__":
    serve(Provider())
