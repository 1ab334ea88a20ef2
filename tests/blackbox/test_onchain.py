"""Contracts buy jobs: real daemons, an example buyer (contracts/examples/Buyer.sol), a node with a block each second.
The buyer has a contract's code and no key; what it is called with, and to the unit what it has paid, is looked at."""
import json
import signal
import time
import urllib.request

from conftest import ROOT, wait_until
from evm import call_data, keccak, topic, transact, view
from test_chain import new_chain, pytestmark  # noqa: F401

ACCEPTED, CANCELLED, TIMEOUT_SUBMIT, DECLINED, REJECTED = 6, 8, 9, 10, 14


class Buying:
    """A contract of jobs, its judge's daemon, and a buyer with tokens."""

    def __init__(self, chain, message="moo", args=(), daemon=True):
        self.chain = chain
        self.operator = chain.json("wallet", "balance", "operator")["account"]
        self.token = chain.contents["token"]
        self.jobs = chain.json("onchain", "deploy")["contract"]
        self.what = chain.json("onchain", "prepare", "cowsay", "-i", f"Message={message}")
        self.pay, self.bond = int(self.what["pay"]), int(self.what["bond"])
        chain.ask("anvil_setBalance", self.what["judge"], hex(10 ** 20))
        code = json.loads((ROOT / "contracts/gen/Buyer.json").read_text())["code"]
        made = transact(chain, self.operator, None, code + call_data("x()", self.jobs, self.token)[10:])
        self.buyer = made["contractAddress"]
        self.send(self.operator, self.token, "transfer(address,uint256)", self.buyer, 10 ** 19)
        if daemon:
            self.start(*args)

    def start(self, *args):
        self.chain.spawn("onchain", "onchain", "--contract", self.jobs, *args)
        ready = self.chain.folder / "state/onchain/ready.json"
        wait_until(ready.exists)

    def send(self, sender, to, signature, *args, **more):
        return transact(self.chain, sender, to, call_data(signature, *args), **more)

    def tokens(self, who=None):
        return view(self.chain, self.token, "balanceOf(address)", who or self.buyer)[0]

    def now(self):
        return int(self.chain.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def order(self, seconds=600, pay=None, bond=None):
        """The number of the job."""
        self.send(self.operator, self.buyer, "buy(bytes32,address,uint96,uint96,uint40)", self.what["spec"],
                  self.what["judge"], pay or self.pay, bond or self.bond, self.now() + seconds)
        return view(self.chain, self.jobs, "last()")[0]

    def outcome(self, number):
        """What the buyer was called with: ended, success, state, result."""
        return view(self.chain, self.buyer, "outcome(uint64)", number)

    def job(self, number):
        w = view(self.chain, self.jobs, "job(uint64)", number)
        return {"pay": w[2], "bond": w[3], "state": w[7], "dealState": w[8], "refund": w[10],
                "deal": "0x" + w[11].to_bytes(32, "big").hex(), "result": w[12]}

    def ended(self, number, timeout=60):
        wait_until(lambda: self.job(number)["state"] == 3, timeout=timeout)
        return self.job(number)

    def account(self):
        return self.chain.json("wallet", "balance", self.jobs)

    def refunded(self, number):
        """The unbonding time passes; the keeper moves the refund out of the ledger and to the buyer."""
        def paid():
            wait = view(self.chain, self.jobs, "leavesAt()")[0] - self.now()
            if wait > 0:
                self.chain.ask("evm_increaseTime", wait)
            return self.job(number)["refund"] == 0
        wait_until(paid, timeout=60, every=1.5)

    def result_on_chain(self, deal):
        """The hash of the result that the ledger's events name."""
        names = (topic("Submitted(bytes32,bytes32,uint256)"), topic("Accepted(bytes32,bytes32,uint256)"))
        for x in self.chain.logs():
            if len(x["topics"]) > 1 and x["topics"][1] == deal and x["topics"][0] in names:
                return int(x["data"][2:66], 16)
        return 0


def test_keccak_is_right():
    assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak(b"x" * 136) != keccak(b"x" * 137)


def test_a_contract_buys_a_job(new_chain):
    """Success: the buyer is called with the result; it has paid the price, and the provider has it."""
    chain = new_chain()
    b = Buying(chain)
    had, seller = b.tokens(), chain.free(["provider"])
    n = b.order()
    assert b.tokens() == had - b.pay - b.bond
    job = b.ended(n)
    cost = b.pay + b.bond - job["refund"]
    assert job["dealState"] == ACCEPTED and job["result"] and job["result"] == b.result_on_chain(job["deal"])
    assert b.outcome(n) == [1, 1, ACCEPTED, job["result"]]
    assert 0 < cost < b.pay
    wait_until(lambda: chain.free(["provider"]) == seller + cost)
    b.refunded(n)
    assert b.tokens() == had - cost
    a = b.account()
    assert (a["free"], a["locked"], a["withdrawing"]) == ("0", "0", "0")
    assert b.tokens(b.jobs) == 0


def test_a_false_result_is_disputed(new_chain):
    """The judge runs the job again, the mediator rules: the buyer is called with the failure and has all back, with
    damages."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    chain.spawn("provider", "provider", "--test-misbehave", "wrong-output")
    chain.offers(1)
    chain.settings["LILYPAD_JOB_CHECK"] = "always"
    b = Buying(chain)
    had = b.tokens()
    n = b.order()
    job = b.ended(n)
    assert job["dealState"] == REJECTED and job["result"] == b.result_on_chain(job["deal"])
    assert b.outcome(n) == [1, 0, REJECTED, job["result"]]
    assert job["refund"] == b.pay + b.bond + b.pay
    b.refunded(n)
    assert b.tokens() == had + b.pay


def test_a_provider_that_does_nothing(new_chain):
    """Failure without a result: its submit deadline passes, and the buyer has all back, with the late fine."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    chain.spawn("provider", "provider", "--test-misbehave", "never-runs")
    chain.offers(1)
    b = Buying(chain)
    had = b.tokens()
    n = b.order()
    wait_until(lambda: b.job(n)["state"] == 2, timeout=40)
    chain.ask("evm_increaseTime", 601)
    job = b.ended(n)
    assert job["dealState"] == TIMEOUT_SUBMIT and job["result"] == 0
    assert b.outcome(n) == [1, 0, TIMEOUT_SUBMIT, 0]
    assert job["refund"] == b.pay + b.bond + b.pay // 10
    b.refunded(n)
    assert b.tokens() == had + b.pay // 10


def test_nobody_takes_it(new_chain):
    """No provider until the last instant: the money is back, at once and whole, and nobody had to ask."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    b = Buying(chain)
    had = b.tokens()
    n = b.order(seconds=12)
    wait_until(lambda: b.job(n)["state"] == 4, timeout=40)
    assert b.tokens() == had
    assert b.outcome(n) == [0, 0, 0, 0]


def open_jobs(chain):
    with urllib.request.urlopen(chain.contents["solverUrl"] + "/v1/offers", timeout=5) as r:
        return json.load(r)["jobOffers"]


def test_cancelled_before_the_match(new_chain):
    """The buyer takes its order back: all is back, its offer leaves the book, and a provider that comes later gets
    nothing of it."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    b = Buying(chain)
    had = b.tokens()
    n = b.order()
    wait_until(lambda: open_jobs(chain) == 1)
    b.send(b.operator, b.buyer, "cancel(uint64)", n)
    assert b.job(n)["state"] == 4 and b.tokens() == had
    wait_until(lambda: open_jobs(chain) == 0)
    chain.role("provider")
    chain.offers(1)
    m = b.order()
    assert b.ended(m)["dealState"] == ACCEPTED
    assert b.outcome(n) == [0, 0, 0, 0] and b.job(n)["state"] == 4


def test_a_callback_stops_nothing(new_chain):
    """A buyer that burns all gas, and one that reverts: their jobs are settled as any, and their refunds paid."""
    chain = new_chain()
    b = Buying(chain)
    code = chain.ask("eth_getCode", b.buyer, "latest")
    had = b.tokens()
    spent = 0
    for bad in ("0xfe", "0x60006000fd"):
        n = b.order()
        chain.ask("anvil_setCode", b.buyer, bad)
        job = b.ended(n)
        assert job["dealState"] == ACCEPTED and job["result"] == b.result_on_chain(job["deal"])
        chain.ask("anvil_setCode", b.buyer, code)
        assert b.outcome(n) == [0, 0, 0, 0]
        spent += b.pay + b.bond - job["refund"]
    b.refunded(n)
    wait_until(lambda: b.job(n - 1)["refund"] == 0, timeout=30)
    assert b.tokens() == had - spent


def test_the_keeper_is_killed(new_chain):
    """Not there when the order comes, killed when the deal is open, and again as soon as it serves: the job is bought
    once, and the buyer called."""
    chain = new_chain()
    b = Buying(chain, daemon=False)
    had = b.tokens()
    n = b.order()
    b.start()
    wait_until(lambda: b.job(n)["state"] == 2, timeout=40)
    chain.end("onchain", signal.SIGKILL)
    b.start()
    time.sleep(0.5)
    chain.end("onchain", signal.SIGKILL)
    b.start()
    job = b.ended(n)
    assert b.outcome(n) == [1, 1, ACCEPTED, job["result"]]
    b.refunded(n)
    assert b.tokens() == had - (b.pay + b.bond - job["refund"])


def test_who_may_not_buy(new_chain):
    """No address, or one without a contract of jobs: it is said, and nothing starts."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    chain.error("onchain", code=3, name="CONFIG")
    e = chain.error("onchain", "--contract", chain.contents["solver"], code=3, name="WRONG_LEDGER")
    assert chain.contents["solver"] in e["message"]
