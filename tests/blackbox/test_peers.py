"""Peers that misbehave on the wire, in front of every server and behind every client: one that never answers,
one that talks garbage, one byte a second, ten thousand that say nothing. Whoever meets one says so, serves all
others meanwhile, and goes on by itself when it is gone."""
import json
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import alive, wait_until
from test_bad_input import ask, metric
from world import Buyer, command_of, jobs, serves, settled, start_again

SERVERS = ["ledger", "solver", "directory"]


class Proxy:
    """Stands in front of a server; what it does may change at any time:

    relay    hands on what comes
    silent   takes connections and never answers
    garbage  answers with random bytes
    slow     answers one byte a second
    endless  answers with a body that never ends
    closed   closes at once
    """

    def __init__(self, url, mode="relay"):
        host, port = url.split("//")[1].split(":")
        self.to = (host, int(port))
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        self.mode = mode
        self.open = set()
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, mode):
        """Those that are connected are cut off: they meet the new mode."""
        self.mode = mode
        with self.lock:
            for s in self.open:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def keep(self, s):
        with self.lock:
            self.open.add(s)
        return s

    def drop(self, *socks):
        for s in socks:
            with self.lock:
                self.open.discard(s)
            s.close()

    def accept(self):
        while True:
            try:
                a, _ = self.sock.accept()
            except OSError:
                return
            self.keep(a)
            threading.Thread(target=self.serve, args=(a, self.mode), daemon=True).start()

    def serve(self, a, mode):
        try:
            getattr(self, mode)(a)
        except OSError:
            pass
        self.drop(a)

    def relay(self, a):
        b = self.keep(socket.create_connection(self.to))
        try:
            while True:
                for x in select.select([a, b], [], [])[0]:
                    data = x.recv(65536)
                    if not data:
                        return
                    (b if x is a else a).sendall(data)
        finally:
            self.drop(b)

    def silent(self, a):
        while a.recv(65536):
            pass

    def garbage(self, a):
        a.recv(65536)
        a.sendall(random.Random(7).randbytes(5000))

    def slow(self, a):
        a.recv(65536)
        for c in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000:
            a.sendall(bytes([c]))
            time.sleep(1)

    def endless(self, a):
        a.recv(65536)
        a.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            a.sendall(b" " * 65536)

    def closed(self, a):
        a.recv(1)


# ---- who meets one as a client ----------------------------------------------------------------------------


def test_what_a_buyer_is_told(new_market, tmp_path):
    """`run` against each kind of bad server in the place of each real one, all at once: it ends in time, says
    which server it was, and nothing is charged."""
    m = new_market()
    runs = []
    for server in SERVERS:
        for mode in ("silent", "garbage", "slow", "endless", "closed"):
            proxy = Proxy(m.up[server], mode)
            env = dict(m.env)
            m.env[f"LILYPAD_{server.upper()}_URL"] = proxy.url
            p = m.popen("run", "cowsay", "-i", f"Message={server}", "-O", tmp_path / f"{server}-{mode}", "--json")
            m.env = env
            runs.append((server, mode, proxy, p))
    for server, mode, proxy, p in runs:
        out, err = p.communicate(timeout=150)
        story = f"{server} {mode}: {p.returncode}\n{out}{err}"
        assert p.returncode == 5, story
        e = json.loads(out)["error"]
        assert e["code"] in ("UNREACHABLE", "TIMEOUT", "PEER"), story
        assert proxy.url in e["message"] and e["charged"] == "0" and e["fault"] == "network", story
    assert all(j["cost"] == "0" for j in jobs(m))
    assert m.json("wallet", "balance")["locked"] == "0"
    m.run("run", "cowsay", "-i", "Message=well", "-O", tmp_path / "well")


def behind(market, role, servers):
    """That daemon, started again with a proxy in front of each of these servers."""
    proxies = {s: Proxy(market.up[s]) for s in servers}
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    env = dict(market.env)
    market.env.update({f"LILYPAD_{s.upper()}_URL": p.url for s, p in proxies.items()})
    start_again(market, role, command)
    market.env = env
    return proxies


@pytest.mark.parametrize("mode", ["silent", "garbage", "slow", "endless", "closed"])
def test_daemons_go_on(new_market, mode, tmp_path):
    """While a job runs, everything that provider and solver hear from all others goes bad for some seconds: no
    daemon ends, and the job is finished and paid once all is well again."""
    m = new_market()
    proxies = list(behind(m, "solver", ["ledger"]).values()) + list(behind(m, "provider", SERVERS).values())
    serves(m, "solver")
    wait_until(lambda: ask(m.up["solver"] + "/v1/offers")[1].get("resourceOffers") == 1, timeout=40)
    pids = m.pids()
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000", "--queue", "10m",
              "-O", tmp_path / "o").reached("AGREED")
    for p in proxies:
        p.set(mode)
    time.sleep(4)
    assert all(alive(p) for p in pids)
    for p in proxies:
        p.set("relay")
    b.ends(timeout=150)
    assert all(alive(p) for p in pids)
    settled(m, 1)


# ---- who meets one as a server ----------------------------------------------------------------------------


def dial(url):
    host, port = url.split("//")[1].split(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.parametrize("server", SERVERS)
def test_garbage(market, server, tmp_path):
    """Bytes that are no HTTP, and HTTP that is none: a refusal, the end of the connection, or the wait for a
    line that never ends, which HTTP_IDLE_S bounds; nobody else notices."""
    r = random.Random(11)
    texts = [r.randbytes(2000), b"\0" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 5000,
             b"GET /%zz%00/../.. HTTP/1.1\r\nHost: x\r\n\r\n", b"G" * 70000,
             b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
             b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
             b"GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: " + b"9" * 400 + b"\r\n\r\n",
             b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + r.randbytes(500)]
    for text in texts:
        s = dial(market.up[server])
        s.settimeout(0.3)
        got = b""
        try:
            s.sendall(text)
            while piece := s.recv(65536):
                got += piece
        except OSError:
            pass
        s.close()
        assert got == b"" or got.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 5")), (text[:60], got[:200])
    market.run("run", "cowsay", "-i", f"Message={server}", "-O", tmp_path / "o")


def test_slow_and_silent_senders(market, tmp_path):
    """Some that send a byte a second and some that send nothing, at every server: a job is bought meanwhile."""
    slow = [dial(market.up[s]) for s in SERVERS for _ in range(20)]
    silent = [dial(market.up[s]) for s in SERVERS for _ in range(20)]
    head = b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n"
    for i, c in enumerate(head[:4]):
        for s in slow:
            s.sendall(bytes([c]))
        market.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
        time.sleep(0.5)
    for s in slow + silent:
        s.close()


CROWD = """
import resource, socket, sys
host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
all_ = []
for i in range(n):
    all_.append(socket.create_connection((host, port), timeout=20))
print("there", flush=True)
sys.stdin.readline()
"""


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10


def test_ten_thousand_idle_connections(new_market, tmp_path):
    """As many as this machine lets one process have, if that is less: a job is bought while they are open, they
    cost little memory, and when they are gone so is what they took."""
    m = new_market()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    n = min(10000, hard - 800)
    if n < 10000:
        print(f"only {n} connections: the limit of open files is {hard}")
    pid, = m.pids("solver")
    before = rss(pid)
    host, port = m.up["solver"].split("//")[1].split(":")
    crowd = subprocess.Popen([sys.executable, "-c", CROWD, host, port, str(n)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    try:
        assert crowd.stdout.readline() == "there\n"
        wait_until(lambda: metric(m.up["solver"], "http_connections") >= n, timeout=40)
        m.run("run", "cowsay", "-i", "Message=crowded", "-O", tmp_path / "o", timeout=90)
        each = (rss(pid) - before) / n
        print(f"{n} idle connections, {each:.0f} bytes of memory each")
        assert each < 40000
    finally:
        crowd.stdin.close()
        crowd.wait(20)
    wait_until(lambda: metric(m.up["solver"], "http_connections") < 100)
    m.run("run", "cowsay", "-i", "Message=after", "-O", tmp_path / "after")
    settled(m, 2)
