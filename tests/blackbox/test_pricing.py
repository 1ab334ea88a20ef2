"""What a job pays (protocol 3.14): the provider's ask, its own ceilings, or the one price of a batch."""
from audit import get


def deal_of(market, *options):
    """The terms of the deal of one job."""
    job = market.json("run", "cowsay", "-i", "Message=moo", *options)
    return market.json("deal", "show", job["job"]["id"])["deal"]["hot"]


def clearings(market):
    url = market.json("network", "show")["solverUrl"]
    return get(f"{url}/v1/clearings")["clearings"]


def test_prices(market):
    by = {how: deal_of(market, "--pricing", how) for how in ("market", "cleared", "fixed")}
    base = {how: int(hot["base"]) for how, hot in by.items()}
    assert base["market"] < base["cleared"] < base["fixed"]
    assert base["cleared"] == (base["market"] + base["fixed"]) // 2
    row = clearings(market)[0]
    assert (row["pairs"], row["cleared"]) == (1, 1)
    assert int(row["price"]["base"]) == base["cleared"]
    assert int(row["bids"][0]["ask"]["base"]) == base["market"]
    assert int(row["bids"][0]["bid"]["base"]) == base["fixed"]


def test_unknown_pricing(market):
    r = market.run("run", "cowsay", "-i", "Message=moo", "--pricing", "auction", code=3)
    assert '"auction"' in r.stderr and "market, cleared or fixed" in r.stderr
