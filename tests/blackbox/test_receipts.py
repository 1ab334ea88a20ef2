"""A receipt of every way in which a deal with a result can end: it verifies without any network, and no byte of it
can be changed. After an ending with an error the output is delivered all the same."""
import json
import threading
import urllib.request

import pytest

from conftest import wait_until
from test_mediator import COW, dispute, misbehave, stop_role

FALSELY = "--test-misbehave=rejects-falsely"
COW_SAYS = "< disputed >"


def advance(market, seconds):
    request = urllib.request.Request(market.up["ledger"] + "/v1/clock", method="POST",
                                     data=json.dumps({"advance": seconds}).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as r:
        return json.load(r)


def receipt_of(out):
    return json.loads((out / "receipt.json").read_text())


def job(market):
    return market.json("job", "list")["jobs"][0]


def changed(text, at):
    """The same text with another letter or digit at the first of these from `at` on."""
    while not text[at].isalnum():
        at += 1
    other = str((int(text[at]) + 1) % 10) if text[at].isdigit() else "b" if text[at] == "a" else "a"
    return text[:at] + other + text[at + 1:]


def holds_offline(lilypad, tmp_path, out, ending, **members):
    """Where no network is known, and after the market's own words."""
    path = out / "receipt.json"
    text = path.read_text()
    receipt = json.loads(text)
    assert receipt["ending"] == ending
    verified = lilypad.json("verify", path)
    assert verified["valid"] and len(verified["checks"]) > 20
    for name, value in members.items():
        assert receipt["proof"]["event"][name] == value
    bad = tmp_path / "bad.json"
    for i in range(40):
        bad.write_text(changed(text, len(text) * i // 40))
        r = lilypad.run("verify", bad, code=None)
        assert r.returncode == 1, (i, r.stdout)
    return receipt, [c["what"] for c in verified["checks"]]


def cost(receipt):
    hot, result = receipt["deal"]["hot"], receipt["result"]
    return min(int(hot["pay"]), int(hot["base"]) + int(hot["perInstruction"]) * int(result["count"]) +
               int(hot["perByte"]) * int(result["bytes"]))


def test_accepted(market, lilypad, tmp_path):
    out = tmp_path / "o"
    market.run("run", *COW, "-O", out)
    receipt, _ = holds_offline(lilypad, tmp_path, out, "accept", to="RESULTS_ACCEPTED")
    assert receipt["proof"]["event"]["amount"] == str(cost(receipt)) != "0"


def test_rejected(new_market, lilypad, tmp_path):
    """The provider was at fault: what is delivered is the buyer's own run."""
    m = new_market()
    misbehave(m, "provider", "wrong-output")
    out = tmp_path / "o"
    r = m.run("run", *COW, "-O", out, code=41)
    assert "output of your own run" in r.stderr
    assert COW_SAYS in r.stdout and (out / "stdout").read_text() == r.stdout
    receipt, checks = holds_offline(lilypad, tmp_path, out, "verdict", to="MEDIATION_REJECTED", amount="0")
    assert receipt["verdict"]["mediator"] == receipt["deal"]["cold"]["mediators"][0]
    assert any("ruling ResultWrong" in c for c in checks)
    shown = m.json("job", "show", job(m)["id"])
    assert shown["audit"] == {"outcome": "found wrong", "probability": 1.0, "claim": "ResultWrong"}
    assert "found wrong" in m.run("job", "show", job(m)["id"]).stdout
    # The same again, for whoever asks later.
    again = m.run("job", "watch", job(m)["id"], code=41)
    assert COW_SAYS in again.stdout
    got = m.run("job", "get", job(m)["id"], "-O", tmp_path / "copy", code=41)
    assert "output of your own run" in got.stderr
    assert (tmp_path / "copy" / "stdout").read_text() == r.stdout
    m.run("verify", tmp_path / "copy" / "receipt.json")
    said = m.json("job", "get", job(m)["id"], "-O", tmp_path / "copy", code=41)
    assert said["output"] == str(tmp_path / "copy") and said["error"]["code"] == "REJECTED"


def test_rejected_and_the_files_are_gone(new_market, lilypad, tmp_path):
    """Nobody but the buyer has the right output, and keeps it; its receipt can be made again."""
    m = new_market()
    misbehave(m, "provider", "wrong-output")
    m.run("run", *COW, "-O", tmp_path / "o", code=41)
    before = (tmp_path / "o" / "receipt.json").read_text()
    (tmp_path / "o").rename(tmp_path / "away")
    r = m.run("job", "get", job(m)["id"], "-O", tmp_path / "again", code=41)
    assert "output of your own run" in r.stderr
    assert COW_SAYS in (tmp_path / "again" / "stdout").read_text()
    assert (tmp_path / "again" / "receipt.json").read_text() == before
    lilypad.run("verify", tmp_path / "again" / "receipt.json")


def test_vindicated(new_market, lilypad, tmp_path):
    m = new_market()
    out = tmp_path / "o"
    r = m.run("run", *COW, "-O", out, FALSELY, code=42)
    assert COW_SAYS in r.stdout and "output of the provider" in r.stderr
    receipt, checks = holds_offline(lilypad, tmp_path, out, "verdict", to="MEDIATION_ACCEPTED")
    assert receipt["proof"]["event"]["amount"] == str(cost(receipt))
    assert any("ruling ResultCorrect" in c for c in checks)


@pytest.mark.parametrize("mode, ending", [("cannot-fetch", "pass"), ("dies", "timeout")])
def test_unruled(new_market, lilypad, tmp_path, mode, ending):
    m = new_market()
    m.env["LILYPAD_JOB_MEDIATE_TIMEOUT"] = "5s"
    misbehave(m, "mediator", mode)
    out = tmp_path / "o"
    r = m.run("run", *COW, "-O", out, FALSELY, code=44, timeout=120)
    assert COW_SAYS in r.stdout
    receipt, _ = holds_offline(lilypad, tmp_path, out, ending, to="TIMEOUT_MEDIATE")
    assert receipt["proof"]["event"]["amount"] == str(cost(receipt) // 2)
    assert ("pass" in receipt) == (ending == "pass")


def test_judged_too_late(new_market, lilypad, tmp_path):
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "60s"
    out = tmp_path / "o"
    p = m.popen("run", *COW, "-O", out, "--test-misbehave=never-judges")
    said = []
    reader = threading.Thread(target=lambda: said.append(p.communicate(timeout=60)), daemon=True)
    reader.start()
    wait_until(lambda: m.json("job", "list")["jobs"] and job(m)["ledger"] == "RESULTS_SUBMITTED" and
               job(m)["state"] == "JUDGED")
    advance(m, 61)
    reader.join(60)
    assert p.returncode == 0, said
    receipt, checks = holds_offline(lilypad, tmp_path, out, "timeout", to="TIMEOUT_JUDGE")
    assert receipt["proof"]["event"]["amount"] == str(cost(receipt))
    assert any("judge deadline" in c for c in checks)
    assert COW_SAYS in (out / "stdout").read_text()


def test_an_output_that_nobody_published(new_market, lilypad, tmp_path):
    """The result is the one on the ledger; no directory has stored what it names."""
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "8s"
    misbehave(m, "provider", "never-publishes")
    out = tmp_path / "o"
    m.run("run", *COW, "-O", out, FALSELY, code=41, timeout=120)
    assert dispute(m)["ruling"] == "ResultNotFound"
    assert COW_SAYS in (out / "stdout").read_text()
    receipt, _ = holds_offline(lilypad, tmp_path, out, "verdict", to="MEDIATION_REJECTED", amount="0")
    assert "stored" not in receipt and "output" not in receipt["result"]
    assert receipt["result"]["outputHash"] == receipt["proof"]["event"]["outcome"]["output"]


def test_a_result_that_was_not_shown(new_market, lilypad, tmp_path):
    """It is accepted all the same, since the buyer's own run gives it."""
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "8s"
    misbehave(m, "provider", "hides")
    out = tmp_path / "o"
    m.run("run", *COW, "-O", out, timeout=120)
    receipt, _ = holds_offline(lilypad, tmp_path, out, "accept", to="RESULTS_ACCEPTED")
    assert "stored" not in receipt and "result" not in receipt["proof"]["action"]


def test_an_output_that_was_half_written(market, tmp_path):
    """A run that is killed while it delivers leaves a part of a file and no receipt."""
    out = tmp_path / "o"
    market.run("run", *COW, "-O", out)
    whole = (out / "stdout").read_bytes()
    (out / "receipt.json").unlink()
    (out / "stdout").write_bytes(whole[:40])
    market.run("job", "get", job(market)["id"])
    assert (out / "stdout").read_bytes() == whole
    market.run("verify", out / "receipt.json")


def test_no_ledger_no_receipt(new_market, tmp_path):
    """The ending stays what it was, and the receipt can be had later."""
    m = new_market()
    out = tmp_path / "o"
    m.run("run", *COW, "-O", out)
    (out / "receipt.json").unlink()
    stop_role(m, "ledger")
    r = m.run("job", "get", job(m)["id"])
    assert "no receipt" in r.stderr and (out / "stdout").exists()
    assert not (out / "receipt.json").exists()
