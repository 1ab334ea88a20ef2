"""What a person meets when something is wrong: every failure says what, why with the value, and a command;
`job get` brings a lost output back; `doctor` finds what is broken."""
import filecmp
import json
import os
import re
import shutil
import signal

import pytest

COMMANDS = [line.split("  ")[1].strip() for line in
            """
  demo
  run
  up
  down
  job list
  job show
  job watch
  job logs
  job explain
  job cancel
  job get
  deal show
  verify
  wallet new
  wallet list
  wallet use
  wallet balance
  wallet fund
  wallet export
  wallet import
  channel open
  channel top-up
  channel show
  channel leave
  channel close
  module list
  module show
  module init
  module run
  network import
  network show
  config show
  config explain
  doctor
  gc
  ledger
  ledger verify
  ledger export
  solver
  directory
  provider
  provider status
  mediator
  mediator queue
  mediator case
  creator
  version
  completion
  help
""".strip("\n").splitlines()]


def test_every_command_is_asked_for(lilypad):
    text = lilypad.run("help").stdout
    listed = re.findall(r"^  ([a-z]+(?: [a-z-]+)?)  +\S", text, re.M)
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_option(lilypad, command):
    e = lilypad.error(*command.split(), "--nosuch", code=2, name="USAGE")
    assert "--nosuch" in e["message"]
    assert e["hint"]


@pytest.mark.parametrize("words, code, name", [
    (["run"], 2, "USAGE"), (["job", "show"], 2, "USAGE"), (["job", "get"], 2, "USAGE"),
    (["wallet", "fund"], 2, "USAGE"), (["verify"], 2, "USAGE"), (["config", "explain"], 2, "USAGE"),
    (["job", "show", "j-12"], 2, "NOT_FOUND"), (["job", "logs", "zz"], 2, "USAGE"),
    (["job", "get", "j-12"], 2, "NOT_FOUND"), (["deal", "show", "j-12"], 2, "NOT_FOUND"),
    (["run", "cowsay", "-i", "Message=x"], 3, "CONFIG"), (["wallet", "balance"], 3, "CONFIG"),
    (["provider"], 3, "CONFIG"), (["mediator"], 3, "CONFIG"), (["solver"], 3, "CONFIG"), (["ledger"], 3, "CONFIG"),
    (["network", "show"], 3, "CONFIG"), (["down"], 2, "NOT_FOUND"),
    (["job"], 2, "USAGE"), (["job", "lst"], 2, "USAGE"), (["frobnicate"], 2, "USAGE"),
])
def test_nothing_is_here(lilypad, words, code, name):
    assert lilypad.error(*words, code=code, name=name)["hint"]


def test_for_people(lilypad):
    said = lilypad.run("job", "lst", code=2).stderr.splitlines()
    assert said[0] == "✗ USAGE  job has no command lst: list, show, watch, logs, explain, cancel, get"
    assert said[1] == "  → did you mean `lilypad job list`?"


def test_output_again(market, tmp_path):
    out = tmp_path / "out"
    market.run("run", "cowsay", "-i", "Message=again", "-O", out, "-y")
    job = market.json("job", "list")["jobs"][0]["id"]
    kept = tmp_path / "kept"
    shutil.move(out, kept)
    said = market.run("job", "logs", job, code=2).stderr
    assert "lilypad job get" in said
    fresh = tmp_path / "fresh"
    assert market.json("job", "get", job, "-O", fresh)["output"] == str(fresh)
    cmp = filecmp.dircmp(kept, fresh)
    assert not cmp.left_only and not cmp.right_only and not cmp.diff_files
    market.run("verify", fresh / "receipt.json")
    # Again is the same, nothing is overwritten, and another key may not read it.
    market.json("job", "get", job, "-O", fresh)
    (fresh / "stdout").write_text("mine")
    market.error("job", "get", job, "-O", fresh, code=1, name="CONFLICT")
    assert (fresh / "stdout").read_text() == "mine"
    market.run("wallet", "new", "stranger")
    shutil.move(kept, out.with_name("gone"))
    market.error("job", "get", job, "-O", tmp_path / "no", "-w", "stranger", code=3, name="FORBIDDEN")
    assert not (tmp_path / "no").exists()


def checks(lilypad, *args, code):
    found = lilypad.json("doctor", *args, code=code)["checks"]
    return {c["check"] for c in found if c["finding"] == "problem"}, found


def test_doctor(new_market):
    market = new_market()
    assert checks(market, code=0)[0] == set()
    key = market.folder / "data" / "keys" / "default.json"
    key.chmod(0o644)
    problems, found = checks(market, "--role", "creator", code=3)
    assert problems == {"keys"}
    assert any(c["fix"] == f"chmod 600 {key}" for c in found)
    key.chmod(0o600)
    market.run("wallet", "new", "poor")
    assert checks(market, "--role", "creator", "-w", "poor", code=3)[0] == {"money"}
    password = key.with_suffix(".pass")
    old = password.read_bytes()
    password.write_bytes(b"another\n")
    assert checks(market, "--role", "creator", code=3)[0] == {"key"}
    password.write_bytes(old)
    market.env["LILYPAD_PATHS_ENGINE"] = "/nosuch.so"
    assert checks(market, "--role", "provider", code=3)[0] == {"engine", "trial"}
    del market.env["LILYPAD_PATHS_ENGINE"]
    ready = json.loads((market.folder / "state" / "directory" / "ready.json").read_text())
    market.env["LILYPAD_SOLVER_URL"] = ready["url"]
    assert "solver" in checks(market, "--role", "creator", code=3)[0]
    del market.env["LILYPAD_SOLVER_URL"]
    os.kill(market.pids("directory")[0], signal.SIGTERM)
    market.run("run", "cowsay", "-i", "Message=x", code=5)
    assert checks(market, "--role", "creator", code=3)[0] == {"directory"}
