#!/usr/bin/env python3
"""kill -9 of every role at random instants of running jobs, each started again with the same files, until
every role has died so many times; then an audit of what a market must never do, whatever died.

    kills.py [--each N] [--seed S] [--mix NAME] [--only ROLE,...]

test_kill.py is the short form. A mix says which jobs are bought: one of a new kind is one more entry."""
import argparse
import collections
import json
import os
import random
import shutil
import statistics
import sys
import threading
import time

from audit import Audit
from conftest import Market, alive, folder
from world import Buyer, command_of, is_ready, jobs, kill_and_start, start_again

ROLES = ["ledger", "solver", "directory", "mediator", "provider", "creator", "run"]
SETTLE_S = 90     # after the last kill, until every job is over
READY_S = 30      # until a process that was started again serves
WAIT_S = 0.6      # until the next death, at most;
AIM_S = 2.0       # longer where a dispute is waited for, and so long after it began
DISPUTE_S = 0.1
PAUSE_S = 0.4     # at most, after a death: then there are new jobs
BUYERS = 3


# ---- what is bought -----------------------------------------------------------------------------------


class Job:
    """Arguments of `lilypad run`, what its output must be when it says 0 or 41, codes that it must not end with,
    and its clocks, in seconds."""

    def __init__(self, args, good):
        self.args = args
        self.good = good
        self.never = ()
        self.clocks = {}

    def env(self):
        return {f"LILYPAD_JOB_{name.upper()}_TIMEOUT": f"{s}s" for name, s in self.clocks.items()}


def cow(i):
    return Job(["cowsay", "-i", f"Message=kill-{i}"], lambda out: f"< kill-{i} >" in (out / "stdout").read_text())


def plain(i, accounts):
    """Jobs that nobody disputes: small ones, and some that compute for a third of a second."""
    if i % 3:
        return cow(i)
    return Job(["mandelbrot", "-i", "Width=240", "-i", "Height=160", "-i", "Iterations=2000", "-i", f"X=-0.{i:06d}"],
               lambda out: (out / "outputs" / "mandelbrot.png").read_bytes()[:4] == b"\x89PNG")


HONEST, CHEATED, CHEATED_SHORT, REJECTED, UNJUDGED, REJECTED_SHORT = range(6)


def disputed(i, accounts):
    """Honest ones, some for a provider that cheats, some whose right result is disputed or never judged; with
    long clocks and with short ones, that run out. Who takes over when a dishonest buyer is killed is honest, and
    accepts."""
    kind = i % 6
    cheated = kind in (CHEATED, CHEATED_SHORT)
    job = plain(i // 6, accounts) if kind in (HONEST, REJECTED) else cow(i)
    job.args += ["-y", "--check", "always", "--target", accounts["provider-2" if cheated else "provider"]]
    job.never = {0, 42, 43} if cheated else {41, 43}
    if kind in (REJECTED, REJECTED_SHORT):
        job.args.append("--test-misbehave=rejects-falsely")
    elif kind == UNJUDGED:
        job.args.append("--test-misbehave=never-judges")
    if cheated:
        job.clocks = {"submit": 8}
    if kind == CHEATED_SHORT:
        job.clocks["mediate"] = 12
    elif kind == REJECTED_SHORT:
        job.clocks = {"submit": 8, "judge": 8, "mediate": 12}
    elif kind == UNJUDGED:
        job.clocks = {"judge": 6}
    return job


# Instruments of those that are started again.
CHEATS = ["wrong-output", "wrong-count", "wrong-status", "never-runs"]
MEDIATORS = ["cannot-fetch", "dies"] + 8 * [None]


class Mix:
    """jobs: gives the i-th; cheats: names of providers that never give a right result."""

    def __init__(self, jobs, providers=1, cheats=()):
        self.jobs = jobs
        self.providers = providers
        self.cheats = cheats

    def instrument(self, name, rnd):
        """With what a process is started again."""
        if name in self.cheats:
            return rnd.choice(CHEATS)
        return rnd.choice(MEDIATORS) if self.cheats and name == "mediator" else None


MIXES = {"plain": Mix(plain), "disputed": Mix(disputed, providers=2, cheats=("provider-2",))}


# ---- the killing --------------------------------------------------------------------------------------


class Kills:
    """A market in which things die. say: gets a line of progress."""

    def __init__(self, seed, mix="plain", say=lambda text: None):
        self.random = random.Random(seed)
        self.mix = MIXES[mix]
        self.say = say
        self.m = Market(folder())
        self.m.env["LILYPAD_JOB_QUEUE"] = "10m"  # a job outlives whatever dies
        self.m.start(self.mix.providers)
        self.accounts = {w["name"]: w["account"] for w in self.m.json("wallet", "list")["wallets"]}
        self.out = self.m.folder / "out"
        self.out.mkdir()
        self.buyers = {}
        self.made = 0
        self.instants = collections.defaultdict(list)  # of each role's deaths: seconds since 1970
        self.in_dispute = collections.Counter()        # those while a dispute was open
        self.restarts = collections.defaultdict(list)  # seconds until each served again
        self.exits = collections.Counter()
        self.wrong = []
        start_again(self.m, "creator", ["lilypad", "creator", "--dir", str(self.m.folder)])
        self.m.up["processes"].append({"role": "creator", "pid": self.m.children[-1].pid})
        for name in self.mix.cheats:
            self.again(name)

    @property
    def killed(self):
        return {r: len(at) for r, at in self.instants.items()}

    def buy(self):
        i = self.made
        self.made += 1
        job = self.mix.jobs(i, self.accounts)
        self.m.env.update(job.env())
        b = Buyer(self.m, *job.args, "--idempotency-key", f"k{i}", "-O", self.out / str(i))
        for name in job.env():
            del self.m.env[name]
        self.buyers[i] = (b, job)

    def look(self):
        """Those that have ended make room; one that says 0 must have its output."""
        for i, (b, job) in list(self.buyers.items()):
            rc = b.p.poll()
            if rc is None:
                continue
            b.thread.join(5)
            self.exits[rc] += 1
            if rc in (0, 41) and not job.good(self.out / str(i)):
                self.wrong.append(f"run {i} ended with {rc}, and its output is not right")
            if rc in job.never:
                self.wrong.append(f"run {i} ended with {rc}: {b.story()}")
            if rc < -9 or (rc < 0 and rc != -9):
                self.wrong.append(f"run {i} died of signal {-rc}: {b.story()}")
            del self.buyers[i]
        while len(self.buyers) < BUYERS:
            self.buy()

    def again(self, name, honest=False):
        """kill -9, and the same again, maybe with an instrument."""
        instrument = None if honest else self.mix.instrument(name, self.random)

        def change(command):
            plain = [word for word in command if not word.startswith("--test-misbehave")]
            return plain + ([f"--test-misbehave={instrument}"] if instrument else [])

        kill_and_start(self.m, name, change, patience=0)  # it may die while it starts
        pid, = self.m.pids(name)
        threading.Thread(target=self.clock, args=(name, pid, time.monotonic()), daemon=True).start()

    def clock(self, name, pid, began):
        """How long it took until it served; nothing when it was killed before."""
        while time.monotonic() < began + READY_S and alive(pid):
            if is_ready(self.m, name, pid):
                self.restarts[name.split("-")[0]].append(time.monotonic() - began)
                return
            time.sleep(0.005)
        if alive(pid):
            self.wrong.append(f"{name} does not serve {READY_S} s after its start")

    def disputing(self):
        return any(b.events and b.events[-1] == "DISPUTED" and b.p.poll() is None for b, _ in self.buyers.values())

    def wait(self):
        """Until a random instant; of two one is sought soon after a dispute has begun, for those are short."""
        end = time.monotonic() + self.random.uniform(0, WAIT_S)
        aimed = self.mix.cheats and self.random.randrange(2)
        while time.monotonic() < end + (AIM_S if aimed else 0):
            if aimed and self.disputing():
                time.sleep(self.random.uniform(0, DISPUTE_S))
                return
            time.sleep(0.002)

    def kill(self, role):
        disputing = self.disputing()
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
            if not alive(pid) or not command_of(pid):
                self.wrong.append(f"{name} had ended by itself:\n{self.m.logs()[name][-1500:]}")
                return False
            self.again(name)
        self.instants[role].append(time.time())
        self.in_dispute[role] += disputing
        return True

    def run(self, each, only=None):
        """Until each role has been killed so often."""
        left = [r for r in (only or ROLES) for _ in range(each)]
        self.random.shuffle(left)
        total = len(left)
        while left and not self.wrong:
            self.look()
            self.wait()
            if self.kill(left[-1]):
                left.pop()
                time.sleep(self.random.uniform(0, PAUSE_S))
                done = total - len(left)
                if done % 25 == 0:
                    self.say(f"{done} of {total} killed, {self.made} jobs, exits {dict(self.exits)}")
        return self

    def settle(self):
        """No more deaths: every job must come to its end by itself, and disputes before one who rules."""
        self.again("mediator", honest=True)
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
        self.seen = Audit(self.m, [self.accounts[n] for n in self.mix.cheats]).all()
        self.wrong += self.seen.wrong
        self.figures = self.seen.figures
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
        """A line for each role: what became of the deals of jobs that were not over when it died."""
        lines = []
        for role, at in sorted(self.instants.items()) if hasattr(self, "seen") else ():
            took = sorted(self.restarts[role]) or [0.0]
            row = {"instants": len(at), "in dispute": self.in_dispute[role]} | self.seen.row(at) | {"median ms": round(1000 * statistics.median(took)),
                                       "longest ms": round(1000 * took[-1])}
            if not lines:
                lines.append(f"  {'killed':<10}" + "".join(f"{name:>11}" for name in row))
            lines.append(f"  {role:<10}" + "".join(f"{n:>11}" for n in row.values()))
        rows = [("killed in all", sum(self.killed.values())), ("jobs asked for", self.made)]
        rows += [("run: exits", dict(sorted(self.exits.items())))] + sorted(getattr(self, "figures", {}).items())
        return "\n".join(lines + [f"  {k:<34} {v}" for k, v in rows])


def main():
    a = argparse.ArgumentParser(description="kill -9 of every role, and an audit")
    a.add_argument("--each", type=int, default=10)
    a.add_argument("--seed", type=int, default=None)
    a.add_argument("--mix", choices=sorted(MIXES), default="disputed")
    a.add_argument("--only", default="")
    a = a.parse_args()
    seed = a.seed if a.seed is not None else int.from_bytes(os.urandom(4), "big")
    began = time.monotonic()
    print(f"seed {seed}, mix {a.mix}, {a.each} kills of each role", flush=True)
    k = Kills(seed, a.mix, lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True))
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
