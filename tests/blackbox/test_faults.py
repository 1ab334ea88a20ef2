"""kill -9 of every process at every stage of a job, each started again with the same files: the job ends,
the ledger balances, nothing is paid twice. The fixture's teardown verifies the journal."""
import http.server
import threading

import pytest

from conftest import wait_until
from test_bad_input import ask
from world import START, Buyer, command_of, jobs, kill_and_start, settled, start_again

WORK = ["mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000"]


@pytest.mark.parametrize("role", ["provider", "solver", "directory", "ledger"])
def test_kill_a_daemon(new_market, role, tmp_path):
    m = new_market()
    for i, event in enumerate(["STORING", "ACKED", "MATCHED", "AGREED", "FETCHING"]):
        b = Buyer(m, *WORK, "-O", tmp_path / str(i)).reached(event)
        kill_and_start(m, role)
        b.ends()
        assert (tmp_path / str(i) / "outputs" / "mandelbrot.png").stat().st_size > 1000
    settled(m, 5)


def test_kill_everything_at_once(new_market, tmp_path):
    m = new_market()
    b = Buyer(m, *WORK, "-O", tmp_path / "o").reached("AGREED")
    commands = [(p["role"], command_of(p["pid"])) for p in m.up["processes"]]
    m.kill(None)
    for role, command in commands:
        start_again(m, role, command)
    b.ends()
    settled(m, 1)


@pytest.mark.parametrize("event", ["POSTED", "ACKED", "MATCHED", "AGREED", "FETCHING", "JUDGED"])
def test_kill_the_buyer(new_market, event, tmp_path):
    """`job watch` takes the job over from where it is in the store."""
    m = new_market()
    b = Buyer(m, *WORK, "-O", tmp_path / "o").reached(event).kill()
    r = m.run("job", "watch", b.job, timeout=90)
    assert (tmp_path / "o" / "outputs" / "mandelbrot.png").exists(), r.stderr
    settled(m, 1)


def test_kill_the_buyer_while_it_writes(new_market, tmp_path):
    """What it left in its folder, whole or cut off, is brought to its end."""
    m = new_market()
    out = tmp_path / "o"
    b = Buyer(m, *WORK, "-O", out).reached("AGREED").kill()
    (out / "outputs").mkdir(parents=True, exist_ok=True)
    (out / "exitCode").write_text("")
    (out / "outputs" / "mandelbrot.png").write_bytes(b"\x89PNG")
    m.run("job", "watch", b.job, timeout=90)
    assert (out / "exitCode").read_text().strip() == "0"
    assert (out / "outputs" / "mandelbrot.png").stat().st_size > 4
    m.run("verify", out / "receipt.json")
    settled(m, 1)


class Silent(http.server.BaseHTTPRequestHandler):
    """What answers for a directory and takes nothing."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self):
        self.server.over.wait(60)

    def log_message(self, *args):
        pass


def cut_off(market, at):
    """A job whose process died before the directory had its parts."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as s:
        s.over = threading.Event()
        threading.Thread(target=s.serve_forever, daemon=True).start()
        market.env["LILYPAD_DIRECTORY_URL"] = f"http://127.0.0.1:{s.server_port}"
        b = Buyer(market, *WORK, "--idempotency-key", "k", "-O", at).reached("STORING").kill()
        del market.env["LILYPAD_DIRECTORY_URL"]
        s.over.set()
        s.shutdown()
    return b


def test_kill_the_buyer_before_it_posted(new_market, tmp_path):
    """Its parts went with it: whoever has only its id cannot go on, it ends, has cost nothing, and its key may be
    used again."""
    m = new_market()
    b = cut_off(m, tmp_path / "o")
    r = m.run("job", "watch", b.job, code=1)
    assert "nothing was charged" in r.stderr
    assert m.json("wallet", "balance")["free"] == str(START)
    again = m.json("run", *WORK, "--idempotency-key", "k", "-O", tmp_path / "o")
    assert again["job"]["id"] != b.job and again["job"]["state"] == "DONE"


def test_the_same_command_goes_on_with_what_was_not_stored(new_market, tmp_path):
    """It brings the same parts: the job that its key names is stored, and done, the first time."""
    m = new_market()
    b = cut_off(m, tmp_path / "o")
    again = m.json("run", *WORK, "--idempotency-key", "k", "-O", tmp_path / "o")
    assert again["job"]["id"] == b.job and again["job"]["state"] == "DONE"
    settled(m, 1)


def test_daemon_takes_over(new_market, tmp_path):
    """`lilypad creator` ends the jobs of processes that are gone, and those that were detached."""
    m = new_market()
    killed = [Buyer(m, *WORK, "-i", f"X=-0.{i}", "-O", tmp_path / str(i)).reached("MATCHED").kill()
              for i in range(2)]
    detached = m.json("run", *WORK, "--detach", "-O", tmp_path / "d")
    assert detached["job"]["state"] in ("POSTED", "MATCHED")
    c = m.popen("creator")
    try:
        wait_until(lambda: all(j["state"] == "DONE" for j in jobs(m)), timeout=60, every=0.2)
    finally:
        c.terminate()
        c.wait(10)
    assert {b.job for b in killed} < {j["id"] for j in jobs(m)}
    settled(m, 3)
    out = m.run("job", "get", detached["job"]["id"], "-O", tmp_path / "got")
    assert (tmp_path / "got" / "outputs" / "mandelbrot.png").exists(), out.stderr


def agreement(market, deal):
    return ask(f"{market.up['ledger']}/v1/agreements/{deal}")[1]["state"]


def test_judged_with_the_ledger_alone(new_market, tmp_path):
    """Solver and directory are away when `lilypad creator` starts: it says so, and what the ledger has is judged
    before its deadline, since silence would cost Cj. When they are back, so is the output."""
    m = new_market()
    b = Buyer(m, *WORK, "-O", tmp_path / "o").reached("AGREED").kill()
    job, = jobs(m)
    wait_until(lambda: agreement(m, job["deal"]) == "RESULTS_SUBMITTED", timeout=60)
    commands = {role: command_of(m.pids(role)[0]) for role in ("solver", "directory")}
    for role in commands:
        m.kill(role)
    c = m.popen("creator")
    try:
        wait_until(lambda: "TAKEN_OVER" in [e["event"] for e in m.json("deal", "show", job["deal"])["timeline"]])
        ask(m.up["ledger"] + "/v1/clock", "POST", b'{"advance":"580"}')
        wait_until(lambda: agreement(m, job["deal"]) == "RESULTS_ACCEPTED", timeout=60)
    finally:
        c.terminate()
        said = c.communicate(timeout=20)[1]
    assert said.count("begins without a peer") == 2, said
    for role, command in commands.items():
        start_again(m, role, command)
    settled(m, 1)
    m.run("job", "get", b.job, "-O", tmp_path / "got", code=None)
    assert (tmp_path / "got" / "outputs" / "mandelbrot.png").exists()


def test_paid_once_by_key(new_market, tmp_path):
    m = new_market()
    first = m.json("run", "cowsay", "-i", "Message=once", "--idempotency-key", "k1", "-O", tmp_path / "a")
    again = m.json("run", "cowsay", "-i", "Message=once", "--idempotency-key", "k1", "-O", tmp_path / "b")
    assert first["job"]["id"] == again["job"]["id"]
    settled(m, 1)
    other = m.json("run", "cowsay", "-i", "Message=once", "--idempotency-key", "k2", "-O", tmp_path / "c")
    assert other["job"]["id"] != first["job"]["id"]
    settled(m, 2)


def test_key_of_a_job_that_was_cut_off(new_market, tmp_path):
    """The same key after kill -9 goes on with the same job."""
    m = new_market()
    b = Buyer(m, *WORK, "--idempotency-key", "k", "-O", tmp_path / "o").reached("MATCHED").kill()
    r = m.json("run", *WORK, "--idempotency-key", "k", "-O", tmp_path / "o", timeout=90)
    assert r["job"]["id"] == b.job and r["job"]["state"] == "DONE"
    settled(m, 1)


def test_one_key_at_the_same_time(new_market, tmp_path):
    """Whoever comes later finds the job and waits for it; of two that start together one is refused. Which
    it is the machine decides, so they start until it was the second."""
    m = new_market()
    for n in range(1, 21):
        both = [Buyer(m, *WORK, "--idempotency-key", f"k{n}", "-O", tmp_path / f"o{n}") for _ in range(2)]
        codes = sorted(b.p.wait(90) for b in both)
        wait_until(lambda: all(j["state"] == "DONE" for j in jobs(m)), timeout=60)
        settled(m, n)
        if codes != [0, 0]:
            break
    assert codes == [0, 1], [b.story() for b in both]
    loser, = (b for b in both if b.p.returncode)
    assert "CONFLICT" in loser.story() and "job watch" in loser.story()


def test_many_buyers_of_one_wallet(new_market, tmp_path):
    m = new_market(providers=1)
    all_ = [Buyer(m, "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i)) for i in range(4)]
    for i, b in enumerate(all_):
        b.ends()
        assert f"< {i} >" in (tmp_path / str(i) / "stdout").read_text()
    settled(m, 4)
