"""Who of the system may do what in the account: a role for each ServiceAccount, with what its edges in the graph need.

A server reads models and writes what it logs; the monitor reads what there is and writes what it found; steps of the
pipeline make everything, from sources that they read. The tracking server and the stores need nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mlsystem.emit.aws.below import Below
from mlsystem.emit.aws.resource import Outside, Resource, Statement
from mlsystem.emit.aws.role import associated, of_pods, role
from mlsystem.emit.kubernetes.access import MONITOR, PIPELINE, SERVER
from mlsystem_runtime.contract.bucket import SCHEME
from mlsystem_runtime.contract.feature_table import READS, WRITES, leading_keys, table_address
from mlsystem_runtime.contract.feature_table import SCHEME as TABLE

CONCERN = "identity"
KEY = Outside("foundation", "key_arn")
"""What encrypts what the account holds of the system."""

READ, WRITE, DELETE = ("s3:GetObject",), ("s3:PutObject", "s3:AbortMultipartUpload"), ("s3:DeleteObject",)
EVERYTHING = ("",)


@dataclass(frozen=True)
class Edges:
    """Of one kind of process: what of the workspace it reads, writes and deletes, by the beginning of its names."""

    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    deletes: tuple[str, ...]
    features: tuple[str, ...]
    """What it does with the table of online features."""
    sources: bool = False


LOGS = ("predictions/", "feedback/")
EDGES = (
    Edges(SERVER, ("models/", "clock.json"), (*LOGS, "counts/"), LOGS, READS),
    Edges(MONITOR, EVERYTHING, ("monitor/", "ledger/"), ("counts/",), (*READS, *WRITES)),
    Edges(PIPELINE, EVERYTHING, EVERYTHING, EVERYTHING, (*READS, *WRITES), sources=True),
)
"""As the runtime lays out a workspace. A server removes what of its log is older than it is to be kept, the monitor
counts that it has added up."""


def identities(below: Below) -> Iterator[Resource]:
    for edges in EDGES:
        account, namespace = below.names.name(edges.kind), below.names.target.namespace
        rights = tuple(statements(below, edges))
        if rights:
            rights = (*rights, Statement(("kms:Decrypt", "kms:GenerateDataKey"), (KEY,)))
            yield from role(below, edges.kind, CONCERN, of_pods(below, namespace, account), rights=rights)
            yield associated(below, edges.kind, CONCERN, namespace, account)


def statements(below: Below, edges: Edges) -> Iterator[Statement]:
    target = below.names.target
    if target.workspace is not None and target.bucket_secret is None:
        yield from of_workspace(target.workspace, edges)
        if edges.sources:
            yield from of_sources(below)
    if (target.online_store or "").startswith(TABLE):
        yield of_features(below, edges)


def of_workspace(uri: str, edges: Edges) -> Iterator[Statement]:
    """To list is a right on the whole bucket: without it, what is not there looks as if it were forbidden."""
    bucket, prefix = place(uri)
    yield Statement(("s3:ListBucket",), (f"arn:aws:s3:::{bucket}",))
    rights = ((READ, edges.reads), (WRITE, edges.writes), (DELETE, edges.deletes))
    for names, alike in groupby(rights, key=lambda right: right[1]):
        actions = tuple(action for actions, _ in alike for action in actions)
        yield Statement(actions, tuple(objects(bucket, prefix, name) for name in names))


def objects(bucket: str, prefix: str, name: str) -> str:
    """All whose names begin like that; one that is a document's is its alone."""
    return f"arn:aws:s3:::{bucket}/{prefix}{name}" + ("" if name.endswith(".json") else "*")


def place(uri: str) -> tuple[str, str]:
    """The bucket, and what names in it begin with."""
    bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def of_sources(below: Below) -> Iterator[Statement]:
    """Whoever reads a file or a folder of files asks the bucket for names that begin with its own."""
    uris = sorted({node.source.uri for node in below.names.system.sources if node.source.uri.startswith(SCHEME)})
    for bucket, found in groupby((place(uri) for uri in uris), key=lambda one: one[0]):
        names = [prefix.rstrip("/") for _, prefix in found]
        yield Statement(("s3:ListBucket",), (f"arn:aws:s3:::{bucket}",))
        yield Statement(READ, tuple(arn for name in names for arn in of_source(bucket, name)))


def of_source(bucket: str, name: str) -> Sequence[str]:
    """The object of that name, or those in the folder."""
    return (f"arn:aws:s3:::{bucket}/{name}", f"arn:aws:s3:::{bucket}/{name}/*")


def of_features(below: Below, edges: Edges) -> Statement:
    """Of a table that several systems may share, only what is this one's."""
    assert below.names.target.online_store is not None, "its caller has looked"
    table = table_address(below.names.target.online_store)
    keys = f"{leading_keys(below.names.system.name, below.names.system.environment)}*"
    return Statement(
        edges.features,
        (f"arn:aws:dynamodb:{table.region}:{below.account}:table/{table.name}",),
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [keys]}},
    )
