"""A clock that is wrong by a day, forwards or backwards, of one role at a time: nobody is cheated by it, whoever
cannot go on says by how much it is wrong, and when it is put right all goes on without anybody's help.

Deadlines run on the ledger's own time (protocol 4.1, 8.1), which no clock moves by a day."""
import glob
import os
import signal
import time

import pytest

from conftest import alive, wait_until
from test_bad_input import ask
from world import command_of, jobs, serves, settled, start_again

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + [""])[0]
DAY = 86400

pytestmark = pytest.mark.skipif(not LIBRARY, reason="libfaketime is not installed: no process can have a clock of its own")


class Clock:
    """Processes that are started with its environment read the wall clock with an offset that may change."""

    def __init__(self, market, seconds):
        self.file = market.folder / "clock"
        self.env = dict(market.env, LD_PRELOAD=LIBRARY, FAKETIME_TIMESTAMP_FILE=str(self.file), FAKETIME_NO_CACHE="1",
                        FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
        self.set(seconds)

    def set(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.rename(self.file)


def with_clock(market, role, seconds):
    """That daemon, started again with a clock of its own."""
    clock = Clock(market, seconds)
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    env, market.env = market.env, clock.env
    start_again(market, role, command)
    market.env = env
    serves(market, role)
    return clock


def offers(market):
    got, j = ask(market.up["solver"] + "/v1/offers")
    return j["resourceOffers"] if got == 200 else 0


@pytest.mark.parametrize("day", [DAY, -DAY])
def test_ledger(new_market, day, tmp_path):
    """Block time counts what was served: neither the start nor the jump moves it."""
    m = new_market()
    before, began = ask(m.up["ledger"] + "/v1/head")[1]["block"]["time"], time.monotonic()
    clock = with_clock(m, "ledger", day)
    m.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a")
    clock.set(-day)
    m.run("run", "cowsay", "-i", "Message=b", "-O", tmp_path / "b")
    passed = ask(m.up["ledger"] + "/v1/head")[1]["block"]["time"] - before
    assert 0 <= passed < time.monotonic() - began + 60
    settled(m, 2)


@pytest.mark.parametrize("day", [DAY, -DAY])
def test_buyer(new_market, day, tmp_path):
    """It learns that its own clock is wrong, and by how much, before anything is signed."""
    m = new_market()
    clock = Clock(m, day)
    env, m.env = m.env, clock.env
    e = m.error("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a", code=3, name="CLOCK")
    assert "s apart" in e["message"] and "timedatectl" in e["hint"], e
    assert abs(int(e["message"].split(" s apart")[0].split()[-1]) - DAY) < 60, e
    assert jobs(m) == [] and m.json("wallet", "balance")["locked"] == "0"
    clock.set(0)
    m.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a")
    m.env = env
    settled(m, 1)


@pytest.mark.parametrize("day", [DAY, -DAY])
def test_solver(new_market, day, tmp_path):
    m = new_market()
    clock = with_clock(m, "solver", day)
    e = m.error("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a", code=3, name="CLOCK")
    assert "s apart" in e["message"] and m.up["solver"] in e["message"], e
    wait_until(lambda: "s apart" in m.logs()["provider"])
    assert jobs(m) == []
    clock.set(0)
    wait_until(lambda: offers(m) == 1, timeout=40)
    m.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a")
    settled(m, 1)


@pytest.mark.parametrize("day", [DAY, -DAY])
def test_provider(new_market, day, tmp_path):
    """It says so itself, and takes no job that it would let down."""
    m = new_market()
    clock = with_clock(m, "provider", day)
    wait_until(lambda: "s apart" in m.logs()["provider"])
    # The offer of before: cancelled when the provider stopped, unless that did not get through in time.
    wait_until(lambda: offers(m) == 0, timeout=60)
    e = m.error("run", "cowsay", "-i", "Message=a", "--queue", "500ms", "-O", tmp_path / "a", code=20,
                name="MATCH_NONE")
    assert m.json("wallet", "balance")["locked"] == "0", e
    clock.set(0)
    wait_until(lambda: offers(m) == 1, timeout=40)
    m.run("run", "cowsay", "-i", "Message=b", "-O", tmp_path / "b")
    assert sorted(j["state"] for j in jobs(m)) == ["DONE", "FAILED"]
    assert {j["cost"] for j in jobs(m) if j["state"] == "FAILED"} == {"0"}


@pytest.mark.parametrize("day", [DAY, -DAY])
def test_directory(new_market, day, tmp_path):
    m = new_market()
    clock = with_clock(m, "directory", day)
    r = m.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "a", "--json", code=None)
    assert r.returncode == 3 and "s apart" in r.stdout, r.stdout + r.stderr
    assert m.json("wallet", "balance")["locked"] == "0"
    clock.set(0)
    m.run("run", "cowsay", "-i", "Message=b", "-O", tmp_path / "b")
    assert sorted(j["state"] for j in jobs(m)) == ["DONE", "FAILED"]
