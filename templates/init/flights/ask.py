"""Asks the endpoint about the flights in data/requests.json and prints its answers beside what became of them.

    python ask.py [URL]        (default: http://127.0.0.1:8080/predict)
"""

import json
import sys
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/predict"
    requests = json.loads(Path("data/requests.json").read_text())
    outcomes = json.loads(Path("data/outcomes.json").read_text())
    print(f"{'departure':<18}{'flight':<20}{'late with':>9}   it arrived")
    for request, outcome in zip(requests, outcomes, strict=True):
        answer = ask(url, request)
        asked = f"{departure(request):<18}{flight(request):<20}"
        print(f"{asked}{answer['probability']:>9.0%}   {arrived(outcome['arr_delay'])}")


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    post = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(post, timeout=10) as response:
            prediction: dict[str, Any] = json.load(response)["predictions"][0]
            return prediction
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answered {error.code}: {error.read().decode()}")
    except OSError as error:
        sys.exit(f"{url} cannot be reached ({error}); is the system running? see: mlsystem status")


def departure(request: dict[str, Any]) -> str:
    local = datetime.fromisoformat(request["scheduled_departure"]).astimezone(ZoneInfo("America/New_York"))
    return f"{local:%d %b %H:%M}"


def flight(request: dict[str, Any]) -> str:
    return f"{request['carrier']}{request['flight']} {request['origin']}-{request['dest']}"


def arrived(minutes: float) -> str:
    if minutes > 15:
        return f"late, by {minutes:.0f} min"
    return f"in time, {abs(minutes):.0f} min {'late' if minutes > 0 else 'early'}"


if __name__ == "__main__":
    main()
