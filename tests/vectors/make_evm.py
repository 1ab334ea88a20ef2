#!/usr/bin/env python3
"""make_evm.py - writes evm.json, a second opinion on calls and transactions by eth-abi and eth-account.

It shares no code with the program. src/codec/abi_test.c and src/chain/evm_tx_test.c check the program against
the file. `make vectors` fetches the libraries and runs this.
"""
import json
import os
import random

from eth_abi import encode
from eth_account import Account
from eth_utils import keccak, to_checksum_address

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "evm.json")
KEY = keccak(text="lilypad test vectors")
rng = random.Random(1559)

SIGNATURES = [
    "transfer(address,uint256)",
    "nothing()",
    "submit(bytes,bytes32,(uint8,uint64,uint64,bytes32,bytes32),bytes)",
    "multicall(bytes[])",
    "register((uint96,bytes32[],uint96,uint96,string))",
    "deep((uint8,(bool,string)[],address[])[],bytes16)",
    "words(uint96,uint40,bytes4,bool,uint8[])",
    "arrays(bytes32[3],bytes32,(uint8,bool[2])[],string[2])",
]


def members(types):
    """The types of a list, by the commas outside of brackets."""
    out, depth, last = [], 0, 0
    for i, c in enumerate(types):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append(types[last:i])
            last = i + 1
    return out + [types[last:]] if types else []


def draw(t, leaves):
    """A random value of the type; its leaves, as src/codec/abi.h flattens them, are appended."""
    if t.endswith("[]"):
        n = rng.randrange(4)
        leaves.append(hex(n))
        return [draw(t[:-2], leaves) for _ in range(n)]
    if t.endswith("]"):
        item, n = t[:-1].rsplit("[", 1)
        return [draw(item, leaves) for _ in range(int(n))]
    if t.startswith("("):
        return tuple(draw(m, leaves) for m in members(t[1:-1]))
    if t in ("bytes", "string"):
        n = rng.choice([0, 1, 31, 32, 33, 100])
        raw = bytes(rng.randrange(97, 123) for _ in range(n))
        leaves.append({"bytes": "0x" + raw.hex()})
        return raw if t == "bytes" else raw.decode()
    if t.startswith("bytes"):
        raw = rng.randbytes(int(t[5:]))
        leaves.append("0x" + raw.ljust(32, b"\0").hex())
        return raw
    if t == "address":
        raw = rng.randbytes(20)
        leaves.append("0x" + raw.rjust(32, b"\0").hex())
        return to_checksum_address(raw)
    v = rng.randrange(2) if t == "bool" else rng.getrandbits(int(t[4:]))
    leaves.append(hex(v))
    return bool(v) if t == "bool" else v


def call(signature, again):
    types = members(signature[signature.index("(") + 1:-1])
    leaves = []
    values = [draw(t, leaves) for t in types]
    data = keccak(text=signature)[:4] + encode(types, values)
    whole = [x if isinstance(x, dict) or len(x) == 66 else "0x" + int(x, 16).to_bytes(32, "big").hex() for x in leaves]
    return {"signature": signature, "leaves": whole, "data": "0x" + data.hex(), "round": again}


def transaction(nonce, to, data):
    tx = {
        "type": 2, "chainId": rng.choice([1, 31337, 2**40]), "nonce": nonce, "maxPriorityFeePerGas": rng.getrandbits(30),
        "maxFeePerGas": rng.getrandbits(38), "gas": rng.randrange(21000, 30_000_000), "value": rng.getrandbits(rng.choice([0, 8, 80])),
        "data": "0x" + data.hex(),
    }
    if to:
        tx["to"] = to_checksum_address(to)
    signed = Account.sign_transaction(tx, KEY)
    return {
        "chainId": str(tx["chainId"]), "nonce": str(nonce), "tip": str(tx["maxPriorityFeePerGas"]),
        "fee": str(tx["maxFeePerGas"]), "gas": str(tx["gas"]), "value": str(tx["value"]),
        "to": tx.get("to", ""), "data": tx["data"], "raw": "0x" + bytes(signed.raw_transaction).hex(),
        "hash": "0x" + bytes(signed.hash).hex(),
    }


txs = [transaction(n, rng.randbytes(20) if n % 4 else None, rng.randbytes(rng.choice([0, 1, 4, 60, 400])))
       for n in [0, 1, 2, 127, 128, 255, 256, 65535, 2**33 + 1] for _ in range(4)]
with open(OUT, "w", encoding="utf-8") as f:
    json.dump({
        "key": "0x" + KEY.hex(), "account": Account.from_key(KEY).address,
        "calls": [call(s, i) for s in SIGNATURES for i in range(6)], "transactions": txs,
    }, f, indent=1)
    f.write("\n")
print(f"{OUT}: {len(txs)} transactions")
