"""The market on a chain: real daemons, our contracts, a node of its own (anvil) with a block each second."""
import json
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import BROKEN, ROOT, SANITIZER, Lilypad, alive, folder, wait_until

ANVIL = ROOT / "build/evm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"

pytestmark = pytest.mark.skipif(not ANVIL.exists(), reason="anvil is not there: tools/setup_tests.d/contracts")


def ask(url, method, *params):
    """One question to a node, as any client would put it."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    req = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(req, timeout=10) as r:
        answer = json.load(r)
    assert "error" not in answer, answer
    return answer["result"]


class Proxy:
    """Stands before a node: passes on, says nonsense, or is not there. It may change what is asked."""

    def __init__(self, target):
        self.target, self.mood, self.hook, self.asked = target, "well", None, []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *a):
                pass

            def say(self, data, status=200, kind="application/json"):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                call = json.loads(body)
                proxy.asked.append(call["method"])
                if proxy.mood == "html":
                    self.say(b"<html><body>502 Bad Gateway</body></html>", 502, "text/html")
                elif proxy.mood == "mute":
                    time.sleep(30)
                elif proxy.hook and (said := proxy.hook(call)) is not None:
                    self.say(json.dumps({"jsonrpc": "2.0", "id": call["id"], **said}).encode())
                else:
                    req = urllib.request.Request(proxy.target, body, {"content-type": "application/json"})
                    with urllib.request.urlopen(req, timeout=30) as r:
                        self.say(r.read())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Chain(Lilypad):
    """`lilypad chain dev`, and every role as a process of its own; all of them stopped by their number."""

    def __init__(self, at):
        super().__init__(at)
        self.procs, self.proxies = {}, []

    def start(self, depth=2, settings=None, roles=("directory", "solver", "mediator", "provider")):
        self.settings = settings or {}
        ready = self.folder / "chain.ready"
        self.spawn("chain", "chain", "dev", "--depth", depth, "--ready-file", ready)
        self.info = json.loads(wait_until(lambda: ready.exists() and ready.read_text(), timeout=40))
        self.url = self.info["url"]
        self.network = pathlib.Path(self.info["network"])
        self.contents = json.loads(self.network.read_text())["network"]
        for role in roles:
            self.role(role)
        if "provider" in roles:
            self.offers(1)
        return self

    def spawn(self, name, *args):
        log = open(self.folder / f"{name}.log", "ab")
        self.procs[name] = subprocess.Popen([self.binary, *map(str, args), "--dir", str(self.folder)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**self.env, **self.settings}, cwd=self.folder)
        log.close()

    def role(self, role):
        url = {"solver": self.contents["solverUrl"], "directory": self.contents["directoryUrl"],
               "mediator": self.contents["mediators"][0]["url"]}.get(role)
        port = ["--server-port", url.rsplit(":", 1)[1]] if url else []
        self.spawn(role, role, *port)
        if url:
            wait_until(lambda: self.healthy(url))

    @staticmethod
    def healthy(url):
        try:
            return urllib.request.urlopen(url + "/v1/health", timeout=5).status == 200
        except OSError:
            return False

    def offers(self, n):
        def stand():
            with urllib.request.urlopen(self.contents["solverUrl"] + "/v1/offers", timeout=5) as r:
                return json.load(r)["resourceOffers"] >= n
        wait_until(stand)

    def proxy(self):
        p = Proxy(self.url)
        self.proxies.append(p)
        return p

    def ask(self, method, *params):
        return ask(self.url, method, *params)

    def logs(self):
        return self.ask("eth_getLogs", {"address": self.info["controller"], "toBlock": "latest",
                                        "fromBlock": hex(int(self.contents["fromBlock"]))})

    def free(self, who=()):
        return int(self.json("wallet", "balance", *who)["free"])

    def buy(self, message="moo", **more):
        return self.run("run", "cowsay", "-i", f"Message={message}", "--yes", "-O",
                        self.folder / f"out-{message}", **more)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def end(self, name, how=signal.SIGTERM):
        p = self.procs.pop(name)
        p.send_signal(how)
        p.wait(timeout=15)

    def stop(self):
        for name in sorted(self.procs, key=lambda n: n == "chain"):
            self.procs[name].send_signal(signal.SIGCONT)
            self.end(name)
        for p in self.proxies:
            p.close()
        if hasattr(self, "info"):
            wait_until(lambda: not alive(self.info["anvil"]))

    def check(self):
        for f in sorted(self.folder.glob("*.log")):
            text = f.read_text(errors="replace")
            assert not BROKEN.search(text), f"{f.stem} says broken:\n{text[-3000:]}"
            assert not SANITIZER.search(text), f"{f.stem}:\n{text[-6000:]}"


@pytest.fixture
def new_chain(request):
    chains = []

    def make(**more):
        c = Chain(folder())
        chains.append(c)
        return c.start(**more)

    yield make
    for c in chains:
        failed = request.session.testsfailed
        try:
            c.stop()
            c.check()
        finally:
            if failed:
                for f in sorted(c.folder.glob("*.log")):
                    print(f"----- {f.stem}\n{f.read_text(errors='replace')[-2000:]}")
            shutil.rmtree(c.folder, ignore_errors=True)


def supply(chain):
    return int(chain.json("chain", "status")["deposited"])


def held(chain):
    """What all parties have in the contract, and what nobody can spend."""
    names = [(), ["0x" + "00" * 20]] + [[n] for n in ("provider", "mediator", "solver")]
    total = 0
    for who in names:
        a = chain.json("wallet", "balance", *who)
        total += sum(int(a[k]) for k in ("free", "locked", "withdrawing"))
    return total


def test_an_honest_job(new_chain):
    chain = new_chain()
    buyer, seller = chain.free(), chain.free(["provider"])
    r = chain.buy("moo")
    assert "moo" in r.stdout
    paid = buyer - chain.free()
    assert paid > 0
    assert chain.free(["provider"]) - seller == paid
    assert held(chain) == supply(chain)
    job = chain.json("job", "list")["jobs"][0]
    deal = chain.json("deal", "show", job["id"])
    assert deal["ledger"]["state"] == "RESULTS_ACCEPTED"
    assert int(deal["ledger"]["paid"]) == paid


def test_status_says_what_is_there(new_chain):
    chain = new_chain(roles=())
    s = chain.json("chain", "status")
    assert s["chainId"] == 31337 and s["depth"] == 2
    assert s["controller"] == chain.info["controller"]
    assert s["nodes"][0]["url"] == chain.url and s["nodes"][0]["block"] > 0
    assert int(s["coin"]) == 10 ** 21
    assert "final after  2 blocks" in chain.run("chain", "status").stdout


def test_a_disputed_job(new_chain):
    """The mediator rules over a chain as over the embedded ledger: the liar pays, nobody else loses."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    chain.spawn("provider", "provider", "--test-misbehave", "wrong-output")
    chain.offers(1)
    buyer, seller = chain.free(), chain.free(["provider"])
    r = chain.run("run", "cowsay", "-i", "Message=moo", "--yes", "--check", "always", "-O", chain.folder / "out", code=41)
    assert "ResultWrong" in r.stderr
    assert chain.free() > buyer
    assert chain.free(["provider"]) < seller
    assert chain.free(["mediator"]) > 0
    assert held(chain) == supply(chain)


@pytest.mark.parametrize("depth", range(1, 7))
def test_reorganised_at_every_step(new_chain, depth):
    """While a job runs, the newest blocks are replaced by empty ones again and again: their transactions are sent
    anew, nothing is paid twice, and the deal ends as if nothing had been."""
    chain = new_chain(depth=8)
    buyer, seller = chain.free(), chain.free(["provider"])
    seen = {(x["transactionHash"], x["topics"][0]) for x in chain.logs()}
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    reorgs = 0
    end = time.monotonic() + 90
    while job.poll() is None and time.monotonic() < end:
        logs = chain.logs()
        new = {(x["transactionHash"], x["topics"][0]) for x in logs} - seen
        if new:
            # A step is in a block: it vanishes with the blocks on top of it.
            head = int(chain.ask("eth_blockNumber"), 16)
            first = min(int(x["blockNumber"], 16) for x in logs if (x["transactionHash"], x["topics"][0]) in new)
            while head - first + 1 < depth:
                time.sleep(0.2)
                head = int(chain.ask("eth_blockNumber"), 16)
            chain.ask("anvil_reorg", depth, [])
            seen |= new
            reorgs += 1
        time.sleep(0.2)
    assert job.wait(timeout=5) == 0, job.stderr.read()
    assert reorgs >= 2, "an opening and an end, at least"
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid
    assert held(chain) == supply(chain)


def test_a_reorganisation_below_the_depth_stops(new_chain):
    """What was told cannot be undone: the daemon says so, once, and tells nothing more."""
    chain = new_chain(depth=1)
    time.sleep(6)
    chain.ask("anvil_reorg", 5, [])
    wait_until(lambda: "has replaced block" in chain.log("solver"), timeout=20)
    time.sleep(4)
    assert chain.log("solver").count("has replaced block") == 1
    assert "is back" not in chain.log("provider")


def test_a_killed_endpoint(new_chain):
    """Two nodes: the first is killed in the middle, answers HTML, then nothing; the job goes on with the second."""
    chain = new_chain(roles=())
    first, second = chain.proxy(), chain.proxy()
    chain.settings = {"LILYPAD_LEDGER_RPC": f"{first.url},{second.url}"}
    chain.env.update(chain.settings)
    for role in ("directory", "solver", "mediator", "provider"):
        chain.role(role)
    chain.offers(1)
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: "eth_sendRawTransaction" in first.asked, timeout=30)
    first.mood = "html"
    assert job.wait(timeout=60) == 0, job.stderr.read()
    assert "eth_sendRawTransaction" in second.asked
    first.close()
    chain.proxies.remove(first)
    assert "again" in chain.buy("again").stdout
    s = chain.json("chain", "status")
    assert "error" in s["nodes"][0] and s["nodes"][1]["block"] > 0


def test_a_stuck_transaction_is_replaced(new_chain):
    """The node keeps no block of ours for a while: the same nonce is sent again, dearer, and counts once."""
    chain = new_chain(roles=())
    chain.settings = {"LILYPAD_LEDGER_STUCK": "3s"}
    for role in ("directory", "solver", "mediator", "provider"):
        chain.role(role)
    chain.offers(1)
    buyer, seller = chain.free(), chain.free(["provider"])
    chain.ask("evm_setIntervalMining", 0)
    chain.ask("evm_setAutomine", False)
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    sent = wait_until(lambda: [f for f in (chain.folder / "state/chain").glob("*/*.json") if "anvil" not in f.name], 30)

    def attempts():
        return json.loads(sent[0].read_text())["attempts"]
    more = wait_until(lambda: len(attempts()) >= 3 and attempts(), timeout=40)
    fees = [int(a["maxFee"]) for a in more]
    tips = [int(a["tip"]) for a in more]
    assert all(b >= a * 1.1 for a, b in zip(fees, fees[1:])) and all(b >= a * 1.1 for a, b in zip(tips, tips[1:]))
    assert len({a["hash"] for a in more}) == len(more)
    chain.ask("evm_setIntervalMining", 1)
    assert job.wait(timeout=60) == 0, job.stderr.read()
    assert "replaced" in chain.log("provider")
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid


def test_a_restart_between_signing_and_sending(new_chain):
    """The provider is killed when its transaction is written down and the node has not got it: the next process
    sends the same bytes."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    wall = chain.proxy()
    held_back = []

    def hook(call):
        if call["method"] == "eth_sendRawTransaction":
            held_back.append(call["params"][0])
            return {"error": {"code": -32005, "message": "limit exceeded"}}
        return None
    wall.hook = hook
    chain.settings = {"LILYPAD_LEDGER_RPC": wall.url}
    chain.role("provider")
    chain.offers(1)
    buyer, seller = chain.free(), chain.free(["provider"])
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    raw = wait_until(lambda: held_back and held_back[0], timeout=30)
    files = [f for f in (chain.folder / "state/chain").glob("*/*.json") if "anvil" not in f.name]
    kept = json.loads(files[0].read_text())
    assert kept["attempts"][0]["raw"] == raw, "on disk before it is sent"
    chain.end("provider", signal.SIGKILL)
    sent = []
    wall.hook = lambda call: sent.append(call["params"][0]) if call["method"] == "eth_sendRawTransaction" else None
    chain.role("provider")
    assert job.wait(timeout=60) == 0, job.stderr.read()
    assert raw in sent, "the same bytes"
    nonces = chain.ask("eth_getTransactionByHash", kept["attempts"][0]["hash"])
    assert nonces["blockNumber"], "and they are in a block"
    paid = buyer - chain.free()
    assert paid > 0 and chain.free(["provider"]) - seller == paid


@pytest.mark.parametrize("role", ["provider", "solver"])
def test_a_killed_daemon_goes_on(new_chain, role):
    """kill -9 while the deal is open; started again, it reads on from its cursor."""
    chain = new_chain()
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: int(chain.json("wallet", "balance")["locked"]) > 0, timeout=30)
    chain.end(role, signal.SIGKILL)
    time.sleep(1)
    chain.role(role)
    assert job.wait(timeout=90) == 0, job.stderr.read()
    assert held(chain) == supply(chain)


# ---- bad input --------------------------------------------------------------------------------------------------


def test_another_chain_is_refused(new_chain):
    """By its number, by its first block, by its contract: named, with what is and what must be."""
    chain = new_chain(roles=())
    liar = chain.proxy()
    chain.settings = {"LILYPAD_LEDGER_RPC": liar.url}
    chain.env.update(chain.settings)
    liar.hook = lambda call: {"result": "0x1"} if call["method"] == "eth_chainId" else None
    e = chain.error("wallet", "balance", code=3, name="WRONG_LEDGER")
    assert "chain 1" in e["message"] and "31337" in e["message"] and liar.url in e["message"]
    first = chain.ask("eth_getBlockByNumber", "0x0", False)
    other = {**first, "hash": "0x" + "ab" * 32}
    liar.hook = lambda call: {"result": other} if call["params"][:1] == ["0x0"] else None
    e = chain.error("wallet", "balance", code=3, name="WRONG_LEDGER")
    assert "0x" + "ab" * 32 in e["message"] and first["hash"] in e["message"]
    liar.hook = lambda call: {"result": "0x"} if call["method"] == "eth_call" else None
    e = chain.error("wallet", "balance", code=3, name="WRONG_LEDGER")
    assert chain.info["controller"] in e["message"]
    domain = {"result": "0x" + "cd" * 32}
    liar.hook = lambda call: domain if call["method"] == "eth_call" else None
    e = chain.error("chain", "status", code=3, name="WRONG_LEDGER")
    assert "cd" * 32 in e["message"]


@pytest.mark.parametrize("mood, name, word", [("html", "PEER", "no JSON-RPC"), ("gone", "UNREACHABLE", ""),
                                              ("mute", "TIMEOUT", "")])
def test_nonsense_and_silence(new_chain, mood, name, word):
    chain = new_chain(roles=())
    wall = chain.proxy()
    chain.env["LILYPAD_LEDGER_RPC"] = wall.url
    if mood == "gone":
        wall.close()
        chain.proxies.remove(wall)
    wall.mood = mood
    e = chain.error("wallet", "balance", code=5, name=name)
    assert word in e["message"] and wall.url in e["message"]


def two_nodes(new_chain):
    """A market that asks a proxy first and the node itself when that fails."""
    chain = new_chain(roles=())
    first = chain.proxy()
    chain.settings = {"LILYPAD_LEDGER_RPC": f"{first.url},{chain.url}"}
    chain.env.update(chain.settings)
    for role in ("directory", "solver", "mediator", "provider"):
        chain.role(role)
    chain.offers(1)
    return chain, first


def test_a_node_that_never_answers(new_chain):
    """In the middle of a job it falls silent: after the deadline of a question the next one is asked."""
    chain, first = two_nodes(new_chain)
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: "eth_sendRawTransaction" in first.asked, timeout=30)
    first.mood = "mute"
    assert job.wait(timeout=120) == 0, job.stderr.read()
    first.mood = "well"
    assert held(chain) == supply(chain)


def test_a_node_that_lags(new_chain):
    """It stands still while the chain goes on, in the middle of a job: the other is asked, and what the first says of
    an old head afterwards is not believed."""
    chain, first = two_nodes(new_chain)
    stood = {}

    def hook(call):
        if call["method"] == "eth_getBlockByNumber" and call["params"] == ["latest", False] and stood:
            return {"result": stood["head"]}
        return None
    first.hook = hook
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: "eth_sendRawTransaction" in first.asked, timeout=30)
    stood["head"] = chain.ask("eth_getBlockByNumber", "latest", False)
    assert job.wait(timeout=120) == 0, job.stderr.read()
    assert f"the node {first.url}: its head does not move" in chain.log("provider")
    assert held(chain) == supply(chain)


def test_a_node_that_turns_to_another_chain(new_chain):
    """While a deal is open the only node says once that it is another chain's: it is not used, nothing is sent there,
    and when it is itself again the deal goes on."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    wall = chain.proxy()
    chain.settings = {"LILYPAD_LEDGER_RPC": wall.url}
    chain.role("provider")
    chain.offers(1)
    before = len(chain.logs())
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: len(chain.logs()) > before, timeout=60)
    wall.hook = lambda call: {"result": "0x1"} if call["method"] == "eth_chainId" else None
    wall.mood = "html"  # away for a moment, so that it is asked who it is when it is back
    wait_until(lambda: "no JSON-RPC" in chain.log("provider"), timeout=30)
    wall.mood = "well"
    wait_until(lambda: "chain 1" in chain.log("provider"), timeout=60)
    known = len(wall.asked)
    time.sleep(6)
    assert set(wall.asked[known:]) <= {"eth_chainId"}, "nothing else is asked of it, and nothing is sent"
    wall.hook = None
    assert job.wait(timeout=120) == 0, job.stderr.read()
    assert held(chain) == supply(chain)


def test_secrets_of_an_endpoint_are_not_shown(new_chain):
    chain = new_chain(roles=())
    chain.env["LILYPAD_LEDGER_RPC"] = "http://user:hunter2@127.0.0.1:1/v3/abcdef0123"
    r = chain.run("chain", "status", code=None)
    assert "hunter2" not in r.stdout + r.stderr and "abcdef0123" not in r.stdout + r.stderr
    assert "http://127.0.0.1:1" in r.stdout + r.stderr


def test_too_little_gas(new_chain):
    """A provider without the chain's coin: it is told which account, what it has, needs and lacks; nothing is sent."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    who = next(w["account"] for w in chain.json("wallet", "list")["wallets"] if w["name"] == "provider")
    chain.ask("anvil_setBalance", who, "0x64")
    chain.role("provider")
    chain.offers(1)
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    text = wait_until(lambda: "wei" in chain.log("provider") and chain.log("provider"), timeout=30)
    assert who in text and "has 100 wei" in text and "short by" in text and "nothing was sent" in text
    assert int(chain.ask("eth_getTransactionCount", who, "latest"), 16) == 0
    assert int(chain.json("wallet", "balance")["locked"]) == 0
    job.kill()
    job.wait()


def test_a_provider_whose_gas_runs_out(new_chain):
    """With a deal open: its operator is told once, by the log and by the command; filled up, it goes on."""
    chain = new_chain(roles=("directory", "solver", "mediator"))
    heard = chain.folder / "heard"
    chain.settings = {"LILYPAD_NOTIFY_COMMAND": f'echo "$LILYPAD_WARNING" >> {heard}'}
    chain.role("provider")
    chain.offers(1)
    who = next(w["account"] for w in chain.json("wallet", "list")["wallets"] if w["name"] == "provider")
    before = len(chain.logs())
    job = chain.popen("run", "cowsay", "-i", "Message=moo", "--yes", "-O", chain.folder / "out")
    wait_until(lambda: len(chain.logs()) > before, timeout=60)
    chain.ask("anvil_setBalance", who, "0x64")
    told = wait_until(lambda: heard.exists() and heard.read_text(), timeout=30)
    sent = int(chain.ask("eth_getTransactionCount", who, "latest"), 16)
    warning = json.loads(told.splitlines()[0])
    for word in (who, "has 100 wei of the chain's coin", "needs up to", "short by", "nothing was sent"):
        assert word in warning["text"], warning
    assert warning["role"] == "provider" and warning["deadline"] > 0
    time.sleep(4)
    assert len(heard.read_text().splitlines()) == 1 and chain.log("provider").count("short by") == 1
    assert int(chain.ask("eth_getTransactionCount", who, "latest"), 16) == sent
    chain.ask("anvil_setBalance", who, hex(10 ** 20))
    assert job.wait(timeout=60) == 0, job.stderr.read()
    assert held(chain) == supply(chain)


def test_a_command_without_gas(new_chain):
    chain = new_chain(roles=())
    who = chain.json("wallet", "balance", "operator")["account"]
    chain.ask("anvil_setBalance", who, "0x64")
    e = chain.error("wallet", "fund", "5", code=4, name="FUNDS")
    for word in (who, "has 100 wei of the chain's coin", "needs up to", "short by", "nothing was sent"):
        assert word in e["message"], e
    assert who in e["hint"]
    assert chain.ask("eth_getBalance", who, "latest") == "0x64"


def test_a_key_without_a_role(new_chain):
    """Another key than that of the network file serves nobody: named, with the one that would be right."""
    chain = new_chain(roles=())
    chain.run("wallet", "new", "stranger")
    who = next(w["account"] for w in chain.json("wallet", "list")["wallets"] if w["name"] == "stranger")
    for role in ("solver", "directory", "mediator"):
        e = chain.error(role, "-w", "stranger", code=1, name="PARTY")
        must = chain.contents["mediators"][0]["account"] if role == "mediator" else chain.contents[role]
        assert who in e["message"] and must in e["message"] and role in e["message"]
    assert int(chain.ask("eth_getTransactionCount", who, "latest"), 16) == 0


def test_too_few_tokens(new_chain):
    chain = new_chain(roles=())
    e = chain.error("wallet", "fund", "5", "--operator", "default", code=4, name="FUNDS")
    who = chain.json("wallet", "balance")["account"]
    assert who in e["message"] and "short by 5" in e["message"] and "nothing was sent" in e["message"]
    assert chain.contents["token"] in e["hint"]


def test_funds_are_deposited(new_chain):
    chain = new_chain(roles=())
    before = chain.free()
    chain.run("wallet", "fund", "2.5")
    assert chain.free() - before == 25 * 10 ** 17
    assert held(chain) == supply(chain)


def test_up_and_down_keep_the_chain():
    m = Lilypad(folder())
    try:
        up = m.json("up", "--chain")
        try:
            assert "moo" in m.run("run", "cowsay", "-i", "Message=moo", "--yes").stdout
            left = m.json("wallet", "balance")["free"]
        finally:
            m.run("down")
        assert not [p for p in up["processes"] if alive(p["pid"])]
        up = m.json("up")
        try:
            assert m.json("wallet", "balance")["free"] == left
            assert "again" in m.run("run", "cowsay", "-i", "Message=again", "--yes").stdout
        finally:
            m.run("down")
    finally:
        shutil.rmtree(m.folder, ignore_errors=True)
