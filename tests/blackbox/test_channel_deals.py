"""Deals in channels, bought with `lilypad run --channel` from real daemons: no action of the ledger opens one, one
signature settles it, and every balance is exact."""
import json
import time
import urllib.request

import pytest

from conftest import wait_until
from test_channel import TOKEN, advance, balance, head, with_settings
from test_mediator import COW, dispute, misbehave, start_role, stop_role, terms
from world import Buyer


def actions(market, after):
    """(action, deal state) of every event of the ledger after that one, in order."""
    url = f"{market.up['ledger']}/v1/events/page?after={after}"
    with urllib.request.urlopen(url, timeout=10) as r:
        return [(e["action"], e["to"]) for e in json.load(r)["events"]]


def channel(market, id):
    return market.json("channel", "show", id)


@pytest.fixture
def channels(new_market):
    """A market whose provider puts up to fifty tokens into a channel, and settles each acceptance at once."""
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_COUNT="1")
    return m


def opened(market, job="20", provider="20", kind="acceptances"):
    return market.json("channel", "open", market.provider, job, "--provider-sum", provider, "--kind", kind)["channel"]


def test_an_honest_job(channels):
    m = channels
    c = opened(m)
    buyer, seller, solver = balance(m, "default"), balance(m, "provider"), balance(m, "solver")
    seq = int(head(m)["seq"])
    job = m.json("run", "cowsay", "-i", "Message=moo", "--channel", c)["job"]
    assert job["state"] == "DONE"
    cost = int(job["cost"])
    assert cost > 0
    wait_until(lambda: int(head(m)["seq"]) > seq)
    assert [a for a, _ in actions(m, seq)] == ["settle"]
    assert balance(m, "default") == (buyer[0], buyer[1] - cost)
    assert balance(m, "provider") == (seller[0] + cost, seller[1])
    assert balance(m, "solver") == solver
    assert int(channel(m, c)["jobSum"]) == 20 * TOKEN - cost


# ---- lists -----------------------------------------------------------------------------------------------------


def test_a_list_is_one_action(new_market):
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_COUNT="3")
    c = opened(m)
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    cost = [int(m.json("run", "cowsay", "-i", f"Message={i}", "--channel", c)["job"]["cost"]) for i in range(2)]
    assert int(head(m)["seq"]) == seq  # two jobs are done, and the ledger has heard of none
    cost.append(int(m.json("run", "cowsay", "-i", "Message=2", "--channel", c)["job"]["cost"]))
    wait_until(lambda: int(head(m)["seq"]) == seq + 4)  # the list's own event, and one for each deal
    assert {a for a, _ in actions(m, seq)} == {"settle"}
    assert m.json("wallet", "balance", "-w", "provider")["free"] == str(seller[0] + sum(cost))
    assert balance(m, "default") == (buyer[0], buyer[1] - sum(cost))
    wait_until(lambda: m.json("provider", "status")["unfinished"] == 0)


def test_the_oldest_does_not_wait_for_ever(new_market):
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_AFTER="60s")
    c = opened(m)
    seller, seq = balance(m, "provider"), int(head(m)["seq"])
    cost = int(m.json("run", "cowsay", "-i", "Message=moo", "--channel", c)["job"]["cost"])
    advance(m, 40)
    assert int(head(m)["seq"]) == seq
    advance(m, 40)
    wait_until(lambda: balance(m, "provider") == (seller[0] + cost, seller[1]))


def test_room_is_made_by_settling(new_market):
    """The sums hold one deal at a time: what is accepted is settled as soon as the next one needs the room."""
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50")
    one = m.json("run", "cowsay", "-i", "Message=moo", "-O", m.folder / "first")["job"]
    lock = 2 * int(one["pay"]) + TOKEN // 100  # PAY + JB, with the fee in it
    c = opened(m, job=str(lock * 3 // 2 / TOKEN), provider=str(lock * 3 // 4 / TOKEN))
    seq = int(head(m)["seq"])
    jobs = [Buyer(m, "cowsay", "-i", f"Message={i}", "--channel", c, "-O", m.folder / str(i)) for i in range(3)]
    for b in jobs:
        b.ends()
    # The last one may still wait for its time.
    assert len([a for a, _ in actions(m, seq) if a == "settle"]) >= 2


# ---- silence ---------------------------------------------------------------------------------------------------


def terms_of(market, deal):
    """The numbers of a deal, as its parties have signed them."""
    with urllib.request.urlopen(f"{market.up['solver']}/v1/deals/{deal}", timeout=10) as r:
        hot = json.load(r)["deal"]["hot"]
    names = ("pay", "jobBond", "resultBond", "damages", "fee", "lateJudge", "lateSubmit", "openBy", "submitTimeout")
    return {k: int(hot[k]) for k in names}


def the_deal(market):
    """The deal of the only job."""
    job, = market.json("job", "list")["jobs"]
    return job["deal"]


def step(market, seconds):
    """So much later, with time for everybody to act in between."""
    advance(market, seconds)
    time.sleep(1)


def test_a_silent_job_creator_is_claimed(channels, tmp_path):
    m = channels
    c = opened(m)
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    b = Buyer(m, "cowsay", "-i", "Message=moo", "--channel", c, "-O", tmp_path / "o", "--test-misbehave=never-judges")
    b.reached("JUDGED")
    t = terms_of(m, the_deal(m))
    step(m, 620)
    wait_until(lambda: actions(m, seq) == [("claim", "RESULTS_SUBMITTED")])
    # What it draws is locked: the rest of the sums is as before.
    show = channel(m, c)
    assert int(show["jobCreatorLock"]) == t["pay"] + t["jobBond"] and int(show["providerLock"]) == t["resultBond"]
    step(m, 620)
    b.ends()
    cost = int(m.json("job", "list")["jobs"][0]["cost"])
    assert actions(m, seq)[-1] == ("timeout", "TIMEOUT_JUDGE")
    assert balance(m, "default") == (buyer[0], buyer[1] - cost - t["lateJudge"])
    assert balance(m, "provider") == (seller[0] + cost + t["lateJudge"], seller[1])


def test_a_claim_is_accepted_on_the_ledger(channels, tmp_path):
    """The provider shows its result to the ledger only: the job creator runs the job itself, and accepts."""
    m = channels
    c = opened(m)
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    provider = stop_role(m, "provider")
    start_role(m, "provider", provider + ["--test-misbehave=hides"])
    wait_until(lambda: m.json("provider", "status")["state"] == "IDLE")
    b = Buyer(m, "cowsay", "-i", "Message=moo", "--channel", c, "-O", tmp_path / "o")
    b.reached("AGREED")
    wait_until(lambda: m.json("provider", "status")["unfinished"] == 1)
    time.sleep(1)
    step(m, 620)
    b.reached("SUBMITTED")
    step(m, 60)
    b.ends()
    cost = int(m.json("job", "list")["jobs"][0]["cost"])
    assert [a for a, _ in actions(m, seq)] == ["claim", "accept"]
    assert balance(m, "default") == (buyer[0], buyer[1] - cost)
    assert balance(m, "provider") == (seller[0] + cost, seller[1])


def test_a_silent_provider_pays_the_late_fine(channels, tmp_path):
    m = channels
    c = opened(m)
    misbehave(m, "provider", "never-runs")
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    b = Buyer(m, "cowsay", "-i", "Message=moo", "--channel", c, "-O", tmp_path / "o").reached("AGREED")
    t = terms_of(m, the_deal(m))
    step(m, t["openBy"] - int(head(m)["time"]) - 15)
    wait_until(lambda: actions(m, seq) == [("send", "AGREED")])
    step(m, 620)
    b.ends(50)
    assert actions(m, seq)[-1] == ("timeout", "TIMEOUT_SUBMIT")
    assert balance(m, "default") == (buyer[0] + t["lateSubmit"], buyer[1])
    assert balance(m, "provider") == (seller[0], seller[1] - t["lateSubmit"])


# ---- disputes --------------------------------------------------------------------------------------------------


def test_a_wrong_result_is_claimed_and_checked(channels, tmp_path):
    m = channels
    c = opened(m)
    misbehave(m, "provider", "wrong-output")
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    m.run("run", *COW, "--channel", c, "-O", tmp_path / "o", code=41)
    case = dispute(m)
    t = terms(case)
    assert (case["ruling"], case["ledger"]) == ("ResultWrong", "MEDIATION_REJECTED")
    assert [a for a, _ in actions(m, seq)] == ["claim-check", "verdict"]
    assert balance(m, "default") == (buyer[0] + t["damages"], buyer[1])
    assert balance(m, "provider") == (seller[0], seller[1] - t["resultBond"])
    assert balance(m, "mediator")[0] == t["fee"]


def test_a_false_dispute_costs_the_job_creator(channels, tmp_path):
    m = channels
    c = opened(m)
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    m.run("run", *COW, "--channel", c, "-O", tmp_path / "o", "--test-misbehave=rejects-falsely", code=None)
    case = dispute(m)
    t = terms(case)
    cost = int(m.json("job", "list")["jobs"][0]["cost"])
    assert (case["ruling"], case["ledger"]) == ("ResultCorrect", "MEDIATION_ACCEPTED")
    assert [a for a, _ in actions(m, seq)] == ["claim-check", "verdict"]
    assert balance(m, "default") == (buyer[0], buyer[1] - cost - t["jobBond"])
    assert balance(m, "provider") == (seller[0] + cost + t["damages"], seller[1])


# ---- vouchers --------------------------------------------------------------------------------------------------


def test_one_voucher_pays_for_many(new_market):
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_COUNT="3")
    c = opened(m, kind="vouchers")
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    for i in range(5):
        m.run("run", "cowsay", "-i", f"Message={i}", "--channel", c, "-O", m.folder / f"{i}")
    cost = [int(j["cost"]) for j in m.json("job", "list")["jobs"]][::-1]
    wait_until(lambda: int(head(m)["seq"]) == seq + 1)
    assert actions(m, seq) == [("redeem", "")]
    show = channel(m, c)
    assert (int(show["paid"]), show["floor"]) == (sum(cost[:3]), "3")
    # The next one says what is due in all, and pays what is new in it.
    m.run("run", "cowsay", "-i", "Message=5", "--channel", c, "-O", m.folder / "5")
    cost.append(int(m.json("job", "list")["jobs"][0]["cost"]))
    wait_until(lambda: int(head(m)["seq"]) == seq + 2)
    assert (int(channel(m, c)["paid"]), channel(m, c)["floor"]) == (sum(cost), "6")
    assert balance(m, "default") == (buyer[0], buyer[1] - sum(cost))
    assert balance(m, "provider") == (seller[0] + sum(cost), seller[1])
    wait_until(lambda: m.json("provider", "status")["unfinished"] == 0)


def test_a_claim_in_a_channel_of_vouchers(new_market, tmp_path):
    """A voucher counts the claims: one of before is worthless, and its job creator signs it anew."""
    m = new_market()
    m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="50", LILYPAD_CHANNEL_SETTLE_COUNT="2")
    c = opened(m, kind="vouchers")
    buyer, seller, seq = balance(m, "default"), balance(m, "provider"), int(head(m)["seq"])
    silent = Buyer(m, "cowsay", "-i", "Message=moo", "--channel", c, "-O", tmp_path / "o",
                   "--test-misbehave=never-judges")
    silent.reached("JUDGED")
    t = terms_of(m, the_deal(m))
    step(m, 300)
    given = m.json("run", "cowsay", "-i", "Message=2", "--channel", c)["job"]
    daemon = m.popen("creator")
    try:
        step(m, 320)
        wait_until(lambda: ("claim", "RESULTS_SUBMITTED") in actions(m, seq))
        assert channel(m, c)["claims"] == "1"
        step(m, 620)
        silent.ends()
        wait_until(lambda: ("redeem", "") in actions(m, seq))
    finally:
        daemon.terminate()
        daemon.wait(10)
    cost = sum(int(j["cost"]) for j in m.json("job", "list")["jobs"])
    assert int(channel(m, c)["paid"]) == int(given["cost"])
    assert balance(m, "default") == (buyer[0], buyer[1] - cost - t["lateJudge"])
    assert balance(m, "provider") == (seller[0] + cost + t["lateJudge"], seller[1])
