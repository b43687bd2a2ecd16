"""A throw-away PostgreSQL cluster for tests, where the server's programs are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

import db.models  # noqa: F401  (registers all tables)
from db.base import Base

TEMPLATE = "csm_template"


def find_programs() -> Path | None:
    """Return the folder with ``initdb`` and ``pg_ctl`` of the newest server, or None."""
    on_path = shutil.which("initdb")
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name)
    folders = [*homes, *([Path(on_path).parent] if on_path else [])]
    return next((f for f in reversed(folders) if (f / "pg_ctl").exists()), None)


def why_not() -> str:
    """Return why no cluster can be made here; empty when it can."""
    if find_programs() is None:
        return "PostgreSQL server programs (initdb, pg_ctl) are not installed"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        if shutil.which("runuser") is None:
            return "PostgreSQL refuses to run as root and runuser is missing"
        known = subprocess.run(["id", "postgres"], capture_output=True, check=False)
        if known.returncode != 0:
            return "PostgreSQL refuses to run as root and there is no user postgres"
    return ""


def free_port() -> int:
    """Return a TCP port that is free on this machine now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A running server that makes one fresh database a test from a ready template."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.made = 0
        self._admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self._run(f"CREATE DATABASE {TEMPLATE}")
        engine = create_engine(self.url(TEMPLATE))
        Base.metadata.create_all(engine)
        engine.dispose()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def fresh_database(self, template: str = TEMPLATE) -> str:
        """Make a database: with all tables, or empty from ``template0``."""
        self.made += 1
        name = f"csm_test_{self.made}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, database: str) -> None:
        self._run(f"DROP DATABASE {database} WITH (FORCE)")

    def close(self) -> None:
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make, start, and at the end remove a cluster under the temporary folder."""
    programs = find_programs()
    assert programs is not None
    home = Path(tempfile.mkdtemp(prefix="csm-pg-"))
    as_user: list[str] = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        shutil.chown(home, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = home / "data", free_port()

    def run(*command: str) -> None:
        done = subprocess.run(
            [*as_user, *command], cwd=home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    run(
        str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust",
        "-E", "UTF8", "--locale=C", "--no-sync",
    )  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -F -c synchronous_commit=off"
    # Output goes to the log file: a pipe held open by the server would never end the call.
    run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(home / "log"), "-w", "-o", options, "start")  # fmt: skip
    cluster = Cluster(port)
    try:
        yield cluster
    finally:
        cluster.close()
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)
