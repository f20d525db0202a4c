#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the vectors bite?  Break the reference recipient in known ways and count the session files that notice.

    mutants.py [DIR]    a set made by generate.py; ../omemo when none is named

Lenient steps are skipped, as any runner may.  So a larger limit for jumps forward passes unnoticed: that is a policy.
Exit code 1 when anything else does.
"""
import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import core
import replay
from core import *

orig = {k: getattr(Sim, k) for k in ("_decrypt_kex", "_decrypt_plain", "_session_decrypt", "_message_key", "decrypt", "encrypt")}
SAVED = {}


def patch(obj, name, val):
    SAVED.setdefault((obj, name), obj.__dict__[name])
    setattr(obj, name, val)


def restore():
    for (o, n), v in SAVED.items():
        setattr(o, n, v)
    SAVED.clear()


def no_rollback(self, data, kex):
    self.generated = None
    return self._decrypt_kex(data) if kex else self._decrypt_plain(data)


def inplace(self, wire):  # works on the live session instead of a copy
    self.v.parse_inner(self.v.split(wire)[0])
    if not self.sessions:
        raise SimError("no-session")
    return self._session_decrypt(self.sessions[0], wire)


def rebuild(self, data):
    keep, self.sessions = self.sessions, []
    try:
        out = orig["_decrypt_kex"](self, data)
    finally:
        self.sessions = self.sessions + keep
    return out


def keep_opk(self, data):
    pks = dict(self.pks)
    out = orig["_decrypt_kex"](self, data)
    self.pks = pks
    return out


def one_session(self, data):
    out = orig["_decrypt_kex"](self, data)
    del self.sessions[1:]
    return out


def pn_strict(self, s, rpub, n, _m=orig["_message_key"]):  # spec style: forgets chains, keeps only what was skipped inside a chain
    out = _m(self, s, rpub, n)
    for c in s.chains[:-1]:
        c.n = 10**6
    return out


def no_dup(self, s, rpub, n, _m=orig["_message_key"]):
    try:
        return _m(self, s, rpub, n)
    except SimError as e:
        raise SimError("bad-mac") if e.kind == "duplicate" else e


def off_pn(self, pt, pn_style="spec", commit=True):
    return orig["encrypt"](self, pt, "libsignal", commit)


def reuse_ratchet(self, s, rpub, n, _m=orig["_message_key"]):
    old = s.dhs
    out = _m(self, s, rpub, n)
    s.dhs = old
    return out


def keep_pending(self, s, wire):
    p = s.pending
    out = orig["_session_decrypt"](self, s, wire)
    s.pending = p
    return out


MUT = {
    "omemo2 AD flips with direction": lambda: patch(Omemo2, "ad", staticmethod(lambda a, b, x: a + b if x else b + a)),
    "legacy AD does not flip": lambda: patch(Legacy, "ad", staticmethod(lambda a, b, x: a + b)),
    "X3DH info": lambda: patch(Omemo2, "i_x3dh", b"OMEMO Payload"),
    "8-byte MAC in omemo2 accepted": lambda: patch(Omemo2, "split", staticmethod(lambda w: (lambda f: (f[2], f[1]))(pfields(w, {1: "bytes", 2: "bytes"})))) or patch(Omemo2, "maclen", 8),
    "state changes on failure (work in place, no rollback)": lambda: patch(Sim, "decrypt", no_rollback) or patch(Sim, "_decrypt_plain", inplace),
    "repeated kex rebuilds the session": lambda: patch(Sim, "_decrypt_kex", rebuild),
    "one-time pre key not deleted": lambda: patch(Sim, "_decrypt_kex", keep_opk),
    "no archived sessions": lambda: patch(Sim, "_decrypt_kex", one_session),
    "old chains dropped at a ratchet step": lambda: patch(Sim, "MAX_CHAINS", 1),
    "jump limit 900": lambda: patch(Sim, "MAX_JUMP", 900),
    "jump limit 5000": lambda: patch(Sim, "MAX_JUMP", 5000),
    "skipped store of 50": lambda: patch(Sim, "MAX_SKIP", 50),
    "duplicates reported as bad MAC": lambda: patch(Sim, "_message_key", no_dup),
    "pn = N-1": lambda: patch(Sim, "encrypt", off_pn),
    "no new ratchet key": lambda: patch(Sim, "_message_key", reuse_ratchet),
    "kex phase never ends": lambda: patch(Sim, "_session_decrypt", keep_pending),
    "low-order keys accepted": lambda: patch(Sim, "_dh", lambda self, a, b: x25519(a, b)),
    "ik not validated (omemo2)": lambda: patch(Omemo2, "ik_u", staticmethod(lambda k: ed_to_mont(k))),
    "no one-time pre key is fine": lambda: patch(Legacy, "parse_kex", staticmethod(lambda b, _p=Legacy.parse_kex: (lambda t: (t[0] if t[0] is not None else 10**9, *t[1:]))(_p(b)))),
    "any version byte": lambda: patch(Legacy, "parse_inner", staticmethod(lambda i, _p=Legacy.parse_inner: _p(b"\x33" + i[1:]))),
    "PKCS#7 not checked": lambda: patch(core, "cbc_dec", lambda k, i, c: _cbc_loose(k, i, c)),
    "unknown protobuf fields refused": lambda: patch(core, "pfields", _strict_fields),
    "omitted pinned identity check": lambda: patch(Sim, "pinned", property(lambda self: None, lambda self, v: None)) if "pinned" in Sim.__dict__ else patch_attr(),
}


POLICY = {"jump limit 5000"}


def patch_attr():
    setattr(Sim, "pinned", property(lambda self: None, lambda self, v: None))
    SAVED[Sim, "pinned"] = None


def _cbc_loose(key, iv, ct):
    if not ct or len(ct) % 16:
        raise SimError("malformed")
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    pt = d.update(ct) + d.finalize()
    return pt[: -pt[-1]] if pt[-1] else pt


def _strict_fields(b, spec, _p=core.pfields):
    for num, wt, _ in pparse(b):
        if num not in spec:
            raise SimError("malformed", "unknown field")
    return _p(b, spec)


def main() -> int:
    files = []
    for path in sorted(glob.glob(os.path.join(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, os.pardir, "omemo"), "session", "*.json"))):
        with open(path, encoding="utf-8") as f:
            files.append(json.load(f))
    if not files:
        raise SystemExit("mutants.py: no session files there")
    weak = []
    for name, mut in MUT.items():
        mut()
        hit = []
        for j in files:
            try:
                replay.session(j, True)
            except Exception:
                hit.append(j["scenario"])
        restore() if (Sim, "pinned") not in SAVED else (SAVED.clear(), delattr(Sim, "pinned"))
        if not hit:
            weak.append(name)
        print(f"{len(hit):3} files  {name:60} {', '.join(sorted(set(hit)))[:110]}")
    print("undetected mutants:", len(weak))
    return 0 if set(weak) <= POLICY else 1


if __name__ == "__main__":
    sys.exit(main())
