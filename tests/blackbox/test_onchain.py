"""Contracts buy jobs: real daemons, an example buyer (contracts/examples/Buyer.sol), a node with a block each second.
The buyer has a contract's code and no key; what it is called with, and to the unit what it has paid, is looked at."""
import json
import time

from conftest import ROOT, wait_until
from evm import call_data, keccak, topic, transact, view
from test_chain import new_chain, pytestmark  # noqa: F401

ACCEPTED, CANCELLED, TIMEOUT_SUBMIT, DECLINED, REJECTED = 6, 8, 9, 10, 14
DAY = 86400


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
        for _ in range(2):
            wait_until(lambda: view(self.chain, self.jobs, "leavesAt()")[0] or not self.job(number)["refund"])
            self.chain.ask("evm_increaseTime", 8 * DAY + 60)
        wait_until(lambda: self.job(number)["refund"] == 0, timeout=30)

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
