"""Start the real server on a free port with its own data folder."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from db.engine import make_engine
from db.migrate import upgrade
from services.house import House
from settings import ROOT, Settings
from tests.postgres import free_port

START_LIMIT_S = 90.0


@dataclass(frozen=True)
class Server:
    """A running server: where to reach it, and the house behind it for looking and meddling."""

    port: int
    house: House
    log: Path
    pid: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def foreign_sockets(self) -> list[str]:
        """Return the remote addresses outside this machine that the process holds open now.

        Linux only: reads the process's own socket table under /proc.
        """
        inodes = set()
        for link in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):
                inodes.add(link.readlink().name)
        found = []
        for table in ("tcp", "tcp6", "udp", "udp6"):
            lines = Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]
            for fields in (line.split() for line in lines):
                remote, inode = fields[2].partition(":")[0], fields[9]
                if f"socket:[{inode}]" in inodes and not _is_local(remote):
                    found.append(f"{table} {fields[2]}")
        return found


def _is_local(remote_hex: str) -> bool:
    """Tell whether a /proc/net address (little-endian words) is none or this machine."""
    if set(remote_hex) == {"0"} or remote_hex == "00000000000000000000000001000000":
        return True
    return remote_hex[-8:].endswith("7F") and remote_hex[:-8] in {"", "0000000000000000FFFF0000"}


def make_house(var_dir: Path, database_url: str = "") -> House:
    """Make an empty, up-to-date house in ``var_dir``, the same that the server will open."""
    settings = Settings(_env_file=None, var_dir=var_dir, database_url=database_url)
    var_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.resolved_database_url)
    upgrade(engine)
    return House(engine=engine, settings=settings)


@contextmanager
def serving(house: House, how: str = "streamlit") -> Iterator[Server]:
    """Serve ``house`` by ``streamlit run app.py`` or by ``uvicorn app:app``."""
    port = free_port()
    command = {
        "streamlit": ["streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"],
        "uvicorn": ["uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port)],
    }[how]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL"}}
    environment |= {"CSM_VAR_DIR": str(house.var_dir), "PYTHONUNBUFFERED": "1"}
    if house.settings.database_url:
        environment["DATABASE_URL"] = house.settings.database_url
    log = house.var_dir / f"server-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
        try:
            _wait_until_healthy(port, process, log)
            yield Server(port=port, house=house, log=log, pid=process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pause.wait(0.1)
    raise AssertionError(f"server did not start:\n{log.read_text(errors='replace')[-4000:]}")
