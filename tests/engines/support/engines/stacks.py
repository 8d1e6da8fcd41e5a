"""What Pulumi's engine needs for a test: its CLI, a backend in files, a passphrase, and nothing from the internet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engines.processes import clean_environment
from engines.recipes import folder

PASSPHRASE = "not a secret"


@dataclass(frozen=True)
class PulumiPlace:
    """State in `place/state`, everything else that Pulumi writes in `place/home`."""

    place: Path

    @property
    def backend(self) -> str:
        return f"file://{self.place / 'state'}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables alone: for `LocalWorkspaceOptions(env_vars=...)`, or to be set by monkeypatch."""
        return {
            "PATH": f"{self.place / 'programs'}:{folder('pulumi') / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "PULUMI_BACKEND_URL": self.backend,
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_HOME": str(self.place / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "1",
        }

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment, for a process that runs `pulumi` or `mlsystem`."""
        return clean_environment(self.settings)

    def add_program(self, name: str, text: str) -> Path:
        """A script that is found on PATH before anything else: a provider of the test's own."""
        programs = self.place / "programs"
        programs.mkdir(exist_ok=True)
        path = programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path


def new_pulumi_place(place: Path) -> PulumiPlace:
    (place / "state").mkdir(parents=True, exist_ok=True)
    (place / "home").mkdir(exist_ok=True)
    return PulumiPlace(place)
