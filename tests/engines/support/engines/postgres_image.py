"""An image of Debian's PostgreSQL that starts like the official one: `docker-entrypoint.sh postgres`, with the database
and its user as POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB say."""

from __future__ import annotations

from pathlib import Path

from engines.images import BASE, cached_storage
from engines.scratch_image import libraries

BINARIES = Path("/usr/lib/postgresql/15/bin")
FOLDERS = (BINARIES.parent, Path("/usr/share/postgresql/15"))
USER = "echo 'postgres:x:999:999::/:/bin/sh' >> /etc/passwd"
ENTRYPOINT = """#!/bin/sh
# The first start makes the database. It may be interrupted: what is not finished is made anew.
set -eu
if [ ! -e "$PGDATA/made" ]; then
    rm -rf "$PGDATA"
    (umask 077 && printf '%s' "$POSTGRES_PASSWORD" > /tmp/password)
    initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth scram-sha-256 --encoding UTF8 --locale C
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "create database $POSTGRES_DB" | postgres --single postgres
    touch "$PGDATA/made"
fi
exec "$@" -c listen_addresses='*'
"""


def write_postgres_image(archive: Path, name: str) -> None:
    """An OCI archive of image `name`, NAME:TAG."""
    storage, script = cached_storage(), archive.with_suffix(".sh")
    script.write_text(ENTRYPOINT)
    container = storage.buildah("from", "--pull-never", BASE)
    try:
        needed = {path for one in ("initdb", "postgres", "pg_isready") for path in libraries(BINARIES / one)}
        for path in (*FOLDERS, *sorted(needed)):
            storage.buildah("copy", container, path, path)
        storage.buildah("copy", "--chmod", "755", container, script, "/usr/local/bin/docker-entrypoint.sh")
        storage.buildah("run", container, "--", "sh", "-c", USER)
        storage.buildah("config", "--env", f"PATH={BINARIES}:/usr/local/bin:/usr/bin:/bin", container)
        storage.buildah("commit", container, f"oci-archive:{archive}:{name}")
    finally:
        storage.buildah("rm", container)
