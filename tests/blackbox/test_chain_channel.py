"""Channels on a chain: the same commands as with the embedded ledger, on our contracts under anvil, to the unit."""
import json

import pytest

from conftest import wait_until
from test_chain import ANVIL, held, new_chain, supply  # noqa: F401: a fixture

TOKEN = 10**18

pytestmark = pytest.mark.skipif(not ANVIL.exists(), reason="anvil is not there: tools/setup_tests.d/contracts")


@pytest.fixture
def channels(new_chain):  # noqa: F811
    """A chain whose provider puts up to two tokens into a channel and three into all."""
    c = new_chain(depth=1, roles=("directory", "solver", "provider"),
                  settings={"LILYPAD_CHANNEL_MAX_SUM": "2", "LILYPAD_CHANNEL_MAX_TOTAL": "3"})
    c.provider = json.loads((c.folder / "state/provider/ready.json").read_text())["url"]
    return c


def balance(chain, name):
    b = chain.json("wallet", "balance", "-w", name)
    return int(b["free"]), int(b["channels"])


def in_channels(chain):
    return sum(balance(chain, name)[1] for name in ("default", "provider"))


def advance(chain, seconds):
    chain.ask("evm_increaseTime", seconds)
    chain.ask("evm_mine")


def life(chain):
    return int(chain.contents["genesis"]["life"])


def test_a_channel_from_open_to_close_at_once(channels):
    c = channels
    buyer, seller = balance(c, "default")[0], balance(c, "provider")[0]
    ch = c.json("channel", "open", c.provider, "5", "--provider-sum", "1.5")
    assert (ch["jobSum"], ch["providerSum"]) == (str(5 * TOKEN), str(3 * TOKEN // 2))
    assert (ch["kind"], ch["serial"], ch["closed"]) == ("acceptances", "1", False)
    assert (ch["jobCreatorLock"], ch["providerLock"], ch["paid"], ch["closeAt"]) == ("0", "0", "0", 0)
    assert balance(c, "default") == (buyer - 5 * TOKEN, 5 * TOKEN)
    assert balance(c, "provider") == (seller - 3 * TOKEN // 2, 3 * TOKEN // 2)
    assert held(c) + in_channels(c) == supply(c)
    c.run("channel", "top-up", ch["channel"], "0.5")
    said = c.run("channel", "show", ch["channel"]).stdout
    assert "its sum        5.5 " in said and "open" in said
    wait_until(lambda: c.run("channel", "close", ch["channel"], "--provider-url", c.provider, code=None).returncode == 0)
    assert c.json("channel", "show", ch["channel"])["closed"] is True
    assert balance(c, "default") == (buyer, 0) and balance(c, "provider") == (seller, 0)
    # An id is never used twice: the next one has the next serial.
    assert c.json("channel", "open", c.provider, "1")["serial"] == "2"
    assert c.json("channel", "open", c.provider, "1", "--kind", "vouchers")["serial"] == "1"
    assert held(c) + in_channels(c) == supply(c)


def test_leaving_takes_life(channels):
    c = channels
    buyer = balance(c, "default")[0]
    ch = c.json("channel", "open", c.provider, "5", "--provider-sum", "1")["channel"]
    e = c.error("channel", "close", ch, code=1, name="STATE")
    assert "channel leave" in e["hint"]
    now = int(c.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    left = c.json("channel", "leave", ch)
    assert now + life(c) <= left["closeAt"] <= now + life(c) + 60
    c.error("channel", "leave", ch, code=1, name="STATE")
    c.error("channel", "top-up", ch, "1", code=1, name="STATE")
    c.error("channel", "close", ch, code=1, name="TOO_EARLY")
    assert "being left" in c.run("channel", "show", ch).stdout
    advance(c, life(c))
    assert c.json("channel", "close", ch)["closed"] is True
    assert balance(c, "default") == (buyer, 0)


def test_the_provider_hears_of_its_channels(channels):
    """It follows the chain: what it has put into channels counts against its settings, also after a restart."""
    c = channels
    before = balance(c, "default"), balance(c, "provider"), len(c.logs())
    e = c.error("channel", "open", c.provider, "5", "--provider-sum", "2.5", code=2, name="RANGE")
    assert "providerSum" in e["message"]
    assert (balance(c, "default"), balance(c, "provider"), len(c.logs())) == before
    c.run("channel", "open", c.provider, "5", "--provider-sum", "2")
    c.error("channel", "open", c.provider, "5", "--provider-sum", "2", code=60, name="QUOTA")
    first = c.json("channel", "open", c.provider, "5", "--provider-sum", "1")["channel"]
    c.end("provider")
    (c.folder / "state/provider/ready.json").unlink()
    c.role("provider")
    ready = c.folder / "state/provider/ready.json"
    wait_until(ready.exists)
    c.provider = json.loads(ready.read_text())["url"]
    c.error("channel", "open", c.provider, "5", "--provider-sum", "1", code=60, name="QUOTA")
    wait_until(lambda: c.run("channel", "close", first, "--provider-url", c.provider, code=None).returncode == 0)
    wait_until(lambda: c.run("channel", "open", c.provider, "5", "--provider-sum", "1", code=None).returncode == 0)


def test_what_is_wrong_is_named(channels):
    c = channels
    c.error("channel", "open", c.provider, "1000000000", code=4, name="FUNDS")
    c.error("channel", "show", "0x" + "12" * 32, code=2, name="NOT_FOUND")
    c.error("channel", "leave", "0x" + "12" * 32, code=2, name="NOT_FOUND")
    c.error("channel", "top-up", "0x" + "12" * 32, "1", code=2, name="NOT_FOUND")
    c.error("channel", "close", "0x" + "12" * 32, code=2, name="NOT_FOUND")
