"""A channel of a test, in place of the log or a webhook."""

from __future__ import annotations

from mlsystem_runtime.monitor.alerts import Notification


class Heard:
    """A channel that keeps what it is sent."""

    def __init__(self) -> None:
        self.notifications: list[Notification] = []

    def send(self, notification: Notification) -> None:
        self.notifications.append(notification)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(one.key, one.status) for one in self.notifications]
