"""What a market must never do, whatever died in it: an audit of the ledger's blocks against what the parties
say and hold. docs/disputes.md says what each end of a deal moves; moves() says it again, for this audit alone."""
import collections
import datetime
import json
import sqlite3
import time
import urllib.request

from world import jobs

SINK = "0x" + "0" * 40
PAID = {"RESULTS_ACCEPTED", "TIMEOUT_JUDGE", "MEDIATION_ACCEPTED", "TIMEOUT_MEDIATE"}
RULED = {"MEDIATION_ACCEPTED", "MEDIATION_REJECTED", "MEDIATION_JOB_FAULTY"}
FINAL = PAID | RULED | {"TIMEOUT_AGREE", "CANCELLED", "TIMEOUT_SUBMIT", "DECLINED"}
SAID = {"MEDIATION_ACCEPTED": "DISPUTE_LOST", "MEDIATION_REJECTED": "REJECTED", "MEDIATION_JOB_FAULTY": "JOB_FAULTY",
        "TIMEOUT_MEDIATE": "NO_RULING"}  # how a job ends that was disputed
# What it may say instead: the output was never seen, the clock was quicker than the dispute.
MAY_SAY = {"RESULTS_ACCEPTED": ["TIMEOUT"], "TIMEOUT_JUDGE": ["TIMEOUT", "TOO_LATE"]}
# Which clock has run out, or nearly, when a deal ends so without an answer.
CLOCK = {"TIMEOUT_SUBMIT": "submitTimeout", "DECLINED": "submitTimeout", "TIMEOUT_JUDGE": "judgeTimeout",
         "TIMEOUT_MEDIATE": "mediateTimeout"}
LONG_S = 60       # a clock of so much does not run out because somebody died
STUCK_S = 20      # after a deadline, until somebody has acted on it
HOURS = 4         # one step of a deal after another: each has a clock of its own


def get(url, **query):
    q = "&".join(f"{k}={v}" for k, v in query.items())
    with urllib.request.urlopen(url + ("?" + q if q else ""), timeout=20) as r:
        return json.loads(r.read())


def amount(hot, name):
    return int(hot[name])


def cost_of(hot, outcome):
    """Clause 5: at most PAY."""
    n, b = int(outcome["count"]), int(outcome["bytes"])
    return min(amount(hot, "pay"), amount(hot, "base") + amount(hot, "perInstruction") * n + amount(hot, "perByte") * b)


def moves(deal, end, cost):
    """What each account has more after that end than before the deal."""
    hot = deal["hot"]
    jc, rp, mediator = hot["jobCreator"], hot["provider"], (deal["cold"]["mediators"] or [None])[0]
    d, fee = amount(hot, "damages"), amount(hot, "fee")
    out = collections.Counter()

    def give(giver, who, n):
        out[giver] -= n
        out[who] += n

    def price():
        left = cost
        for who, share in (("author", "royalty"), ("solver", "solverShare")):
            if hot[who] != SINK:
                give(jc, hot[who], cost * int(hot[share]) // 1000)
                left -= cost * int(hot[share]) // 1000
        give(jc, rp, left)

    def bond(loser, winner, name):
        give(loser, mediator, fee)
        give(loser, winner, d)
        give(loser, SINK, amount(hot, name) - fee - d)

    if end in ("TIMEOUT_SUBMIT", "DECLINED"):
        give(rp, jc, amount(hot, "lateSubmit"))
    elif end == "RESULTS_ACCEPTED":
        price()
    elif end == "TIMEOUT_JUDGE":
        price()
        give(jc, rp, amount(hot, "lateJudge"))
    elif end == "MEDIATION_ACCEPTED":
        price()
        bond(jc, rp, "jobBond")
    elif end == "MEDIATION_REJECTED":
        bond(rp, jc, "resultBond")
    elif end == "MEDIATION_JOB_FAULTY":
        bond(jc, rp, "jobBond")
    elif end == "TIMEOUT_MEDIATE":
        give(jc, rp, cost // 2)
    return out


def paid(end, cost):
    return 0 if end not in PAID else cost // 2 if end == "TIMEOUT_MEDIATE" else cost


class OneDeal:
    """What the blocks say of a deal."""

    def __init__(self, id):
        self.id = id
        self.deal = None     # its terms
        self.states = []
        self.answers = []    # verdicts and passes
        self.outcome = None  # of its result
        self.says = 0        # what its final events say was paid
        self.moved = collections.Counter()

    def take(self, entry, held):
        a, e = entry["action"], entry["event"]
        if "hot" in a.get("deal", {}):
            self.deal = a["deal"]
        if a["kind"] in ("verdict", "pass"):
            self.answers.append(a["kind"])
        if e["to"]:
            self.states.append(e["to"])
        self.outcome = e.get("outcome") or self.outcome
        if e["to"] in FINAL:
            self.says += int(e["amount"])
        for c in e["changes"]:
            now = int(c["free"]) + int(c["locked"]) + int(c["withdrawing"])
            self.moved[c["account"]] += now - held.get(c["account"], 0)
            held[c["account"]] = now

    @property
    def state(self):
        return self.states[-1]

    @property
    def cost(self):
        return cost_of(self.deal["hot"], self.outcome) if self.outcome else 0

    @property
    def provider(self):
        return self.deal["hot"]["provider"]

    def wrongs(self):
        """Why it is not as it must be; nothing: it is."""
        ends = [s for s in self.states if s in FINAL]
        if self.states.count("AGREED") > 1:
            yield f"was opened {self.states.count('AGREED')} times"
        if len(ends) > 1 or (ends and self.state not in FINAL):
            yield f"went {self.states}"
        if len(self.answers) > 1:
            yield f"was answered by {self.answers}"
        if self.state in RULED and self.answers != ["verdict"]:
            yield f"is {self.state} by {self.answers or 'nobody'}"
        must = {a: n for a, n in moves(self.deal, self.state, self.cost).items() if n}
        is_ = {a: n for a, n in self.moved.items() if n}
        if is_ != must:
            yield f"is {self.state} and has moved {is_}, not {must}"
        if self.state in CLOCK and not self.answers and int(self.deal["hot"][CLOCK[self.state]]) >= LONG_S:
            yield f"is {self.state}, and its clock was {self.deal['hot'][CLOCK[self.state]]} s"
        if self.says != paid(self.state, self.cost):
            yield f"is {self.state} and says that {self.says} was paid, not {paid(self.state, self.cost)}"

    @property
    def twice(self):
        return sum(s in FINAL for s in self.states) > 1 or len(self.answers) > 1


class Audit:
    """cheats: accounts of providers that never give a right result; all others are honest, and so are the
    mediators, who may pass."""

    def __init__(self, market, cheats=()):
        self.m = market
        self.ledger = market.up["ledger"]
        self.cheats = set(cheats)
        self.wrong = []
        self.figures = collections.Counter()
        self.stuck_deals = set()

    def must(self, ok, what):
        if not ok:
            self.wrong.append(what)

    def read(self):
        self.start = {a["account"]: int(a["amount"]) for a in get(f"{self.ledger}/v1/genesis")["allocations"]}
        self.deals, held, seq = {}, dict(self.start), 0
        for n in range(1, int(get(f"{self.ledger}/v1/head")["block"]["number"]) + 1):
            for entry in get(f"{self.ledger}/v1/blocks/{n}")["actions"]:
                seq += 1
                e = entry["event"]
                self.must(int(e["seq"]) == seq, f"event {seq} has number {e['seq']}")
                if e["to"]:
                    self.deals.setdefault(e["deal"], OneDeal(e["deal"]))
                self.deals.get(e["deal"], OneDeal(None)).take(entry, held)
        self.figures["events"] = seq
        self.figures["deals"] = len(self.deals)
        self.jobs = {j["id"]: j for j in jobs(self.m)}
        at = self.m.folder / "state" / "creator" / "store.db"
        with sqlite3.connect(f"file:{at}?mode=ro", uri=True) as db:
            self.job_of = {"0x" + d.hex(): "0x" + j.hex() for d, j in db.execute("SELECT id, job FROM creator_deal")}

    def stuck(self):
        """Deals that are open although their job is over, or past a deadline for long. Time is moved on so
        that every deadline passes: whoever profits from it must act."""
        open_ = {i for i, d in self.deals.items() if d.state not in FINAL}
        self.figures["left to a deadline"] = len(open_)
        for _ in range(HOURS if open_ else 0):
            self.advance(3600)
            end = time.monotonic() + STUCK_S
            while open_ and time.monotonic() < end:
                open_ = {d for d in open_ if get(f"{self.ledger}/v1/agreements/{d}")["state"] not in FINAL}
                time.sleep(0.2)
        self.stuck_deals = open_
        self.figures["stuck past a deadline"] = len(open_)
        self.must(not open_, f"deals that nobody ends: {open_}")

    def advance(self, seconds):
        r = urllib.request.Request(f"{self.ledger}/v1/clock", json.dumps({"advance": str(seconds)}).encode())
        urllib.request.urlopen(r, timeout=20).read()

    def each_deal(self):
        """A path that there is, one answer at most, and the money of its row; right for those who are honest."""
        for d in self.deals.values():
            for why in d.wrongs():
                self.must(False, f"deal {d.id} {why}")
            self.figures["deals paid twice"] += d.twice
            self.figures["end " + d.state] += 1
            self.figures["passes"] += d.answers == ["pass"]
            self.must(d.state != "MEDIATION_JOB_FAULTY", f"deal {d.id} is {d.state}, and its job was there")
            if d.provider in self.cheats:
                self.must(d.state not in ("RESULTS_ACCEPTED", "TIMEOUT_JUDGE", "MEDIATION_ACCEPTED"),
                          f"deal {d.id} of one that cheats is {d.state}")
            else:
                self.must(d.state != "MEDIATION_REJECTED", f"deal {d.id} of an honest provider is {d.state}")

    def money(self):
        """Nothing came into being and nothing went; each account has what the ends of its deals say."""
        must = collections.Counter(self.start)
        for d in self.deals.values():
            must.update(moves(d.deal, d.state, d.cost))
        must[SINK] += 0
        total = 0
        for a, n in must.items():
            j = get(f"{self.ledger}/v1/accounts/{a}")
            held = {k: int(j[k]) for k in ("free", "locked", "withdrawing", "stake")}
            total += sum(held.values())
            self.must(held == {"free": n, "locked": 0, "withdrawing": 0, "stake": 0},
                      f"account {a} has {held}, and its deals leave it {n}")
        there = sum(self.start.values())
        self.figures["money lost"] = max(0, there - total)
        self.figures["money created"] = max(0, total - there)
        self.must(total == there, f"{there} were there, {total} are")

    def mediator(self):
        """It knows what it did, and has what it earned."""
        q = self.m.json("mediator", "queue")
        ruled = sum(d.state in RULED for d in self.deals.values())
        passed = sum(d.answers == ["pass"] for d in self.deals.values())
        self.must((q["ruled"], q["passed"]) == (ruled, passed),
                  f"the mediator has ruled {q['ruled']} and passed {q['passed']}, the ledger has {ruled} and {passed}")
        self.must(int(q["earned"]) == int(self.m.json("wallet", "balance", "-w", "mediator")["free"]),
                  f"the mediator says it earned {q['earned']}")
        for d in q["disputes"]:
            if d["ledger"] == "TIMEOUT_MEDIATE":  # not an instrument's, the why tells
                self.figures[f"no ruling: {d['why'][:60] or 'nothing said'}"] += 1
        self.must(all(d["state"] == "OVER" for d in q["disputes"]), f"disputes are not over: {q['disputes']}")

    def one_job(self, i, j):
        """It says what the ledger says."""
        deals = [d for d in self.deals.values() if self.job_of.get(d.id) == i]
        real = sum(d.says for d in deals)
        n = sum(d.says > 0 for d in deals)
        self.figures["jobs paid twice"] += n > 1
        self.must(n <= 1, f"job {i} was paid {n} times")
        self.must(j["state"] in ("DONE", "FAILED", "CANCELLED"), f"job {i} is {j['state']}")
        self.must(int(j["cost"]) == real, f"job {i} says {j['cost']}, the ledger {real}")
        self.figures["jobs " + j["state"].lower()] += 1
        code = j.get("error", {}).get("code")
        if code:
            self.figures[f"jobs that end with {code}"] += 1
        if j["state"] != "DONE":
            self.must(j.get("error", {}).get("message"), f"job {i} has failed without a word")
            return
        end = self.deals[j["deal"]].state if j["deal"] in self.deals else None
        self.must(end in PAID | RULED, f"job {i} is done, its deal {end}")
        self.must((real > 0) == (end in PAID), f"job {i} is done, cost {real}, its deal {end}")
        self.must(code in (SAID.get(end), *MAY_SAY.get(end, ())), f"job {i} ends with {code}, its deal {end}")
        if end in ("RESULTS_ACCEPTED", "MEDIATION_REJECTED"):  # then the output is right
            self.must(j["status"] == "Completed", f"job {i} is done, status {j['status']}, its deal {end}")

    def ends(self):
        for d in self.deals.values():
            self.must(d.id in self.job_of, f"deal {d.id} is of no job")
        for i, j in self.jobs.items():
            self.one_job(i, j)

    def all(self):
        self.read()
        self.stuck()
        self.read()
        self.each_deal()
        self.money()
        self.mediator()
        self.ends()
        return self

    # ---- of one role ----

    def hit(self, instants):
        """The deals of jobs that were not over at one of these instants, in seconds since 1970."""
        def seconds(text):
            return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

        spans = {i: (seconds(j["created"]), seconds(j["ended"]) if j["ended"] else float("inf"))
                 for i, j in self.jobs.items()}
        hit = {i for i, (a, b) in spans.items() if any(a <= t <= b for t in instants)}
        return [d for d in self.deals.values() if self.job_of.get(d.id) in hit]

    def row(self, instants):
        """The columns of the table: of the deals that were hit."""
        deals = self.hit(instants)
        off = [sum(d.moved.values()) for d in deals]
        ends = collections.Counter(d.state for d in deals)
        disputed = sum("RESULTS_CHECKED" in d.states for d in deals)
        return {"undisputed": len(deals) - disputed, "disputed": disputed,
                "accepted": ends["RESULTS_ACCEPTED"], "rejected": ends["MEDIATION_REJECTED"],
                "right": ends["MEDIATION_ACCEPTED"], "passed": sum(d.answers == ["pass"] for d in deals),
                "clock": sum(d.state.startswith("TIMEOUT") and not d.answers for d in deals),
                "none": ends["CANCELLED"] + ends["DECLINED"],
                "lost": -sum(n for n in off if n < 0), "created": sum(n for n in off if n > 0),
                "twice": sum(d.twice for d in deals), "stuck": sum(d.id in self.stuck_deals for d in deals)}
