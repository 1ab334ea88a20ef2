"""Outputs that the directory does not give: of the creator's own run, and of the mediator's (protocol 6.8). A job
that was paid for, or caught, leaves its output to `job get`, whichever process saw it last."""
import shutil

import pytest

from conftest import wait_until
from test_mediator import COW, misbehave, stop_role
from world import jobs

COW_SAYS = "disputed"


def looked_after(market, n=1):
    """Until the creator's daemon has brought n jobs to their end; it is gone then, and its blocks with it."""
    c = market.popen("creator")
    try:
        wait_until(lambda: [j["state"] for j in jobs(market)] == ["DONE"] * n, timeout=60)
    finally:
        c.terminate()
        c.wait(20)
    assert not list((market.folder / "state" / "creator").glob("blobs-*"))


def forget(market):
    """`lilypad gc` once all that is kept is older than it may be."""
    market.env["LILYPAD_GC_KEEP"] = "0s"
    kept = market.folder / "state" / "creator" / "outputs"
    wait_until(lambda: market.run("gc") and not list(kept.iterdir()), every=0.3)


def got(market, job, at, code):
    market.run("job", "get", job["id"], "-O", at, code=code)
    return (at / "stdout").read_text()


@pytest.mark.parametrize("lie", [None, "wrong-output"])
def test_output_that_only_the_mediator_has(new_market, tmp_path, lie):
    """No engine here, and a directory that gives nothing: the mediator's run is the only one that the buyer can
    have, whether the provider was right or not."""
    m = new_market()
    if lie:
        misbehave(m, "provider", lie)
    misbehave(m, "directory", "never-serves")
    m.env["LILYPAD_PATHS_ENGINE"] = str(tmp_path / "none.so")
    r = m.run("run", *COW, "-O", tmp_path / "o", code=None)
    job, = jobs(m)
    assert job["error"]["code"] == ("REJECTED" if lie else "DISPUTE_LOST"), r.stderr
    assert COW_SAYS in (tmp_path / "o" / "stdout").read_text(), r.stderr
    assert COW_SAYS in r.stdout
    shutil.rmtree(tmp_path / "o")
    stop_role(m, "mediator")
    assert COW_SAYS in got(m, job, tmp_path / "kept", r.returncode)


def test_output_that_the_mediator_gives_later(new_market, tmp_path):
    """Nothing is kept here any more: `job get` asks the mediator again, for as long as it has the output."""
    m = new_market()
    misbehave(m, "directory", "never-serves")
    m.env["LILYPAD_PATHS_ENGINE"] = str(tmp_path / "none.so")
    r = m.run("run", *COW, "-O", tmp_path / "o", code=None)
    job, = jobs(m)
    shutil.rmtree(tmp_path / "o")
    forget(m)
    assert COW_SAYS in got(m, job, tmp_path / "later", r.returncode)
    stop_role(m, "mediator")
    m.run("job", "get", job["id"], "-O", tmp_path / "never", code=r.returncode)
    assert not (tmp_path / "never" / "stdout").exists()


def test_own_run_of_a_detached_job(new_market, tmp_path):
    """The daemon caught the provider and has ended: its own output is still there for `job get`, until gc."""
    m = new_market()
    misbehave(m, "provider", "wrong-output")
    m.run("run", *COW, "--detach", "-O", tmp_path / "o")
    looked_after(m)
    stop_role(m, "mediator")
    stop_role(m, "directory")
    job, = jobs(m)
    assert job["error"]["code"] == "REJECTED"
    assert COW_SAYS in got(m, job, tmp_path / "got", 41)
    kept = m.folder / "state" / "creator" / "outputs"
    m.run("gc")
    assert [p.name for p in kept.iterdir()] == [job["output"]]
    forget(m)
    m.run("job", "get", job["id"], "-O", tmp_path / "gone", code=41)
    assert not (tmp_path / "gone" / "stdout").exists()


def test_own_run_of_what_nobody_published(new_market, tmp_path):
    """The directory has never had the output: the run that found the result right is all there is."""
    m = new_market()
    m.env["LILYPAD_JOB_JUDGE_TIMEOUT"] = "8s"
    misbehave(m, "provider", "hides")
    misbehave(m, "directory", "never-serves")
    m.run("run", *COW, "--detach", "-O", tmp_path / "o")
    looked_after(m)
    job, = jobs(m)
    assert "error" not in job and job["audit"]["outcome"] == "found right"
    assert COW_SAYS in got(m, job, tmp_path / "got", 0)
