"""Alerts reach the webhook, or give up in bounded time, and its address stays a secret."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import Alert
from mlsystem_runtime.monitor import alerts
from mlsystem_runtime.monitor.alerts import LogChannel, Notification, Webhook, channels, follow

ALERT = Notification("flight-delay", "dev", "main", "drift", "firing", "past.delay moved", 5)


@pytest.fixture
def receiver():
    """(address, bodies received, statuses to answer with: 200 once they are used up)."""
    bodies, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token-123", bodies, statuses
        server.shutdown()
        thread.join()


def test_a_notification_arrives_as_json(receiver):
    address, bodies, _ = receiver
    webhook = Webhook(address)
    webhook.send(ALERT)
    webhook.close()

    assert bodies == [{
        "system": "flight-delay", "environment": "dev", "model": "main", "key": "drift", "status": "firing",
        "message": "past.delay moved", "at_us": 5,
    }]


def test_delivery_is_tried_again_after_an_error(receiver):
    address, bodies, statuses = receiver
    statuses += [500, 503]
    webhook = Webhook(address)
    webhook.send(ALERT)
    webhook.close()

    assert len(bodies) == alerts.ATTEMPTS


def test_delivery_gives_up_and_the_log_names_no_address(receiver, caplog):
    address, _, statuses = receiver
    statuses += [404] * 9
    for target in (address, "http://127.0.0.1:1/token-123"):
        webhook = Webhook(target)
        webhook.send(ALERT)
        webhook.close()

    assert "it answered 404" in caplog.text
    assert "did not reach" in caplog.text
    assert "token-123" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_webhook_that_does_not_answer_holds_up_the_end_no_longer_than_it_may(caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        webhook = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/token-123")
        for _ in range(20):
            webhook.send(ALERT)
        started = time.monotonic()
        webhook.close(0.2)

    assert time.monotonic() - started < 2
    assert "20 alerts did not reach the webhook" in caplog.text


def test_what_waits_is_still_sent_when_there_is_time(receiver):
    address, bodies, _ = receiver
    webhook = Webhook(address)
    for _ in range(20):
        webhook.send(ALERT)
    webhook.close()

    assert len(bodies) == 20


def test_what_answers_no_http_is_tried_again_and_told(caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def babble():
            for _ in range(alerts.ATTEMPTS):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"token-123 is not HTTP\r\n\r\n")

        thread = threading.Thread(target=babble, daemon=True)
        thread.start()
        webhook = Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/token-123")
        webhook.send(ALERT)
        webhook.close()
        thread.join(10)

    assert "did not reach the webhook in 3 attempts: BadStatusLine" in caplog.text
    assert "token-123" not in caplog.text


@pytest.mark.parametrize("address", ["file:///token-123", "http://[token-123", "http://token-123\u2100/"])
def test_an_address_that_is_no_url_is_refused_without_being_named(address):
    with pytest.raises(MlsystemError) as refused:
        Webhook(address)

    assert "token-123" not in str(refused.value)


def test_a_webhook_without_its_secret_leaves_the_log(caplog):
    made = channels((Alert("webhook", url_secret="ALERT_URL"),), {})

    assert [type(channel) for channel in made] == [LogChannel]
    assert "ALERT_URL" in caplog.text


def test_the_log_channel_warns(caplog):
    with caplog.at_level(logging.INFO):
        LogChannel().send(ALERT)

    assert "past.delay moved" in caplog.text


def test_what_stays_wrong_is_said_again_only_after_the_cooldown():
    now, said, over = follow((), {"drift": "a"}, 0, 10)
    assert [alert.key for alert in said] == ["drift"]

    now, said, over = follow(now, {"drift": "b"}, 9, 10)
    assert (said, over) == ((), ())
    assert now[0].message == "b"

    now, said, over = follow(now, {"drift": "b"}, 10, 10)
    assert (said[0].since_us, said[0].notified_us) == (0, 10)

    now, said, over = follow(now, {}, 11, 10)
    assert (now, said, [alert.key for alert in over]) == ((), (), ["drift"])
