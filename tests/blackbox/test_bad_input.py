"""Bad input and bad luck on every surface: a clear answer with the value that was wrong, the exit code or
status of the table, and nothing sent or charged that should not be."""
import http.client
import json
import os
import re
import signal
import socket
import threading
import urllib.error
import urllib.request

import pytest

from conftest import wait_until


def metric(url, name):
    with urllib.request.urlopen(url + "/metrics", timeout=10) as r:
        text = r.read().decode()
    found = re.search(rf"^\S*{name}(?:{{.*}})? (\d+)$", text, re.M)
    assert found, f"{name} is not among\n{text}"
    return int(found.group(1))


def ask(url, method="GET", body=None, headers={}):
    """status and JSON of an answer, whatever the status."""
    r = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(r, timeout=20) as a:
            if a.headers.get_content_type() == "text/event-stream":
                return a.status, None  # it has no end
            return a.status, json.loads(a.read() or "null")
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def refused(answer, status, code, word=""):
    got, e = answer
    assert (got, e.get("code")) == (status, code), e
    assert len(e["message"]) > 10 and word in e["message"], e
    assert e["charged"] == "0"
    assert set(e) >= {"code", "message", "hint", "fault", "retryable", "charged"}


# ---- the command line ---------------------------------------------------------------------------------


@pytest.mark.parametrize("typed, meant", [("cowsai", "cowsay"), ("madelbrot", "mandelbrot"),
                                          ("matmull", "matmul"), ("wordstat", "wordstats")])
def test_nearest_module(market, typed, meant):
    e = market.error("run", typed, code=2, name="MODULE_UNKNOWN")
    assert typed in e["message"] and f"did you mean {meant}?" in e["hint"]


@pytest.mark.parametrize("args, words", [
    (["matmul", "-i", "N=1.5"], ["N", "1.5", "integer"]),
    (["matmul", "-i", "N=2000"], ["N", "2000", "10 to 1000"]),
    (["matmul", "-i", "N=99999999999999999999"], ["N"]),
    (["cowsay", "-i", "Message=" + "x" * 4001], ["Message", "4000"]),
    (["cowsay", "-i", "Message=a", "-i", "Message=b"], ["Message"]),
    (["cowsay", "-i", "Message"], ["Message"]),
    (["cowsay", "-i", "=a"], [""]),
    (["cowsay", "-i", "message=a"], ["message"]),
    (["wordstats", "-i", "Files=/nowhere/at/all"], ["/nowhere/at/all"]),
])
def test_inputs(market, args, words):
    r = market.run("run", *args, "--json", code=2)
    e = json.loads(r.stdout or r.stderr)["error"]
    for w in words:
        assert w in e["message"], e
    assert e["fault"] in ("caller", "requester") and not e["retryable"]


@pytest.mark.parametrize("args", [
    ["--queue", "soon"], ["--max-price", "cheap"], ["--max-price", "-1"], ["--target", "0x12"],
    ["--queue", "-5s"], ["--nonsense"], ["-w", "../../etc/passwd"],
])
def test_options(market, args):
    before = len(market.json("job", "list")["jobs"])
    r = market.run("run", "cowsay", "-i", "Message=a", *args, "--json", code=None)
    assert r.returncode in (2, 3), r.stdout + r.stderr
    e = json.loads((r.stdout or r.stderr).splitlines()[-1])["error"]
    assert args[-1] in e["message"] + e["hint"], e
    assert len(market.json("job", "list")["jobs"]) == before


def test_too_little_money(market):
    market.run("wallet", "new", "poor")
    offers = metric(market.up["solver"], "job_offers_total")
    jobs = len(market.json("job", "list")["jobs"])
    e = market.error("run", "cowsay", "-i", "Message=a", "-w", "poor", code=4, name="FUNDS")
    assert "Nothing was sent" in e["message"] and "short by" in e["message"]
    assert "wallet fund" in e["hint"]
    assert metric(market.up["solver"], "job_offers_total") == offers
    assert len(market.json("job", "list")["jobs"]) == jobs
    market.run("wallet", "fund", "1", "-w", "poor")
    assert market.json("wallet", "balance", "-w", "poor")["free"] == str(10**18)


def test_every_provider_asks_more(market, tmp_path):
    market.env["LILYPAD_JOB_MAX_BASE"] = "0.0001"
    try:
        e = market.error("run", "cowsay", "-i", "Message=a", "--queue", "500ms", "-O", tmp_path / "o", code=22,
                         name="PRICE_LOW")
    finally:
        del market.env["LILYPAD_JOB_MAX_BASE"]
    assert re.search(r"\b1: ", e["message"]), e
    assert "--max-price" in e["hint"]
    assert market.json("wallet", "balance")["locked"] == "0"


def test_no_provider_is_large_enough(market, tmp_path):
    """The counts say what is missing, `job explain` for each provider."""
    folder = tmp_path / "huge"
    folder.mkdir()
    here = market.binary.parent / "modules" / "cowsay"
    manifest = json.loads((here / "module.json").read_text())
    manifest.pop("program", None)
    manifest["name"] = "huge"
    manifest["resources"]["ram"] = str(1 << 50)
    (folder / "module.json").write_text(json.dumps(manifest))
    (folder / "huge.wasm").write_bytes((here / "cowsay.wasm").read_bytes())
    r = market.run("run", folder, "-i", "Message=a", "--queue", "500ms", "-O", tmp_path / "o", "--json",
                   code=None)
    e = json.loads(r.stdout)["error"]
    assert r.returncode in (20, 21) and e["code"].startswith("MATCH_N"), e
    assert re.search(r"\b1: .*(memory|RAM|ram)", e["message"]), e


# ---- the wire -------------------------------------------------------------------------------------------


def routes(market):
    return [(market.up["solver"], "/v1/job-offers"), (market.up["solver"], "/v1/resource-offers"),
            (market.up["ledger"], "/v1/actions")]


def test_malformed_json(market):
    for base, path in routes(market):
        refused(ask(base + path, "POST", b'{"offer": {,}}'), 400, "JSON_SYNTAX", "line 1, column 12")
        refused(ask(base + path, "POST", b'{\n "offer":\n  tru'), 400, "JSON_SYNTAX", "line 3")
        refused(ask(base + path, "POST", b""), 400, "JSON_SYNTAX")
        refused(ask(base + path, "POST", b'{"a":1,"a":2}'), 400, "JSON_SYNTAX", "a")
        refused(ask(base + path, "POST", b"[" * 50000), 400, "JSON_SYNTAX")
        refused(ask(base + path, "POST", b'{"a":"\xff\xfe"}'), 400, "JSON_SYNTAX")
        got, e = ask(base + path, "POST", b"{}")
        if path == "/v1/actions":  # each action of a batch has an answer of its own
            assert got == 202 and e["results"][0]["stage"] == "dropped", e
            got, e = 400, e["results"][0]["error"]
        assert got == 400 and e["code"] == "JSON_VALUE", e


def test_oversized_body(market):
    for base, path in routes(market):
        c = http.client.HTTPConnection(base.split("//")[1], timeout=20)
        try:
            c.request("POST", path, b'{"a":"' + b"x" * (1 << 20) + b'"}')
        except BrokenPipeError:
            pass  # the answer is there before the body is
        a = c.getresponse()
        refused((a.status, json.loads(a.read())), 413, "TOO_LARGE", "larger than")
        c.close()


def test_a_body_that_is_only_announced(market):
    """413 before a byte of it is sent."""
    host = market.up["solver"].split("//")[1]
    c = http.client.HTTPConnection(host, timeout=10)
    c.putrequest("POST", "/v1/job-offers")
    c.putheader("Content-Length", str(1 << 40))
    c.endheaders()
    a = c.getresponse()
    assert a.status == 413 and json.loads(a.read())["code"] == "TOO_LARGE"
    c.close()


def test_unknown_paths_and_methods(market):
    for base in (market.up["solver"], market.up["ledger"], market.up["directory"]):
        refused(ask(base + "/v1/nothing"), 404, "NOT_FOUND", "/v1/nothing")
        refused(ask(base + "/v1/health", "POST", b"{}"), 405, "METHOD")
    refused(ask(market.up["solver"] + "/v1/job-offers/0x12"), 400, "ENCODING")
    refused(ask(market.up["solver"] + "/v1/job-offers/0x" + "0" * 64), 404, "NOT_FOUND", "0x0000")
    refused(ask(market.up["solver"] + "/v1/deals/0x" + "0" * 64), 404, "NOT_FOUND")


@pytest.fixture(scope="module")
def receipt(market, tmp_path_factory):
    out = tmp_path_factory.mktemp("receipt") / "o"
    market.run("run", "cowsay", "-i", "Message=signed", "-O", out)
    return json.loads((out / "receipt.json").read_text())


def offer_of(receipt):
    return {"offer": receipt["jobOffer"], "signature": receipt["jobOfferSignature"]}


def post(market, what):
    return ask(market.up["solver"] + "/v1/job-offers", "POST", json.dumps(what).encode())


def test_changed_offer(market, receipt):
    """Each changed member makes it another document, which its creator has not signed."""
    for member, value in [("nonce", "77"), ("instructionLimit", "1"), ("byteLimit", "5"),
                          ("expiry", receipt["jobOffer"]["expiry"] - 1)]:
        bad = offer_of(receipt)
        bad["offer"] = dict(bad["offer"], **{member: value})
        refused(post(market, bad), 401, "SIGNATURE")


def test_bad_signatures(market, receipt):
    good = receipt["jobOfferSignature"]
    for bad in (good[:-2] + "1d", "0x" + "00" * 65, "0x" + "ff" * 65):
        refused(post(market, dict(offer_of(receipt), offer=dict(receipt["jobOffer"], nonce="78"),
                                  signature=bad)), 401, "SIGNATURE")
    for bad in ("", "0x", good[:-2], good + "00", "moo"):
        got, e = post(market, dict(offer_of(receipt), offer=dict(receipt["jobOffer"], nonce="79"), signature=bad))
        assert got in (400, 401) and e["code"] in ("SIGNATURE", "JSON_VALUE", "ENCODING"), (bad, e)


def test_unknown_and_missing_members(market, receipt):
    bad = offer_of(receipt)
    bad["offer"] = dict(bad["offer"], extra=1)
    refused(post(market, bad), 400, "JSON_VALUE", "extra")
    for member in receipt["jobOffer"]:
        bad = offer_of(receipt)
        bad["offer"] = {k: v for k, v in bad["offer"].items() if k != member}
        refused(post(market, bad), 400, "JSON_VALUE", member)


def test_replayed_offer(market, receipt):
    """The same document again is the same offer with the same Ack: no second match, nothing paid."""
    before = market.json("wallet", "balance")
    matches = metric(market.up["solver"], "matches_total")
    got, first = post(market, offer_of(receipt))
    assert got == 200 and first["state"] == "done", first
    assert post(market, offer_of(receipt)) == (200, first)
    assert first["ack"] == receipt["ack"]
    assert metric(market.up["solver"], "matches_total") == matches
    assert market.json("wallet", "balance") == before


def test_offer_of_another_network(market, new_market, tmp_path):
    other = new_market()
    other.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "o")
    foreign = json.loads((tmp_path / "o" / "receipt.json").read_text())
    refused(post(market, offer_of(foreign)), 401, "SIGNATURE")


# ---- signed requests ------------------------------------------------------------------------------------


class Tap:
    """A relay that keeps what a client says to a server."""

    def __init__(self, url):
        host, port = url.split("//")[1].split(":")
        self.to = (host, int(port))
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        self.heard = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                a, _ = self.sock.accept()
            except OSError:
                return
            b = socket.create_connection(self.to)
            said = []
            self.heard.append(said)
            threading.Thread(target=self.pump, args=(a, b, said), daemon=True).start()
            threading.Thread(target=self.pump, args=(b, a, None), daemon=True).start()

    @staticmethod
    def pump(a, b, said):
        try:
            while data := a.recv(65536):
                if said is not None:
                    said.append(data)
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def signed(self):
        """method, path and headers of the first signed request that has no body."""
        for said in self.heard:
            for m in re.finditer(rb"(GET|DELETE) (\S+) HTTP/1.1\r\n(.*?)\r\n\r\n", b"".join(said), re.S):
                headers = dict(x.split(": ", 1) for x in m.group(3).decode().split("\r\n"))
                auth = next((k for k in headers if k.lower() == "authorization"), None)
                if auth:
                    return m.group(1).decode(), m.group(2).decode(), {auth: headers[auth]} | {
                        k: v for k, v in headers.items() if k.lower().startswith("lilypad")}, auth
        pytest.fail("no signed request was heard")


@pytest.mark.parametrize("server", ["solver", "directory"])
def test_signed_requests(market, tmp_path, server):
    tap = Tap(market.up[server])
    key = f"LILYPAD_{server.upper()}_URL"
    market.env[key] = tap.url
    try:
        market.run("run", "cowsay", "-i", f"Message={server}", "-O", tmp_path / "o")
    finally:
        del market.env[key]
        tap.sock.close()
    method, path, headers, auth = tap.signed()
    url = market.up[server] + path
    refused(ask(url, method, headers=headers), 401, "REPLAYED")
    other = market.up["directory" if server == "solver" else "solver"]
    bare = {k: v for k, v in headers.items() if k != auth}
    if server == "directory":  # the solver's events are for anybody, as far as they concern nobody
        got, e = ask(url, method, headers=bare)
        assert got in (401, 403) and e["code"] in ("SIGNATURE", "FORBIDDEN"), e
    got, e = ask(url + ("&" if "?" in url else "?") + "x=1", method, headers=headers)
    assert got == 401, e
    text = headers[auth]
    for bad in (text[:-8] + ("AAAAAAAA" if not text.endswith("AAAAAAAA") else "BBBBBBBB"), text[:40]):
        got, e = ask(url, method, headers=dict(headers, **{auth: bad}))
        assert got in (400, 401), (bad, e)
    got, e = ask(other + path, method, headers=headers)
    assert got in (401, 403, 404), e  # signed for one server, useless at another


def test_trees_of_others(market, receipt):
    """Who is not a member of the deal gets nothing, and learns nothing."""
    root = receipt["result"]["output"]["tree"]
    got, e = ask(f"{market.up['directory']}/v1/trees/{root}")
    assert got in (401, 403) and e["code"] in ("SIGNATURE", "FORBIDDEN"), e
    assert "moo" not in json.dumps(e)


# ---- what is not there -----------------------------------------------------------------------------------


def test_daemons_that_are_down(new_market, tmp_path):
    """Which one it is, and the command that starts it."""
    m = new_market()
    for role in ("directory", "solver", "ledger"):
        m.kill(role)
        e = m.error("run", "cowsay", "-i", "Message=a", "-O", tmp_path / role, code=5, name="UNREACHABLE")
        assert role in e["message"] + e["hint"] and f"lilypad {role}" in e["hint"], e
        assert e["retryable"] and e["fault"] == "network"
    assert m.json("job", "list")["jobs"] == []


def test_daemon_that_goes_while_a_job_waits(new_market, tmp_path):
    """A job that waits for a match outlives its solver's silence until its queue time is over."""
    m = new_market()
    m.env["LILYPAD_JOB_MAX_BASE"] = "0.0001"
    p = m.popen("run", "cowsay", "-i", "Message=a", "--queue", "2s", "-O", tmp_path / "o", "--json")
    wait_until(lambda: metric(m.up["solver"], "waiting_job_offers") == 1)
    m.kill("solver")
    out, err = p.communicate(timeout=60)
    assert p.returncode == 5, out + err
    assert json.loads(out)["error"]["code"] == "UNREACHABLE"


def test_corrupted_block(new_market, tmp_path):
    """The directory's bytes no longer have their content id: nobody runs or pays for them."""
    m = new_market()
    provider, = m.pids("provider")
    os.kill(provider, signal.SIGSTOP)
    p = m.popen("run", "cowsay", "-i", "Message=a", "--queue", "1s", "-O", tmp_path / "o", "--json")
    try:
        wait_until(lambda: m.json("job", "list")["jobs"] and
                   m.json("job", "list")["jobs"][0]["state"] == "MATCHED", every=0.1)
        damaged = 0
        for log in (m.folder / "state" / "directory").rglob("blocks-*.log"):
            data = bytearray(log.read_bytes())
            at = data.find(b"\0asm")
            if at >= 0:
                data[at + 1000] ^= 1
                with open(log, "r+b") as f:
                    f.seek(at + 1000)
                    f.write(bytes(data[at + 1000:at + 1001]))
                damaged += 1
        assert damaged
    finally:
        os.kill(provider, signal.SIGCONT)
    out, err = p.communicate(timeout=60)
    j = json.loads(out)
    assert p.returncode == 20 and j["error"]["code"] == "MATCH_NONE", out + err
    assert j["job"]["state"] == "FAILED" and j["job"]["cost"] == "0"
    assert m.json("wallet", "balance")["locked"] == "0"
    assert "not signed" in m.logs()["provider"]
