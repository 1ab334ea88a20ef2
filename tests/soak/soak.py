#!/usr/bin/env python3
"""Real daemons that work for long: no-op jobs are bought at a rate, every block is replayed and its sums are
checked as it comes, and what each process holds in memory is measured. Fails when a sum is wrong, a deal stays
behind, a job fails, or a process goes on growing.

    soak.py [--seconds 3600] [--rate 200]

What a process may grow by in the last third of the time: a constant for caches that fill (SQLite's page cache, the
allocator's), the ledger by what the protocol has it keep of every deal for ever (8.4), and by the log of its event
stream until that is full (SSE_BACKLOG_MAX events)."""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "blackbox"))
from audit import FINAL, get  # noqa: E402
from conftest import ROOT, Market, folder  # noqa: E402

BUILD = ROOT / "build"
SAMPLE_S = 5
FILL = 24 << 20             # bytes that any process may still grow by in the last third
PER_JOB = {"ledger": 1400}  # and bytes for each job of it
LOG_EVENTS = 65536          # the ledger keeps so many events for those who come back,
LOG_EACH = 1400             # of so many bytes
LATE_S = 60               # of block time: a deal that is open so long after its deadline is stuck


class Follower(threading.Thread):
    """Replays the ledger's events: what they say of every account adds up after each block."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.wrong = []
        self.ending = False
        genesis = get(f"{url}/v1/genesis")
        genesis = genesis.get("genesis", genesis)
        self.held = {a["account"]: int(a["amount"]) for a in genesis["allocations"]}
        self.all = sum(self.held.values())
        self.open = {}
        self.seq = self.block = self.blocks = self.deals = 0
        self.ends = collections.Counter()

    def must(self, ok, what):
        if not ok and len(self.wrong) < 20:
            self.wrong.append(what)

    def end_of_block(self, time_):
        self.blocks += 1
        total = sum(self.held.values())
        self.must(total == self.all, f"after block {self.block} {total} are there, {self.all} were put in")
        late = [d for d, due in self.open.items() if due and time_ > due + LATE_S]
        self.must(not late, f"block {self.block}: open {LATE_S} s after their deadline: {late[:3]}")

    def take(self, e):
        self.must(int(e["seq"]) == self.seq + 1, f"event {e['seq']} comes after {self.seq}")
        if int(e["block"]) != self.block:
            self.end_of_block(e["time"])
            self.block = int(e["block"])
        self.seq = int(e["seq"])
        for c in e["changes"]:
            parts = [int(c[k]) for k in ("free", "locked", "withdrawing")]
            self.must(min(parts) >= 0, f"event {self.seq}: a negative balance")
            self.held[c["account"]] = sum(parts)
        if e["to"] in FINAL:
            self.must(e["deal"] in self.open, f"event {self.seq}: an end of a deal that is not open")
            self.open.pop(e["deal"], None)
            self.ends[e["to"]] += 1
        elif e["to"]:
            if e["to"] == "AGREED":
                self.must(e["deal"] not in self.open, f"event {self.seq}: a deal is opened twice")
                self.deals += 1
            self.open[e["deal"]] = e["deadline"]

    def run(self):
        while True:
            last = self.ending
            try:
                page = get(f"{self.url}/v1/events/page", after=self.seq)
            except OSError as e:
                self.must(False, f"the ledger does not answer: {e}")
                return
            for e in page["events"]:
                self.take(e)
            if self.seq >= int(page["last"]):
                if last:
                    return self.end_of_block(page["time"])
                time.sleep(0.2)


def memory(pid):
    """Bytes that are this process's own or shared, as the kernel counts them."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    return 0


class Soak:
    def __init__(self, seconds, rate):
        self.seconds = seconds
        self.rate = rate
        self.samples = []  # (seconds, jobs ended, {role: bytes})
        self.wrong = []
        self.m = Market(folder())
        self.m.env |= {"LILYPAD_OFFER_CPU": "100000", "LILYPAD_OFFER_PARALLEL": "64", "LILYPAD_SERVER_RATE": "0",
                       "LILYPAD_SOLVER_RATE_OFFERS": "0", "LILYPAD_PATHS_ENGINE": str(BUILD / "wasmtime/lib/libwasmtime.so")}
        self.m.start()
        self.last = {"begun": 0, "ended": 0, "failed": 0}

    def read(self):
        for line in self.buyer.stdout:
            self.last = json.loads(line)

    def sample(self, began):
        now = {p["role"]: memory(p["pid"]) for p in self.m.up["processes"]}
        try:
            now["buyer"] = memory(self.buyer.pid)
        except OSError:
            return
        if all(now.values()):  # nobody has just ended
            self.samples.append((time.monotonic() - began, self.last["ended"], now, self.follower.seq))

    def run(self):
        self.follower = follower = Follower(self.m.up["ledger"])
        follower.start()
        self.buyer = subprocess.Popen(
            [BUILD / "soak" / "buyer", self.m.folder, BUILD / "bench" / "noop", str(self.seconds), str(self.rate)],
            stdout=subprocess.PIPE, text=True, env=self.m.env, cwd=self.m.folder)
        threading.Thread(target=self.read, daemon=True).start()
        began = time.monotonic()
        while self.buyer.poll() is None:
            time.sleep(SAMPLE_S)
            if self.buyer.poll() is None and time.monotonic() - began <= self.seconds + SAMPLE_S:
                self.sample(began)
            if len(self.samples) % 12 == 0 and self.samples:
                print(f"{time.monotonic() - began:6.0f} s  {self.last['ended']} jobs, "
                      f"{follower.blocks} blocks", flush=True)
        self.took = min(time.monotonic() - began, self.seconds)
        follower.ending = True
        follower.join(60)
        self.wrong += follower.wrong
        if self.buyer.returncode:
            self.wrong.append(f"the buyer ended with {self.buyer.returncode}: {self.last}")
        if follower.is_alive():
            self.wrong.append("the ledger's events cannot be read to their end")
        if follower.open:
            self.wrong.append(f"{len(follower.open)} deals are open though all jobs have ended")
        if follower.deals < self.last["ended"] - self.last["failed"]:
            self.wrong.append(f"{self.last['ended']} jobs have ended, {follower.deals} deals were opened")
        return self

    def growth(self):
        """Rows of the table: at the start (a tenth of the time is over), in the middle, at the end."""
        rows = []
        if len(self.samples) < 10:
            self.wrong.append("too short a time to see growth")
            return rows
        n = len(self.samples)
        a, b, late, c = (self.samples[i] for i in (n // 10, n // 2, n * 2 // 3, -1))
        jobs = max(c[1] - late[1], 1)
        log = LOG_EACH * max(LOG_EVENTS - late[3], 0)
        for role in c[2]:
            more = c[2][role] - late[2][role]
            most = FILL + PER_JOB.get(role, 0) * jobs + (log if role == "ledger" else 0)
            rows.append((role, a[2][role], b[2][role], c[2][role], more / jobs))
            if more > most:
                self.wrong.append(f"{role} has grown by {more >> 20} MiB in {jobs} jobs; {most >> 20} MiB are allowed")
        return rows

    def end(self):
        for step in (self.m.stop, self.m.check):
            try:
                step()
            except AssertionError as e:
                self.wrong.append(str(e)[-2000:])
        return self

    def print(self):
        print(f"\n{'process':<12}{'start':>10}{'middle':>10}{'end':>10}   MiB{'bytes a job':>16}, last third")
        for role, a, b, c, each in self.growth():
            print(f"{role:<12}{a / 2**20:>10.1f}{b / 2**20:>10.1f}{c / 2**20:>10.1f}      {each:>14.0f}")
        f = self.follower
        disk = {r: sum(x.stat().st_size for x in (self.m.folder / "state" / r).rglob("*") if x.is_file())
                for r in ("ledger", "solver", "directory", "provider", "creator")}
        print("on disk: " + ", ".join(f"{r} {n >> 20} MiB" for r, n in disk.items()))
        self.figures = (f"{self.last['ended']} jobs in {self.took:.0f} s: {self.last['ended'] / self.took:.1f} a second of "
                        f"{self.rate} asked for, {self.last['failed']} failed; {f.blocks} blocks, {f.seq} events, ends {dict(f.ends)}")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=int, default=3600)
    a.add_argument("--rate", type=float, default=200)
    a = a.parse_args()
    s = Soak(a.seconds, a.rate)
    try:
        s.run().print()
    finally:
        s.end()
    for w in s.wrong:
        print("WRONG", w)
    if not s.wrong:
        shutil.rmtree(s.m.folder, ignore_errors=True)
    print(f"{s.figures}; {len(s.wrong)} wrong")
    sys.exit(1 if s.wrong else 0)


if __name__ == "__main__":
    main()
