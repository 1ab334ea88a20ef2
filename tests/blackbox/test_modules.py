"""The shipped modules: their ids are right, and the same sources give the same bytes anywhere."""
import base64
import hashlib
import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "modules"
NAMES = sorted(p.parent.name for p in (ROOT / "modules").glob("*/module.json"))


def varint(n):
    out = b""
    while True:
        out += bytes([n & 127 | (128 if n > 127 else 0)])
        n >>= 7
        if not n:
            return out


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def cid(codec, block):
    return b"\x01" + varint(codec) + b"\x12\x20" + hashlib.sha256(block).digest()


def text_of(binary):
    return "b" + base64.b32encode(binary).decode().lower().rstrip("=")


def directory(name, content):
    """The dag-pb node of a directory with one small file, by the UnixFS specification."""
    assert len(content) <= 262144
    link = field(1, cid(0x55, content)) + field(2, name) + varint(3 << 3) + varint(len(content))
    return field(2, link) + field(1, b"\x08\x01")


@pytest.mark.parametrize("name", NAMES)
def test_content_id(name):
    program = (BUILT / name / f"{name}.wasm").read_bytes()
    manifest = json.loads((BUILT / name / "module.json").read_text())
    node = directory(b"program.wasm", program)
    assert manifest["program"]["cid"] == text_of(cid(0x70, node))
    assert int(manifest["program"]["bytes"]) == len(node) + len(program)


@pytest.mark.parametrize("name", NAMES)
def test_manifest_keeps_its_source(name):
    source = json.loads((ROOT / "modules" / name / "module.json").read_text())
    text = (BUILT / name / "module.json").read_text()
    built = json.loads(text)
    assert text == json.dumps(built, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    del built["program"]
    assert built == source


def test_same_bytes_elsewhere(tmp_path):
    for part in ("modules", "mk", "Makefile", "layers.txt"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tmp_path / part)
        else:
            shutil.copy(ROOT / part, tmp_path)
    targets = [f"build/modules/{n}/{n}.wasm" for n in NAMES]
    subprocess.run(["make", "-s", *targets], cwd=tmp_path, check=True, capture_output=True)
    for t in targets:
        assert (tmp_path / t).read_bytes() == (ROOT / t).read_bytes()


def test_a_broken_manifest_stops_the_build(tmp_path):
    bad = tmp_path / "module.json"
    bad.write_text((ROOT / "modules/cowsay/module.json").read_text().replace("{Message}", "{Mesage}"))
    r = subprocess.run([ROOT / "build/tools/module_pack", bad, BUILT / "cowsay/cowsay.wasm",
                        tmp_path / "out.json"], capture_output=True, text=True)
    assert r.returncode == 1
    assert "args[1]: there is no input for the placeholder {Mesage}" in r.stderr
    assert not (tmp_path / "out.json").exists()


def test_the_example_in_the_docs(tmp_path):
    text = (ROOT / "docs/modules.md").read_text()
    example = tmp_path / "module.json"
    example.write_text(text.split("```json\n")[1].split("```")[0])
    r = subprocess.run([ROOT / "build/tools/module_pack", example, BUILT / "cowsay/cowsay.wasm",
                        tmp_path / "out.json"], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
