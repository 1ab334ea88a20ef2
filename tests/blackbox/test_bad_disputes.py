"""Disputes that come too late, again, changed or about another's deal: the ledger says what is wrong, its state
and everybody's money stay as they were."""
import copy
import json
import urllib.request

from conftest import wait_until
from test_bad_input import ask
from test_faults import WORK
from test_mediator import COW, dispute, free, misbehave, start_role, stop_role, terms, verdicts
from world import START, Buyer


def get(market, path):
    with urllib.request.urlopen(market.up["ledger"] + path, timeout=10) as r:
        return json.load(r)


def actions(market):
    """All that are in blocks, by kind."""
    last = int(get(market, "/v1/head")["block"]["number"])
    out = {}
    for n in range(1, last + 1):
        for a in get(market, f"/v1/blocks/{n}")["actions"]:
            out.setdefault(a["action"]["kind"], []).append(a["action"])
    return out


def submit(market, action):
    status, answer = ask(market.up["ledger"] + "/v1/actions", "POST", json.dumps(action).encode())
    return answer if "stage" in answer else answer["results"][0]


def changed(action, document, **members):
    a = copy.deepcopy(action)
    a[document].update(members)
    return a


def test_again_and_changed(new_market, tmp_path):
    """After the ruling: the same check and verdict have no second effect, others are refused."""
    m = new_market()
    misbehave(m, "provider", "wrong-output")
    m.run("run", *COW, "-O", tmp_path / "o", code=41)
    t = terms(dispute(m))
    m.run("run", "cowsay", "-i", "Message=other", "--check", "always", "-y", "-O", tmp_path / "p", code=41)
    wait_until(lambda: m.json("provider", "status")["unfinished"] == 0)
    said = actions(m)
    check, other = said["check"]
    verdict, _ = said["verdict"]
    head = get(m, "/v1/head")
    for a in (check, verdict):
        r = submit(m, a)
        assert (r["stage"], r["repeated"]) == ("final", True), r
    stranger = next(w["account"] for w in m.json("wallet", "list")["wallets"] if w["name"] == "operator")
    for a, code in [
        (changed(check, "check", salt="0x" + "11" * 32), "STATE"),
        (changed(check, "check", claim=6), "STATE"),
        (changed(check, "check", deal="0x" + "22" * 32), "NOT_FOUND"),
        (changed(check, "check", deal=other["check"]["deal"]), "STATE"),
        (changed(verdict, "verdict", ruling=7), "STATE"),
        (changed(verdict, "verdict", mediator=stranger), "STATE"),
        (changed(verdict, "verdict", deal=other["check"]["deal"]), "CONFLICT"),
        (changed(verdict, "verdict", ruling=99), "JSON_VALUE"),
    ]:
        r = submit(m, a)
        assert (r["stage"], r["error"]["code"]) == ("dropped", code), r
        assert r["error"]["message"] and r["error"]["charged"] == "0"
    assert get(m, "/v1/head")["block"]["number"] == head["block"]["number"]
    assert verdicts(m) == (2, 0)
    assert free(m, "mediator") == 2 * t["fee"]
    assert free(m, "default") - START == 2 * t["damages"]
    assert free(m, "provider") - START == -2 * t["resultBond"]


def test_about_a_deal_that_nobody_disputes(new_market, tmp_path):
    """A check and a verdict of another deal, put on one whose result waits: the signature is not for it."""
    m = new_market()
    m.run("run", *COW, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=42)
    dispute(m)
    waits = Buyer(m, "cowsay", "-i", "Message=waits", "-O", tmp_path / "p", "-y", "--test-misbehave=never-judges")
    waits.reached("AGREED")
    id = json.loads(waits.lines[-1])["deal"]
    wait_until(lambda: get(m, f"/v1/agreements/{id}")["state"] == "RESULTS_SUBMITTED")
    deal = get(m, f"/v1/agreements/{id}")
    said = actions(m)
    money = {n: m.json("wallet", "balance", "-w", n) for n in ("default", "provider", "mediator")}
    check = changed(said["check"][0], "check", deal=deal["deal"], result=deal["result"])
    verdict = changed(said["verdict"][0], "verdict", deal=deal["deal"])
    verdict["cold"] = said["open"][-1]["deal"]["cold"]
    for a, code in [(check, "SIGNATURE"), (verdict, "STATE")]:
        r = submit(m, a)
        assert (r["stage"], r["error"]["code"]) == ("dropped", code), r
    assert get(m, f"/v1/agreements/{deal['deal']}") == deal
    assert money == {n: m.json("wallet", "balance", "-w", n) for n in money}
    waits.kill()


def test_after_the_deadline(new_market, tmp_path):
    """A wrong result is found out while the ledger is away, and the clock has run out when it is back: it is
    paid with the late fine, once, and the buyer is told."""
    m = new_market()
    misbehave(m, "provider", "wrong-output")
    b = Buyer(m, *WORK, "-O", tmp_path / "o", "--check", "always").reached("CHECKING")
    ledger = stop_role(m, "ledger")
    b.reached("DISPUTED").kill()
    start_role(m, "ledger", ledger)
    deal = json.loads(b.lines[-1])["deal"]
    assert get(m, f"/v1/agreements/{deal}")["state"] == "RESULTS_SUBMITTED"
    ask(m.up["ledger"] + "/v1/clock", "POST", json.dumps({"advance": "700"}).encode())
    wait_until(lambda: get(m, f"/v1/agreements/{deal}")["state"] == "TIMEOUT_JUDGE")
    r = m.run("job", "watch", b.job, code=1)
    assert "before the dispute was on the ledger" in r.stderr
    said = actions(m)
    assert "check" not in said and "verdict" not in said
    hot = said["open"][0]["deal"]["hot"]
    cost = int(get(m, f"/v1/agreements/{deal}")["cost"])
    fine = int(hot["lateJudge"])
    assert 0 < cost and 0 < fine
    assert free(m, "default") - START == -cost - fine
    assert free(m, "provider") - START == cost + fine
    assert free(m, "mediator") == 0
