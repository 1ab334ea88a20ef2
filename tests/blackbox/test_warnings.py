"""A daemon warns while there is still something to be done about it, by the command of its operator."""
import json
import os
import pathlib
import signal

from conftest import alive, wait_until
from world import Buyer, command_of, start_again


def restart_with(market, role, name, value):
    """The daemon again, with one setting more in its environment."""
    pid, = market.pids(role)
    command = command_of(pid)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    market.env[name] = value
    start_again(market, role, command)
    del market.env[name]
    wait_until(lambda: "serves at" in market.logs()[role].split("stopping")[-1])


def said(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_ledger_that_goes_away_with_money_in_it(new_market):
    """The provider's operator learns which deadline comes first, and the job is finished once it is back."""
    market = new_market()
    heard = pathlib.Path(market.folder) / "heard"
    restart_with(market, "provider", "LILYPAD_NOTIFY_COMMAND", f'echo "$LILYPAD_WARNING" >> {heard}')
    buyer = Buyer(market, "matmul", "-i", "N=700").reached("AGREED")
    pid, = market.pids("ledger")
    command = command_of(pid)
    os.kill(pid, signal.SIGKILL)
    warning = wait_until(lambda: said(heard))[0]
    assert warning["role"] == "provider" and warning["deal"] is None
    assert "1 deal has a deadline" in warning["text"], warning
    assert warning["deadline"] > 0 and str(warning["deadline"]) in warning["text"]
    start_again(market, "ledger", command)
    buyer.ends()


def test_a_command_that_fails_harms_nothing(new_market):
    """It is said in the log; the daemon goes on."""
    market = new_market()
    restart_with(market, "provider", "LILYPAD_NOTIFY_COMMAND", "exit 7")
    buyer = Buyer(market, "matmul", "-i", "N=700").reached("AGREED")
    pid, = market.pids("ledger")
    command = command_of(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "notify.command ended with status 7" in market.logs()["provider"])
    start_again(market, "ledger", command)
    buyer.ends()
