"""As much of GitHub's REST API as a review needs. https://docs.github.com/en/rest"""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from mlsystem.errors import MlsystemError

VERSION = "2022-11-28"
AUTHOR = "github-actions[bot]"
"""Who writes with the token of a run. What anybody else writes is not ours, whatever it says."""

PAGE = 100
PAUSES_SECONDS = (1.0, 4.0)
TIMEOUT_SECONDS = 30.0
PASSING = (HTTPStatus.TOO_MANY_REQUESTS, *(one for one in HTTPStatus if one >= HTTPStatus.INTERNAL_SERVER_ERROR))
LARGEST = 64 * 2**20
"""Bytes of what is read from an artifact."""


class Author(msgspec.Struct):
    login: str
    type: str = ""


class Comment(msgspec.Struct):
    """Of a pull request, or an issue itself: both have a body, and an author unless that account is gone."""

    id: int
    user: Author | None
    body: str | None = None
    number: int = 0

    @property
    def ours(self) -> bool:
        return self.user is not None and self.user.login == AUTHOR and self.user.type == "Bot"

    @property
    def text(self) -> str:
        return self.body or ""


class Base(msgspec.Struct):
    ref: str


class Pull(msgspec.Struct):
    number: int
    base: Base
    merged_at: str | None = None


class Artifact(msgspec.Struct):
    id: int
    name: str
    expired: bool = False


class Artifacts(msgspec.Struct):
    artifacts: list[Artifact]


class Place(msgspec.Struct):
    name: str


class Approval(msgspec.Struct):
    """What a person said to a run that waited for them."""

    state: str
    user: Author
    environments: list[Place]


@dataclass(frozen=True)
class GitHub:
    """One repository. Every method raises MlsystemError when GitHub cannot be asked, or does not want."""

    api: str
    repository: str
    token: str = field(repr=False)
    pause: Callable[[float], None] = time.sleep

    def comments(self, number: int) -> Iterator[Comment]:
        """Of a pull request, oldest first."""
        return self._pages(f"issues/{number}/comments", list[Comment])

    def write_comment(self, number: int, body: str) -> None:
        self._call("POST", f"issues/{number}/comments", {"body": body})

    def edit_comment(self, comment: int, body: str) -> None:
        self._call("PATCH", f"issues/comments/{comment}", {"body": body})

    def open_issues(self) -> Iterator[Comment]:
        return self._pages("issues?state=open&sort=created&direction=desc", list[Comment])

    def open_issue(self, title: str, body: str) -> None:
        self._call("POST", "issues", {"title": title, "body": body})

    def edit_issue(self, number: int, **fields: str) -> None:
        self._call("PATCH", f"issues/{number}", fields)

    def pulls_of(self, commit: str) -> list[Pull]:
        """The pull requests that a commit of a branch came with."""
        return msgspec.json.decode(self._call("GET", f"commits/{commit}/pulls"), type=list[Pull])

    def approvals(self, run: str) -> list[Approval]:
        return msgspec.json.decode(self._call("GET", f"actions/runs/{run}/approvals"), type=list[Approval])

    def artifact(self, run: str, name: str) -> Mapping[str, bytes] | None:
        """The files of an artifact, by name; None where it is not kept any more. The newest one where a run was done
        again."""
        asked = f"actions/runs/{run}/artifacts?{urllib.parse.urlencode({'name': name, 'per_page': PAGE})}"
        found = msgspec.json.decode(self._call("GET", asked), type=Artifacts).artifacts
        kept = [one.id for one in found if one.name == name and not one.expired]
        return unpacked(self._call("GET", f"actions/artifacts/{max(kept)}/zip"), name) if kept else None

    def _pages(self, path: str, of: type[list[Comment]]) -> Iterator[Comment]:
        page = 1
        while True:
            paged = f"{path}{'&' if '?' in path else '?'}per_page={PAGE}&page={page}"
            found = msgspec.json.decode(self._call("GET", paged), type=of)
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """What may be repeated is, when GitHub is busy; a second POST would be a second comment."""
        pauses = iter(PAUSES_SECONDS if method != "POST" else ())
        while True:
            status, answer = self._once(method, path, body)
            if status < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            pause = next(pauses, None) if status in PASSING else None
            if pause is None:
                raise MlsystemError(
                    f"GitHub answers {status} to {method} {self.repository}/{path.partition('?')[0]}", hint(status)
                )
            self.pause(pause)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        """A redirection, as to where artifacts are kept, does not get the token."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.api}/repos/{self.repository}/{path}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, answer.read(LARGEST)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, b""
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise MlsystemError(f"GitHub does not answer: {reason}", "run the job again") from error


def hint(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return "the job's `permissions` decide what GITHUB_TOKEN may do: compare the workflow with `mlsystem compile`"
    return "run the job again"


def unpacked(archive: bytes, name: str) -> Mapping[str, bytes]:
    """Raises MlsystemError for what is no archive, or unpacks to more than an artifact of ours would."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            if sum(one.file_size for one in files.infolist()) > LARGEST:
                raise MlsystemError(f"artifact '{name}' unpacks to more than {LARGEST} bytes")
            return {one.filename: files.read(one) for one in files.infolist()}
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # the last: a password, an unknown method
        raise MlsystemError(f"artifact '{name}' is damaged: {error}", "run the job again") from error


def github_of(environ: Mapping[str, str]) -> GitHub:
    """Raises MlsystemError where there is no token."""
    token = environ.get("GITHUB_TOKEN")
    if not token:
        raise MlsystemError("GITHUB_TOKEN is not set", "give it to the step: `GITHUB_TOKEN: ${{ github.token }}`")
    return GitHub(environ.get("GITHUB_API_URL", "https://api.github.com"), environ["GITHUB_REPOSITORY"], token)
