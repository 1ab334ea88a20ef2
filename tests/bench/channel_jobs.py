"""channel_jobs - what a hundred jobs ask of the ledger, in escrow and in a channel whose provider settles a hundred
acceptances at once: actions, and the bytes of their JSON, for each job. Real daemons on the embedded ledger.

JOBS=n buys so many of each."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
from conftest import Market, folder, wait_until  # noqa: E402
from test_channel import with_settings  # noqa: E402

JOBS = int(os.environ.get("JOBS", "100"))
AT_ONCE = 2


def get(market, path):
    with urllib.request.urlopen(market.up["ledger"] + path, timeout=10) as r:
        return json.load(r)


def actions(market, after):
    """The actions of all blocks above that one: of a list, the entries beside its first are events of the same."""
    last = int(get(market, "/v1/head")["block"]["number"])
    entries = [a for n in range(after + 1, last + 1) for a in get(market, f"/v1/blocks/{n}")["actions"]]
    return [a["action"] for a in {a["id"]: a for a in reversed(entries)}.values()]


def buy(market, name, *more):
    def one(i):
        out = market.folder / f"{name}-{i}"
        market.run("run", "cowsay", "-i", f"Message={i}", "--check", "never", "-O", out, *more, timeout=300)
        shutil.rmtree(out)

    before = int(get(market, "/v1/head")["block"]["number"])
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(JOBS)))
    wait_until(lambda: market.json("provider", "status")["unfinished"] == 0, timeout=60)
    seen = actions(market, before)
    return len(seen) / JOBS, sum(len(json.dumps(a, separators=(",", ":"))) for a in seen) / JOBS


def main():
    m = Market(folder()).start()
    try:
        m.provider = with_settings(m, LILYPAD_CHANNEL_MAX_SUM="2000", LILYPAD_CHANNEL_SETTLE_COUNT=str(min(JOBS, 100)))
        escrow = buy(m, "escrow")
        c = m.json("channel", "open", m.provider, "2000", "--provider-sum", "2000")["channel"]
        channel = buy(m, "channel", "--channel", c)
    finally:
        m.stop()
        shutil.rmtree(m.folder, ignore_errors=True)
    for what, unit, i in (("ledger actions of a job", "actions", 0), ("bytes of them", "bytes", 1)):
        print(json.dumps({"name": f"{what}, {JOBS} jobs in a channel", "unit": unit, "ours": round(channel[i], 2),
                          "peer": round(escrow[i], 2), "peer_name": "the same in escrow", "goal": None}))


main()
