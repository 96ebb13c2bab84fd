"""A PostgreSQL server for tests, from Debian's packages, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = "-c listen_addresses= -c max_connections=40 -c shared_buffers=16MB -c logging_collector=off"
# The longest path of a socket is about a hundred signs, so it is not in pytest's folder.
_NOBODY_S = 60


def programs():
    """Return the folder of the newest server's programs, None where there is none."""
    folders = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").is_file()]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def why_not():
    """Return why no server can be started here, or an empty string."""
    if programs() is None:
        return "PostgreSQL is not installed in /usr/lib/postgresql: apt-get install postgresql"
    if os.geteuid() == 0 and not _as_user():
        return "PostgreSQL refuses to run as root, and there is no user postgres or no setpriv"
    return ""


def _as_user():
    """Return how to run a program as the user postgres; a server refuses to run as root."""
    import pwd

    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        return None
    setpriv = shutil.which("setpriv")
    return setpriv and [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class PostgresqlServer:
    """A server that listens on a socket in its folder only; `fsync` stays on."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mm-pg-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", self.folder / "data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync", "-N")
        self.start()

    def _run(self, name, *arguments):
        words = [*_as_user(), programs() / name, *arguments]
        done = subprocess.run(
            list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", check=False
        )
        assert done.returncode == 0, done.stdout

    def start(self):
        log, options = self.folder / "log", f"-k {self.folder} {_SETTINGS}"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-w", "-t", _NOBODY_S, "-o", options, "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-t", _NOBODY_S, "-m", mode, "stop")

    def schema(self, name):
        """Make an empty schema, which is faster than a database, and return a URL that uses it."""
        import psycopg

        with psycopg.connect(f"host={self.folder} user=tester dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://tester:s3cret@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
