"""Channels on a chain: the same commands as with the embedded ledger, on our contracts under anvil, to the unit."""
import json
import urllib.error
import urllib.request

import pytest

from conftest import wait_until
from test_chain import held, needs_node, new_chain, supply  # noqa: F401: a fixture

TOKEN = 10**18

pytestmark = needs_node()


def find_provider(chain):
    """It is BUSY until it has heard the time of the chain; what is tried costs nobody anything."""
    ready = chain.folder / "state/provider/ready.json"
    wait_until(ready.exists)
    chain.provider = json.loads(ready.read_text())["url"]
    wait_until(lambda: chain.run("channel", "open", chain.provider, "1000000000", "--serial", "9",
                                 code=None).returncode in (1, 4))


@pytest.fixture
def channels(new_chain):  # noqa: F811
    """A chain whose provider puts up to two tokens into a channel and three into all."""
    c = new_chain(depth=1, roles=("directory", "solver", "provider"),
                  settings={"LILYPAD_CHANNEL_MAX_SUM": "2", "LILYPAD_CHANNEL_MAX_TOTAL": "3"})
    find_provider(c)
    return c


def balance(chain, name):
    b = chain.json("wallet", "balance", "-w", name)
    return int(b["free"]), int(b["channels"])


def known(url):
    try:
        return urllib.request.urlopen(url, timeout=10).status == 200
    except urllib.error.HTTPError:
        return False


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
    find_provider(c)
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


def test_a_node_that_searches_few_blocks_at_once(channels):
    """The log that opened a channel is a thousand blocks back, and the node refuses to search more than a hundred."""
    c = channels
    ch = c.json("channel", "open", c.provider, "5")["channel"]
    c.ask("anvil_mine", 1000)
    wall, refused = c.proxy(), []

    def hook(call):
        if call["method"] != "eth_getLogs":
            return None
        last = call["params"][0]["toBlock"]
        last = int(c.ask("eth_blockNumber") if last == "latest" else last, 16)
        if last - int(call["params"][0]["fromBlock"], 16) < 100:
            return None
        refused.append(call)
        return {"error": {"code": -32602, "message": "query exceeds max block range 100"}}
    wall.hook = hook
    c.env["LILYPAD_LEDGER_RPC"] = wall.url
    assert c.json("channel", "show", ch)["jobSum"] == str(5 * TOKEN)
    assert 0 < len(refused) < 20
    assert c.json("channel", "top-up", ch, "1")["jobSum"] == str(6 * TOKEN)
    assert balance(c, "default")[1] == 6 * TOKEN


def test_jobs_in_a_channel(new_chain):  # noqa: F811
    """Two jobs of a channel, settled by one transaction of the provider's: to the unit, and nothing else is on chain."""
    c = new_chain(depth=1, settings={"LILYPAD_CHANNEL_MAX_SUM": "20", "LILYPAD_CHANNEL_MAX_TOTAL": "20",
                                     "LILYPAD_CHANNEL_SETTLE_COUNT": "2"})
    find_provider(c)
    ch = c.json("channel", "open", c.provider, "50", "--provider-sum", "20")["channel"]
    logs, seller = len(c.logs()), balance(c, "provider")[0]
    # The solver hears of the channel when its block is final for it too.
    wait_until(lambda: known(c.contents["solverUrl"] + f"/v1/channels/{ch}"))
    jobs = [c.json("run", "cowsay", "-i", f"Message={m}", "--channel", ch)["job"] for m in ("moo", "again")]
    assert [j["state"] for j in jobs] == ["DONE", "DONE"]
    sums = wait_until(lambda: (s := c.json("channel", "show", ch)) and int(s["jobSum"]) < 50 * TOKEN and s, timeout=40)
    paid = sum(int(j["cost"]) for j in jobs)
    assert paid > 0 and int(sums["jobSum"]) == 50 * TOKEN - paid
    assert balance(c, "provider")[0] - seller == paid
    assert len(c.logs()) == logs + 1, "one list"
    assert held(c) + in_channels(c) == supply(c)
