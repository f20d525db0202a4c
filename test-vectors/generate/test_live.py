# SPDX-License-Identifier: MIT
"""two live_peer.py processes talk to each other over pipes, every pair whose versions match, both roles"""
import base64
import itertools
import json
import os
import secrets
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from peers import c_available  # noqa: E402

b = lambda x: base64.b64encode(x).decode()


class P:
    def __init__(self, name):
        self.p = subprocess.Popen([sys.executable, os.path.join(HERE, "live_peer.py"), "--peer", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, cmd, fail=None, **k):
        self.p.stdin.write(json.dumps({"cmd": cmd, **k}) + "\n")
        self.p.stdin.flush()
        r = json.loads(self.p.stdout.readline())
        assert r["ok"] is (fail is None), (cmd, r)
        if fail not in (None, "*"):
            assert r["error"] == fail, r
        return r

    def end(self):
        self.p.stdin.close()
        self.p.wait(10)
        self.p.stdout.close()


def talk(na, nb):
    A, B = P(na), P(nb)
    ia, ib = A("init", device_id=11), B("init", device_id=22, pre_keys=5)
    n = 48 if ia["protocol"] == "omemo2" else 32
    pt = secrets.token_bytes(n)
    k = A("initiate", bundle=ib["bundle"], plaintext=b(pt))
    assert B("accept", bytes=k["bytes"])["plaintext"] == b(pt)
    assert len(B("bundle")["bundle"]["pre_keys"]) == 4
    B("accept", fail="duplicate", bytes=k["bytes"])
    held = []
    for i in range(40):
        s, r = ((A, B), (B, A))[secrets.randbelow(2)]
        pt = secrets.token_bytes(n)
        e = s("encrypt", plaintext=b(pt))
        bad = bytearray(base64.b64decode(e["bytes"]))
        bad[-14] ^= 1  # inside MAC or ciphertext in every format
        r("decrypt", fail="*", bytes=b(bytes(bad)), kex=e["kex"])
        assert r("decrypt", bytes=e["bytes"], kex=e["kex"])["plaintext"] == b(pt)
    ms = [(p := secrets.token_bytes(n), A("encrypt", plaintext=b(p))) for _ in range(10)]
    for p, e in reversed(ms):
        assert B("decrypt", bytes=e["bytes"], kex=e["kex"])["plaintext"] == b(p)
    for x, y in ((A, B), (B, A)):
        if "libomemo" in (na if x is A else nb) or "libomemo" in (nb if x is A else na):
            continue
        c = x("payload_encrypt", plaintext=b("héllo".encode()))
        assert y("payload_decrypt", **{k_: c[k_] for k_ in ("key_material", "ciphertext", "iv") if k_ in c})["plaintext"] == b("héllo".encode())
    # B starts anew: what A has written before is read by those who keep old sessions, and shown to be lost by the others
    pt = secrets.token_bytes(n)
    late = A("encrypt", plaintext=b(pt))
    k = B("initiate", bundle=A("bundle")["bundle"], plaintext=b(pt))
    late = {"bytes": late["bytes"], "kex": late["kex"]}
    if nb in ("twomemo", "oldmemo"):
        B("decrypt", fail="*", **late)
        assert B("decrypt_replaced", **late)["plaintext"] == b(pt)
        B("decrypt_replaced", fail="duplicate", **late)
    else:
        assert B("decrypt", **late)["plaintext"] == b(pt)
        B("decrypt_replaced", fail="unsupported", **late)
    assert A("decrypt", bytes=k["bytes"], kex=True)["plaintext"] == b(pt)
    A.end(), B.end()
    print("ok", na, "->", nb)


if __name__ == "__main__":
    have_c = c_available()
    for grp in (["oldmemo", "omemo-dr"] + ["libomemo-c-legacy"] * have_c, ["twomemo"] + ["libomemo-c-omemo2"] * have_c):
        for x, y in itertools.product(grp, grp):
            talk(x, y)
