"""The chain replaces blocks that were final while the daemons are down: when they start again they go back to the last
block that they have in common with it."""
import json
import sqlite3
import time

import pytest

from conftest import wait_until
from test_chain import ANVIL, held, new_chain, supply  # noqa: F401: a fixture

TOKEN = 10**18
ROLES = ("directory", "solver", "mediator", "provider")

pytestmark = pytest.mark.skipif(not ANVIL.exists(), reason="anvil is not there: tools/setup_tests.d/contracts")


def known_to_solver(chain, account):
    """What the solver has on an account: from its own store, as nobody else is told."""
    db = sqlite3.connect(f"file:{chain.folder}/state/solver/store.db?mode=ro", uri=True)
    try:
        row = db.execute("SELECT free FROM solver_account WHERE account = ?", (bytes.fromhex(account[2:]),)).fetchone()
        return int.from_bytes(row[0], "big") if row else None
    finally:
        db.close()


def head(chain):
    return int(chain.ask("eth_blockNumber"), 16)


def all_down(chain):
    for role in reversed(ROLES):
        chain.end(role)


def all_up(chain):
    (chain.folder / "state/provider/ready.json").unlink(missing_ok=True)
    for role in ROLES:
        chain.role(role)
    chain.offers(1)


def test_a_deposit_that_vanished_while_nobody_looked(new_chain):  # noqa: F811
    chain = new_chain(depth=1)
    time.sleep(3)
    late = chain.json("wallet", "new", "late")["account"]
    before = head(chain)
    chain.run("wallet", "fund", "5", "--to", late)
    wait_until(lambda: known_to_solver(chain, late) == 5 * TOKEN)
    all_down(chain)
    blocks = json.loads((chain.folder / "state/solver/blocks.json").read_text())
    assert blocks["shift"] == "0" and blocks["blocks"]
    chain.ask("anvil_reorg", head(chain) - before, [])
    assert int(chain.json("wallet", "balance", late)["free"]) == 0, "the deposit is gone"
    all_up(chain)
    wait_until(lambda: known_to_solver(chain, late) == 0)
    assert chain.log("solver").count("has replaced blocks above") == 1
    # What it reads from then on is new to everybody: a job ends as ever, to the unit.
    buyer, seller = chain.free(), chain.free(["provider"])
    assert "moo" in chain.buy("moo").stdout
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    assert held(chain) == supply(chain)
    # Once more nothing was replaced: nothing is said.
    all_down(chain)
    all_up(chain)
    assert chain.log("solver").count("has replaced blocks above") == 1
    assert "again" in chain.buy("again").stdout


def test_events_of_other_blocks_are_told(new_chain):  # noqa: F811
    """A deposit in a block that took the place of one that was read: without going back nobody would hear of it."""
    chain = new_chain(depth=1)
    time.sleep(3)
    early, late = (chain.json("wallet", "new", n)["account"] for n in ("early", "late"))
    before = head(chain)
    chain.run("wallet", "fund", "5", "--to", early)
    wait_until(lambda: known_to_solver(chain, early) == 5 * TOKEN)
    time.sleep(3)
    all_down(chain)
    at = head(chain)
    snapshot = chain.ask("evm_snapshot")
    assert chain.ask("evm_revert", snapshot)
    chain.ask("anvil_rollback", at - before)
    chain.run("wallet", "fund", "3", "--to", late)
    assert head(chain) <= at + 2, "the deposit is in a block that was read"
    wait_until(lambda: head(chain) > at + 2)
    all_up(chain)
    wait_until(lambda: known_to_solver(chain, early) == 0 and known_to_solver(chain, late) == 3 * TOKEN)
