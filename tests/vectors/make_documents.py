#!/usr/bin/env python3
"""make_documents.py - writes documents.json, a second opinion on the signed types by eth-account.

It reads the rows of src/model/documents.def itself and shares no code with the program: encodeType,
hashStruct, domains, digests and signatures are eth-account's; canonical JSON is Python's json with sorted
keys; content ids are put together below. src/model/vectors_test.c checks the program against the file.

`make vectors` fetches eth-account and runs this; with --check it fails when the file is not up to date.
"""
import base64
import importlib.metadata
import json
import os
import random
import re
import sys

from eth_account import Account
from eth_account._utils.encode_typed_data.encoding_and_hashing import encode_type, hash_domain, hash_struct
from eth_account.messages import SignableMessage, _hash_eip191_message
from eth_utils import keccak, to_checksum_address

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.join(HERE, "..", "..", "src")
OUT = os.path.join(HERE, "documents.json")

KEY = keccak(text="lilypad test vectors")
GENESIS = keccak(text="genesis of the test vectors")
CHAIN_ID = 31337
CONTROLLER = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"

# base/field.h, column EIP-712.
SOLIDITY = {
    "ADDR": "address", "HASH": "bytes32", "CIDRAW": "bytes32", "CIDTREE": "bytes32", "AMOUNT": "uint96",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "TIME": "uint40", "ENUM": "uint8",
    "BOOL": "bool", "NONCE": "bytes16", "TEXT": "string", "ADDRS": "address[]", "HASHES": "bytes32[]",
}
BITS = {"AMOUNT": 96, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "TIME": 40}


def read(name):
    with open(os.path.join(SRC, name), encoding="utf-8") as f:
        return re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)


def read_bounds():
    return {m[1]: int(m[2]) for m in re.finditer(r"#define\s+(\w+)\s+(\d+)\s", read("base/bounds.h"))}


def read_enums():
    enums = {}
    for m in re.finditer(r"ENUM\((\w+)\)(.*?)ENUM_END\(\1\)", read("model/enums.def"), re.S):
        enums[m[1]] = [int(v) for v in re.findall(r"^V\(\w+,\s*(\d+),", m[2], re.M)]
    return enums


def read_records(bounds):
    """{tag: (type, [(kind, name, argument, bound, sorted)])} in order."""
    records = {}
    row = re.compile(r'^F\((\w+),\s*(\w+),\s*(\w+),\s*(\(\w+,\s*\w+\)|\w+),\s*(\w+),\s*"', re.M)
    for m in re.finditer(r'RECORD\((\w+), (\w+), ".*?"\)(.*?)END\(\1, \2\)', read("model/documents.def"), re.S):
        fields = []
        for kind, _, name, arg, flags in row.findall(m[3]):
            bound = None
            if kind == "RECS":
                arg, bound = re.findall(r"\w+", arg)
            elif kind in ("TEXT", "ADDRS", "HASHES"):
                bound = arg
            if bound is not None:
                bound = bounds[bound] if bound in bounds else int(bound)
            fields.append((kind, name, arg, bound, flags == "FF_SORTED"))
        assert len(fields) == len(re.findall(r"^F\(", m[3], re.M)), m[1]
        records[m[1]] = (m[2], fields)
    return records


BOUNDS, ENUMS = read_bounds(), read_enums()
RECORDS = read_records(BOUNDS)


def solidity(kind, arg):
    if kind in ("REC", "RECS"):
        return RECORDS[arg][0] + ("[]" if kind == "RECS" else "")
    return SOLIDITY[kind]


TYPES = {type_: [{"name": name, "type": solidity(kind, arg)} for kind, name, arg, _, _ in fields]
         for type_, fields in RECORDS.values()}


def cid(codec, digest):
    if digest == bytes(32):
        return ""
    return "b" + base64.b32encode(bytes([1, codec, 0x12, 32]) + digest).decode().lower().rstrip("=")


class Least:
    """All zero, all empty, the lowest value of each enumeration."""
    number = staticmethod(lambda bits: 0)
    data = staticmethod(bytes)
    choice = staticmethod(min)
    text = staticmethod(lambda bound: "")
    items = staticmethod(lambda bound: 0)
    yes = False


class Most:
    """Every number at its maximum, every text and list full."""
    number = staticmethod(lambda bits: 2**bits - 1)
    data = staticmethod(lambda n: b"\xff" * n)
    choice = staticmethod(max)
    text = staticmethod(lambda bound: "é" * (bound // 2) + "x" * (bound % 2))
    items = staticmethod(lambda bound: min(bound, 32))
    yes = True


class Some:
    """Random; the same in every run."""
    pieces = ["a", "Z", "7", " ", '"', "\\", "/", "\n", "\t", "\x01", "\x7f", "é", "€", "😀"]

    def __init__(self, seed):
        self.r = random.Random(seed)

    def number(self, bits):
        return self.r.getrandbits(self.r.randint(1, bits))

    def data(self, n):
        return self.r.randbytes(n)

    def choice(self, values):
        return self.r.choice(values)

    def text(self, bound):
        out = ""
        while self.r.random() < 0.9:
            piece = self.r.choice(self.pieces)
            if len((out + piece).encode()) > bound:
                break
            out += piece
        return out

    def items(self, bound):
        return self.r.randint(1, min(bound, 3))

    @property
    def yes(self):
        return self.r.random() < 0.5


def one(kind, arg, bound, ordered, pick):
    """A value as (JSON, what eth-account takes)."""
    if kind == "REC":
        return build(arg, pick)
    if kind == "RECS":
        both = [build(arg, pick) for _ in range(pick.items(bound))]
        return [j for j, _ in both], [v for _, v in both]
    if kind in ("ADDRS", "HASHES"):
        raw = [pick.data(20 if kind == "ADDRS" else 32) for _ in range(pick.items(bound))]
        if ordered:
            # Most has equal items: make them differ.
            raw = sorted(bytes([i]) + b[1:] for i, b in enumerate(raw))
        text = [to_checksum_address(b) if kind == "ADDRS" else "0x" + b.hex() for b in raw]
        return text, text if kind == "ADDRS" else raw
    if kind == "ADDR":
        text = to_checksum_address(pick.data(20))
        return text, text
    if kind in ("HASH", "NONCE"):
        raw = pick.data(32 if kind == "HASH" else 16)
        return "0x" + raw.hex(), raw
    if kind in ("CIDRAW", "CIDTREE"):
        raw = pick.data(32)
        return cid(0x55 if kind == "CIDRAW" else 0x70, raw), raw
    if kind == "TEXT":
        text = pick.text(bound)
        return text, text
    if kind == "BOOL":
        yes = pick.yes
        return yes, yes
    n = pick.choice(ENUMS[arg]) if kind == "ENUM" else pick.number(BITS[kind])
    return str(n) if kind in ("AMOUNT", "U64") else n, n


def build(tag, pick):
    doc, message = {}, {}
    for kind, name, arg, bound, ordered in RECORDS[tag][1]:
        doc[name], message[name] = one(kind, arg, bound, ordered, pick)
    return doc, message


def hexed(b):
    return "0x" + bytes(b).hex()


def vector(tag, what, pick, domains):
    type_ = RECORDS[tag][0]
    doc, message = build(tag, pick)
    body = hash_struct(type_, TYPES, message)
    out = {
        "type": type_, "what": what,
        "json": json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        "encodeType": encode_type(type_, TYPES),
        "structHash": hexed(body),
    }
    for name, domain in domains.items():
        signable = SignableMessage(b"\x01", domain, body)
        digest = _hash_eip191_message(signable)
        signed = Account.sign_message(signable, KEY)
        assert signed.message_hash == digest
        out[name] = {"digest": hexed(digest), "signature": hexed(signed.signature)}
    return out


def main():
    domains = {
        "embedded": hash_domain({"name": "lilypad", "version": "1", "salt": GENESIS}),
        "evm": hash_domain({"name": "lilypad", "version": "1", "chainId": CHAIN_ID,
                            "verifyingContract": CONTROLLER}),
    }
    vectors = []
    for i, tag in enumerate(RECORDS):
        for what, pick in (("least", Least), ("most", Most), ("random", Some(i))):
            vectors.append(vector(tag, what, pick, domains))
    head = {
        "made by": "tests/vectors/make_documents.py with eth-account " + importlib.metadata.version("eth-account"),
        "key": hexed(KEY), "account": Account.from_key(KEY).address,
        "genesis": hexed(GENESIS), "chainId": CHAIN_ID, "controller": CONTROLLER,
        "domains": {name: hexed(d) for name, d in domains.items()},
    }
    lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in vectors)
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2] + ',\n "documents": [\n' + lines + "\n]}\n"
    if "--check" in sys.argv:
        with open(OUT, encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("tests/vectors/documents.json is not up to date: run tests/vectors/make_documents.py")
        return
    with open(OUT, "w", encoding="utf-8") as f:
        f.write(text)
    print(f"{len(vectors)} documents of {len(RECORDS)} types")


if __name__ == "__main__":
    main()
