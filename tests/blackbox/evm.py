"""What tests say to contracts: Keccak-256, calls and answers of elementary types, transactions of an account that the
development node signs for."""
from conftest import wait_until

ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]
MASK = (1 << 64) - 1


def rotate(v, n):
    return (v << n | v >> (64 - n)) & MASK if n else v


def constants():
    r = 1
    for _ in range(24):
        c = 0
        for j in range(7):
            if r & 1:
                c |= 1 << ((1 << j) - 1)
            r = r << 1 ^ (0x171 if r & 0x80 else 0)
        yield c


def permute(a):
    for c in constants():
        s = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [s[x - 1] ^ rotate(s[(x + 1) % 5], 1) for x in range(5)]
        a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = rotate(a[x][y], ROTATIONS[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y] & MASK) for y in range(5)] for x in range(5)]
        a[0][0] ^= c
    return a


def keccak(data):
    rate = 136
    data = bytearray(data + b"\1" + b"\0" * (-(len(data) + 1) % rate))
    data[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for at in range(0, len(data), rate):
        for i in range(rate // 8):
            a[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        a = permute(a)
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def word(v):
    """An address or hash as text, or a number."""
    return (int(v, 16) if isinstance(v, str) else int(v)).to_bytes(32, "big")


def call_data(signature, *args):
    return "0x" + (keccak(signature.encode())[:4] + b"".join(map(word, args))).hex()


def topic(event):
    return "0x" + keccak(event.encode()).hex()


def view(chain, to, signature, *args):
    """The words of the answer, as numbers."""
    data = bytes.fromhex(chain.ask("eth_call", {"to": to, "data": call_data(signature, *args)}, "latest")[2:])
    return [int.from_bytes(data[i:i + 32], "big") for i in range(0, len(data), 32)]


def transact(chain, sender, to, data, ok=True):
    """Sent by an account whose key the node need not have; waits for its block."""
    chain.ask("anvil_impersonateAccount", sender)
    chain.ask("anvil_setBalance", sender, hex(10 ** 21))
    tx = {"from": sender, "data": data, "gas": hex(5_000_000)}
    if to:
        tx["to"] = to
    h = chain.ask("eth_sendTransaction", tx)
    r = wait_until(lambda: chain.ask("eth_getTransactionReceipt", h))
    assert (int(r["status"], 16) == 1) == ok, r
    return r
