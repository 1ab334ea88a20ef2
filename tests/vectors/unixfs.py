#!/usr/bin/env python3
"""unixfs.py - writes unixfs.json: roots of trees by Kubo's `ipfs add --cid-version=1`, a second opinion on
src/codec/unixfs.c; and the CAR files that `ipfs dag export` makes of one of them, in Kubo's form for
CIDv1 (kubo-v1.car) and in its form for CIDv0 (kubo-v0.car), which is read here but not written.
Usage: unixfs.py PATH-OF-ipfs (any Kubo; unixfs.json says which made it).

The bytes of a file are those that splitmix64 gives from its seed, each word in little-endian order. A path
that ends in '/' is an empty directory. A tree whose only path is "" is that file itself, not a directory.
"wide": [n, m] stands for n files with the numbers from 0 as names of m digits, file i with i % 5 bytes of
seed i. "sharded": Kubo makes a sharded directory of it."""
import json
import os
import subprocess
import sys
import tempfile

MASK = (1 << 64) - 1
CHUNK = 262144


def content(size, seed):
    state, words = seed, []
    for _ in range((size + 7) // 8):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        words.append((z ^ (z >> 31)).to_bytes(8, "little"))
    return b"".join(words)[:size]


def file(size, seed):
    return {"": (size, seed)}


def wide(n, digits):
    return {f"{i:0{digits}d}": (i % 5, i) for i in range(n)}


TREES = {
    "empty file": file(0, 1),
    "one byte": file(1, 2),
    "one chunk": file(CHUNK, 3),
    "one chunk and a byte": file(CHUNK + 1, 4),
    "two chunks": file(2 * CHUNK, 5),
    "174 chunks: one full node": file(174 * CHUNK, 6),
    "175 chunks: two levels": file(175 * CHUNK, 7),
    "348 chunks and a byte": file(348 * CHUNK + 1, 8),
    "empty directory": {},
    "one file": {"a": (3, 1)},
    "nested": {"a/b/c/d": (10, 1), "a/b/e": (300000, 2), "a/f": (0, 3), "g": (1, 4)},
    "empty directories inside": {"a/": None, "b/c/": None, "b/d": (1, 1)},
    "names that sort by bytes": {"a": (1, 1), "a-b/x": (1, 2), "a.b": (1, 3), "a0": (1, 4), "B": (1, 5),
                                 "ab/y": (1, 6)},
    "UTF-8 names": {"ä": (1, 1), "日本語/文": (2, 2), "z": (3, 3), "😀": (4, 4), "é\u0301": (5, 5)},
    "names with spaces and signs": {" ": (1, 1), "a b": (2, 2), "%41": (3, 3), "\\": (4, 4), "\"": (5, 5)},
    "a job's output": {"stdout": (20, 1), "stderr": (0, 2), "exitCode": (1, 3), "outputs/x.png": (70000, 4)},
    "the same file twice": {"a": (600000, 9), "b/a": (600000, 9)},
}
WIDE = {
    "174 entries": (174, 6),
    "1000 entries": (1000, 10),
    "as wide as a plain directory can be": (3591, 37),  # 3591 * (37 + 36) = 2**18 - 1
    "one byte wider": (4096, 28),  # 4096 * (28 + 36) = 2**18
}
EXPORTED = "a job's output"


def write(root, files):
    for path, what in files.items():
        full = os.path.join(root, path)
        if what is None:
            os.makedirs(full)
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(content(*what))


def run(*args):
    return subprocess.run(args, check=True, capture_output=True).stdout


def export(ipfs, version, path):
    with tempfile.TemporaryDirectory() as tmp:
        write(tmp, TREES[EXPORTED])
        cid = run(ipfs, "add", "-Q", "-r", f"--cid-version={version}", tmp).decode().strip()
    with open(path, "wb") as f:
        f.write(run(ipfs, "dag", "export", cid))


def add(ipfs, files):
    with tempfile.TemporaryDirectory() as tmp:
        root = os.path.join(tmp, "tree")
        if list(files) == [""]:
            with open(root, "wb") as f:
                f.write(content(*files[""]))
        else:
            os.mkdir(root)
            write(root, files)
        cid = run(ipfs, "add", "-Q", "-r", "--cid-version=1", root).decode().strip()
        size = int(run(ipfs, "files", "stat", "--format=<cumulsize>", f"/ipfs/{cid}"))
        first = json.loads(run(ipfs, "dag", "get", cid))["Data"]["/"]["bytes"] if cid.startswith("bafy") else ""
        # A sharded directory is UnixFS type 5: its message begins with 08 05.
        return cid, size, first.startswith("CAU")


def main():
    ipfs = sys.argv[1]
    with tempfile.TemporaryDirectory() as repo:
        os.environ["IPFS_PATH"] = repo
        run(ipfs, "init", "--empty-repo")
        version = run(ipfs, "version", "--number").decode().strip()
        here = os.path.dirname(os.path.abspath(__file__))
        out = []
        for name, files in list(TREES.items()) + [(k, wide(*v)) for k, v in WIDE.items()]:
            cid, size, sharded = add(ipfs, files)
            row = {"name": name, "root": cid, "bytes": size}
            if sharded:
                row["sharded"] = True
            if name in WIDE:
                row["wide"] = list(WIDE[name])
            else:
                row["paths"] = [[p] + list(w or []) for p, w in files.items()]
            out.append(row)
        for v in (0, 1):
            export(ipfs, v, os.path.join(here, f"kubo-v{v}.car"))
    with open(os.path.join(here, "unixfs.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps({"source": f"Kubo {version}: ipfs add -Q -r --cid-version=1; ipfs files stat",
                            "generator": "unixfs.py", "trees": out}, ensure_ascii=False,
                           separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


main()
