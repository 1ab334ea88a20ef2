"""A relay sends what others have signed, and pays for its gas: real daemons, our contracts, a node with a block each
second. Provider and job creator have not one wei."""
import json
import signal
import urllib.request

from conftest import wait_until
from evm import view
from party import Party
from test_chain import held, new_chain, pytestmark, supply  # noqa: F401

DAEMONS = ("directory", "solver", "mediator")


def account(chain, name):
    return chain.json("wallet", "balance", *([name] if name else []))["account"]


class Relayed:
    """A market on a chain whose provider and job creator go through a relay."""

    def __init__(self, chain, provider=True, **settings):
        self.chain = chain
        chain.run("wallet", "new", "relay")
        self.account = account(chain, "relay")
        chain.ask("anvil_setBalance", self.account, hex(10 ** 20))
        self.parties = [account(chain, None), account(chain, "provider")]
        for who in self.parties:
            chain.ask("anvil_setBalance", who, "0x0")
        self.start(**settings)
        more = {"LILYPAD_LEDGER_RELAY": self.url}
        chain.env.update(more)
        if provider:
            chain.role("provider")
            chain.offers(1)

    def start(self, port=0, **settings):
        ready = self.chain.folder / "relay.ready"
        ready.unlink(missing_ok=True)
        before = dict(self.chain.settings)
        self.chain.settings.update({f"LILYPAD_RELAY_{k.upper()}": str(v) for k, v in settings.items()})
        self.chain.spawn("relay", "relay", "--ready-file", ready, "--server-port", port)
        self.chain.settings = before
        self.url = json.loads(wait_until(lambda: ready.exists() and ready.read_text()))["url"]

    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def penniless(self):
        for who in self.parties:
            assert int(self.chain.ask("eth_getBalance", who, "latest"), 16) == 0
            assert int(self.chain.ask("eth_getTransactionCount", who, "latest"), 16) == 0


def test_a_job_without_gas(new_chain):
    """Neither has a wei or has ever sent anything; the job is done and paid, to the unit."""
    chain = new_chain(roles=DAEMONS)
    r = Relayed(chain)
    buyer, seller = chain.free(), chain.free(["provider"])
    assert "moo" in chain.buy("moo").stdout
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    assert held(chain) == supply(chain)
    r.penniless()
    assert sent(chain) in (2, 3), "an opening, an end, and the result where it was not quicker"
    with urllib.request.urlopen(r.url + "/metrics") as m:
        text = m.read().decode()
    carried = next(x for x in text.splitlines() if x.startswith("lilypad_relay_carried_total"))
    assert int(carried.split()[1]) >= 2


def final(party, r, action):
    def look():
        got = party.request(r.url, r.account, "GET", f"/v1/actions/{action}", signed=False)[1]
        return got["state"] in ("final", "failed") and got
    return wait_until(look, timeout=30)


def hand_in(party, r, action, **more):
    return party.request(r.url, r.account, "POST", "/v1/actions", {"action": action}, **more)


def sent(chain):
    return int(chain.ask("eth_getTransactionCount", account(chain, "relay"), "latest"), 16)


def test_what_is_refused(new_chain):
    """Handed in by a party of another make: carried once, however often; garbage, forgeries, what the contract would
    refuse, a stranger and more than the quota are refused, each with its reason, and nothing is sent."""
    chain = new_chain(roles=())
    r = Relayed(chain, provider=False, quota=5)
    p = Party(chain)
    action = p.cancel_nonce(7, 0)
    status, got = hand_in(p, r, action)
    assert status == 200 and got["state"] == "pending"
    got = final(p, r, got["id"])
    assert got["state"] == "final" and int(got["transaction"], 16)
    receipt = chain.ask("eth_getTransactionReceipt", got["transaction"])
    assert receipt["status"] == "0x1"
    assert view(chain, chain.info["controller"], "nonces(address,uint256)", p.account, 0) == [1 << 7]
    # The same again is the same.
    status, again = hand_in(p, r, action)
    assert status == 200 and again == got and sent(chain) == 1
    refusals = [
        (p.cancel_nonce(8, 0), "NONCE"),                       # its nonce is used
        ({**p.cancel_nonce(8, 1), "body": {"nonce": "9"}}, "CONFLICT"),  # another body than was signed
        (p.cancel_nonce(8, 1, domain=b"\1" * 32), "SIGNATURE"),  # for another ledger
        ({"kind": "mint"}, "JSON_VALUE"),
        ({"kind": "send"}, "JSON_VALUE"),
        (5, "JSON_VALUE"),
    ]
    for bad, code in refusals:
        status, e = hand_in(p, r, bad)
        assert status >= 400 and e["code"] == code, (e["message"], bad)
    status, e = hand_in(p, r, p.cancel_nonce(8, 1), signed=False)
    assert (status, e["code"]) == (401, "SIGNATURE")
    status, quota = p.request(r.url, r.account, "GET", "/v1/quota")
    assert quota == {"account": p.account, "used": 4, "quota": 5}
    status, got = hand_in(p, r, p.cancel_nonce(8, 1))
    assert status == 200
    status, e = hand_in(p, r, p.cancel_nonce(9, 2))
    assert e["code"] == "QUOTA" and "5 actions" in e["message"]
    # Another account has a quota of its own.
    q = Party(chain)
    assert hand_in(q, r, q.cancel_nonce(1, 0))[0] == 200
    assert final(p, r, got["id"])["state"] == "final"
    wait_until(lambda: sent(chain) == 3)


def test_for_whom_it_carries(new_chain):
    chain = new_chain(roles=())
    p, q = Party(chain), Party(chain)
    r = Relayed(chain, provider=False, accounts=p.account)
    status, e = hand_in(q, r, q.cancel_nonce(1, 0))
    assert e["code"] == "FORBIDDEN" and q.account in e["message"]
    # Whoever is listed may hand in what others have signed.
    assert hand_in(p, r, q.cancel_nonce(1, 0))[0] == 200


def test_killed_in_the_middle(new_chain):
    """The relay is killed once it has taken an action that is in no block: after its start the same transaction goes
    on, and counts once; handed in again meanwhile, it is the same one."""
    chain = new_chain(roles=())
    r = Relayed(chain, provider=False)
    p = Party(chain)
    chain.ask("evm_setIntervalMining", 0)
    chain.ask("evm_setAutomine", False)
    action = p.cancel_nonce(3, 0)
    status, got = hand_in(p, r, action)
    assert status == 200 and got["state"] == "pending"
    chain.end("relay", signal.SIGKILL)
    r.start(port=r.port())
    status, again = hand_in(p, r, action)
    assert status == 200 and again["id"] == got["id"] and again["state"] == "pending"
    chain.ask("evm_setIntervalMining", 1)
    assert final(p, r, got["id"])["state"] == "final"
    assert sent(chain) == 1
    assert view(chain, chain.info["controller"], "nonces(address,uint256)", p.account, 0) == [1 << 3]


def test_a_relay_that_is_away(new_chain):
    """The provider says that its relay does not answer, and tries again: the job that waits is done once it is back."""
    chain = new_chain(roles=DAEMONS)
    r = Relayed(chain)
    buyer, seller = chain.free(), chain.free(["provider"])
    chain.end("relay", signal.SIGKILL)
    chain.env["LILYPAD_LEDGER_RELAY_ACCOUNT"] = r.account
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: f"the relay at {r.url}" in chain.log("provider"), timeout=40)
    r.start(port=r.port())
    assert job.wait(timeout=90) == 0, job.stderr.read()
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    r.penniless()
