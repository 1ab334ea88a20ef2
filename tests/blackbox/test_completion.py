"""What a shell offers at the tabulator key, asked of each shell."""
import os
import subprocess

import pytest

from conftest import ROOT

ASKED = [  # a line as it is typed, a word that completes it, a word that must not be offered
    ("lilypad job ", "explain", "ledger"),
    ("lilypad ru", "run", "job"),
    ("lilypad run cow", "cowsay", "matmul"),
    ("lilypad run --max", "--max-price", "--detach"),
    ("lilypad ledger ver", "verify", "export"),
    ("lilypad completion fi", "fish", "zsh"),
]
ENV = dict(os.environ, PATH=f"{ROOT / 'build'}:{os.environ['PATH']}", TERM="dumb")


@pytest.fixture
def script(lilypad, tmp_path):
    """Writes the script of a shell and gives its path."""
    def write(shell, name):
        path = tmp_path / name
        path.write_text(lilypad.run("completion", shell).stdout)
        return path
    return write


def offered_by_bash(path, line):
    words = line.split(" ")
    ask = f"source {path}; COMP_WORDS=({line.rstrip()}{' ' + chr(34) * 2 if words[-1] == '' else ''}); " \
          f"COMP_CWORD={len(words) - 1}; _lilypad; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", ask], env=ENV, capture_output=True, text=True, check=True).stdout.split()


def offered_by_fish(path, line):
    r = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"], env=ENV,
                       capture_output=True, text=True, check=True)
    return [at.split("\t")[0] for at in r.stdout.splitlines()]


def offered_by_zsh(path, line):
    """zsh completes on a terminal only; here its words come from the function that it would call, and what they
    begin with is compared as compadd would."""
    words = line.split(" ")
    asked = " ".join(f"'{w}'" for w in words)
    ask = "compdef() { : }; compadd() { shift; print -l -- \"$@\" }; _files() { : }; " \
          f"source {path}; words=({asked}); CURRENT={len(words)}; _lilypad"
    r = subprocess.run(["zsh", "-f", "-c", ask], env=ENV, capture_output=True, text=True, check=True)
    return [w for w in r.stdout.split() if w.startswith(words[-1])]


@pytest.mark.parametrize("line, wanted, not_wanted", ASKED)
def test_bash(script, line, wanted, not_wanted):
    words = offered_by_bash(script("bash", "lilypad.bash"), line)
    assert wanted in words and not_wanted not in words


@pytest.mark.parametrize("line, wanted, not_wanted", ASKED)
def test_fish(script, tmp_path, line, wanted, not_wanted):
    os.chdir(tmp_path)
    words = offered_by_fish(script("fish", "lilypad.fish"), line)
    assert wanted in words and not_wanted not in words
    assert "lilypad.fish" not in words


@pytest.mark.parametrize("line, wanted, not_wanted", ASKED)
def test_zsh(script, line, wanted, not_wanted):
    words = offered_by_zsh(script("zsh", "_lilypad"), line)
    assert wanted in words and not_wanted not in words
