"""Disputes on a real market: whoever is right is made whole, whoever is not pays, and a mediator that is killed,
late or dishonest costs nobody more than the protocol says. The fixture's teardown verifies the journal."""
import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request

import pytest

from conftest import alive, wait_until
from test_faults import START, WORK, Buyer, command_of, start_again

COW = ["cowsay", "-i", "Message=disputed", "--check", "always", "-y"]


def stop_role(market, role):
    """kill -9; gives the command line that starts it again."""
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    return command


def start_role(market, role, command):
    """Serves when it comes back."""
    ready = market.folder / "state" / role / "ready.json"
    ready.unlink()
    start_again(market, role, command)
    wait_until(ready.exists)


def misbehave(market, role, mode):
    """The same daemon again, as a test instrument."""
    start_role(market, role, stop_role(market, role) + [f"--test-misbehave={mode}"])
    assert "a test instrument" in market.logs()[role]
    if role == "provider":
        wait_until(lambda: market.json("provider", "status")["state"] == "IDLE")


def queue(market):
    return market.json("mediator", "queue")


def dispute(market):
    """The only one there is, once it is over."""
    wait_until(lambda: [d["state"] for d in queue(market)["disputes"]] == ["OVER"], timeout=30)
    one, = queue(market)["disputes"]
    return market.json("mediator", "case", one["id"][:14])


def free(market, name):
    account = market.json("wallet", "balance", "-w", name)
    assert account["locked"] == "0"
    return int(account["free"])


def verdicts(market):
    """Verdicts and passes in all blocks of the ledger."""
    def get(path):
        with urllib.request.urlopen(market.up["ledger"] + path, timeout=10) as r:
            return json.load(r)
    last = int(get("/v1/head")["block"]["number"])
    kinds = [a["action"]["kind"] for n in range(1, last + 1) for a in get(f"/v1/blocks/{n}")["actions"]]
    return kinds.count("verdict"), kinds.count("pass")


def settled(market, creator, provider, mediator):
    """What each has more than at the start, in the terms of the one deal; the rest is in the sink."""
    wait_until(lambda: market.json("provider", "status")["unfinished"] == 0)
    assert free(market, "default") - START == creator
    assert free(market, "provider") - START == provider
    assert free(market, "mediator") == mediator


def terms(case):
    hot = case["deal"]["hot"]
    return {k: int(hot[k]) for k in ("pay", "jobBond", "resultBond", "damages", "fee")}


@pytest.mark.parametrize("mode, ruling, says", [
    ("wrong-output", "ResultWrong", "stdout differs from byte 0"),
    ("wrong-count", "TooMuchCharged", "instructions are charged"),
    ("wrong-status", "StatusWrong", "ExceptionOccurred"),
])
def test_a_provider_at_fault_is_fined(new_market, tmp_path, mode, ruling, says):
    m = new_market()
    misbehave(m, "provider", mode)
    m.run("run", *COW, "-O", tmp_path / "o", code=41)
    case = dispute(m)
    t = terms(case)
    assert (case["ruling"], case["ledger"]) == (ruling, "MEDIATION_REJECTED")
    assert says in case["why"]
    assert case["verdict"]["count"] == case["run"]["count"] != "0"
    settled(m, t["damages"], -t["resultBond"], t["fee"])
    assert queue(m)["earned"] == str(t["fee"])
    said = m.run("mediator", "case", case["id"]).stdout
    assert ruling in said and case["run"]["output"] in said


def test_a_provider_that_is_right_is_paid_with_damages(new_market, tmp_path):
    m = new_market()
    r = m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None)
    assert "the mediator found the result right" in r.stderr
    case = dispute(m)
    t = terms(case)
    assert (case["ruling"], case["ledger"]) == ("ResultCorrect", "MEDIATION_ACCEPTED")
    assert case["run"]["output"] == case["provider"]["output"]
    job, = m.json("job", "list")["jobs"]
    cost = int(job["cost"])
    assert cost > 0
    settled(m, -cost - t["jobBond"], cost + t["damages"], t["fee"])
    assert verdicts(m) == (1, 0)


def test_an_output_that_nobody_published(new_market, tmp_path):
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "8s"  # a creator waits a quarter of it for what is kept from it
    misbehave(m, "provider", "never-publishes")
    m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=41, timeout=120)
    case = dispute(m)
    assert case["ruling"] == "ResultNotFound"
    assert "not published" in case["why"]
    assert "stored" not in case
    settled(m, terms(case)["damages"], -terms(case)["resultBond"], terms(case)["fee"])


def test_a_result_that_only_the_directory_saw(new_market, tmp_path):
    """The provider keeps the result from the solver: that hides nothing from a mediator."""
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "8s"
    misbehave(m, "provider", "hides")
    m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None, timeout=120)
    case = dispute(m)
    assert case["ruling"] == "ResultCorrect"
    assert "result" not in case and case["stored"]["deal"] == case["id"]


@pytest.mark.parametrize("state", ["DISPUTED", "RUNNING"])
def test_a_mediator_that_is_killed_rules_once(new_market, tmp_path, state):
    m = new_market()
    b = Buyer(m, *WORK, "-O", tmp_path / "o", "--check", "always", "--test-misbehave=rejects-falsely")
    b.reached("DISPUTED")
    if state == "RUNNING":
        wait_until(lambda: [d["state"] for d in queue(m)["disputes"]] == ["RUNNING"], every=0.001)
    start_role(m, "mediator", stop_role(m, "mediator"))
    b.p.wait(60)
    case = dispute(m)
    assert case["ruling"] == "ResultCorrect"
    assert verdicts(m) == (1, 0)
    start_role(m, "mediator", stop_role(m, "mediator"))
    assert queue(m)["ruled"] == 1
    assert verdicts(m) == (1, 0)


def test_a_mediator_that_is_killed_again_and_again(new_market, tmp_path):
    m = new_market()
    b = Buyer(m, *WORK, "-O", tmp_path / "o", "--check", "always", "--test-misbehave=rejects-falsely")
    b.reached("DISPUTED")
    for n in range(6):
        start_role(m, "mediator", stop_role(m, "mediator"))
        time.sleep(n * 0.1)
    b.p.wait(60)
    assert dispute(m)["ruling"] == "ResultCorrect"
    assert verdicts(m) == (1, 0)


def test_the_judged_output_is_for_the_parties(new_market, tmp_path):
    m = new_market()
    m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None)
    case = dispute(m)
    url = json.loads((m.folder / "state" / "mediator" / "ready.json").read_text())["url"]
    for path in (f"/v1/trees/{case['run']['output']}", f"/v1/cases/{case['id']}"):
        with pytest.raises(urllib.error.HTTPError) as e:
            urllib.request.urlopen(url + path, timeout=10)
        assert e.value.code == 401
    m.run("mediator", "case", case["id"], "-w", "default")
    m.run("mediator", "case", case["id"], "-w", "provider")
    m.error("mediator", "case", case["id"], "-w", "solver", code=3, name="FORBIDDEN")
    with urllib.request.urlopen(url + "/metrics", timeout=10) as r:
        assert "\nlilypad_mediator_ruled_total 1\n" in r.read().decode()


def test_a_dispute_that_came_while_it_was_down(new_market, tmp_path):
    m = new_market()
    command = stop_role(m, "mediator")
    b = Buyer(m, *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely").reached("DISPUTED")
    start_role(m, "mediator", command)
    b.p.wait(60)
    assert dispute(m)["ruling"] == "ResultCorrect"


def test_a_mediator_that_is_down_until_the_deadline(new_market, tmp_path):
    m = new_market()
    m.env["LILYPAD_JOB_MEDIATE_TIMEOUT"] = "5s"
    command = stop_role(m, "mediator")
    r = m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None, timeout=120)
    assert "no ruling" in r.stderr
    start_role(m, "mediator", command)
    wait_until(lambda: queue(m)["missed"] == 1)
    job, = m.json("job", "list")["jobs"]
    half = int(job["cost"])
    settled(m, -half, half, 0)


@pytest.mark.parametrize("mode, said, answers", [
    ("lies", "the mediator found the provider at fault", (1, 0)),
    ("cannot-fetch", "no ruling", (0, 1)),
    ("dies", "no ruling", (0, 0)),
])
def test_instruments(new_market, tmp_path, mode, said, answers):
    m = new_market()
    m.env["LILYPAD_JOB_MEDIATE_TIMEOUT"] = "5s"
    misbehave(m, "mediator", mode)
    r = m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None, timeout=120)
    assert said in r.stderr
    assert verdicts(m) == answers


def test_wrong_words(market, lilypad):
    assert market.json("doctor", "--role", "mediator")["problems"] == 0
    market.error("mediator", "case", "0x1234", code=2, name="NOT_FOUND")
    market.error("mediator", "case", "12", code=2, name="USAGE")
    market.error("mediator", "case", code=2, name="USAGE")
    lilypad.run("network", "import", market.up["network"])
    assert "cannot-fetch" in lilypad.error("mediator", "--test-misbehave=snores", code=2, name="USAGE")["hint"]
    lilypad.error("mediator", "--fee=0", code=1, name="PARTY")  # a key that the network does not name
    keys = lilypad.folder / "data" / "keys"
    for part in ("mediator.json", "mediator.pass"):
        shutil.copy(market.folder / "data" / "keys" / part, keys / part)
    lilypad.error("mediator", "--fee=much", code=3, name="CONFIG")
    lilypad.error("mediator", "queue", code=5, name="UNREACHABLE")
