"""A party that is no Lilypad program: a key of its own, documents and requests signed as protocol 2.0.1 and 9.1 say, in
plain Python."""
import base64
import json
import os
import time
import urllib.error
import urllib.request

from evm import keccak, view, word

P = 2 ** 256 - 2 ** 32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if not a or not b:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def checksummed(address):
    """EIP-55."""
    hashed = keccak(address.encode()).hex()
    return "0x" + "".join(c.upper() if int(hashed[i], 16) >= 8 else c for i, c in enumerate(address))


class Party:
    def __init__(self, chain):
        self.secret = int.from_bytes(os.urandom(32), "big") % N
        x, y = times(self.secret, G)
        self.account = checksummed(keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:].hex())
        self.domain = view(chain, chain.info["controller"], "domain()")[0].to_bytes(32, "big")

    def sign(self, doc, domain=None):
        digest = keccak(b"\x19\x01" + (domain or self.domain) + doc)
        while True:
            k = int.from_bytes(os.urandom(32), "big") % N
            x, y = times(k, G)
            s = pow(k, -1, N) * (int.from_bytes(digest, "big") + x * self.secret) % N
            if s and x < N:
                break
        v = y & 1
        if s > N // 2:
            s, v = N - s, v ^ 1
        return "0x" + (x.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + v])).hex()

    def cancel_nonce(self, job_nonce, send_nonce, **how):
        """The action that burns a job nonce of this party's (2.2), for anybody to carry."""
        body = keccak(keccak(b"NonceCancel(uint64 nonce)") + word(job_nonce))
        expiry = int(time.time()) + 3600
        doc = keccak(keccak(b"Send(address account,uint8 kind,bytes32 body,uint64 nonce,uint40 expiry)") +
                     word(self.account) + word(5) + body + word(send_nonce) + word(expiry))
        send = {"account": self.account, "kind": 5, "body": "0x" + body.hex(), "nonce": str(send_nonce),
                "expiry": expiry}
        return {"kind": "send", "send": send, "signature": self.sign(doc, **how), "body": {"nonce": str(job_nonce)}}

    def request(self, url, server, method, path, body=None, signed=True):
        """The status and JSON of the answer."""
        data = json.dumps(body).encode() if body is not None else b""
        headers = {"content-type": "application/json"}
        if signed:
            nonce, now = os.urandom(16), int(time.time())
            doc = keccak(keccak(b"Request(address audience,string method,string path,bytes32 bodyHash,uint40 time,"
                                b"bytes16 nonce)") + word(server) + keccak(method.encode()) + keccak(path.encode()) +
                         keccak(data) + word(now) + nonce + bytes(16))
            r = {"audience": server, "bodyHash": "0x" + keccak(data).hex(), "method": method,
                 "nonce": "0x" + nonce.hex(), "path": path, "time": now}
            text = json.dumps({"request": r, "signature": self.sign(doc)}, sort_keys=True, separators=(",", ":"))
            headers["authorization"] = "Lilypad " + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        req = urllib.request.Request(url + path, data if body is not None else None, headers, method=method)
        try:
            with urllib.request.urlopen(req, timeout=40) as a:
                return a.status, json.load(a)
        except urllib.error.HTTPError as e:
            answer = json.load(e)
            answer = answer.get("error", answer)
            if answer["code"] != "STALE":
                return e.code, answer
        # A server that has just started takes nothing that was signed in its first second.
        time.sleep(1)
        return self.request(url, server, method, path, body, signed)
