"""Gas that becomes twenty times dearer while a deal is open (a real anvil): what must reach the ledger waits below the
limit, is paid for up to the limit of a near deadline, and its operator hears of it; nothing is sent twice."""
import json
import threading
import time

import pytest

from conftest import wait_until
from test_chain import ANVIL, held, new_chain, supply  # noqa: F401 (a fixture)

pytestmark = pytest.mark.skipif(not ANVIL.exists(), reason="anvil is not there: tools/setup_tests.d/contracts")

CALM = 10 ** 9
SPIKE = 20 * CALM
LIMIT = 4 * CALM  # of the provider; a near deadline allows 8 times that
SUBMIT_S = 600
COW = ("run", "cowsay", "-i", "Message=moo", "--yes")


class Weather:
    """Sets the base fee of every block."""

    def __init__(self, chain):
        self.chain, self.base, self.over = chain, CALM, threading.Event()
        self.thread = threading.Thread(target=self.blow, daemon=True)
        self.thread.start()

    def blow(self):
        while not self.over.wait(0.1):
            self.chain.ask("anvil_setNextBlockBaseFeePerGas", hex(self.base))

    def end(self):
        self.over.set()
        self.thread.join(10)


@pytest.fixture
def stormy(new_chain):  # noqa: F811
    """A market whose provider pays at most LIMIT, and tells a file when it warns."""
    made = []

    def make(**settings):
        chain = new_chain(roles=())
        chain.weather = Weather(chain)
        made.append(chain.weather)
        time.sleep(1.5)  # until a block has that base fee
        for role in ("directory", "solver", "mediator"):
            chain.role(role)
        chain.heard = chain.folder / "heard"
        chain.settings = {"LILYPAD_LEDGER_MAX_FEE": str(LIMIT),
                          "LILYPAD_NOTIFY_COMMAND": f'echo "$LILYPAD_WARNING" >> {chain.heard}', **settings}
        chain.role("provider")
        chain.offers(1)
        chain.provider = next(w["account"] for w in chain.json("wallet", "list")["wallets"] if w["name"] == "provider")
        return chain
    yield make
    for weather in made:
        weather.end()


def nonce(chain):
    return int(chain.ask("eth_getTransactionCount", chain.provider, "latest"), 16)


def sent_by(chain):
    """Receipts of all transactions of the provider, in order."""
    out = []
    for n in range(int(chain.ask("eth_blockNumber"), 16) + 1):
        for tx in chain.ask("eth_getBlockByNumber", hex(n), True)["transactions"]:
            if tx["from"].lower() == chain.provider.lower():
                out.append(chain.ask("eth_getTransactionReceipt", tx["hash"]))
    return out


def heard(chain):
    return [json.loads(x) for x in chain.heard.read_text().splitlines()] if chain.heard.exists() else []


def open_deal(chain, *more):
    """A job whose deal is in a block: from then on only its result, or the end, is to be sent."""
    before = len(chain.logs())
    job = chain.popen(*COW, *more, "-O", chain.folder / "out")
    wait_until(lambda: len(chain.logs()) > before, timeout=60)
    chain.weather.base = SPIKE
    return job


def price_of(r):
    return int(r["effectiveGasPrice"], 16)


@pytest.mark.parametrize("judge", ["accepts", "is silent"])
def test_waits_below_the_limit_and_pays_near_the_deadline(stormy, judge):
    """Of a job that is accepted at once, and of one whose result must be submitted by itself."""
    chain = stormy()
    buyer, seller = chain.free(), chain.free(["provider"])
    job = open_deal(chain, *(["--test-misbehave=never-judges"] if judge == "is silent" else []))
    first = wait_until(lambda: heard(chain), timeout=30)[0]
    assert first["role"] == "provider" and first["deal"].startswith("0x") and first["deadline"] > 0
    assert f"more than the {LIMIT} " in first["text"] and "ledger.max-fee" in first["text"]
    assert "money is at stake" in chain.log("provider")
    before = nonce(chain)
    time.sleep(5)
    assert nonce(chain) == before and len(heard(chain)) == 1, "said once, not with each block"

    chain.ask("evm_increaseTime", SUBMIT_S // 2)
    wait_until(lambda: len(heard(chain)) == 2)
    assert f"more than the {2 * LIMIT} " in heard(chain)[1]["text"]
    time.sleep(3)
    assert nonce(chain) == before

    chain.ask("evm_increaseTime", SUBMIT_S * 3 // 8)
    wait_until(lambda: nonce(chain) == before + 1, timeout=30)
    last = sent_by(chain)[-1]
    assert last["status"] == "0x1" and SPIKE <= price_of(last) <= 8 * LIMIT
    if judge == "is silent":
        chain.weather.base = CALM
        chain.ask("evm_increaseTime", SUBMIT_S)  # the judge deadline
    assert job.wait(timeout=60) == 0, job.stderr.read()
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    assert held(chain) == supply(chain)
    assert all(r["status"] == "0x1" for r in sent_by(chain)), "nothing was sent twice, nothing in vain"
    assert len(sent_by(chain)) == nonce(chain)


def test_what_is_under_way_is_made_dearer(stormy):
    """Signed while gas was cheap, in no block: replaced at its nonce up to the limit, and beyond it only near the
    deadline."""
    chain = stormy(LILYPAD_LEDGER_STUCK="2s")
    chain.end("provider")
    wall = chain.proxy()
    chain.settings["LILYPAD_LEDGER_RPC"] = wall.url
    chain.role("provider")
    chain.offers(1)
    buyer, seller = chain.free(), chain.free(["provider"])
    arrived = []

    def hook(call):
        """Gas becomes dearer in the moment in which the second transaction arrives."""
        if call["method"] == "eth_sendRawTransaction":
            if arrived and call["params"][0] != arrived[0]:
                chain.weather.base = SPIKE
                chain.ask("anvil_setNextBlockBaseFeePerGas", hex(SPIKE))
            arrived.append(call["params"][0])
        return None
    wall.hook = hook
    job = chain.popen(*COW, "-O", chain.folder / "out")
    wait_until(lambda: chain.weather.base == SPIKE, timeout=60)
    before = nonce(chain)

    def attempts():
        """Of the one file that has several, or will have."""
        for f in (chain.folder / "state/chain").glob(f"*{chain.provider}/*.json"):
            kept = json.loads(f.read_text())
            if int(kept["nonce"]) == before:
                return kept["attempts"]
        return []
    capped = wait_until(lambda: attempts() and int(attempts()[-1]["maxFee"]) == LIMIT and attempts(), timeout=60)
    assert len(capped) > 1 and all(int(b["maxFee"]) > int(a["maxFee"]) * 1.1 for a, b in zip(capped, capped[1:]))
    assert wait_until(lambda: heard(chain), timeout=20)
    time.sleep(5)
    assert len(attempts()) == len(capped), "at the limit there is nothing more to offer"
    assert nonce(chain) == before
    chain.ask("evm_increaseTime", SUBMIT_S * 15 // 16)
    assert job.wait(timeout=60) == 0, job.stderr.read()
    assert nonce(chain) == before + 1
    last = sent_by(chain)[-1]
    assert SPIKE <= price_of(last) <= 8 * LIMIT
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    assert all(r["status"] == "0x1" for r in sent_by(chain))
