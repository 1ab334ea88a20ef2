#!/usr/bin/env python3
"""kill -9 of every role at random instants of running jobs, each started again with the same files, until
every role has died so many times; then an audit of what a market must never do, whatever died.

    kills.py [--each N] [--seed S] [--mix NAME] [--providers N] [--only ROLE,...]

test_kill.py is the short form. A mix says which jobs are bought: mixes() of a new kind is one more entry."""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import time
import urllib.request

from conftest import Market, folder
from world import START, Buyer, command_of, jobs, kill_and_start, start_again

ROLES = ["ledger", "solver", "directory", "provider", "creator", "run"]
FINAL = {"RESULTS_ACCEPTED", "TIMEOUT_AGREE", "CANCELLED", "TIMEOUT_SUBMIT", "DECLINED", "TIMEOUT_JUDGE",
         "TIMEOUT_MEDIATE", "MEDIATION_ACCEPTED", "MEDIATION_REJECTED", "MEDIATION_JOB_FAULTY"}
SETTLE_S = 90     # after the last kill, until every job is over
STUCK_S = 20      # after a deadline, until somebody has acted on it
BUYERS = 2


# ---- what is bought -----------------------------------------------------------------------------------


class Job:
    """Arguments of `lilypad run`, and what its output must be; price: whether an end that costs is right."""

    def __init__(self, args, good):
        self.args = args
        self.good = good


def plain(i):
    """Jobs that nobody disputes: small ones, and some that compute for a third of a second."""
    if i % 3:
        return Job(["cowsay", "-i", f"Message=kill-{i}"],
                   lambda out: f"< kill-{i} >" in (out / "stdout").read_text())
    return Job(["mandelbrot", "-i", "Width=240", "-i", "Height=160", "-i", "Iterations=2000", "-i", f"X=-0.{i:06d}"],
               lambda out: (out / "outputs" / "mandelbrot.png").read_bytes()[:4] == b"\x89PNG")


MIXES = {"plain": plain}


# ---- the audit ----------------------------------------------------------------------------------------


def get(url, **query):
    q = "&".join(f"{k}={v}" for k, v in query.items())
    with urllib.request.urlopen(url + ("?" + q if q else ""), timeout=20) as r:
        return json.loads(r.read())


def events_of(ledger):
    """All of them, in order."""
    out, after = [], 0
    while True:
        page = get(f"{ledger}/v1/events/page", after=after)
        out += page["events"]
        after = int(page["next"])
        if after >= int(page["last"]):
            return out


class Audit:
    """What the ledger says happened, against what the parties say and hold."""

    def __init__(self, market):
        self.m = market
        self.ledger = market.up["ledger"]
        self.wrong = []
        self.figures = collections.Counter()

    def must(self, ok, what):
        if not ok:
            self.wrong.append(what)

    def read(self):
        self.events = events_of(self.ledger)
        self.deals = collections.defaultdict(list)
        for i, e in enumerate(self.events, 1):
            self.must(int(e["seq"]) == i, f"event {i} has number {e['seq']}")
            if e["to"]:
                self.deals[e["deal"]].append(e)
        self.state = {d: h[-1]["to"] for d, h in self.deals.items()}
        self.cost = {d: sum(int(e["amount"]) for e in h if e["to"] in FINAL) for d, h in self.deals.items()}
        self.jobs = {j["id"]: j for j in jobs(self.m)}
        at = self.m.folder / "state" / "creator" / "store.db"
        with sqlite3.connect(f"file:{at}?mode=ro", uri=True) as db:
            self.job_of = {"0x" + d.hex(): "0x" + j.hex() for d, j in db.execute("SELECT id, job FROM creator_deal")}

    def paths(self):
        """Every deal is opened once and ends once at most."""
        for d, h in self.deals.items():
            states = [e["to"] for e in h]
            self.must(states.count("AGREED") <= 1, f"deal {d} was opened {states.count('Agreed')} times")
            ends = [s for s in states if s in FINAL]
            self.must(len(ends) <= 1 and (not ends or states[-1] in FINAL), f"deal {d} went {states}")
            self.figures["paid twice"] += len(ends) > 1

    def stuck(self):
        """Deals that are open although their job is over, or past a deadline for long. Time is moved on so
        that every deadline passes: whoever profits from it must act."""
        open_ = [d for d, s in self.state.items() if s not in FINAL]
        if open_:
            self.figures["left to a deadline"] = len(open_)
            # One step of a deal after another: each has a clock of its own.
            for _ in range(4):
                self.advance(3600)
                end = time.monotonic() + STUCK_S
                while open_ and time.monotonic() < end:
                    open_ = [d for d in open_ if get(f"{self.ledger}/v1/agreements/{d}")["state"] not in FINAL]
                    time.sleep(0.2)
                if not open_:
                    break
        self.figures["stuck past a deadline"] = len(open_)
        self.must(not open_, f"deals that nobody ends: {open_}")

    def advance(self, seconds):
        r = urllib.request.Request(f"{self.ledger}/v1/clock", json.dumps({"advance": str(seconds)}).encode())
        urllib.request.urlopen(r, timeout=20).read()

    def accounts(self):
        """Every account that an event or the genesis names, and the sink."""
        genesis = get(f"{self.ledger}/v1/genesis")
        genesis = genesis.get("genesis", genesis)
        named = {a["account"]: int(a["amount"]) for a in genesis["allocations"]}
        for e in self.events:
            for c in e["changes"]:
                named.setdefault(c["account"], 0)
        named.setdefault("0x" + "0" * 40, 0)
        return named

    def money(self):
        """Nothing came into being and nothing went; each side has what the ends of its deals say."""
        start = self.accounts()
        held = {}
        for a in start:
            j = get(f"{self.ledger}/v1/accounts/{a}")
            held[a] = {k: int(j[k]) for k in ("free", "locked", "withdrawing", "stake")}
        total = sum(sum(h.values()) for h in held.values())
        self.figures["money lost"] = sum(start.values()) - total
        self.must(total == sum(start.values()), f"{sum(start.values())} were there, {total} are")
        spent = sum(c for d, c in self.cost.items() if self.state[d] in ("RESULTS_ACCEPTED", "TIMEOUT_JUDGE"))
        buyer = self.m.json("wallet", "balance")
        self.must(int(buyer["locked"]) == 0, f"the buyer has {buyer['locked']} locked with no job")
        fines = any(s not in ("RESULTS_ACCEPTED", "CANCELLED", "TIMEOUT_AGREE") for s in self.state.values())
        got = START - int(buyer["free"])
        self.must(fines or got == spent, f"the buyer paid {got}, its deals cost {spent}")

    def ends(self):
        """Every job says what the ledger says."""
        paid = collections.Counter()
        for d, c in self.cost.items():
            self.must(d in self.job_of, f"deal {d} is of no job")
            if c and d in self.job_of:
                paid[self.job_of[d]] += 1
        for job, n in paid.items():
            self.figures["jobs paid twice"] += n > 1
            self.must(n == 1, f"job {job} was paid {n} times")
        for i, j in self.jobs.items():
            real = sum(c for d, c in self.cost.items() if self.job_of.get(d) == i)
            self.must(j["state"] in ("DONE", "FAILED", "CANCELLED"), f"job {i} is {j['state']}")
            self.must(int(j["cost"]) == real, f"job {i} says {j['cost']}, the ledger {real}")
            if j["state"] == "DONE":
                self.must(real > 0 and j["status"] == "Completed", f"job {i} is done, cost {real}, status {j['status']}")
            else:
                self.must(j.get("error", {}).get("message"), f"job {i} has failed without a word")
                self.figures[f"failed: {j.get('error', {}).get('code')}"] += 1
            self.figures["jobs " + j["state"].lower()] += 1

    def all(self):
        self.read()
        self.paths()
        self.stuck()
        self.read()
        self.money()
        self.ends()
        self.figures["deals"] = len(self.deals)
        self.figures["events"] = len(self.events)
        return self


# ---- the killing --------------------------------------------------------------------------------------


class Kills:
    """A market in which things die. say: gets a line of progress."""

    def __init__(self, seed, mix="plain", providers=1, say=lambda text: None):
        self.random = random.Random(seed)
        self.mix = MIXES[mix]
        self.say = say
        self.m = Market(folder())
        self.m.env["LILYPAD_JOB_QUEUE"] = "10m"  # a job outlives whatever dies
        self.m.start(providers)
        self.out = self.m.folder / "out"
        self.out.mkdir()
        self.buyers = {}
        self.made = 0
        self.killed = collections.Counter()
        self.exits = collections.Counter()
        self.wrong = []
        start_again(self.m, "creator", ["lilypad", "creator", "--dir", str(self.m.folder)])
        self.m.up["processes"].append({"role": "creator", "pid": self.m.children[-1].pid})

    def buy(self):
        i = self.made
        self.made += 1
        job = self.mix(i)
        b = Buyer(self.m, *job.args, "--idempotency-key", f"k{i}", "-O", self.out / str(i))
        self.buyers[i] = (b, job)

    def look(self):
        """Those that have ended make room; one that says 0 must have its output."""
        for i, (b, job) in list(self.buyers.items()):
            rc = b.p.poll()
            if rc is None:
                continue
            b.thread.join(5)
            self.exits[rc] += 1
            if rc == 0 and not job.good(self.out / str(i)):
                self.wrong.append(f"run {i} ended with 0, and its output is not right")
            if rc < -9 or (rc < 0 and rc != -9):
                self.wrong.append(f"run {i} died of signal {-rc}: {b.story()}")
            del self.buyers[i]
        while len(self.buyers) < BUYERS:
            self.buy()

    def kill(self, role):
        if role == "run":
            victims = [b for b, _ in self.buyers.values() if b.p.poll() is None]
            if not victims:
                return False
            self.random.choice(victims).p.kill()
        else:
            names = {p["role"] for p in self.m.up["processes"]}
            names = sorted(n for n in names if n == role or n.startswith(role + "-"))
            name = self.random.choice(names)
            pid, = self.m.pids(name)
            if not pathlib.Path(f"/proc/{pid}").exists() or not command_of(pid):
                self.wrong.append(f"{name} had ended by itself:\n{self.m.logs()[name][-1500:]}")
                return False
            kill_and_start(self.m, name)
        self.killed[role] += 1
        return True

    def run(self, each, only=None):
        """Until each role has been killed so often."""
        left = [r for r in (only or ROLES) for _ in range(each)]
        self.random.shuffle(left)
        total = len(left)
        while left and not self.wrong:
            self.look()
            time.sleep(self.random.uniform(0, 0.6))
            if self.kill(left[-1]):
                left.pop()
                done = total - len(left)
                if done % 25 == 0:
                    self.say(f"{done} of {total} killed, {self.made} jobs, exits {dict(self.exits)}")
        return self

    def settle(self):
        """No more deaths: every job must come to its end by itself."""
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            for i, (b, job) in list(self.buyers.items()):
                if b.p.poll() is not None:
                    b.thread.join(5)
                    self.exits[b.p.returncode] += 1
                    del self.buyers[i]
            unfinished = [j for j in jobs(self.m) if j["state"] not in ("DONE", "FAILED", "CANCELLED")]
            if not unfinished and not self.buyers and not any(self.busy(a) for a in self.providers()):
                return self
            time.sleep(0.3)
        for j in unfinished:
            self.wrong.append(f"job {j['id']} is {j['state']} after {SETTLE_S} s:\n" +
                              self.m.run("job", "show", j["id"], code=None).stdout)
        return self

    def busy(self, provider):
        """One that was just started again does not answer yet."""
        r = self.m.run("provider", "status", "--json", *provider, code=None)
        return r.returncode or json.loads(r.stdout)["unfinished"]

    def providers(self):
        return [[] if p["role"] == "provider" else ["-w", p["role"]] for p in self.m.up["processes"]
                if p["role"].startswith("provider")]

    def audit(self):
        a = Audit(self.m).all()
        self.wrong += a.wrong
        self.figures = a.figures
        return self

    def end(self):
        """Stops and judges what the processes left; removes it when nothing is wrong."""
        for b, _ in self.buyers.values():
            b.kill()
        for step in (self.m.stop, self.m.check):
            try:
                step()
            except AssertionError as e:
                self.wrong.append(str(e))
        if not self.wrong:
            shutil.rmtree(self.m.folder, ignore_errors=True)
        return self

    def table(self):
        rows = [("killed " + r, n) for r, n in self.killed.items()] + [("killed in all", sum(self.killed.values()))]
        rows += [("jobs asked for", self.made), ("run: exits", dict(self.exits))]
        rows += sorted(getattr(self, "figures", {}).items())
        return "\n".join(f"  {k:<28} {v}" for k, v in rows)


def main():
    a = argparse.ArgumentParser(description="kill -9 of every role, and an audit")
    a.add_argument("--each", type=int, default=10)
    a.add_argument("--seed", type=int, default=None)
    a.add_argument("--mix", choices=sorted(MIXES), default="plain")
    a.add_argument("--providers", type=int, default=1)
    a.add_argument("--only", default="")
    a = a.parse_args()
    seed = a.seed if a.seed is not None else int.from_bytes(os.urandom(4), "big")
    began = time.monotonic()
    print(f"seed {seed}, mix {a.mix}, {a.each} kills of each role", flush=True)
    k = Kills(seed, a.mix, a.providers, lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True))
    try:
        k.run(a.each, [r for r in a.only.split(",") if r]).settle().audit()
    except Exception as e:
        k.wrong.append(repr(e))
        raise
    finally:
        k.end()
    print(k.table())
    for w in k.wrong[:20]:
        print(f"WRONG {w[:2000]}")
    if k.wrong:
        print(f"kept: {k.m.folder}")
    print(f"{sum(k.killed.values())} kills in {time.monotonic() - began:.0f} s, {len(k.wrong)} wrong (seed {seed})")
    sys.exit(1 if k.wrong else 0)


if __name__ == "__main__":
    main()
