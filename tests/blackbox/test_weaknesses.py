"""Weaknesses of the reference system that only show from outside, each seen to be absent here; the others are
listed with their tests in docs/weaknesses.md."""
import json
import os
import pathlib
import re
import socket
import subprocess
import urllib.error
import urllib.request

from conftest import BINARY, ROOT, alive, folder, wait_until
from world import Buyer, command_of

SLOW = ["matmul", "-i", "N=600"]


def get(url, headers={}):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as r:
        return json.loads(r.read())


def status_of(url, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def children(pid):
    """The process and all below it."""
    out = [pid]
    for p in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(p.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                out += children(int(p.parent.name))
        except OSError:
            pass
    return out


def everyone(market, *more):
    return sorted({p for top in [*market.pids(), *more] for p in children(top)})


def addresses(pid):
    """Local and remote addresses of the process's internet sockets."""
    inodes = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            m = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
        except OSError:
            continue
        if m:
            inodes.add(m.group(1))
    out = set()
    for table, size in (("tcp", 8), ("udp", 8), ("tcp6", 32), ("udp6", 32)):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                for word in words[1:3]:
                    raw = bytes.fromhex(word.split(":")[0])
                    raw = b"".join(raw[i:i + 4][::-1] for i in range(0, size // 2, 4))
                    out.add(socket.inet_ntop(socket.AF_INET if size == 8 else socket.AF_INET6, raw))
    return out


def account(market, who):
    a = get(f"{market.up['ledger']}/v1/accounts/{who}")
    return int(a["free"]), int(a["locked"])


def test_every_job_is_paid_on_the_ledger(new_market, tmp_path):
    """Weakness 6: deals without a transaction. Here the ledger holds the deal, and the money has moved."""
    m = new_market()
    r = m.json("run", "cowsay", "-i", "Message=paid", "-O", tmp_path / "o")
    deal = m.json("deal", "show", r["job"]["deal"])
    hot = deal["deal"]["hot"]
    on = get(f"{m.up['ledger']}/v1/agreements/{deal['id']}")
    text = json.dumps(on)
    assert "RESULTS_ACCEPTED" in text, text
    start = 10000 * 10**18
    cost = int(r["job"]["cost"])
    assert cost > 0
    assert account(m, hot["jobCreator"]) == (start - cost, 0)
    assert account(m, hot["provider"]) == (start + cost, 0)


def test_nothing_leaves_the_machine(new_market, tmp_path):
    """Weaknesses 2 and 5: hosts of a vendor by default. Every socket of every process is on the loopback."""
    m = new_market()
    buyer = Buyer(m, *SLOW, "-O", tmp_path / "o").reached("AGREED")
    seen = set()
    while buyer.p.poll() is None:
        for pid in everyone(m, buyer.p.pid):
            try:
                seen |= addresses(pid)
            except OSError:
                pass  # it has just ended
    buyer.ends()
    assert "127.0.0.1" in seen
    assert seen <= {"127.0.0.1", "0.0.0.0", "::1", "::"}, seen  # the zeros: the other end of a listener


def test_listens_on_the_loopback_only(market):
    for pid in market.pids():
        table = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        inodes = {os.readlink(fd)[8:-1] for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()
                  if os.readlink(fd).startswith("socket:")}
        listening = [line.split()[1].split(":")[0] for line in table
                     if line.split()[3] == "0A" and line.split()[9] in inodes]
        assert set(listening) <= {"0100007F"}, listening


def test_no_host_by_default(lilypad):
    """No setting names a place in the world before a network file is imported."""
    for s in lilypad.json("config", "show")["settings"]:
        assert s["default"] in ("", "127.0.0.1") or not re.search(r"[a-z]\.[a-z]|://", s["default"]), s


def test_no_key_where_others_see_it(new_market, tmp_path):
    """Weakness 21: keys in the environment and on command lines. No process of a market has one there, and the
    executor, which runs the program of a stranger, has no environment at all."""
    m = new_market()
    keys = m.folder / "data" / "keys"
    words = [p.read_bytes().strip() for p in keys.glob("*.pass")]
    assert len(words) >= 5 and all(len(w) >= 8 for w in words)
    buyer = Buyer(m, *SLOW, "-O", tmp_path / "o").reached("AGREED")
    executors = 0
    while buyer.p.poll() is None:
        for pid in everyone(m, buyer.p.pid):
            try:
                env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            assert not any(w in env + line for w in words)
            assert b"PRIVATE" not in env.upper()
            if b"exec-wasm" in line:
                executors += 1
                assert env == b""
    buyer.ends()
    assert executors > 0
    for p in keys.iterdir():
        assert p.stat().st_mode & 0o077 == 0, p


def offers_of(market):
    return [json.dumps(o, sort_keys=True)
            for o in get(market.up["solver"] + "/v1/resource-offers")["offers"]]


def test_a_stream_of_another_evicts_nobody(market):
    """Weakness 16: whoever connects in a provider's name and hangs up takes its offers down. Here a stream has
    no say about offers, and a name without a signature is nobody's."""
    provider = next(w["account"] for w in market.json("wallet", "list")["wallets"] if w["name"] == "provider")
    before = offers_of(market)
    assert before
    host, port = market.up["solver"].split("//")[1].split(":")
    for path in (f"/v1/events?account={provider}", f"/v1/events?Type=ResourceProvider&ID={provider}"):
        with socket.create_connection((host, int(port)), timeout=10) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Lilypad-User: {provider}\r\n"
                      f"Lilypad-Account: {provider}\r\n\r\n".encode())
            assert s.recv(4096)
    assert offers_of(market) == before
    market.run("run", "cowsay", "-i", "Message=still here")


def test_rates_go_by_address_not_by_header(new_market):
    """Weakness 22: a rate limit that believes headers. Whatever they claim, the address counts."""
    m = new_market()
    pid, = m.pids("solver")
    solver = command_of(pid)
    m.kill("solver")
    wait_until(lambda: not alive(pid))
    env = dict(m.env, LILYPAD_SERVER_RATE="5")
    log = open(m.folder / "state" / "solver.log", "a")
    p = subprocess.Popen(solver, executable=BINARY, env=env, cwd=m.folder, stdin=subprocess.DEVNULL,
                         stdout=log, stderr=log)
    try:
        url = m.up["solver"] + "/v1/info"

        def up():
            try:
                return status_of(url) in (200, 429)
            except OSError:
                return False

        wait_until(up)
        seen = [status_of(url, {"X-Forwarded-For": f"10.0.{i // 250}.{i % 250}", "X-Real-IP": f"10.1.0.{i % 250}",
                                "Cf-Connecting-Ip": f"10.2.0.{i % 250}", "Forwarded": f"for=10.3.0.{i % 250}",
                                "Lilypad-Account": f"0x{i:040x}"}) for i in range(300)]
        assert seen.count(429) > 100, seen
    finally:
        p.terminate()
        p.wait(20)
        log.close()


def test_files_outlive_a_restart_of_the_machine(lilypad):
    """Weakness 47: data in temporary storage by default. Without --dir everything is in the XDG folders."""
    env = {k: v for k, v in lilypad.env.items() if k != "TMPDIR"}
    temp = folder()
    try:
        r = subprocess.run([lilypad.binary, "wallet", "new", "mine", "--json"], text=True, capture_output=True,
                           env=env | {"TMPDIR": str(temp)}, cwd=temp, timeout=60)
        assert r.returncode == 0, r.stdout + r.stderr
        made = [p for p in lilypad.folder.rglob("mine*") if p.is_file()]
        assert made and all(p.is_relative_to(lilypad.folder / ".local" / "share") for p in made), made
        assert not list(temp.iterdir())
    finally:
        temp.rmdir()


def test_every_setting_has_a_reader(lilypad):
    """Weakness 45: knobs that do nothing. The program asks for each setting somewhere."""
    source = "".join(p.read_text() for p in (ROOT / "src").rglob("*.c")
                     if not p.name.endswith(("_test.c", "_fuzz.c", "_bench.c")))
    settings = lilypad.json("config", "show")["settings"]
    assert len(settings) > 40
    for s in settings:
        asks = re.search(rf'\b(?:settings_\w+|seconds)\([^;{{}}]*"{re.escape(s["key"])}"', source)
        assert asks or f'getenv("{s["environment"]}")' in source, s["key"]


def provider_said(market, ram):
    """What a provider says when it is started with this --offer-ram while the market's own is away."""
    r = market.run("provider", "--offer-ram", ram, "--json", code=None, timeout=20)
    e = json.loads((r.stdout + r.stderr).strip().splitlines()[-1])
    return r.returncode, e.get("error", e)


def test_sizes_are_bytes_or_have_a_letter(new_market):
    """Weakness 45: bytes here, megabytes there. The offer that the solver has holds exactly what was said, and
    what could be meant in two ways is refused."""
    m = new_market()
    m.stop()
    m.env["LILYPAD_OFFER_RAM"] = "512M"
    m.start()

    def offered():
        """the new offer stands in the place of the old one"""
        return [o["offer"]["free"]["ram"] for o in get(m.up["solver"] + "/v1/resource-offers")["offers"]] == \
            [str(512 << 20)]

    wait_until(offered)
    del m.env["LILYPAD_OFFER_RAM"]
    pid, = m.pids("provider")
    m.kill("provider")
    wait_until(lambda: not alive(pid))
    for bad in ("16GB", "16 G", "1e9", "-1", "16g", "0x10", ""):
        code, e = provider_said(m, bad)
        assert code == 3 and e["code"] == "CONFIG", (bad, e)
        assert "offer.ram" in e["message"] and "K, M, G" in e["message"] + e["hint"], (bad, e)
