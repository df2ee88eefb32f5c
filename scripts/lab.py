"""lab: throw-away servers on loopback for the demo, the measurements and the end-to-end tests.

Each class starts one process under a directory of its own and stops it by its process id; `with` ends it however the block
ends. Nothing listens but on 127.0.0.1. Needs the packages of `scripts/install-deps demo` and `scripts/venv`.
"""

import contextlib
import glob
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2
import pytds

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSWORD = "Millrace-demo-1"  # of throw-away servers on loopback
TICKS = os.sysconf("SC_CLK_TCK")


def build_dir():
    """Where millrace and the stand-in were built: $MILLRACE_BUILD, or the release build."""
    return pathlib.Path(os.environ.get("MILLRACE_BUILD", ROOT / "build" / "release"))


def tests_dir(part):
    """Where the tests of a part keep their servers' files, apart for each build and, where several run side by side, each process."""
    return ROOT / "build" / part / build_dir().name / os.environ.get("PYTEST_XDIST_WORKER", "alone")


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, check, seconds=30.0, step=0.02):
    """check()'s first true result; an error naming `what` when the time is over. An exception counts as not yet."""
    until = time.monotonic() + seconds
    last = None
    while time.monotonic() < until:
        try:
            result = check()
            if result:
                return result
            last = None
        except AssertionError:
            raise
        except Exception as e:  # the server isn't there yet, or not any more
            last = e
        time.sleep(step)
    raise TimeoutError(f"{what}: not within {seconds:g} s" + (f" (last: {last})" if last else ""))


def proc_cpu_s(pid, with_children=True):
    """CPU seconds of a process: user and system, reaped children's too; live descendants' when asked."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    own = sum(int(f) for f in fields[11:15]) / TICKS
    if not with_children:
        return own
    kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return own + sum(proc_cpu_s(int(kid)) for kid in kids.read_text().split())


def peak_rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Process:
    """A child with its output in a file."""

    def __init__(self, name, argv, directory, env=None, stdout=None, **popen):
        self.name, self.argv = name, [str(a) for a in argv]
        self.log_path = pathlib.Path(directory) / f"{name}.log"
        self._log = open(self.log_path, "ab")
        self.child = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=stdout or self._log, stderr=self._log,
            env={**os.environ, **(env or {})}, **popen)
        self.pid = self.child.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def send(self, number):
        if self.is_running():
            self.child.send_signal(number)

    def wait(self, seconds=60):
        return self.child.wait(seconds)

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Ask it to end, kill it when it doesn't; its exit status."""
        self.send(number)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)
        self._log.close()
        return self.child.returncode

    def kill(self):
        self.stop(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fresh_dir(path):
    path = pathlib.Path(path)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Postgres:
    """A PostgreSQL cluster. As root it runs as the package's user `postgres`, in a directory that user can reach."""

    def __init__(self, directory, database="warehouse", settings=None):
        self.port = free_port()
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        self.database = database
        self._temporary = None
        self.directory = self._reachable(directory)
        self.bin = self._bin()
        # No Unix socket: its path must fit in 107 bytes, a checkout's may not.
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
                   "logging_collector": "off", **(settings or {})}
        self._settings = [arg for key, value in options.items() for arg in ("-c", f"{key}={value}")]
        run = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **self.user)
        subprocess.run([self.bin / "initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"], cwd="/", **run)
        self.process = None
        self.start()
        with contextlib.closing(self.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'create database "{database}"')

    def _reachable(self, directory):
        directory = fresh_dir(directory)
        if self.user:
            shutil.chown(directory, "postgres", "postgres")
            test = subprocess.run(["test", "-w", directory], cwd="/", **self.user)
            if test.returncode != 0:  # e.g. a project below /root
                self._temporary = pathlib.Path(tempfile.mkdtemp(prefix="millrace-pg-"))
                shutil.chown(self._temporary, "postgres", "postgres")
                return self._temporary
        return directory

    @staticmethod
    def _bin():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(p.split("/")[4]))
        if found:
            return pathlib.Path(found[-1]).parent
        which = shutil.which("postgres")
        if not which:
            raise RuntimeError("no PostgreSQL server programs: run scripts/install-deps demo")
        return pathlib.Path(which).parent

    def start(self):
        self.process = Process("postgres", [self.bin / "postgres", "-D", self.directory / "data", *self._settings],
                               self.directory.parent if not self._temporary else self.directory, cwd="/", **self.user)
        wait_for("PostgreSQL", lambda: not self.connect("postgres").close())

    def connect(self, database=None, autocommit=True):
        c = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database or self.database,
                             connect_timeout=10)
        c.autocommit = autocommit
        return c

    def rows(self, sql, *params):
        with contextlib.closing(self.connect()) as c, c.cursor() as q:
            q.execute(sql, params or None)
            return q.fetchall() if q.description else []

    def uri(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self.database}"

    def cpu_s(self):
        return proc_cpu_s(self.process.pid)

    def stop(self, immediate=False):
        self.process.stop(signal.SIGQUIT if immediate else signal.SIGINT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)


class Standin:
    """The SQL Server stand-in."""

    def __init__(self, directory, capture_ms=50, keep_data=False, arguments=()):
        self.directory = pathlib.Path(directory) if keep_data else fresh_dir(directory)
        self.capture_ms = capture_ms
        self.arguments = list(arguments)
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        self.process = Process(
            "standin", [build_dir() / "standin", "--data", self.directory / "data", "--port", self.port,
                        "--capture-interval-ms", self.capture_ms, *self.arguments],
            self.directory, env={"STANDIN_PASSWORD": PASSWORD})
        wait_for("the stand-in", lambda: not socket.create_connection(("127.0.0.1", self.port)).close())

    def connect(self, database="master", autocommit=True, **options):
        return pytds.connect(dsn="127.0.0.1", port=self.port, user="sa", password=PASSWORD, database=database,
                             autocommit=autocommit, login_timeout=10, **options)

    def script(self, text, database="master"):
        """Run batches separated by lines that say GO."""
        with contextlib.closing(self.connect(database)) as c, c.cursor() as q:
            for batch in re.split(r"(?im)^\s*go\s*;?\s*$", text):
                if batch.strip():
                    q.execute(batch)
                    while q.nextset():
                        pass

    def rows(self, sql, database="master"):
        with contextlib.closing(self.connect(database)) as c, c.cursor() as q:
            q.execute(sql)
            return q.fetchall()

    def cpu_s(self):
        return proc_cpu_s(self.process.pid)

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Millrace(Process):
    """A running `millrace run` with the given files or options."""

    def __init__(self, directory, *arguments, name="millrace", env=None, **popen):
        super().__init__(name, [build_dir() / "millrace", "run", *arguments], directory,
                         env={"MILLRACE_SOURCE_PASSWORD": PASSWORD, **(env or {})}, **popen)
