"""A receipt of every way in which a deal on a chain can end, made by real daemons on a node of its own (anvil): it
verifies where there is no network, says that its block hashes are what is trusted, and no byte of it can be changed."""
import json
import threading

import pytest

from conftest import wait_until
from test_chain import ANVIL, new_chain  # noqa: F401 (a fixture)
from test_receipts import changed, cost

pytestmark = pytest.mark.skipif(not ANVIL.exists(), reason="anvil is not there: tools/setup_tests.d/contracts")

OTHERS = ("directory", "solver", "mediator")
COW = ("run", "cowsay", "-i", "Message=moo", "--yes")


def provider_of(chain):
    return next(w["account"] for w in chain.json("wallet", "list")["wallets"] if w["name"] == "provider")


def market(new_chain, provider=None, mediator=None, **more):
    """With these instruments in the place of honest roles."""
    chain = new_chain(roles=("directory", "solver"), **more)
    port = chain.contents["mediators"][0]["url"].rsplit(":", 1)[1]
    chain.spawn("mediator", "mediator", "--server-port", port, *(["--test-misbehave", mediator] if mediator else []))
    wait_until(lambda: chain.healthy(chain.contents["mediators"][0]["url"]))
    chain.spawn("provider", "provider", *(["--test-misbehave", provider] if provider else []))
    chain.offers(1)
    return chain


def in_background(chain, *args):
    """A job, and how it ends: (exit code, what it said)."""
    p = chain.popen(*args)
    said = []
    reader = threading.Thread(target=lambda: said.extend(p.communicate(timeout=120)), daemon=True)
    reader.start()

    def end():
        reader.join(120)
        return p.returncode, said
    return end


def pass_time(chain, state, seconds):
    """Once the deal is in that state on the ledger, the chain's clock jumps."""
    wait_until(lambda: [j for j in chain.json("job", "list")["jobs"] if j["ledger"] == state], timeout=60)
    chain.ask("evm_increaseTime", seconds)


def holds(chain, lilypad, tmp_path, ending, state):
    """Here and where nothing is known; pinned by hand and by a node; and no byte can be changed."""
    path = chain.folder / "out" / "receipt.json"
    text = path.read_text()
    r = json.loads(text)
    assert r["schema"] == "lilypad.receipt-evm/1" and r["ending"] == ending
    assert r["chain"] == {"chainId": "31337", "controller": chain.info["controller"]}
    blocks = [log["blockHash"] for log in r["proof"].values()]
    for h in blocks:
        assert chain.ask("eth_getBlockByHash", h, False)["hash"] == h

    v = lilypad.json("verify", path)
    checks = [c["what"] for c in v["checks"]]
    assert v["valid"] and any(state in c for c in checks)
    trusted = [c for c in v["checks"] if c["trust"] == "block hash"]
    assert [h for h in blocks if any(h in c["what"] for c in trusted)] == blocks
    assert all("not checked" in c["why"] for c in trusted)

    pins = [x for h in blocks for x in ("--block-hash", h)]
    v = lilypad.json("verify", path, *pins)
    assert v["valid"] and not [c for c in v["checks"] if c["trust"] == "block hash"]
    assert chain.json("verify", path, "--rpc", chain.url)["valid"]
    other = "0x" + "ab" * 32
    v = lilypad.json("verify", path, "--block-hash", other, code=1)
    assert not v["valid"] and len([c for c in v["checks"] if not c["ok"]]) == len(blocks)

    bad = tmp_path / "bad.json"
    for i in range(40):
        bad.write_text(changed(text, len(text) * i // 40))
        assert lilypad.run("verify", bad, code=None).returncode == 1, i
    return r, checks


def test_accepted(new_chain, lilypad, tmp_path):
    chain = market(new_chain)
    before = chain.free()
    chain.run(*COW, "-O", chain.folder / "out")
    r, checks = holds(chain, lilypad, tmp_path, "accept", "RESULTS_ACCEPTED")
    assert before - chain.free() == cost(r) > 0
    assert any(f"{cost(r)} units" in c for c in checks)


def test_rejected(new_chain, lilypad, tmp_path):
    chain = market(new_chain, provider="wrong-output")
    chain.run(*COW, "--check", "always", "-O", chain.folder / "out", code=41)
    r, checks = holds(chain, lilypad, tmp_path, "verdict", "MEDIATION_REJECTED")
    assert any("ledger paid 0" in c for c in checks)
    assert len(r["proof"]) == 2, "of the result and of the end"


def test_vindicated(new_chain, lilypad, tmp_path):
    chain = market(new_chain)
    chain.run(*COW, "--check", "always", "--test-misbehave=rejects-falsely", "-O", chain.folder / "out", code=42)
    r, checks = holds(chain, lilypad, tmp_path, "verdict", "MEDIATION_ACCEPTED")
    assert any("ResultCorrect" in c for c in checks)


def test_passed(new_chain, lilypad, tmp_path):
    chain = market(new_chain, mediator="cannot-fetch")
    chain.run(*COW, "--check", "always", "--test-misbehave=rejects-falsely", "-O", chain.folder / "out", code=44)
    r, checks = holds(chain, lilypad, tmp_path, "pass", "TIMEOUT_MEDIATE")
    assert any(f"ledger paid {cost(r) // 2}" in c for c in checks)


def test_never_ruled(new_chain, lilypad, tmp_path):
    chain = market(new_chain, mediator="dies")
    end = in_background(chain, *COW, "--check", "always", "--test-misbehave=rejects-falsely", "-O", chain.folder / "out")
    pass_time(chain, "RESULTS_CHECKED", 700)
    assert end()[0] == 44
    r, checks = holds(chain, lilypad, tmp_path, "timeout", "TIMEOUT_MEDIATE")
    assert any("mediate deadline" in c for c in checks)


def test_judged_too_late(new_chain, lilypad, tmp_path):
    chain = market(new_chain)
    end = in_background(chain, *COW, "--test-misbehave=never-judges", "-O", chain.folder / "out")
    pass_time(chain, "RESULTS_SUBMITTED", 700)
    assert end()[0] == 0
    holds(chain, lilypad, tmp_path, "timeout", "TIMEOUT_JUDGE")


def test_submitted_too_late(new_chain, lilypad, tmp_path):
    """Nothing was delivered: the receipt has the deal, no result, and says that nothing was paid."""
    chain = market(new_chain, provider="never-submits")
    end = in_background(chain, *COW, "--target", provider_of(chain), "-O", chain.folder / "out")
    pass_time(chain, "AGREED", 700)
    code, said = end()
    assert code not in (None, 0), said
    r, checks = holds(chain, lilypad, tmp_path, "timeout", "TIMEOUT_SUBMIT")
    assert "result" not in r and "the ledger paid nothing" in checks
    assert any("submit deadline" in c for c in checks)


def test_declined(new_chain, lilypad, tmp_path):
    chain = market(new_chain, provider="declines-late")
    end = in_background(chain, *COW, "--target", provider_of(chain), "-O", chain.folder / "out")
    pass_time(chain, "AGREED", 580)
    code, said = end()
    assert code not in (None, 0), said
    r, checks = holds(chain, lilypad, tmp_path, "decline", "DECLINED")
    assert "decline" in r and "the ledger paid nothing" in checks


# ---- bad input --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A receipt of an honest job, and its chain, for tests that only look."""
    from conftest import folder
    from test_chain import Chain
    chain = Chain(folder())
    try:
        chain.start()
        chain.run(*COW, "-O", chain.folder / "out")
        yield chain, chain.folder / "out" / "receipt.json"
    finally:
        chain.stop()


def test_a_chain_that_lost_the_block(one):
    """A node that has another block there, or none, is told from one that cannot be asked."""
    chain, path = one
    wall = chain.proxy()
    h = json.loads(path.read_text())["proof"]["end"]["blockHash"]
    number = chain.ask("eth_getBlockByHash", h, False)["number"]
    other = {**chain.ask("eth_getBlockByNumber", number, False), "hash": "0x" + "cd" * 32}

    def asks(call):
        return call["method"] == "eth_getBlockByNumber" and call["params"][0] == number
    wall.hook = lambda call: {"result": other} if asks(call) else None
    v = chain.json("verify", path, "--rpc", wall.url, code=1)
    wrong, = [c for c in v["checks"] if not c["ok"]]
    assert h in wrong["what"] and "cd" * 32 in wrong["why"]
    wall.hook = lambda call: {"result": None} if asks(call) else None
    v = chain.json("verify", path, "--rpc", wall.url, code=1)
    wrong, = [c for c in v["checks"] if not c["ok"]]
    assert f"no block {int(number, 16)}" in wrong["why"]
    wall.hook = lambda call: {"result": "0x1"} if call["method"] == "eth_chainId" else None
    e = chain.error("verify", path, "--rpc", wall.url, code=3, name="WRONG_LEDGER")
    assert "chain 1" in e["message"] and "31337" in e["message"]
    wall.mood = "html"
    chain.error("verify", path, "--rpc", wall.url, code=5, name="PEER")


def test_options_that_do_not_fit(one, market, tmp_path):
    chain, path = one
    assert "zz" in chain.error("verify", path, "--block-hash", "0xzz", code=2, name="ENCODING")["message"]
    h = "0x" + "00" * 32
    chain.error("verify", path, *(3 * ("--block-hash", h)), code=2, name="USAGE")
    market.run("run", "cowsay", "-i", "Message=moo", "--yes", "-O", tmp_path / "o")
    e = market.error("verify", tmp_path / "o" / "receipt.json", "--block-hash", h, code=2, name="USAGE")
    assert "no block of a chain" in e["message"]


def test_another_contract_is_not_known_here(one, market):
    """Its own word for the ledger is not enough where networks are known."""
    _, path = one
    v = market.json("verify", path, code=1)
    wrong, = [c for c in v["checks"] if not c["ok"]]
    assert "on chain 31337" in wrong["what"] and "network import" in wrong["why"]


def test_receipts_one_by_one(one, tmp_path):
    """A node that does not know how to give all receipts of a block; and one that lies about one of them."""
    chain, path = one
    wall = chain.proxy()
    job = chain.json("job", "list")["jobs"][0]["id"]
    no = {"error": {"code": -32601, "message": "the method eth_getBlockReceipts does not exist/is not available"}}
    wall.hook = lambda call: no if call["method"] == "eth_getBlockReceipts" else None
    chain.env["LILYPAD_LEDGER_RPC"] = wall.url
    try:
        shown = chain.folder / "again"
        (chain.folder / "out").rename(chain.folder / "away")
        chain.run("job", "get", job, "-O", shown)
        assert (shown / "receipt.json").read_text() == (chain.folder / "away" / "receipt.json").read_text()
        assert "eth_getBlockReceipts" in wall.asked

        def lie(call):
            if call["method"] == "eth_getBlockReceipts":
                real = chain.ask(call["method"], *call["params"])
                real[0]["cumulativeGasUsed"] = "0x1"
                return {"result": real}
            return None
        wall.hook = lie
        r = chain.run("job", "get", job, "-O", chain.folder / "more")
        assert "receiptsRoot" in r.stderr and not (chain.folder / "more" / "receipt.json").exists()
    finally:
        (chain.folder / "away").rename(chain.folder / "out")
        del chain.env["LILYPAD_LEDGER_RPC"]
