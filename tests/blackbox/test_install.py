"""`make install` puts everything in place that the program needs, and `make uninstall` takes it away."""
import subprocess

from conftest import ROOT, Lilypad


def make(target, prefix):
    r = subprocess.run(["make", "-s", target, f"PREFIX={prefix}"], cwd=ROOT, capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


def test_install_and_uninstall(tmp_path):
    prefix, home = tmp_path / "prefix", tmp_path / "home"
    home.mkdir()
    make("install", prefix)
    installed = Lilypad(home, binary=prefix / "bin" / "lilypad")
    assert "< moo >" in installed.run("module", "run", "cowsay", "-i", "Message=moo").stdout
    assert {m["name"] for m in installed.json("module", "list")["modules"]} >= {"cowsay", "matmul"}
    script = prefix / "share/bash-completion/completions/lilypad"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    make("uninstall", prefix)
    assert not [p for p in prefix.rglob("*") if p.is_file()]


def test_staged(tmp_path):
    r = subprocess.run(["make", "-s", "install", "PREFIX=/usr", f"DESTDIR={tmp_path}"], cwd=ROOT,
                       capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    assert (tmp_path / "usr/bin/lilypad").is_file()
    assert (tmp_path / "usr/lib/lilypad/libwasmtime.so").is_file()
