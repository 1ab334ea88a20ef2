"""A job whose inputs vanish from the directory after the deal, and a provider that lies about it: what the
directory says it does not have makes the job faulty, about what nobody answers the mediator passes, and both
are told to everybody (docs/operate.md)."""
import shutil
import sqlite3

import pytest

from test_mediator import dispute, misbehave, queue, settled, start_role, stop_role, terms, verdicts
from world import Buyer


def disputed(market, tmp_path):
    """A wrong result, disputed while no mediator is there yet; gives the command that starts it, and the buyer."""
    words = tmp_path / "words"
    words.mkdir()
    (words / "a.txt").write_text("one two three two one\n" * 40)
    misbehave(market, "provider", "wrong-output")
    mediator = stop_role(market, "mediator")
    b = Buyer(market, "wordstats", "-i", f"Files={words}", "-O", tmp_path / "o", "--check", "always", "-y")
    return mediator, b.reached("DISPUTED")


def grant(state):
    """The upload of the input: a tree that is not the program, which is the largest."""
    uploads = "deal = zeroblob(32) AND codec = 112"
    with sqlite3.connect(state / "store.db") as db:
        gone = db.execute(f"DELETE FROM directory_grant WHERE {uploads} AND "
                          f"bytes < (SELECT max(bytes) FROM directory_grant WHERE {uploads})")
        assert gone.rowcount == 1


def blocks(state):
    """The blocks of everything, with the uploads still listed."""
    shutil.rmtree(state / "blobs")


@pytest.mark.parametrize("lose, part", [(grant, "input 1"), (blocks, "the spec")])
def test_a_job_that_vanished(new_market, tmp_path, lose, part):
    m = new_market()
    mediator, b = disputed(m, tmp_path)
    directory = stop_role(m, "directory")
    lose(m.folder / "state" / "directory")
    start_role(m, "directory", directory)
    start_role(m, "mediator", mediator)
    b.ends(43)
    case = dispute(m)
    t = terms(case)
    assert (case["ruling"], case["ledger"]) == ("JobFaulty", "MEDIATION_JOB_FAULTY")
    assert f"no source gives {part}" in case["why"]
    assert verdicts(m) == (1, 0)
    # What it was charged for is never paid; the bond goes, to the one who could not be judged and for the vote.
    settled(m, -t["jobBond"], t["damages"], t["fee"])
    job, = m.json("job", "list")["jobs"]
    assert (job["state"], job["cost"], job["error"]["code"]) == ("DONE", "0", "JOB_FAULTY")
    m.run("verify", tmp_path / "o" / "receipt.json")


def test_a_directory_that_is_away(new_market, tmp_path):
    """Nobody answers: that is nobody's fault."""
    m = new_market()
    m.env["LILYPAD_JOB_MEDIATE_TIMEOUT"] = "10s"
    mediator, b = disputed(m, tmp_path)
    directory = stop_role(m, "directory")
    start_role(m, "mediator", mediator)
    b.ends(44)
    case = dispute(m)
    assert (case["ruling"], case["ledger"]) == ("CannotRule", "TIMEOUT_MEDIATE")
    assert verdicts(m) == (0, 1)
    start_role(m, "directory", directory)
    job, = m.json("job", "list")["jobs"]
    half = int(job["cost"])
    assert half > 0
    settled(m, -half, half, 0)
    assert queue(m)["passed"] == 1


def test_a_directory_that_is_late(new_market, tmp_path):
    """It is away when the dispute begins, and has everything when it is back: then there is a ruling."""
    m = new_market()
    mediator, b = disputed(m, tmp_path)
    directory = stop_role(m, "directory")
    start_role(m, "mediator", mediator)
    start_role(m, "directory", directory)
    b.ends(41)
    case = dispute(m)
    assert (case["ruling"], verdicts(m)) == ("ResultWrong", (1, 0))
    settled(m, terms(case)["damages"], -terms(case)["resultBond"], terms(case)["fee"])
