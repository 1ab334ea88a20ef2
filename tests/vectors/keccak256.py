#!/usr/bin/env python3
"""keccak256.py - writes keccak256.txt, a second opinion on Keccak-256 by pycryptodome's Crypto.Hash.keccak.

Line n after the comments is the digest of the first n bytes that splitmix64 gives from the seed n, each of
its words in little-endian order: all lengths from 0 to 1200, eight blocks of the sponge and more."""
import os

import Crypto
from Crypto.Hash import keccak

MASK = (1 << 64) - 1


def message(n):
    state, out = n, b""
    while len(out) < n:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out += (z ^ (z >> 31)).to_bytes(8, "little")
    return out[:n]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keccak256.txt"), "w") as f:
    f.write(f"# Keccak-256 by pycryptodome {Crypto.__version__} (Crypto.Hash.keccak), made by keccak256.py:\n"
            "# line n is the digest of n bytes of splitmix64 seeded with n.\n")
    for n in range(1201):
        f.write(keccak.new(digest_bits=256, data=message(n)).hexdigest() + "\n")
