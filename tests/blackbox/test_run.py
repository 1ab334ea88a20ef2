"""Jobs bought on a real market: the output is right, the receipt verifies, every mistake has an answer."""
import json
import struct
import zlib

import pytest

COW = r"""
        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||
"""


def test_cow(market, tmp_path):
    out = tmp_path / "out"
    r = market.run("run", "cowsay", "-i", "Message=moo", "-O", out)
    assert r.stdout == " _____\n< moo >\n -----" + COW
    assert (out / "stdout").read_text() == r.stdout
    assert (out / "exitCode").read_text().strip() == "0"
    market.run("verify", out / "receipt.json")


def test_a_changed_receipt_is_refused(market, tmp_path):
    out = tmp_path / "out"
    market.run("run", "cowsay", "-i", "Message=true", "-O", out)
    text = (out / "receipt.json").read_text()
    bad = tmp_path / "bad.json"
    changed = 0
    for at in (len(text) // 7, len(text) // 3, len(text) // 2, len(text) * 3 // 4):
        while not text[at].isdigit():
            at += 1
        bad.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1:])
        r = market.run("verify", bad, code=None)
        changed += 1
        assert r.returncode != 0, f"the digit at {at} does not count"
    assert changed == 4


def test_same_job_same_bytes(market, tmp_path):
    texts = []
    for i in range(2):
        market.run("run", "matmul", "-i", "N=64", "-i", "Seed=7", "-O", tmp_path / str(i))
        texts.append((tmp_path / str(i) / "outputs" / "result.json").read_text())
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["n"] == 64


def pixels(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, size = 8, b"", None
    while at < len(png):
        n, = struct.unpack(">I", png[at:at + 4])
        kind, body = png[at + 4:at + 8], png[at + 8:at + 8 + n]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + n:at + 12 + n])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            data += body
        at += 12 + n
    assert kind == b"IEND"
    return size, zlib.decompress(data)


def test_picture(market, tmp_path):
    market.run("run", "mandelbrot", "-i", "Width=120", "-i", "Height=80", "-O", tmp_path / "o")
    (width, height), raw = pixels((tmp_path / "o" / "outputs" / "mandelbrot.png").read_bytes())
    assert (width, height) == (120, 80)
    assert len(raw) == height * (1 + 3 * width)
    middle = raw[40 * 361:41 * 361]
    assert middle[0] == 1 and any(middle[1:])


def test_files_in_and_out(market, tmp_path):
    books = tmp_path / "books"
    (books / "more").mkdir(parents=True)
    (books / "one.txt").write_text("the cat and the hat\n")
    (books / "more" / "two.txt").write_text("The end.\n")
    market.run("run", "wordstats", "-i", f"Files={books}", "-O", tmp_path / "o")
    rows = (tmp_path / "o" / "outputs" / "words.csv").read_text().splitlines()
    assert rows[:2] == ["word,count", "the,3"]
    total = json.loads((tmp_path / "o" / "outputs" / "summary.json").read_text())["total"]
    assert total["words"] == 7 and total["lines"] == 2


@pytest.mark.parametrize("args, code, name, words", [
    (["cowsey", "-i", "Message=a"], 2, "MODULE_UNKNOWN", "cowsey"),
    (["cowsay"], 2, "MODULE_INPUT", "Message"),
    (["cowsay", "-i", "Mesage=a"], 2, "MODULE_INPUT", "Mesage"),
    (["cowsay", "-i", "Message=a", "-i", "Width=9"], 2, "MODULE_INPUT", "from 10 to 200"),
    (["matmul", "-i", "N=ten"], 2, "MODULE_INPUT", "an integer"),
    (["wordstats"], 2, "MODULE_INPUT", "Files"),
    ([], 2, "USAGE", "module"),
])
def test_mistakes(market, args, code, name, words):
    e = market.error("run", *args, code=code, name=name)
    assert words in e["message"]
    assert e.get("charged") in (None, "", "0")


def test_no_network(lilypad):
    r = lilypad.run("run", "cowsay", "-i", "Message=a", code=None)
    assert r.returncode == 3 and "lilypad" in r.stderr


def test_job_list(market, tmp_path):
    before = len(market.json("job", "list")["jobs"])
    market.run("run", "cowsay", "-i", "Message=listed", "-O", tmp_path / "o")
    jobs = market.json("job", "list")["jobs"]
    assert len(jobs) == before + 1
