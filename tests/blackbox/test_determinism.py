"""One job, one outcome (protocol 7.1, 7.3): the same module and inputs give the same output id and the same
count, whatever else differs about the process, its user and the machine's load."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from conftest import BINARY, ROOT, folder

RUNS = 100
PROGRAM = ROOT / "build" / "wasm" / "probe.wasm"  # tests/wasm/probe.c
ENGINE = ROOT / "build" / "wasmtime" / "lib" / "libwasmtime.so"
MANIFEST = {
    "name": "probe", "version": "1.0.0", "description": "Prints all that a program can see.",
    "executor": "wasm", "args": ["probe", "everything"],
    "inputs": [{"name": "Files", "type": "folder", "required": True, "path": "."}], "outputs": [],
    "resources": {"cpu": 1000, "ram": "16777216", "disk": "1048576"},
    "limits": {"instructions": "50000000", "outputBytes": "1048576"}, "determinism": "exact"}


class Place:
    """A folder that every user may read, with the binary, the engine, a module and its inputs."""

    def __init__(self, at):
        self.at = at
        at.chmod(0o755)
        self.module = at / "probe"
        self.module.mkdir()
        source = at / "source.json"
        source.write_text(json.dumps(MANIFEST))
        shutil.copy(PROGRAM, self.module / "probe.wasm")
        subprocess.run([ROOT / "build/tools/module_pack", source, PROGRAM, self.module / "module.json"],
                       check=True)
        self.binary = shutil.copy(BINARY, at / "lilypad")
        self.engine = shutil.copy(ENGINE, at / "libwasmtime.so")
        # The order in which a folder's entries were made is not the order of their names.
        self.inputs = at / "inputs"
        for name in ("z", "sub/b", "sub/a", "B", "a"):
            path = self.inputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"this is {name}\n")
        for path in [self.module, self.inputs, self.inputs / "sub", self.binary]:
            os.chmod(path, 0o755)
        for path in [*self.module.iterdir(), *(p for p in self.inputs.rglob("*") if p.is_file()),
                     self.engine]:
            os.chmod(path, 0o644)
        self.own = at / "own"
        self.own.mkdir()

    def run(self, own=None, before=(), cwd=None, inputs=None, **env):
        """(output id, count, standard output) of one run in the folder `own`."""
        own = own or self.own
        r = subprocess.run(
            [*map(str, before), str(self.binary), "module", "run", str(self.module), "--inputs-path",
             str(inputs or self.inputs), "--json", "--dir", str(own)],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=cwd or own,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(own),
                 "LILYPAD_PATHS_ENGINE": str(self.engine), **env})
        assert r.returncode == 0, f"{r.returncode}\n{r.stdout}\n{r.stderr}"
        d = json.loads(r.stdout)
        assert d["status"] == "Completed" and d["exitCode"] == 0, r.stdout
        return d["output"], d["instructions"], d["stdout"]


@pytest.fixture(scope="module")
def place():
    at = folder()
    yield Place(at)
    shutil.rmtree(at)


@pytest.fixture(scope="module")
def first(place):
    return place.run()


@contextlib.contextmanager
def load():
    """Two processes that do nothing but compute, until the end of the block."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for p in busy:
            p.kill()
            p.wait()


def test_it_shows_everything(first):
    """What is compared below depends on inputs, clock, random and floats."""
    for words in ("/inputs/sub/a ino", "clock 946684800.001", "slept 3600", "random ", "sum "):
        assert words in first[2]
    assert first[2].index("/inputs/B ") < first[2].index("/inputs/a ") < first[2].index("/inputs/sub/")


def test_again_and_again(place, first):
    seen = {place.run() for _ in range(RUNS)}
    assert seen == {first}


def test_under_load(place, first):
    with load():
        seen = {place.run() for _ in range(10)}
    assert seen == {first}


def test_side_by_side(place, first):
    """Eight at once: they share the compiled form in one cache."""
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: place.run(), range(24)))
    assert seen == {first}


def test_compiled_anew(place, first, tmp_path):
    assert place.run(own=tmp_path) == first


@pytest.mark.parametrize("env", [
    {"TZ": "Pacific/Auckland"}, {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, {"HOME": "/nonexistent"},
    {"USER": "somebody", "LOGNAME": "somebody", "HOSTNAME": "elsewhere"},
    {"WASMTIME_BACKTRACE_DETAILS": "1", "RUST_BACKTRACE": "full", "RUST_LOG": "trace"},
    {"MALLOC_PERTURB_": "170", "MALLOC_ARENA_MAX": "1"}], ids=lambda e: next(iter(e)))
def test_another_environment(place, first, env):
    assert place.run(**env) == first


def test_another_folder(place, first):
    assert place.run(cwd="/") == first


def test_files_of_another_age_and_mode(place, first, tmp_path):
    other = tmp_path / "same"
    for name in ("a", "B", "sub/a", "sub/b", "z"):
        path = other / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}\n")
        path.chmod(0o600)
        os.utime(path, (1, 1))
    assert place.run(inputs=other) == first


def test_another_input(place, first, tmp_path):
    """The comparison can fail: one byte more and it is another outcome."""
    other = tmp_path / "other"
    shutil.copytree(place.inputs, other)
    (other / "a").write_text("this is a!\n")
    got = place.run(inputs=other)
    assert got[0] != first[0] and got[2] != first[2]


@pytest.mark.skipif(not shutil.which("taskset"), reason="taskset is not installed")
def test_on_one_processor(place, first):
    one = str(min(os.sched_getaffinity(0)))
    assert {place.run(before=["taskset", "-c", one]) for _ in range(5)} == {first}


@pytest.mark.parametrize("limits", [["-s", "256"], ["-n", "64"], ["-c", "unlimited"]],
                         ids=["stack", "descriptors", "core"])
def test_other_limits_of_the_shell(place, first, limits):
    script = f'ulimit -S {" ".join(limits)} && exec "$@"'
    assert place.run(before=["bash", "-c", script, "sh"]) == first


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"),
                    reason="only root can become another user, with setpriv")
def test_another_user(place, first):
    own = pathlib.Path(folder())
    try:
        os.chown(own, 65534, 65534)
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        assert place.run(own=own, before=nobody) == first
    finally:
        shutil.rmtree(own)
