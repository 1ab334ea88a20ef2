"""What the black-box tests share: the program as a person or script meets it, and whole markets of real
daemons on free loopback ports.

    market        one market for the whole session: for tests that only buy and look
    new_market    makes markets of a test's own: for tests that kill, starve or corrupt something
    lilypad       the program with an empty folder and no market

Teardown is an oracle: no daemon wrote a `broken` line, the journal of the ledger verifies, nothing runs
on. LILYPAD names another binary than build/lilypad (one with sanitizers, an installed one)."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("LILYPAD", ROOT / "build" / "lilypad"))
BROKEN = re.compile(r"^\S+Z broken ", re.M)
SANITIZER = re.compile(r"AddressSanitizer|runtime error:|LeakSanitizer")


class Lilypad:
    """The command line with a folder of its own for keys, stores and settings."""

    def __init__(self, folder, binary=BINARY):
        self.folder = pathlib.Path(folder)
        self.binary = binary
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8",
                    "TMPDIR": str(self.folder)}

    def popen(self, *args, **more):
        """A process that goes on; the caller waits for it or kills it."""
        return subprocess.Popen([self.binary, *map(str, args), "--dir", str(self.folder)], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.env, cwd=self.folder, **more)

    def run(self, *args, code=0, timeout=60, stdin=None):
        """Runs to the end; fails the test unless the exit code is `code` (None: any)."""
        r = subprocess.run([self.binary, *map(str, args), "--dir", str(self.folder)], text=True,
                           input=stdin or "", capture_output=True, env=self.env, cwd=self.folder,
                           timeout=timeout)
        said = f"lilypad {' '.join(map(str, args))}\nexit {r.returncode}\n{r.stdout}\n{r.stderr}"
        assert not SANITIZER.search(r.stderr), said
        assert code is None or r.returncode == code, said
        return r

    def json(self, *args, **more):
        """The one object on standard output of a command with --json."""
        r = self.run(*args, "--json", **more)
        return json.loads(r.stdout or "null")

    def error(self, *args, code, name, **more):
        """The error object of a command that must fail with this exit code and error code."""
        r = self.run(*args, "--json", code=code, **more)
        text = (r.stdout.strip() or r.stderr.strip()).splitlines()[-1]
        e = json.loads(text)
        e = e.get("error", e)
        assert e["code"] == name, text
        assert e["message"], text
        return e


class Market(Lilypad):
    """`lilypad up` in a folder of its own."""

    def start(self, providers=1):
        self.up = self.json("up", "--providers", providers)
        return self

    def pids(self, role=None):
        return [p["pid"] for p in self.up["processes"] if role in (None, p["role"])]

    def logs(self):
        return {p.stem: p.read_text(errors="replace")
                for p in sorted((self.folder / "state").glob("*.log"))}

    def kill(self, role, how=signal.SIGKILL):
        for pid in self.pids(role):
            os.kill(pid, how)
        return self

    def stop(self):
        if getattr(self, "up", None):
            pids = self.pids()
            self.run("down")
            self.up = None
            left = [p for p in pids if alive(p)]
            assert not left, f"still running after down: {left}"

    def check(self):
        """What must hold of every market once it has stopped."""
        for role, text in self.logs().items():
            assert not BROKEN.search(text), f"{role} says broken:\n{text[-3000:]}"
            assert not SANITIZER.search(text), f"{role}:\n{text[-6000:]}"
        if any((self.folder / "state").rglob("ledger/*")):
            self.run("ledger", "verify", timeout=1800)  # it takes what the journal is long


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what, timeout=20, every=0.02):
    """The first true value of what(); fails the test when there is none in time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(every)
    pytest.fail(f"not within {timeout} s: {what.__doc__ or what}")


def folder():
    return pathlib.Path(tempfile.mkdtemp(prefix="lilypad-test-"))


def made(request):
    """A factory of markets that are stopped, judged and removed at the end."""
    markets = []

    def make(providers=1):
        m = Market(folder())
        markets.append(m)
        return m.start(providers)

    def end():
        problems = []
        for m in markets:
            for step in (m.stop, m.check):
                try:
                    step()
                except (AssertionError, subprocess.TimeoutExpired) as e:
                    problems.append(str(e))
            if problems or request.session.testsfailed:
                for role, text in m.logs().items():
                    print(f"----- {role}\n{text[-2000:]}")
            shutil.rmtree(m.folder, ignore_errors=True)
        assert not problems, "\n".join(problems)

    return make, end


@pytest.fixture(scope="session")
def market(request):
    make, end = made(request)
    yield make()
    end()


@pytest.fixture
def new_market(request):
    make, end = made(request)
    yield make
    end()


@pytest.fixture
def lilypad():
    at = folder()
    yield Lilypad(at)
    shutil.rmtree(at, ignore_errors=True)
