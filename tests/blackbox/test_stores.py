"""Stores that are not what they should be: a journal that somebody changed or cut, a store of a newer version, an
old one from a backup, one that two daemons want."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import alive, wait_until
from test_bad_input import ask
from world import START, Buyer, command_of, jobs, settled, start_again


def stop(market, role):
    """Stopped in good order; gives the command that starts it again."""
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    return command


def start(market, role, command):
    """What it says when it does not start, or "" when it serves."""
    log = len(market.logs()[role])
    start_again(market, role, command)
    pid, = market.pids(role)
    wait_until(lambda: not alive(pid) or "serves at" in market.logs()[role][log:])
    said = market.logs()[role][log:]
    return "" if "serves at" in said else said


# ---- the journal --------------------------------------------------------------------------------------


def number(n):
    return n.to_bytes(8, "big")


def another(blob, at):
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]


def in_block(db, table, key, what, n, change):
    old, = db.execute(f"SELECT {what} FROM {table} WHERE {key} = ?", (number(n),)).fetchone()
    db.execute(f"UPDATE {table} SET {what} = ? WHERE {key} = ?", (change(old), number(n)))


FORGERIES = {
    "an amount in an event": lambda db, n, seq: in_block(
        db, "journal_action", "seq", "event", seq, lambda t: t.replace('"amount":"1', '"amount":"2')),
    "a party of an action": lambda db, n, seq: in_block(
        db, "journal_action", "seq", "action", seq, lambda t: t[:200] + ("0" if t[200] != "0" else "1") + t[201:]),
    "the signature of a block": lambda db, n, seq: in_block(
        db, "journal_block", "number", "signature", n, lambda b: another(b, 20)),
    "a block is missing": lambda db, n, seq: db.execute("DELETE FROM journal_block WHERE number = ?", (number(n),)),
    "an action is missing": lambda db, n, seq: db.execute("DELETE FROM journal_action WHERE seq = ?", (number(seq),)),
    "an action stands twice": lambda db, n, seq: db.execute(
        "UPDATE journal_action SET seq = ? WHERE seq = (SELECT max(seq) FROM journal_action)", (number(10**6),)),
}


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_forged_journal(new_market, forgery, tmp_path):
    """Neither the daemon nor `ledger verify` takes it: they name the first block that does not hold. The journal
    as it was is taken again."""
    m = new_market()
    for i in range(3):
        m.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
    command = stop(m, "ledger")
    m.run("ledger", "verify")
    store = m.folder / "state" / "ledger" / "store.db"
    kept = tmp_path / "kept.db"
    shutil.copy(store, kept)
    with sqlite3.connect(store) as db:
        first, = db.execute('SELECT block FROM journal_action WHERE action LIKE \'%"Accept"%\' ORDER BY seq').fetchone() \
            or db.execute("SELECT block FROM journal_action ORDER BY seq LIMIT 1 OFFSET 2").fetchone()
        n = int.from_bytes(first, "big")
        seq, = db.execute("SELECT seq FROM journal_action WHERE block = ? ORDER BY seq", (first,)).fetchone()
        before = list(db.iterdump())
        FORGERIES[forgery](db, n, int.from_bytes(seq, "big"))
        assert list(db.iterdump()) != before
    db.close()
    e = m.error("ledger", "verify", code=1, name="TAMPERED")
    assert f"block {n}" in e["message"] or forgery == "an action stands twice" and "block " in e["message"], e
    said = start(m, "ledger", command)
    assert "TAMPERED" in said and "block " in said, said
    shutil.copy(kept, store)
    assert start(m, "ledger", command) == ""
    m.run("run", "cowsay", "-i", "Message=after", "-O", tmp_path / "after")
    settled(m, 4)


def test_truncated_journal_file(new_market, tmp_path):
    """Half of the file is no journal; the message says what to do."""
    m = new_market()
    for i in range(4):
        m.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
    command = stop(m, "ledger")
    store = m.folder / "state" / "ledger" / "store.db"
    kept = store.read_bytes()
    store.write_bytes(kept[:len(kept) // 2 // 4096 * 4096])
    r = m.run("ledger", "verify", "--json", code=None)
    e = json.loads(r.stdout or r.stderr)["error"]
    assert r.returncode == 1 and e["code"] in ("STORE", "TAMPERED"), e
    said = start(m, "ledger", command)
    assert e["code"] in said and "backup" in said, said
    store.write_bytes(kept)
    assert start(m, "ledger", command) == ""


# ---- versions, locks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role, table, column", [
    ("ledger", "journal_block", "colour"), ("solver", "solver_deal", "colour"),
    ("directory", None, None), ("provider", "provider_work", "colour")])
def test_store_of_a_newer_version(new_market, role, table, column):
    """It is left as it is, and the message says which version it needs."""
    m = new_market()
    command = stop(m, role)
    store = m.folder / "state" / role / "store.db"
    kept = store.read_bytes()
    db = sqlite3.connect(store)
    with db:
        if table:
            db.execute(f'ALTER TABLE {table} ADD COLUMN {column} TEXT')
            db.execute("UPDATE lilypad_layout SET layout = layout || ? WHERE name = ?", (f"{column} TEXT\n", table))
        else:
            db.execute("PRAGMA user_version = 99")
    db.close()
    newer = store.read_bytes()
    said = start(m, role, command)
    assert "STORE_VERSION" in said and "newer" in said and (column or "99") in said, said
    assert store.read_bytes() == newer
    store.write_bytes(kept)
    assert start(m, role, command) == ""


@pytest.mark.parametrize("role", ["ledger", "solver", "directory", "provider", "mediator"])
def test_two_daemons_on_one_store(new_market, role, tmp_path):
    """The second one ends and names the first, which notices nothing."""
    m = new_market()
    pid, = m.pids(role)
    command = [c for c in command_of(pid)[1:]]
    if "--server-port" in command:
        command[command.index("--server-port") + 1] = "0"
    r = subprocess.run([m.binary, *command], capture_output=True, text=True, env=m.env, cwd=m.folder, timeout=20)
    assert r.returncode == 1, r.stderr
    assert "STORE_LOCKED" in r.stderr and f"process {pid} uses this store" in r.stderr, r.stderr
    assert "--dir" in r.stderr
    assert alive(pid)
    m.run("run", "cowsay", "-i", "Message=a", "-O", tmp_path / "o")


# ---- an old store (protocol 9.5) --------------------------------------------------------------------------


def backup(market, role, to):
    shutil.copytree(market.folder / "state" / role, to)


def restore(market, role, at):
    shutil.rmtree(market.folder / "state" / role)
    shutil.copytree(at, market.folder / "state" / role)


def nonces(market):
    """(nonce, offer) of every job offer that the solver was ever given."""
    at = market.folder / "state" / "solver" / "store.db"
    db = sqlite3.connect(f"file:{at}?mode=ro", uri=True)
    out = db.execute("SELECT offer FROM solver_filed").fetchall()
    db.close()
    return [int(json.loads(o)["nonce"]) for o, in out]


def test_old_store_of_the_buyer(new_market, tmp_path):
    """Jobs that it has forgotten are paid and done: no nonce of theirs is signed again, and the next job is
    bought at once."""
    m = new_market()
    m.run("run", "cowsay", "-i", "Message=0", "-O", tmp_path / "0")
    backup(m, "creator", tmp_path / "kept")
    for i in (1, 2, 3):
        m.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
    restore(m, "creator", tmp_path / "kept")
    m.run("run", "cowsay", "-i", "Message=4", "-O", tmp_path / "4")
    signed = nonces(m)
    assert len(signed) == len(set(signed)) == 5, signed
    assert int(m.json("wallet", "balance")["locked"]) == 0


def test_old_store_of_the_buyer_with_offers_that_waited(new_market, tmp_path):
    """The ledger has never heard of these: only the solver has."""
    m = new_market()
    m.run("run", "cowsay", "-i", "Message=0", "-O", tmp_path / "0")
    backup(m, "creator", tmp_path / "kept")
    m.env["LILYPAD_JOB_MAX_BASE"] = "0.0001"
    for i in (1, 2):
        m.run("run", "cowsay", "-i", f"Message={i}", "--queue", "500ms", "-O", tmp_path / str(i), code=22)
    del m.env["LILYPAD_JOB_MAX_BASE"]
    restore(m, "creator", tmp_path / "kept")
    m.run("run", "cowsay", "-i", "Message=3", "-O", tmp_path / "3")
    signed = nonces(m)
    assert len(signed) == len(set(signed)) == 4, signed


def test_old_store_of_the_provider(new_market, tmp_path):
    """Its offers have higher nonces at the solver; deals that it has forgotten are over. Nothing is run or paid
    twice, and it earns again."""
    m = new_market()
    m.run("run", "cowsay", "-i", "Message=0", "-O", tmp_path / "0")
    command = stop(m, "provider")
    backup(m, "provider", tmp_path / "kept")
    for i in (1, 2, 3):
        assert start(m, "provider", command) == ""
        m.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
        stop(m, "provider")
    restore(m, "provider", tmp_path / "kept")
    assert start(m, "provider", command) == ""
    m.run("run", "cowsay", "-i", "Message=4", "-O", tmp_path / "4", timeout=90)
    settled(m, 5)


def test_old_store_of_the_provider_with_a_job_that_runs(new_market, tmp_path):
    """A deal that it signed after the backup: it learns of it from the ledger, its documents from the solver, and
    brings the job to its end."""
    m = new_market()
    command = stop(m, "provider")
    backup(m, "provider", tmp_path / "kept")
    assert start(m, "provider", command) == ""
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000", "--queue", "10m",
              "-O", tmp_path / "o").reached("AGREED")
    pid, = m.pids("provider")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    restore(m, "provider", tmp_path / "kept")
    assert start(m, "provider", command) == ""
    b.ends()
    assert "the ledger has a deal open that this store did not know" in m.logs()["provider"]
    settled(m, 1)


def test_old_store_of_the_provider_and_no_solver(new_market, tmp_path):
    """Nobody shows it the deal in time: it signs nothing for it any more, the deadline ends it, and the buyer has
    its money back and the fine for the wait."""
    m = new_market()
    command = stop(m, "provider")
    backup(m, "provider", tmp_path / "kept")
    assert start(m, "provider", command) == ""
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000", "--queue", "10m",
              "-O", tmp_path / "o").reached("AGREED")
    pid, = m.pids("provider")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    restore(m, "provider", tmp_path / "kept")
    m.kill("solver")
    assert start(m, "provider", command) == ""
    wait_until(lambda: "the solver does not show it" in m.logs()["provider"])
    ask(m.up["ledger"] + "/v1/clock", "POST", b'{"advance":"700"}')
    wait_until(lambda: int(m.json("wallet", "balance")["free"]) > START)
    b.kill()
    buyer, provider = m.json("wallet", "balance"), m.json("wallet", "balance", "-w", "provider")
    assert int(buyer["free"]) + int(provider["free"]) == 2 * START
    assert buyer["locked"] == provider["locked"] == "0"


def test_old_store_of_the_solver(new_market, tmp_path):
    """What it has forgotten the ledger tells it again; nobody is paid twice."""
    m = new_market()
    command = stop(m, "solver")
    backup(m, "solver", tmp_path / "kept")
    assert start(m, "solver", command) == ""
    for i in (0, 1):
        m.run("run", "cowsay", "-i", f"Message={i}", "-O", tmp_path / str(i))
    stop(m, "solver")
    restore(m, "solver", tmp_path / "kept")
    assert start(m, "solver", command) == ""
    m.run("run", "cowsay", "-i", "Message=2", "-O", tmp_path / "2", timeout=90)
    settled(m, 3)


# ---- Ctrl-C ---------------------------------------------------------------------------------------------


def test_one_interrupt_detaches(new_market, tmp_path):
    """Exit 130: the job goes on, and `job watch` brings it to its end."""
    m = new_market()
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000",
              "-O", tmp_path / "o").reached("AGREED")
    b.p.send_signal(signal.SIGINT)
    code = b.p.wait(20)
    if code == 0:  # the job was quicker than the two seconds in which it could be cancelled
        assert (tmp_path / "o" / "outputs" / "mandelbrot.png").exists()
    else:
        assert code == 130, b.story()
        m.run("job", "watch", b.job, timeout=90)
    settled(m, 1)


def test_interrupt_while_it_waits_detaches(new_market, tmp_path):
    m = new_market()
    m.env["LILYPAD_JOB_MAX_BASE"] = "0.0001"
    b = Buyer(m, "cowsay", "-i", "Message=a", "--queue", "10m", "-O", tmp_path / "o").reached("ACKED")
    b.p.send_signal(signal.SIGINT)
    assert b.p.wait(20) == 130, b.story()
    job, = jobs(m)
    assert job["state"] == "POSTED"
    m.run("job", "cancel", job["id"], code=32)
    job, = jobs(m)
    assert job["state"] == "CANCELLED" and job["cost"] == "0"


def test_second_interrupt_cancels_while_it_is_free(new_market, tmp_path):
    m = new_market()
    m.env["LILYPAD_JOB_MAX_BASE"] = "0.0001"
    b = Buyer(m, "cowsay", "-i", "Message=a", "--queue", "10m", "-O", tmp_path / "o").reached("ACKED")
    b.p.send_signal(signal.SIGINT)
    wait_until(lambda: ask(m.up["solver"] + "/v1/health")[0] == 200)
    b.p.send_signal(signal.SIGINT)
    assert b.p.wait(20) == 32, b.story()
    job, = jobs(m)
    assert job["state"] == "CANCELLED" and job["cost"] == "0"
    assert m.json("wallet", "balance") | {"free": str(START), "locked": "0"} == m.json("wallet", "balance")


def test_second_interrupt_is_too_late(new_market, tmp_path):
    """With the deal signed nothing is free any more: it says so, and the job goes on."""
    m = new_market()
    b = Buyer(m, "mandelbrot", "-i", "Width=600", "-i", "Height=450", "-i", "Iterations=3000",
              "-O", tmp_path / "o").reached("AGREED")
    b.p.send_signal(signal.SIGINT)
    time.sleep(0.2)  # two that are pending at once are one
    b.p.send_signal(signal.SIGINT)
    code = b.p.wait(60)
    assert code in (0, 130), b.story()
    assert "too late" in b.story() or code == 0, b.story()
    if code:
        m.run("job", "watch", b.job, timeout=120)
    settled(m, 1)
