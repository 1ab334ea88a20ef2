"""Programs that mean harm, run as a provider runs them: in the executor's own process with its jail, each twice
by processes that share nothing, and once by `lilypad module run`. Each must end as its row of hostile_wasm.py says,
within its limits, the same both times, and the executor must then run an honest job."""
import inspect
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unicodedata

import pytest

from conftest import BINARY, ROOT, alive, folder
from executor import Executor, Outcome, frame, read_outcome
from hostile_wasm import COMPLETED, DECLINED, EXCEPTION, LIMIT, MIB, ROWS, Calls, MEMORY, STORAGE
from wasm_maker import program, loop, br

ENGINE = ROOT / "build" / "wasmtime" / "lib" / "libwasmtime.so"
PAGE = ROOT / "docs" / "hostile-wasm.md"
MARK = "<!-- hostile -->"
JOB_HOST = 3
HONEST = Calls().say(4096, 5)
HONEST.m.data(4096, b"hello")
HONEST = HONEST.bytes()


class Bench:
    def __init__(self, at):
        self.at = at
        at.chmod(0o755)
        self.executors = [Executor(BINARY, ENGINE, at / f"cache{n}") for n in range(2)]
        self.known = {}
        first = self.executors[0].run(HONEST)
        assert (first.status, first.stdout) == (COMPLETED, b"hello")
        self.honest = first
        self.compiled = next((at / "cache0").glob("*.cwasm")).read_bytes()

    def programs(self, row):
        given = {"compiled": self.compiled, "binary": pathlib.Path(BINARY).read_bytes()}
        made = row.make(*(given[n] for n in inspect.signature(row.make).parameters))
        return made if isinstance(made, list) else [made]

    def outcomes(self, row):
        """The outcomes of all programs of a row, once it is known that they are the same twice, that the
        executors live and that an honest job runs as before."""
        if row.name not in self.known:
            both = []
            for x in self.executors:
                both.append([x.run(p, row.instructions, row.ram, row.disk, args=row.args, timeout=row.seconds)
                             for p in self.programs(row)])
                self.serves(x)
            for a, b in zip(*both):
                assert (a.code, a.status, a.exit_code, a.count, a.trap, a.stdout, a.files) == \
                    (b.code, b.status, b.exit_code, b.count, b.trap, b.stdout, b.files)
            self.known[row.name] = [max(pair, key=lambda o: o.peak_bytes) for pair in zip(*both)]
        return self.known[row.name]

    def serves(self, x):
        assert x.process.poll() is None
        got = x.run(HONEST)
        assert (got.code, got.status, got.count, got.stdout) == \
            (0, COMPLETED, self.honest.count, b"hello")
        assert x.children() == []

    def close(self):
        for x in self.executors:
            x.close()


@pytest.fixture(scope="module")
def bench():
    at = folder()
    b = Bench(at)
    yield b
    b.close()
    shutil.rmtree(at)


def ends_as(row, o):
    if row.status == DECLINED:
        assert o.code == JOB_HOST and row.words in o.trap, o
        return
    assert o.code in (0, 1), o  # an outcome, or a program that is refused
    status = o.status or EXCEPTION
    assert row.status in (None, status), o
    assert row.words in o.trap, o
    assert o.exit_code == (row.exit if row.status == COMPLETED else o.exit_code), o
    assert o.count <= row.instructions
    if row.count is not None:
        assert o.count == (row.instructions if row.count == LIMIT else row.count), o
    if row.stdout is not None:
        assert o.stdout == row.stdout
    # What it leaves: within its storage, and what the frame needs for the names.
    assert sum(len(d or b"") for d in o.files.values()) + len(o.stdout) <= row.disk
    assert o.frame_bytes <= row.disk + 16 * MIB


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_contained(bench, row):
    for o in bench.outcomes(row):
        ends_as(row, o)
        assert o.peak_bytes <= row.memory * MIB, f"{o.peak_bytes / MIB:.0f} MiB"


# ---- by the command ------------------------------------------------------------------------------------------

EXITS = {COMPLETED: 0, EXCEPTION: 10, MEMORY: 30, STORAGE: 30, LIMIT: 30}
ENDED, EXECUTOR_FAILED = 10, 1


def module_of(row, at, content):
    manifest = {
        "name": "hostile", "version": "1.0.0", "description": "Means harm.", "executor": "wasm",
        "args": list(row.args), "inputs": [], "outputs": [],
        "resources": {"cpu": 1000, "ram": str(row.ram), "disk": str(row.disk)},
        "limits": {"instructions": str(row.instructions), "outputBytes": str(row.disk)}, "determinism": "exact"}
    at.mkdir()
    (at / "module.json").write_text(json.dumps(manifest))
    (at / "hostile.wasm").write_bytes(content)
    return at


# A process begins with the memory of the one that starts it: so a small one does that, and tells.
RUNNER = """import os, subprocess, sys
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
_, status, used = os.wait4(p.pid, 0)
with open(sys.argv[1], 'w') as f:
    f.write(f'{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}')
"""


def command(own, *args):
    """One run of `lilypad`: exit code, output, error output, and the most memory that it or any process that it
    started had (ru_maxrss of a process that was waited for holds that of those it waited for)."""
    r = subprocess.run([sys.executable, "-I", "-S", "-c", RUNNER, own / "used", BINARY, *map(str, args), "--dir",
                        own / "dir"], capture_output=True, text=True, timeout=60, cwd=own,
                       env={"PATH": "/usr/bin:/bin", "HOME": str(own), "LANG": "C.UTF-8",
                            "LILYPAD_PATHS_ENGINE": str(ENGINE)})
    code, peak = (own / "used").read_text().split()
    return int(code), r.stdout, r.stderr, int(peak) * 1024


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_module_run(bench, row, tmp_path):
    """The whole way, with blocks in a store on disk, says the same as the executor."""
    seen = bench.outcomes(row)
    if len(seen) > 8:
        seen = seen[:1]
    for n, (o, content) in enumerate(zip(seen, bench.programs(row))):
        code, out, err, peak = command(tmp_path, "module", "run", module_of(row, tmp_path / str(n), content),
                                       "--json")
        assert peak <= (row.memory + 64) * MIB, f"{peak / MIB:.0f} MiB"
        if o.code == JOB_HOST:
            assert code == EXECUTOR_FAILED and row.words in out, out + err
            continue
        d = json.loads(out)
        assert "status" in d, out
        assert (d["status"], int(d["instructions"])) == (o.status or EXCEPTION, o.count)
        assert code == (ENDED if o.exit_code else EXITS[d["status"]])
        assert d["exitCode"] & 0xFFFFFFFF == o.exit_code
        assert d["stdout"].encode() == o.stdout or not is_text(o.stdout)
        assert all(unicodedata.category(c) != "Cc" for c in d["trap"]), d["trap"]
        assert row.words in d["trap"]
    # Nothing is left on the disk but the compiled forms.
    left = [p for p in (tmp_path / "dir").rglob("*") if p.is_file() and p.suffix != ".cwasm"]
    assert sum(p.stat().st_size for p in left) < MIB, left


def is_text(content):
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


# ---- the jail ------------------------------------------------------------------------------------------------

def limits_of(pid):
    """The limits of a process by name, as the kernel tells them; None once it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    except OSError:
        return None
    return {line[:26].strip(): line[26:47].strip() for line in lines}


def row_named(text):
    return next(r for r in ROWS if r.name == text)


def watch(x, job, look):
    """Calls look(pid) for the processes of the job until it has ended."""
    got = None
    while got is None:
        for pid in x.children():
            look(pid)
        got = x.answer(0.005)
    os.close(x.jobs.pop(got[0]))
    assert got[0] == job
    return got[1]


def test_limits_of_its_processes(bench):
    """What the rows rely on where no test can wait for it: a compilation of a minute and more."""
    x, row, seen = bench.executors[0], row_named("nested-switch"), {}
    slow = bench.programs(row)[0] + b"\0\2\1 "  # a custom section: no compiled form is there
    code = watch(x, x.begin(frame(slow, row.instructions, row.ram, row.disk)),
                 lambda pid: seen.update({pid: limits_of(pid) or seen.get(pid)}))
    assert code == 0
    compiling = next(v for v in seen.values() if v and v["Max cpu time"] == "60")
    assert compiling["Max data size"] == str(2 << 30)
    assert compiling["Max processes"] == "0" and compiling["Max core file size"] == "0"
    seen.clear()
    endless = program(loop(br(0)))
    watch(x, x.begin(frame(endless, 400_000_000, 32 * MIB, MIB)),
          lambda pid: seen.update({pid: limits_of(pid) or seen.get(pid)}))
    running = [v for v in seen.values() if v and v["Max cpu time"] == str(400_000_000 // 4_000_000 + 60)]
    assert running and running[-1]["Max data size"] == str(32 * MIB + 4 * MIB + 512 * MIB)
    assert running[-1]["Max file size"] == str(MIB + 64 * MIB)
    assert running[-1]["Max processes"] == "0"


def test_a_compilation_that_is_killed(bench):
    """What the kernel does at the limit of processor time: the job has no outcome, and words."""
    x, row = bench.executors[0], row_named("deep-expression")
    slow = bench.programs(row)[0] + b"\0\2\1!"
    job = x.begin(frame(slow, row.instructions, row.ram, row.disk))

    def look(pid):
        if (limits_of(pid) or {}).get("Max cpu time") == "60":
            os.kill(pid, signal.SIGKILL)
    out = os.dup(x.jobs[job])
    assert watch(x, job, look) == JOB_HOST
    assert b"cannot be compiled here" in os.pread(out, 200, 0)
    os.close(out)
    bench.serves(x)


def test_compilations_take_turns(bench):
    """Twenty programs at once: few are compiled at a time, all end, one that waits can be given up."""
    x = bench.executors[1]
    slow = bench.programs(row_named("nested-ifs"))[0]
    jobs = [x.begin(frame(slow + b"\0\3\2?" + bytes([n]), 40_000_000, MIB, MIB)) for n in range(6)]
    same = [x.begin(frame(slow + b"\0\3\2?\0", 40_000_000, MIB, MIB)) for n in range(6)]
    x.kill(jobs[-1])
    most, codes = 0, {}
    while len(codes) < 12:
        most = max(most, sum((limits_of(p) or {}).get("Max cpu time") == "60" for p in x.children()))
        got = x.answer(0.01)
        if got:
            codes[got[0]] = got[1]
            os.close(x.jobs.pop(got[0]))
    assert codes[jobs[-1]] == -signal.SIGKILL
    assert all(codes[j] == 0 for j in jobs[:-1] + same), codes
    assert 1 <= most <= max(2, min(8, os.cpu_count() // 2))
    bench.serves(x)


def test_a_storm(bench):
    """Sixty jobs that trap, loop, recurse and flood at once, and an honest one among them."""
    x = bench.executors[0]
    rows = [row_named(n) for n in ("unreachable", "recursion", "floods-stdout", "infinite-loop", "bad-addresses",
                                   "memory-to-the-limit")] * 10
    ours = [(x.begin(frame(bench.programs(r)[0], r.instructions, r.ram, r.disk)), r) for r in rows]
    honest = x.begin(frame(HONEST, 50_000_000, 16 * MIB, MIB))
    fds = {j: os.dup(x.jobs[j]) for j in x.jobs}
    ended = {}
    while len(ended) < 61:
        got = x.answer(30)
        assert got, "no answer within 30 s"
        ended[got[0]] = got[1]
        os.close(x.jobs.pop(got[0]))
    assert set(ended.values()) == {0}
    for j, r in ours:
        o = Outcome(0)
        with os.fdopen(fds[j], "rb") as f:
            f.seek(0)
            read_outcome(f.read(), o)
        assert o.status == r.status and o.count == bench.outcomes(r)[0].count
    with os.fdopen(fds[honest], "rb") as f:
        f.seek(0)
        assert b"hello" in f.read()


# ---- a provider ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["infinite-loop", "recursion", "memory-to-the-limit", "floods-a-file",
                                  "many-files", "native-code", "names-for-terminals", "unknown-to-the-compiler",
                                  "wild-pointers"])
def test_provider(bench, market, name, tmp_path):
    """Bought and paid for: the provider's result says the same, and its next job is an honest one."""
    row = row_named(name)
    o = bench.outcomes(row)[-1]
    r = market.run("run", module_of(row, tmp_path / "m", bench.programs(row)[-1]), "-O", tmp_path / "o", "--json",
                   code=None)
    job = json.loads(r.stdout)["job"]
    assert (job["status"], int(job["count"])) == (o.status or EXCEPTION, o.count), r.stdout
    assert all(alive(pid) for pid in market.pids("provider"))
    market.run("run", "cowsay", "-i", "Message=still here", "-O", tmp_path / "p")


# ---- the page ------------------------------------------------------------------------------------------------

def how(row, seen):
    """The outcome in words, of what was measured."""
    if row.status == DECLINED:
        return "no result: the provider declines", "-"
    statuses = sorted({o.status or EXCEPTION for o in seen})
    counts = sorted({o.count for o in seen})
    text = ", ".join(f"`{s}`" for s in statuses)
    if row.status == COMPLETED and row.exit:
        text += f", exit status {row.exit}"
    words = sorted({o.trap for o in seen if o.trap and o.code == 0})
    if len(words) == 1 and "\u20ac" not in words[0] and "`" not in words[0]:
        text += f", {words[0]}"
    return text, f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def table(bench):
    lines = ["| program | what contains it | outcome | instructions | memory below |", "| --- | --- | --- | --- | --- |"]
    group = None
    for row in ROWS:
        if row.group != group:
            group = row.group
            lines.append(f"| **{group}** | | | | |")
        seen = bench.outcomes(row)
        outcome, count = how(row, seen)
        many = f" ({len(seen)} programs)" if len(seen) > 1 else ""
        lines.append(f"| {row.does}{many} | {row.contained} | {outcome} | {count} | {row.memory} MiB |")
    return "\n".join(lines) + "\n"


def test_page(bench):
    """docs/hostile-wasm.md is what was measured; LILYPAD_WRITE_PAGE=1 writes it anew."""
    text = PAGE.read_text()
    before, _, after = text.split(MARK)
    wanted = f"{before}{MARK}\n{table(bench)}{MARK}{after}"
    if os.environ.get("LILYPAD_WRITE_PAGE"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted, "stale: make hostile-page"
