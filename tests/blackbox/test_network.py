"""A network of daemons that share nothing but its signed file: every role has a folder of its own, as it would on
a machine of its own."""
import json
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from audit import get
from conftest import BROKEN, Lilypad, folder, wait_until

ROLES = ("ledger", "directory", "solver", "mediator", "provider")


def free_ports(n):
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Machines:
    """One folder a role, and one for the buyer."""

    def __init__(self):
        self.root = folder()
        self.at = {}
        for name in (*ROLES, "buyer"):
            (self.root / name).mkdir()
            self.at[name] = Lilypad(self.root / name)
        self.url = {r: f"http://127.0.0.1:{p}" for r, p in zip(ROLES, free_ports(len(ROLES)))}
        self.running = []

    def key(self, role, name):
        return self.at[role].json("wallet", "new", name)["account"]

    def new(self, *more, **how):
        return self.at["ledger"].run("network", "new", "acme", *more, **how)

    def start(self, role, *args):
        log = open(self.root / f"{role}.log", "w")
        m = self.at[role]
        port = self.url[role].rsplit(":", 1)[1]
        p = subprocess.Popen([m.binary, role, *args, "--server-port", port, "--dir", m.folder],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=m.env, cwd=m.folder)
        self.running.append(p)
        wait_until(lambda: p.poll() is not None or (m.folder / "state" / role / "ready.json").exists())
        assert p.poll() is None, (self.root / f"{role}.log").read_text()

    def stop(self):
        for p in reversed(self.running):
            p.send_signal(signal.SIGTERM)
        for p in self.running:
            p.wait(20)
        logs = {p.name: p.read_text() for p in self.root.glob("*.log")}
        shutil.rmtree(self.root)
        for name, text in logs.items():
            assert not BROKEN.search(text), f"{name}:\n{text}"


@pytest.fixture
def machines():
    m = Machines()
    yield m
    m.stop()


def options(m, accounts):
    return ["--ledger-url", m.url["ledger"], "--solver-url", m.url["solver"], "--solver",
            accounts["solver"], "--directory-url", m.url["directory"], "--directory",
            accounts["directory"], "--mediator", f"{accounts['mediator']}={m.url['mediator']}"]


def accounts_of(m):
    accounts = {r: m.key(r, r) for r in ("solver", "directory", "mediator", "provider")}
    accounts["buyer"] = m.key("buyer", "default")
    return accounts


def offered(solver):
    """How many resource offers it has; 0 while it does not answer."""
    try:
        return get(f"{solver}/v1/offers").get("resourceOffers", 0)
    except OSError:
        return 0


def test_a_network_on_several_machines(machines):
    """From keys to a paid and checked job by the commands of docs/operate.md."""
    m = machines
    accounts = accounts_of(m)
    m.new(*options(m, accounts), "--test", "--allocate", f"{accounts['buyer']}=100", "--allocate",
          f"{accounts['provider']}=100")
    file = m.at["ledger"].folder / "acme.network.json"
    m.start("ledger", "--genesis", m.at["ledger"].folder / "acme.genesis.json")
    for role in (*ROLES[1:], "buyer"):
        m.at[role].run("network", "import", file)
    for role in ROLES[1:]:
        m.start(role)
    wait_until(lambda: offered(m.url["solver"]))
    buyer = m.at["buyer"]
    r = buyer.run("run", "cowsay", "-i", "Message=far away", "--check", "always", "-O", buyer.folder / "out")
    assert "far away" in r.stdout
    assert "run again here" in r.stderr
    buyer.run("verify", buyer.folder / "out" / "receipt.json")
    assert int(buyer.json("wallet", "balance")["free"]) < 100 * 10**18


def test_the_same_ledger_at_other_addresses(machines):
    """With its genesis the file is made again; only the operator's key can."""
    m = machines
    accounts = accounts_of(m)
    m.new(*options(m, accounts))
    genesis = m.at["ledger"].folder / "acme.genesis.json"
    before = json.loads(genesis.read_text())
    assert not before["test"] and before["min"] == 60
    m.url["solver"] = "https://solver.example.org"
    m.new(*options(m, accounts), "--genesis", genesis, "-O", "again.json")
    again = json.loads((m.at["ledger"].folder / "again.json").read_text())["network"]
    assert again["genesis"] == before and again["solverUrl"] == "https://solver.example.org"
    e = m.at["solver"].error("network", "new", "acme", *options(m, accounts), "--genesis", genesis, "-w",
                             "solver", code=3, name="KEY")
    assert "operator" in e["message"]


@pytest.mark.parametrize("more, code, name, word", [
    ([], 2, "USAGE", "--ledger-url is missing"),
    (["--ledger-url", "ftp://x"], 2, "USAGE", "ftp://x"),
    (["--ledger-url", "http://x/"], 2, "USAGE", "no slash"),
    (["--min", "59s"], 2, "CLOCKS", "below 60s"),
    (["--unbonding", "1d"], 2, "CLOCKS", "--unbonding"),
    (["--min", "soon"], 2, "USAGE", "soon"),
    (["--allocate", "0x00"], 2, "ENCODING", "0x00"),
    (["--allocate", "0x4CA110a4c0aA9F3c81dddFE642C440eaFf9bCE69=many"], 2, "USAGE", "amount"),
    (["--mediator", "nobody"], 2, "ENCODING", "nobody"),
    (["--decimals", "77"], 2, "USAGE", "77"),
])
def test_what_makes_no_network(lilypad, more, code, name, word):
    account = lilypad.json("wallet", "new", "one")["account"]
    good = {"--ledger-url": "http://a:1", "--solver-url": "http://a:2", "--solver": account,
            "--directory-url": "http://a:3", "--directory": account}
    if not more:
        good.pop("--ledger-url")
    elif more[0] in good:
        good.pop(more[0])
    flat = [x for pair in good.items() for x in pair]
    e = lilypad.error("network", "new", "acme", *flat, *more, code=code, name=name)
    assert word in e["message"], e
    assert not list(pathlib.Path(lilypad.folder).glob("acme.*"))
