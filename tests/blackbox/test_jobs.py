"""How a job can end: with a status of its own, in a trap, at each of its limits; and what it costs then. The
programs are a few lines of C, compiled here and given to `run` as folders of their own."""
import json
import pathlib
import re
import subprocess

import pytest

COST = re.compile(r"paid (\d+)$")
WIDE = {"instructions": "100000000", "outputBytes": "1048576"}

PROGRAMS = {
    "fails": (r"""#include <stdio.h>
int main(void) { printf("before\n"); fprintf(stderr, "it is broken\n"); return 7; }""", {}, {}),
    "traps": (r"""#include <stdio.h>
int main(void) { printf("before\n"); fflush(stdout); __builtin_trap(); }""", {}, {}),
    "loops": (r"""#include <stdio.h>
volatile unsigned n;
int main(void) { printf("before\n"); fflush(stdout); for (;;) n++; }""",
              {"instructions": "2000000"}, {}),
    "grows": (r"""#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) { printf("before\n"); fflush(stdout);
  for (;;) { volatile char *p = malloc(1 << 20); if (!p) return 3; p[9] = 1; } }""",
              {}, {"ram": "16777216"}),
    "writes": (r"""#include <stdio.h>
#include <string.h>
int main(void) { static char b[65536]; printf("before\n"); fflush(stdout);
  FILE *f = fopen("/outputs/large", "w"); if (!f) return 3;
  memset(b, 'x', sizeof b); for (int i = 0; i < 64; i++) if (fwrite(b, 1, sizeof b, f) != sizeof b) return 4;
  return fclose(f) ? 5 : 0; }""", {"outputBytes": "1048576"}, {}),
}


def module(at, name, source, limits, resources):
    """A folder with module.json and its program."""
    folder = pathlib.Path(at) / name
    folder.mkdir()
    (folder / "main.c").write_text(source)
    subprocess.run(["clang-14", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-Wl,--strip-all",
                    "-o", folder / f"{name}.wasm", folder / "main.c"], check=True)
    (folder / "main.c").unlink()
    (folder / "module.json").write_text(json.dumps({
        "name": name, "version": "1.0.0", "description": "A test.", "executor": "wasm",
        "args": [name], "inputs": [], "outputs": [],
        "resources": {"cpu": 100, "ram": "33554432", "disk": "4194304"} | resources,
        "limits": WIDE | limits, "determinism": "exact"}))
    return folder


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    at = tmp_path_factory.mktemp("modules")
    return {name: module(at, name, *rest) for name, rest in PROGRAMS.items()}


def last_job(market):
    return market.json("job", "list")["jobs"][0]


def balances(market):
    """free and locked of the buyer, in token units."""
    j = market.json("wallet", "balance")
    return int(j["free"]), int(j["locked"])


@pytest.mark.parametrize("name, code, status, word", [
    ("fails", 10, "Completed", "status 7"),
    ("traps", 10, "ExceptionOccurred", "trapped"),
    ("loops", 30, "InstructionsExceeded", "InstructionsExceeded"),
    ("grows", 30, "MemoryExceeded", "MemoryExceeded"),
    ("writes", 30, "StorageExceeded", "StorageExceeded"),
])
def test_endings(market, modules, tmp_path, name, code, status, word):
    """Each is a result: shown, kept, and charged as 5 says: base + count + bytes."""
    before = balances(market)
    out = tmp_path / "out"
    r = market.run("run", modules[name], "-O", out, code=code)
    assert word in r.stderr
    assert "before" in r.stdout
    assert (out / "stdout").read_text() == "before\n"
    job = json.loads(market.run("run", modules[name], "-O", tmp_path / "again", "--json", code=code).stdout)
    job = job["job"]
    assert job["status"] == status and job["state"] == "DONE"
    deal = market.json("deal", "show", job["deal"])
    hot = deal["deal"]["hot"]
    cost = min(int(hot["pay"]), int(hot["base"]) + int(hot["perInstruction"]) * int(job["count"]) +
               int(hot["perByte"]) * int(job["bytes"]))
    assert int(job["cost"]) == cost > 0
    free, locked = balances(market)
    assert locked == 0
    assert before[0] - free == 2 * cost
    if name == "fails":
        assert (out / "stderr").read_text() == "it is broken\n"
        assert (out / "exitCode").read_text().strip() == "7"
    if name == "loops":
        assert int(job["count"]) == 2000000
    if status != "Completed":
        assert int(job["bytes"]) == 0  # 2.5: the output tree counts only if Completed
    market.run("verify", out / "receipt.json")


def test_its_own_exit_status(market, modules, tmp_path):
    market.run("run", modules["fails"], "-O", tmp_path / "o", "--propagate-exit", code=7)


def test_same_folder_same_module(market, modules, tmp_path):
    ids = {market.error("run", modules[n], "-O", tmp_path / "o", "--dry-run", "-i", "No=1", code=2,
                        name="MODULE_INPUT")["message"] for n in ("fails", "traps")}
    assert len(ids) == 2


def test_a_program_that_is_none(market, modules, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "module.json").write_text((modules["fails"] / "module.json").read_text())
    e = market.error("run", bad, code=2, name="MODULE_BAD")
    assert "fails.wasm" in e["message"]
    (bad / "fails.wasm").write_bytes(b"\0asm\1\0\0\0 this is no module")
    r = market.run("run", bad, "-O", tmp_path / "o", "--json", code=None, timeout=40)
    assert r.returncode in (2, 10, 50), r.stdout + r.stderr
    assert balances(market)[1] == 0


def test_dry_run_sends_nothing(market, tmp_path):
    before = len(market.json("job", "list")["jobs"])
    r = market.run("run", "cowsay", "-i", "Message=a", "--dry-run")
    assert "at most" in r.stderr + r.stdout
    assert len(market.json("job", "list")["jobs"]) == before


def test_target(market, tmp_path):
    """A provider that is named and is not there: nobody else takes the job."""
    e = market.error("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "o", "--queue", "1s", "--target",
                     "0x000000000000000000000000000000000000dEaD", code=20, name="MATCH_NONE")
    assert "1: " in e["message"]


def test_events_as_lines(market, tmp_path):
    r = market.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "o", "--jsonl")
    lines = [json.loads(x) for x in r.stdout.splitlines()]
    seen = [x["event"] for x in lines if "event" in x]
    assert seen[0] == "STORING" and seen[-1] == "DONE"
    assert seen.index("POSTED") < seen.index("MATCHED") < seen.index("JUDGED")
