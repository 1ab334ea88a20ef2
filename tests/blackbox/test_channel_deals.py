"""Deals in channels, bought with `lilypad run --channel` from real daemons: no action of the ledger opens one, one
signature settles it, and every balance is exact."""
import json
import urllib.request

import pytest

from conftest import wait_until
from test_channel import TOKEN, advance, balance, head, with_settings


def actions(market, after=0):
    """(action, deal state) of every event of the ledger after that one, in order."""
    url = f"{market.up['ledger']}/v1/events/page?after={after}"
    with urllib.request.urlopen(url, timeout=10) as r:
        return [(e["action"], e["to"]) for e in json.load(r)["events"]]


def channel(market, id):
    return market.json("channel", "show", id)


@pytest.fixture
def channels(new_market):
    """A market whose provider puts up to fifty tokens into a channel, and settles each acceptance at once."""
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_COUNT="1")
    return m


def opened(market, job="20", provider="20", kind="acceptances"):
    return market.json("channel", "open", market.provider, job, "--provider-sum", provider, "--kind", kind)["channel"]


def test_an_honest_job(channels):
    m = channels
    c = opened(m)
    buyer, seller, solver = balance(m, "default"), balance(m, "provider"), balance(m, "solver")
    seq = int(head(m)["seq"])
    job = m.json("run", "cowsay", "-i", "Message=moo", "--channel", c)["job"]
    assert job["state"] == "DONE"
    cost = int(job["cost"])
    assert cost > 0
    wait_until(lambda: int(head(m)["seq"]) > seq)
    assert [a for a, _ in actions(m, seq)] == ["settle"]
    assert balance(m, "default") == (buyer[0], buyer[1] - cost)
    assert balance(m, "provider") == (seller[0] + cost, seller[1])
    assert balance(m, "solver") == solver
    assert int(channel(m, c)["jobSum"]) == 20 * TOKEN - cost
