"""Stands in for `python -m mlsystem_runtime`: the same command line, records and events, and nothing to import.

What it does is steered by the environment: FAIL, BLOCK and HANG name a step.
"""

from __future__ import annotations

import argparse
import hashlib
import http.server
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from mlsystem_runtime.contract.workspace import StepRecord, Workspace, write_struct
from mlsystem_runtime.data.files import content_digest
from mlsystem_runtime.parent import die_with_parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("name", nargs="?")
    for option in ("--config", "--workspace", "--run-id", "--host", "--port"):
        parser.add_argument(option)
    args = parser.parse_args()
    die_with_parent()
    {"step": step, "serve": serve, "monitor": monitor}[args.command](args)


def step(args: argparse.Namespace) -> None:
    name, workspace = args.name, Workspace(args.workspace)
    print("library chatter")
    print(json.dumps({"event": "progress", "done": 1, "total": 2, "text": "half"}), flush=True)
    print(f"{name} runs", file=sys.stderr, flush=True)
    if os.environ.get("HANG") == name:
        time.sleep(600)
    if os.environ.get("FAIL") == name:
        sys.exit("error: no space left on device")
    time.sleep(float(os.environ.get("SLOW", "0")))
    config = json.loads(Path(args.config).read_text())
    own = next(one for one in config["steps"] if one["name"] == name)
    key = hashlib.sha256(own["fingerprint"].encode()).hexdigest()[:16]
    read = [one for other in config["steps"] for one in other["reads"] if one["step"] == name]
    wanted = {part for one in read for part in one["parts"]}
    record = StepRecord(
        step=name,
        key=key,
        status="blocked" if os.environ.get("BLOCK") == name else "done",
        output=f"steps/{name}/{key}",
        digests=dict.fromkeys(sorted(wanted), key),
        facts={},
        summary=f"{name} ran",
        seconds=0.1,
        observed=observed(payload) if (payload := own["payload"])["kind"] == "ingest" else {},
    )
    write_struct(workspace.path(record.output, "result.json"), record)
    write_struct(workspace.record(args.run_id, name), record)
    if name.startswith("register.") and record.status == "done":
        version = {"version": 1, "share": 1.0}
        model = name.partition(".")[2]
        release = {"serial": 1, "models": {model: {"salt": "s", "shares": [version]}}}
        workspace.release.write_text(json.dumps(release))
        workspace.version(model, 1).mkdir(parents=True, exist_ok=True)


def observed(payload: dict[str, Any]) -> dict[str, str]:
    return {"content": content_digest([Path(payload["source"]["uri"])])}


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, *args: object) -> None:
        return


def serve(args: argparse.Namespace) -> None:
    if os.environ.get("FAIL") == "server":
        sys.exit("error: the server cannot start")
    http.server.HTTPServer((args.host, int(args.port)), Answer).serve_forever()


def monitor(args: argparse.Namespace) -> None:
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
