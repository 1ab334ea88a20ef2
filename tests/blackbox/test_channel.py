"""Channels from the command line: both sign, both lock, both get back what is left; a provider signs within its
settings; what is refused says why, and locks nothing."""
import json
import os
import signal
import urllib.request

import pytest

from conftest import alive, wait_until
from world import command_of, start_again

TOKEN = 10**18


def with_settings(market, **settings):
    """The provider again, with these settings; its URL."""
    ready = market.folder / "state" / "provider" / "ready.json"
    market.env.update(settings)
    pid, = market.pids("provider")
    command = command_of(pid)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    ready.unlink(missing_ok=True)
    start_again(market, "provider", command)
    wait_until(ready.exists)
    wait_until(lambda: market.json("provider", "status")["state"] == "IDLE")
    return json.loads(ready.read_text())["url"]


def balance(market, name):
    b = market.json("wallet", "balance", "-w", name)
    return int(b["free"]), int(b["channels"])


def head(market):
    with urllib.request.urlopen(market.up["ledger"] + "/v1/head", timeout=10) as r:
        return json.load(r)


def advance(market, seconds):
    r = urllib.request.Request(market.up["ledger"] + "/v1/clock", json.dumps({"advance": seconds}).encode())
    urllib.request.urlopen(r, timeout=10).close()


def life(market):
    with urllib.request.urlopen(market.up["ledger"] + "/v1/genesis", timeout=10) as r:
        return int(json.load(r)["life"])


@pytest.fixture
def channels(new_market):
    """A market whose provider puts up to two tokens into a channel and three into all."""
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="2", LILYPAD_CHANNEL_MAX_TOTAL="3")
    return m


def test_a_channel_from_open_to_close_at_once(channels):
    m = channels
    buyer, seller = balance(m, "default")[0], balance(m, "provider")[0]
    c = m.json("channel", "open", m.provider, "5", "--provider-sum", "1.5")
    assert (c["jobSum"], c["providerSum"]) == (str(5 * TOKEN), str(3 * TOKEN // 2))
    assert (c["kind"], c["serial"], c["closed"]) == ("acceptances", "1", False)
    assert balance(m, "default") == (buyer - 5 * TOKEN, 5 * TOKEN)
    assert balance(m, "provider") == (seller - 3 * TOKEN // 2, 3 * TOKEN // 2)
    m.run("channel", "top-up", c["channel"], "0.5")
    said = m.run("channel", "show", c["channel"]).stdout
    assert "its sum        5.5 " in said and "open" in said
    wait_until(lambda: m.run("channel", "close", c["channel"], "--provider-url", m.provider, code=None).returncode == 0)
    assert m.json("channel", "show", c["channel"])["closed"] is True
    assert balance(m, "default") == (buyer, 0) and balance(m, "provider") == (seller, 0)
    # An id is never used twice: the next one has the next serial.
    assert m.json("channel", "open", m.provider, "1")["serial"] == "2"
    assert m.json("channel", "open", m.provider, "1", "--kind", "vouchers")["serial"] == "1"


def test_leaving_takes_life(channels):
    m = channels
    buyer = balance(m, "default")[0]
    c = m.json("channel", "open", m.provider, "5", "--provider-sum", "1")["channel"]
    e = m.error("channel", "close", c, code=1, name="STATE")
    assert "channel leave" in e["hint"]
    left = m.json("channel", "leave", c)
    assert left["closeAt"] >= int(head(m)["time"]) + life(m) - 120
    m.error("channel", "leave", c, code=1, name="STATE")
    m.error("channel", "top-up", c, "1", code=1, name="STATE")
    m.error("channel", "close", c, code=1, name="TOO_EARLY")
    assert "being left" in m.run("channel", "show", c).stdout
    advance(m, life(m))
    assert m.json("channel", "close", c)["closed"] is True
    assert balance(m, "default") == (buyer, 0)


def test_the_provider_signs_within_its_settings(channels):
    m = channels
    before = balance(m, "default"), balance(m, "provider"), head(m)["seq"]
    e = m.error("channel", "open", m.provider, "5", "--provider-sum", "2.5", code=2, name="RANGE")
    assert "providerSum" in e["message"]
    m.error("channel", "open", m.provider, "1", "--provider-sum", "2", code=2, name="RANGE")
    assert (balance(m, "default"), balance(m, "provider"), head(m)["seq"]) == before
    m.run("channel", "open", m.provider, "5", "--provider-sum", "2")
    m.error("channel", "open", m.provider, "5", "--provider-sum", "2", code=60, name="QUOTA")
    m.run("channel", "open", m.provider, "5", "--provider-sum", "1")
    # It has not forgotten after a crash.
    m.provider = with_settings(m)
    m.error("channel", "open", m.provider, "5", "--provider-sum", "1", code=60, name="QUOTA")
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="0")
    m.error("channel", "open", m.provider, "5", code=3, name="FORBIDDEN")


def test_what_is_wrong_is_named(channels):
    m = channels
    m.error("channel", "open", m.provider, code=2, name="USAGE")
    m.error("channel", "open", m.provider, "many", code=2, name="USAGE")
    m.error("channel", "open", m.provider, "1", "--kind", "cheques", code=2, name="USAGE")
    m.error("channel", "open", m.provider, "1000000000", code=4, name="FUNDS")
    m.error("channel", "show", "0x12", code=2, name="ENCODING")
    m.error("channel", "show", "0x" + "12" * 32, code=2, name="NOT_FOUND")
    m.error("channel", "leave", "0x" + "12" * 32, code=2, name="NOT_FOUND")
    m.error("channel", "open", m.up["solver"], "1", code=2, name="NOT_FOUND")
