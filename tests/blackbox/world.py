"""What tests do to a market while it works: buyers in the background, daemons that are killed and started
again with the same files."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

from conftest import alive, wait_until

START = 10000 * 10**18  # what `lilypad up` gives to everybody


class Buyer:
    """`lilypad run` in the background, its events as they come."""

    def __init__(self, market, *args):
        self.market = market
        self.p = market.popen("run", *args, "--jsonl")
        self.events = []
        self.lines = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.p.stdout:
            self.lines.append(line)
            j = json.loads(line)
            if "event" in j:
                self.events.append(j["event"])
                self.job = j["id"]

    def reached(self, event):
        wait_until(lambda: event in self.events or self.p.poll() is not None, timeout=60, every=0.002)
        assert event in self.events, self.story()
        return self

    def story(self):
        return "".join(self.lines) + (self.p.stderr.read() if self.p.poll() is not None else "")

    def ends(self, code=0, timeout=90):
        assert self.p.wait(timeout) == code, self.story()
        self.thread.join(5)
        return self

    def kill(self):
        self.p.kill()
        self.p.wait()
        self.thread.join(5)
        return self


def command_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


def is_ready(market, role, pid):
    """Does that very process answer requests? The folder of a wallet of its own is named by both."""
    name = f"{role.split('-')[0]}-{role}" if "-" in role else role
    try:
        return json.loads((market.folder / "state" / name / "ready.json").read_text()).get("pid") == pid
    except (OSError, ValueError):
        return False


def start_again(market, role, command, patience=5):
    """The same command line as before, in the list of `down` in the place of the old one; it is waited for so
    many seconds."""
    log = open(market.folder / "state" / f"{role}.log", "a")
    p = subprocess.Popen(command, executable=market.binary, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                         env=market.env, cwd=market.folder)
    log.close()
    for entry in market.up["processes"]:
        if entry["role"] == role:
            entry["pid"] = p.pid
    listed = market.folder / "state" / "up.json"
    listed.write_text(json.dumps(market.up))
    market.children = getattr(market, "children", []) + [p]
    threading.Thread(target=p.wait, daemon=True).start()  # no zombie is left for `down` to count
    # Whoever waits for a peer serves later, whoever cannot start never does.
    end = time.monotonic() + patience
    while time.monotonic() < end and p.poll() is None and not is_ready(market, role, p.pid):
        time.sleep(0.02)


def serves(market, role):
    """Waits until the process that was started again answers requests."""
    pid, = market.pids(role)
    wait_until(lambda: is_ready(market, role, pid))


def kill_and_start(market, role, change=lambda command: command, patience=5):
    """change: the command line that it is started with, from the old one."""
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    start_again(market, role, change(command), patience)


def jobs(market):
    return market.json("job", "list")["jobs"]


def settled(market, n):
    """n jobs, each paid for once and nothing more; nothing is locked on either side."""
    done = jobs(market)
    assert len(done) == n
    assert {j["state"] for j in done} == {"DONE"}, done
    buyer = market.json("wallet", "balance")
    assert buyer["locked"] == "0"
    cost = sum(int(j["cost"]) for j in done)
    assert START - int(buyer["free"]) == cost > 0
    wait_until(lambda: market.json("provider", "status")["unfinished"] == 0)
    provider = market.json("wallet", "balance", "-w", "provider")
    assert provider["locked"] == "0"
    assert int(provider["free"]) - START == cost
