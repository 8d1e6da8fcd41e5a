"""All generated files of one environment, sorted, with one digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Artifact:
    """`path` is relative, with forward slashes; `origin` is the node it came from (not in the digest)."""

    path: str
    content: str
    origin: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class ArtifactTree:
    artifacts: tuple[Artifact, ...]

    @classmethod
    def of(cls, artifacts: Iterable[Artifact]) -> ArtifactTree:
        """Sorts by path; two writers of one path are a slip of ours."""
        ordered = tuple(sorted(artifacts, key=lambda artifact: artifact.path))
        paths = [artifact.path for artifact in ordered]
        assert len(paths) == len(set(paths)), f"two emitters write one path: {paths}"
        return cls(ordered)

    def __iter__(self) -> Iterator[Artifact]:
        return iter(self.artifacts)

    @property
    def digests(self) -> Mapping[str, str]:
        return {artifact.path: artifact.digest for artifact in self.artifacts}

    @property
    def digest(self) -> str:
        return hashlib.sha256(
            "".join(f"{path}\0{hashed}\n" for path, hashed in self.digests.items()).encode()
        ).hexdigest()

    def content(self, path: str) -> str:
        return next(artifact.content for artifact in self.artifacts if artifact.path == path)
