"""As much of GitHub as a review needs, on loopback and in memory: comments, issues, merged pull requests, artifacts,
approvals. Every call needs a token that has the permission which GitHub's documentation names for it."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class FakeGitHub:
    """`tokens` maps each to its permissions. `artifacts` by (run, name): the newest files. `calls` lists what was
    asked; `failing` answers with a status instead, once."""

    repository: str = "acme/bikes"
    url: str = ""
    tokens: dict[str, Mapping[str, str]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    approvals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    page: int = 100
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def say(self, number: int, body: str, user: Mapping[str, str]) -> dict[str, Any]:
        comment = {"id": next(self.numbers), "user": user, "body": body}
        self.comments.setdefault(number, []).append(comment)
        return comment

    def approve(self, run: str, environment: str, state: str = "approved") -> None:
        said = {"state": state, "user": {"login": "ada"}, "environments": [{"id": 1, "name": environment}]}
        self.approvals.setdefault(run, []).append(said)

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[str, Any]:
        """The permission that it takes, and the answer."""
        for verb, pattern, permission, handler in ROUTES:
            found = re.fullmatch(f"/repos/{re.escape(self.repository)}/{pattern}", path)
            if verb == method and found is not None:
                return permission, partial(handler, self, *found.groups(), query=query, body=body)
        raise LookupError(path)

    def paged(self, found: list[Any], query: Mapping[str, list[str]]) -> list[Any]:
        size, page = min(self.page, int(query.get("per_page", ["30"])[0])), int(query.get("page", ["1"])[0])
        return found[(page - 1) * size : page * size]

    def list_comments(self, number: str, query: Mapping[str, list[str]], body: Any) -> Any:
        return self.paged(self.comments.get(int(number), []), query)

    def write_comment(self, number: str, query: Any, body: Any) -> Any:
        assert len(body["body"]) <= 65_536, "GitHub refuses a longer comment"
        return self.say(int(number), body["body"], BOT)

    def edit_comment(self, comment: str, query: Any, body: Any) -> Any:
        found = next(one for said in self.comments.values() for one in said if one["id"] == int(comment))
        assert len(body["body"]) <= 65_536, "GitHub refuses a longer comment"
        found["body"] = body["body"]
        return found

    def list_issues(self, query: Mapping[str, list[str]], body: Any) -> Any:
        return self.paged([one for one in self.issues if one["state"] in query["state"]], query)

    def open_issue(self, query: Any, body: Any) -> Any:
        number = next(self.numbers)
        self.issues.append({"id": number * 1000, "number": number, "state": "open", "user": BOT, **body})
        return self.issues[-1]

    def edit_issue(self, number: str, query: Any, body: Any) -> Any:
        found = next(one for one in self.issues if one["number"] == int(number))
        found.update(body)
        return found

    def pulls_of(self, commit: str, query: Any, body: Any) -> Any:
        return self.pulls.get(commit, [])

    def list_artifacts(self, run: str, query: Mapping[str, list[str]], body: Any) -> Any:
        found = [
            {"id": index, "name": name, "expired": False}
            for index, (of, name) in enumerate(self.artifacts, start=1)
            if of == run and name in query.get("name", [name])
        ]
        return {"total_count": len(found), "artifacts": found}

    def artifact(self, number: str, query: Any, body: Any) -> Any:
        return ("redirect", f"{self.url}/storage/{number}?sig=for-whoever-has-it")

    def list_approvals(self, run: str, query: Any, body: Any) -> Any:
        return self.approvals.get(run, [])

    def stored(self, number: int) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as files:
            for name, content in list(self.artifacts.values())[number - 1].items():
                files.writestr(name, content)
        return packed.getvalue()


ROUTES: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("GET", r"issues/(\d+)/comments", "pull-requests:read", FakeGitHub.list_comments),
    ("POST", r"issues/(\d+)/comments", "pull-requests:write", FakeGitHub.write_comment),
    ("PATCH", r"issues/comments/(\d+)", "pull-requests:write", FakeGitHub.edit_comment),
    ("GET", r"issues", "issues:read", FakeGitHub.list_issues),
    ("POST", r"issues", "issues:write", FakeGitHub.open_issue),
    ("PATCH", r"issues/(\d+)", "issues:write", FakeGitHub.edit_issue),
    ("GET", r"commits/(\w+)/pulls", "pull-requests:read", FakeGitHub.pulls_of),
    ("GET", r"actions/runs/(\w+)/artifacts", "actions:read", FakeGitHub.list_artifacts),
    ("GET", r"actions/artifacts/(\d+)/zip", "actions:read", FakeGitHub.artifact),
    ("GET", r"actions/runs/(\w+)/approvals", "actions:read", FakeGitHub.list_approvals),
)


def allows(permissions: Mapping[str, str], asked: str) -> bool:
    what, _, how = asked.partition(":")
    return permissions.get(what) in (("write",) if how == "write" else ("read", "write"))


class Handler(BaseHTTPRequestHandler):
    github: FakeGitHub

    def do_GET(self) -> None:
        self.reply()

    do_POST = do_PATCH = do_GET

    def reply(self) -> None:
        address = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        self.github.calls.append(f"{self.command} {address.path}")
        if address.path.startswith("/storage/"):
            assert self.headers.get("Authorization") is None, "where artifacts are kept gets no token"
            return self.send(200, self.github.stored(int(address.path.rpartition("/")[2])))
        if self.github.failing:
            return self.send(self.github.failing.pop(0), b"{}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.github.tokens:
            return self.send(401, b"{}")
        try:
            permission, handler = self.github.answer(self.command, address.path, parse_qs(address.query), body)
        except LookupError:
            return self.send(404, b"{}")
        if not allows(self.github.tokens[token], permission):
            return self.send(403, json.dumps({"message": "Resource not accessible by integration"}).encode())
        found = handler()
        if isinstance(found, tuple):
            self.send_response(302)
            self.send_header("Location", found[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return self.send(201 if self.command == "POST" else 200, json.dumps(found).encode())

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def fake_github(repository: str = "acme/bikes") -> Iterator[FakeGitHub]:
    github = FakeGitHub(repository)
    handler = type("OfOne", (Handler,), {"github": github})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
