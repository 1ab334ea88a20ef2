"""The market on a chain: real daemons, our contracts, a node of its own (anvil) with a block each second."""
import json
import os
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

    def mine(self, blocks=1):
        self.ask("anvil_mine", hex(blocks))

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
