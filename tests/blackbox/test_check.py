"""How often a result is checked, what is said about it, and what a buyer keeps of it."""
import pytest


def bought(market, tmp_path, name, *more):
    out = tmp_path / name
    r = market.run("run", "cowsay", "-i", f"Message={name}", "-O", out, *more)
    job = market.json("job", "list")["jobs"][0]
    return r.stderr, market.json("job", "show", job["id"])


def record(market):
    rows = market.json("provider", "record")["providers"]
    return rows[0] if rows else {"foundRight": "0", "unchecked": "0"}


def test_a_stranger_is_checked(new_market, tmp_path):
    """The first result of a provider is always run again; its record grows by it."""
    market = new_market()
    said, job = bought(market, tmp_path, "first")
    assert "drawn for audit (always)" in said and "the same output and count; accepted" in said
    assert "certainty of at least 5%" in said
    assert job["audit"]["outcome"] == "found right" and job["audit"]["probability"] == 1
    row = record(market)
    assert row["foundRight"] == "1" and row["sinceLastFault"] == "1" and row["faults"] == "0"
    text = market.run("provider", "record").stdout
    assert row["provider"] in text and "100%" in text


def test_never_and_always(market, tmp_path):
    before = record(market)
    said, job = bought(market, tmp_path, "never", "--check", "never")
    assert "not checked: its creator asked for no check" in said
    assert job["audit"]["outcome"] == "not drawn"
    said, job = bought(market, tmp_path, "always", "--check", "always")
    assert job["audit"]["outcome"] == "found right"
    after = record(market)
    assert int(after["unchecked"]) == int(before["unchecked"]) + 1
    assert int(after["foundRight"]) == int(before["foundRight"]) + 1


def test_without_an_engine(market, tmp_path):
    """What cannot be checked is accepted and says so."""
    market.env["LILYPAD_PATHS_ENGINE"] = str(tmp_path / "none.so")
    try:
        said, job = bought(market, tmp_path, "blind", "--check", "always")
    finally:
        del market.env["LILYPAD_PATHS_ENGINE"]
    assert "no result can be checked here" in said
    assert "there is no engine here to run it again" in said
    assert job["audit"]["outcome"] == "not drawn"


@pytest.mark.parametrize("how", ["sometimes", "0", "2", "1/0", "certainty=", "-1", "101%"])
def test_what_says_nothing(market, how):
    before = len(market.json("job", "list")["jobs"])
    e = market.error("run", "cowsay", "-i", "Message=x", f"--check={how}", code=2, name="USAGE")
    assert how in e["message"]
    assert len(market.json("job", "list")["jobs"]) == before


@pytest.mark.parametrize("who, mode, known", [
    (["run", "cowsay", "-i", "Message=x"], "steals", "rejects-falsely"),
    (["provider"], "steals", "wrong-output"),
    (["directory"], "steals", "never-serves"),
    (["mediator"], "steals", "lies"),
])
def test_an_instrument_that_is_none(market, who, mode, known):
    r = market.run(*who, f"--test-misbehave={mode}", "--json", "-w", "default", code=None)
    assert r.returncode != 0
    assert known in r.stdout + r.stderr
