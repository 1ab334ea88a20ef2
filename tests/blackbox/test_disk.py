"""Disks that are full, read-only or too small: whoever asks is told in a sentence what is wrong and what to do,
nothing is lost, and when there is room again it goes on without anybody's help."""
import resource
import shutil
import subprocess

import pytest

from conftest import alive, wait_until
from test_bad_input import ask, refused
from world import START, Buyer, command_of, jobs, settled, serves, start_again

NO_LIMIT = resource.RLIM_INFINITY


def full(market, role, bytes_=4096):
    """No file of that process can grow past so many bytes: its disk is full. Needs no rights, and can be
    taken back."""
    pid, = market.pids(role)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes_, NO_LIMIT))
    return pid


def room(pid):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))


def said(market, role, word):
    return wait_until(lambda: word in market.logs()[role])


def lines_of(market, role, word):
    return sum(word in line for line in market.logs()[role].splitlines())


@pytest.mark.parametrize("role", ["solver", "ledger", "directory"])
def test_full_disk_says_so(new_market, role, tmp_path):
    """One line in the log, 507 with a hint for whoever asks; then it serves again by itself, as the same
    process at the same address."""
    m = new_market()
    m.run("run", "cowsay", "-i", "Message=before", "-O", tmp_path / "before")
    pid = full(m, role)
    b = Buyer(m, "cowsay", "-i", "Message=during", "--queue", "20s", "-O", tmp_path / "during")
    said(m, role, "no space is left on its disk")
    refused(ask(m.up[role] + "/v1/health"), 507, "DISK_FULL", f"the {role} cannot write its store")
    _, e = ask(m.up[role] + "/v1/health")
    assert "free some space" in e["hint"] and e["retryable"], e
    assert lines_of(m, role, "cannot write its store") == 1
    assert alive(pid)
    room(pid)
    said(m, role, "starting anew")
    assert b.p.wait(60) in (0, 1), b.story()
    if b.p.returncode:  # an offer that the solver cannot file is refused at once
        assert "DISK_FULL" in b.story(), b.story()
    m.run("run", "cowsay", "-i", "Message=after", "-O", tmp_path / "after")
    assert m.pids(role) == [pid] and alive(pid)
    paid = [j for j in jobs(m) if j["state"] == "DONE"]
    free = int(m.json("wallet", "balance")["free"])
    assert START - free == sum(int(j["cost"]) for j in paid)
    assert all(j["cost"] == "0" for j in jobs(m) if j["state"] != "DONE")


@pytest.mark.parametrize("role, event", [("ledger", "MATCHED"), ("provider", "POSTED"), ("provider", "AGREED"),
                                         ("solver", "AGREED"), ("directory", "AGREED")])
def test_full_disk_while_a_job_runs(new_market, role, event, tmp_path):
    """A job that is under way waits and ends well."""
    m = new_market()
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000", "--queue", "10m",
              "-O", tmp_path / "o").reached(event)
    pid = full(m, role)
    said(m, role, "no space is left")
    assert b.p.poll() is None, b.story()
    room(pid)
    b.ends()
    assert (tmp_path / "o" / "outputs" / "mandelbrot.png").stat().st_size > 1000
    settled(m, 1)


def test_full_disk_of_the_buyer(new_market, tmp_path):
    """`run` says what cannot be written; whatever it had begun goes on by the command that it names."""
    m = new_market()
    b = Buyer(m, "mandelbrot", "-i", "Width=400", "-i", "Height=300", "-i", "Iterations=2000",
              "-O", tmp_path / "o").reached("MATCHED")
    resource.prlimit(b.p.pid, resource.RLIMIT_FSIZE, (4096, NO_LIMIT))
    assert b.p.wait(60) == 1, b.story()
    b.thread.join(5)
    story = b.story()
    assert "DISK_FULL" in story and "no space is left" in story, story
    assert "job watch" in story, story
    m.run("job", "watch", b.job, timeout=90)
    settled(m, 1)


def test_full_disk_of_the_output(new_market, tmp_path):
    """There is room for the job's own files, not for what it made."""
    m = new_market()
    p = m.popen("run", "mandelbrot", "-i", "Width=1200", "-i", "Height=900", "-O", tmp_path / "o", "--json",
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, NO_LIMIT)))
    out, err = p.communicate(timeout=60)
    size = 0
    if p.returncode == 0:  # the picture fitted after all
        size = (tmp_path / "o" / "outputs" / "mandelbrot.png").stat().st_size
    assert p.returncode == 1 or 0 < size < 1 << 20, out + err
    if p.returncode:
        assert "DISK_FULL" in out + err and "space" in out + err, out + err
        job, = jobs(m)
        m.run("job", "get", job["id"], "-O", tmp_path / "again")
        assert (tmp_path / "again" / "outputs" / "mandelbrot.png").stat().st_size > 1 << 20


def can_mount():
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


SMALL = """
mount -t tmpfs -o size=2m,mode=700 tmpfs {at} && cp -a {kept}/. {at} || exit 9
{program} 2>{log} & daemon=$!
read step
dd if=/dev/zero of={at}/ballast bs=1k 2>/dev/null
echo full
read step
rm {at}/ballast
read step
kill $daemon
wait $daemon
echo ended $?
"""


@pytest.mark.skipif(not can_mount(), reason="no user namespace here: no file system of a few blocks can be mounted")
def test_small_file_system(new_market, tmp_path):
    """ENOSPC by a real file system: the ledger on 2 MiB, in a mount namespace of its own."""
    m = new_market()
    pid, = m.pids("ledger")
    command = command_of(pid)
    m.run("run", "cowsay", "-i", "Message=before", "-O", tmp_path / "before")
    m.kill("ledger")
    wait_until(lambda: not alive(pid))
    at, kept, log = m.folder / "state" / "ledger", tmp_path / "kept", tmp_path / "log"
    shutil.copytree(at, kept)
    program = " ".join([str(m.binary)] + command[1:])
    p = subprocess.Popen(["unshare", "-rm", "sh", "-c", SMALL.format(**locals())], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, env=m.env, cwd=m.folder)

    def step():
        p.stdin.write("\n")
        p.stdin.flush()

    try:
        wait_until(lambda: log.exists() and "ledger serves" in log.read_text())
        step()
        assert p.stdout.readline() == "full\n"
        b = Buyer(m, "cowsay", "-i", "Message=full", "-O", tmp_path / "full")
        wait_until(lambda: "no space is left on its disk" in log.read_text())
        assert b.p.poll() is None
        step()
        b.ends()
        m.run("run", "cowsay", "-i", "Message=after", "-O", tmp_path / "after")
        settled(m, 3)
    finally:
        step()
        text = p.communicate(timeout=20)[0]
    assert "ended 0" in text, text
    assert " broken " not in log.read_text()


# ---- read-only --------------------------------------------------------------------------------------------

READ_ONLY = """
mount --bind {at} {at} && mount -o remount,bind,ro {at} || exit 9
{program}
"""


@pytest.mark.skipif(not can_mount(), reason="no user namespace here: nothing can be mounted read-only")
@pytest.mark.parametrize("role", ["ledger", "solver", "directory", "provider"])
def test_read_only_store(new_market, role, tmp_path):
    """A daemon does not start on files that it cannot write: it names the file, and starts when it can."""
    m = new_market()
    pid, = m.pids(role)
    command = command_of(pid)
    m.kill(role)
    wait_until(lambda: not alive(pid))
    at = m.folder / "state" / role
    program = " ".join([str(m.binary)] + command[1:])
    r = subprocess.run(["unshare", "-rm", "sh", "-c", READ_ONLY.format(**locals())], capture_output=True, text=True,
                       timeout=30, env=m.env, cwd=m.folder)
    assert r.returncode == 1, r.stderr
    assert "Read-only file system" in r.stderr and str(at) in r.stderr, r.stderr
    assert "writable for user id" in r.stderr, r.stderr
    start_again(m, role, command)
    serves(m, role)
    m.run("run", "cowsay", "-i", "Message=after", "-O", tmp_path / "after")
