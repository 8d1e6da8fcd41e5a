"""Writes the files that are made from others: the JSON Schema, the reference pages, the golden tree of every example,
and what its program declares to Pulumi.

python tools/generate.py [schema|docs|golden|graphs] [--check]     (default: all)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.render import render_text
from mlsystem.diagnostics.report import Report
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.manifests import manifest
from mlsystem.emit.prometheus import rule_objects
from mlsystem.spec.explain import reference_markdown
from mlsystem.spec.parse import load_all
from mlsystem.spec.schema import schema_text
from mlsystem_runtime.contract.expressions.reference import functions_reference

ROOT = Path(__file__).resolve().parent.parent
Files = dict[Path, str]


def schema() -> Files:
    return {ROOT / "schemas" / "mlsystem.schema.json": schema_text()}


def docs() -> Files:
    pages = {"functions.md": functions_reference(), **reference_markdown()}
    return {ROOT / "docs" / "reference" / name: text for name, text in pages.items()}


VENDORED = "images/runtime/"
"""The runtime's source as images carry it: it stands in this repository already."""


def golden() -> Files:
    """Every example in each of its environments. An example that does not compile ends the program."""
    files: Files = {}
    for spec in sorted(ROOT.glob("examples/*/mlsystem.yaml")):
        for loaded in load_all(spec, Report(), {}):
            report = Report()
            compiled = compile_system(spec, loaded.environment, {}, report)
            if compiled is None:
                sys.exit(render_text(report))
            folder = spec.parent / "expected" / loaded.environment
            for artifact in compiled.tree:
                if not artifact.path.startswith(VENDORED):
                    files[folder / artifact.path] = untagged(artifact.content, compiled)
    return {**files, **knative()}


def knative() -> Files:
    """What differs of a system in a cluster whose server Knative runs: no example has one."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from clusters import cluster_named  # lazy: tests' own

    cluster = cluster_named("knative behind an ingress")
    objects = (*kubernetes_objects(cluster), *rule_objects(cluster))
    of_server = [one for one in objects if one.concern == "server" or one.name.startswith(cluster.name("server"))]
    text = "---\n".join(manifest(one.body) for one in of_server)
    return {ROOT / "tests" / "compiler" / "emit" / "kubernetes" / "knative.yaml": text}


def graphs() -> Files:
    """What the generated program of every example declares to Pulumi."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from resource_graphs import account_graphs, graph_of  # lazy: Pulumi's SDK takes seconds

    folder, specs = ROOT / "tests" / "compiler" / "emit" / "graphs", sorted(ROOT.glob("examples/*/mlsystem.yaml"))
    accounts = {folder / "account" / f"{name}.txt": text for name, text in account_graphs().items()}
    return {**{folder / f"{spec.parent.name}.txt": graph_of(spec) for spec in specs}, **accounts}


def untagged(text: str, compiled: Compiled) -> str:
    """Without the tags that follow from the runtime's source: any change of it would change every tree."""
    if compiled.cluster is not None:
        for name, reference in compiled.cluster.images.references.items():
            text = text.replace(reference.rpartition(":")[2], f"sha256-of-{name}")
    return text


KINDS: dict[str, tuple[Callable[[], Files], str]] = {
    "schema": (schema, "schemas/*.json"),
    "docs": (docs, "docs/reference/*.md"),
    "golden": (golden, "examples/*/expected/**/*"),
    "graphs": (graphs, "tests/compiler/emit/graphs/**/*.txt"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=KINDS, help="which files; all where it is left out")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is out of date")
    arguments = parser.parse_args()
    kinds = [arguments.kind] if arguments.kind else list(KINDS)
    stale = [line for kind in kinds for line in update(kind, check=arguments.check)]
    for line in stale:
        sys.stdout.write(line + "\n")
    return 1 if stale and arguments.check else 0


def update(kind: str, *, check: bool) -> Iterator[str]:
    """One line for each file that was not as it should be."""
    make, pattern = KINDS[kind]
    wanted = make()
    for path, content in wanted.items():
        if path.exists() and path.read_text() == content:
            continue
        yield f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}{f' (make {kind})' if check else ''}"
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for path in sorted(found for found in ROOT.glob(pattern) if found.is_file() and found not in wanted):
        yield f"{'left over' if check else 'removed'}: {path.relative_to(ROOT)}"
        if not check:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
