# SPDX-License-Identifier: MIT
"""Primitives and a small, independent reference recipient ("Sim") for both OMEMO versions.

Written from the XEPs, RFC 7748/8032/5869 and what peers put on the wire.  Nothing here is taken
from any peer library.  Not constant time, not for production: it only produces and checks vectors.
"""
from __future__ import annotations

import copy
import hashlib
import hmac as _hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = (-121665 * pow(121666, P - 2, P)) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
U32 = 0xFFFFFFFF


# ------------------------------------------------------------------ deterministic randomness
class Drbg:
    """SHA-256 in counter mode; every label gives an independent stream."""

    def __init__(self, seed: bytes) -> None:
        self.seed, self.ctr, self.buf = seed, 0, b""

    def child(self, *label) -> "Drbg":
        return Drbg(hashlib.sha256(self.seed + b"/" + repr(label).encode()).digest())

    def bytes(self, n: int) -> bytes:
        while len(self.buf) < n:
            self.buf += hashlib.sha256(self.seed + self.ctr.to_bytes(8, "big")).digest()
            self.ctr += 1
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def int(self, lo: int, hi: int) -> int:
        """uniform enough in [lo, hi]"""
        return lo + int.from_bytes(self.bytes(16), "big") % (hi - lo + 1)

    def choice(self, seq):
        return seq[self.int(0, len(seq) - 1)]

    def shuffle(self, seq) -> list:
        seq = list(seq)
        for i in range(len(seq) - 1, 0, -1):
            j = self.int(0, i)
            seq[i], seq[j] = seq[j], seq[i]
        return seq

    def sample(self, seq, k: int) -> list:
        out: list = []
        while len(out) < k:
            x = seq[self.int(0, len(seq) - 1)]
            if x not in out:
                out.append(x)
        return out

    def scalar(self) -> bytes:
        return clamp(self.bytes(32))


# ------------------------------------------------------------------ curve helpers
def clamp(b: bytes) -> bytes:
    a = bytearray(b)
    a[0] &= 248
    a[31] = (a[31] & 127) | 64
    return bytes(a)


def x25519(priv: bytes, pub: bytes) -> bytes:
    """X25519 that returns the all-zero string for low-order inputs instead of raising."""
    try:
        return X25519PrivateKey.from_private_bytes(priv).exchange(X25519PublicKey.from_public_bytes(pub))
    except ValueError:
        return bytes(32)


def x_pub(priv: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(priv).public_key().public_bytes_raw()


def _add(p, q):
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def ed_mul(k: int, p):
    q = (0, 1, 1, 0)
    while k:
        if k & 1:
            q = _add(q, p)
        p = _add(p, p)
        k >>= 1
    return q


def ed_recover(b: bytes):
    y, s = int.from_bytes(b, "little") & (2**255 - 1), b[31] >> 7
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * SQRT_M1 % P
    if (v * x * x - u) % P:
        return None
    if x == 0 and s:
        return None
    if x & 1 != s:
        x = P - x
    return x, y, 1, x * y % P


BASE = ed_recover((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed_enc(p) -> bytes:
    zi = pow(p[2], P - 2, P)
    x, y = p[0] * zi % P, p[1] * zi % P
    return (y | ((x & 1) << 255)).to_bytes(32, "little")


def ed_pub(scalar: bytes) -> bytes:
    """Ed25519 encoding of clamp(scalar)*B with its natural sign bit."""
    return ed_enc(ed_mul(int.from_bytes(clamp(scalar), "little"), BASE))


def seed_to_scalar(seed: bytes) -> bytes:
    return clamp(hashlib.sha512(seed).digest()[:32])


def ed_to_mont(a: bytes) -> bytes:
    y = int.from_bytes(a, "little") & (2**255 - 1)
    return ((1 + y) * pow((1 - y) % P, P - 2, P) % P).to_bytes(32, "little")


def mont_to_ed(u: bytes, sign: int) -> bytes:
    n = (int.from_bytes(u, "little") & (2**255 - 1)) % P
    y = (n - 1) * pow(n + 1, P - 2, P) % P
    return (y | (sign << 255)).to_bytes(32, "little")


def ed_verify(pub: bytes, msg: bytes, sig: bytes, check_s: bool = True) -> bool:
    """cofactorless RFC 8032 style verification, s < L enforced"""
    if len(sig) != 64:
        return False
    a, r, s = ed_recover(pub), sig[:32], int.from_bytes(sig[32:], "little")
    if a is None or (check_s and s >= L):
        return False
    h = int.from_bytes(hashlib.sha512(r + pub + msg).digest(), "little") % L
    na = (P - a[0], a[1], 1, (P - a[3]) % P)
    return ed_enc(_add(ed_mul(s, BASE), ed_mul(h, na))) == r


def xed_sign(scalar: bytes, msg: bytes, z: bytes, form: str) -> bytes:
    """form: 'natural' (A with its natural sign), 'libsignal' (natural + sign OR-ed into byte 63),
    'xeddsa' (scalar negated when the natural sign is 1, so A has sign 0)."""
    k = int.from_bytes(clamp(scalar), "little")
    a = ed_enc(ed_mul(k, BASE))
    if form == "xeddsa" and a[31] >> 7:
        k = -k % L
        a = ed_enc(ed_mul(k, BASE))
    kb = (k % L if form == "xeddsa" and k != int.from_bytes(clamp(scalar), "little") else k).to_bytes(32, "little")
    r = int.from_bytes(hashlib.sha512(b"\xfe" + b"\xff" * 31 + kb + msg + z).digest(), "little") % L
    rb = ed_enc(ed_mul(r, BASE))
    h = int.from_bytes(hashlib.sha512(rb + a + msg).digest(), "little") % L
    sig = bytearray(rb + ((r + h * k) % L).to_bytes(32, "little"))
    if form == "libsignal":
        sig[63] |= a[31] & 0x80
    return bytes(sig)


def verify_legacy(u: bytes, msg: bytes, sig: bytes) -> bool:
    """identity key known as u; bit 7 of byte 63 carries the Edwards sign"""
    if len(sig) != 64:
        return False
    sign, s = sig[63] >> 7, bytearray(sig)
    s[63] &= 0x7F
    return ed_verify(mont_to_ed(u, sign), msg, bytes(s))


# ------------------------------------------------------------------ KDFs and ciphers
def hmac256(key: bytes, data: bytes) -> bytes:
    return _hmac.new(key, data, hashlib.sha256).digest()


def hkdf(salt: bytes, ikm: bytes, info: bytes, n: int) -> bytes:
    prk, t, out, i = hmac256(salt, ikm), b"", b"", 1
    while len(out) < n:
        t = hmac256(prk, t + info + bytes([i]))
        out += t
        i += 1
    return out[:n]


def cbc_enc(key, iv, pt, pad=None) -> bytes:
    n = 16 - len(pt) % 16
    pt += bytes([n]) * n if pad is None else pad
    e = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return e.update(pt) + e.finalize()


def cbc_dec(key, iv, ct) -> bytes:
    if not ct or len(ct) % 16:
        raise SimError("malformed", "ciphertext length")
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    pt = d.update(ct) + d.finalize()
    n = pt[-1]
    if not 1 <= n <= 16 or pt[-n:] != bytes([n]) * n:
        raise SimError("bad-padding", "PKCS#7")
    return pt[:-n]


# ------------------------------------------------------------------ protobuf
def vint(n: int, extra: int = 0) -> bytes:
    out = []
    while True:
        b, n = n & 127, n >> 7
        if n or extra:
            out.append(b | 128)
        else:
            out.append(b)
            break
        if not n:
            out += [128] * (extra - 1) + [0]
            break
    return bytes(out)


def fld(num: int, val, extra: int = 0) -> bytes:
    if isinstance(val, int):
        return vint(num << 3) + vint(val, extra)
    return vint(num << 3 | 2) + vint(len(val), extra) + val


def rd_vint(b: bytes, i: int):
    v = s = 0
    while True:
        if i >= len(b) or s > 63:
            raise SimError("malformed", "varint")
        v |= (b[i] & 127) << s
        s += 7
        i += 1
        if not b[i - 1] & 128:
            return v & (2**64 - 1), i


def pparse(b: bytes) -> list:
    i, out = 0, []
    while i < len(b):
        t, i = rd_vint(b, i)
        num, wt = t >> 3, t & 7
        if num == 0:
            raise SimError("malformed", "field 0")
        if wt == 0:
            v, i = rd_vint(b, i)
        elif wt in (1, 5):
            n = 8 if wt == 1 else 4
            v, i = b[i : i + n], i + n
            if i > len(b):
                raise SimError("malformed", "fixed")
        elif wt == 2:
            n, i = rd_vint(b, i)
            v, i = b[i : i + n], i + n
            if i > len(b):
                raise SimError("malformed", "length")
        else:
            raise SimError("malformed", "wire type")
        out.append((num, wt, v))
    return out


def pfields(b: bytes, spec: dict) -> dict:
    """spec: field number -> 'u32' | 'bytes'. Unknown fields are ignored, last occurrence wins."""
    out = {}
    for num, wt, v in pparse(b):
        if num not in spec:
            continue
        if (spec[num] == "u32") != (wt == 0) or (spec[num] == "bytes") != (wt == 2):
            continue  # as the protobuf parsers do: a known number with a foreign wire type is an unknown field
        out[num] = v & U32 if spec[num] == "u32" else v
    return out


class SimError(Exception):
    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


# ------------------------------------------------------------------ the two versions
class Legacy:
    name, ns, kl, maclen = "legacy", "eu.siacs.conversations.axolotl", 33, 8
    i_x3dh, i_root, i_msg = b"WhisperText", b"WhisperRatchet", b"WhisperMessageKeys"

    @staticmethod
    def pub(u):
        return b"\x05" + u

    @staticmethod
    def unpub(b):
        if len(b) != 33 or b[0] != 5:
            raise SimError("bad-key", "encoding")
        return b[1:]

    @staticmethod
    def ik_wire(dev):
        return b"\x05" + dev["curve"]

    @staticmethod
    def ik_u(ikw):
        return Legacy.unpub(ikw)

    @staticmethod
    def ad(alice, bob, sender_is_alice):
        return alice + bob if sender_is_alice else bob + alice

    @staticmethod
    def inner(n, pn, pub, ct):
        return b"\x33" + fld(1, b"\x05" + pub) + fld(2, n) + fld(3, pn) + fld(4, ct)

    @staticmethod
    def wrap(inner, mac):
        return inner + mac

    @staticmethod
    def split(wire):
        if len(wire) < 10:
            raise SimError("malformed", "short")
        return wire[:-8], wire[-8:]

    @staticmethod
    def parse_inner(inner):
        if inner[0] >> 4 != 3:
            raise SimError("version", hex(inner[0]))
        f = pfields(inner[1:], {1: "bytes", 2: "u32", 3: "u32", 4: "bytes"})
        if 1 not in f or 2 not in f or not f.get(4):
            raise SimError("malformed", "missing field")
        return f[2], f.get(3, 0), Legacy.unpub(f[1]), f[4]

    @staticmethod
    def kex(pk_id, spk_id, ik, ek, msg, reg=None):
        out = b"\x33"
        if pk_id is not None:
            out += fld(1, pk_id)
        out += fld(2, b"\x05" + ek) + fld(3, ik) + fld(4, msg)
        if reg is not None:
            out += fld(5, reg)
        return out + fld(6, spk_id)

    @staticmethod
    def parse_kex(b):
        if not b:
            raise SimError("malformed", "empty")
        if b[0] >> 4 != 3:
            raise SimError("version", hex(b[0]))
        f = pfields(b[1:], {1: "u32", 2: "bytes", 3: "bytes", 4: "bytes", 5: "u32", 6: "u32"})
        if any(i not in f for i in (2, 3, 4, 6)):
            raise SimError("malformed", "missing field")
        return f.get(1), f[6], f[3], Legacy.unpub(f[2]), f[4]


class Omemo2:
    name, ns, kl, maclen = "omemo2", "urn:xmpp:omemo:2", 32, 16
    i_x3dh, i_root, i_msg = b"OMEMO X3DH", b"OMEMO Root Chain", b"OMEMO Message Key Material"

    @staticmethod
    def pub(u):
        return u

    @staticmethod
    def unpub(b):
        if len(b) != 32:
            raise SimError("bad-key", "encoding")
        return b

    @staticmethod
    def ik_wire(dev):
        return dev["ed"]

    @staticmethod
    def ik_u(ikw):
        if len(ikw) != 32:
            raise SimError("bad-key", "ik length")
        pt = ed_recover(ikw)
        if pt is None:
            raise SimError("bad-key", "ik not on the curve or not canonical")
        if ed_enc(ed_mul(8, pt)) == ed_enc((0, 1, 1, 0)):
            raise SimError("bad-key", "ik small order")
        if ed_enc(ed_mul(L, pt)) != ed_enc((0, 1, 1, 0)):
            raise SimError("bad-key", "ik not in the prime-order group")
        return ed_to_mont(ikw)

    @staticmethod
    def ad(alice, bob, sender_is_alice):
        return alice + bob

    @staticmethod
    def inner(n, pn, pub, ct):
        return fld(1, n) + fld(2, pn) + fld(3, pub) + fld(4, ct)

    @staticmethod
    def wrap(inner, mac):
        return fld(1, mac) + fld(2, inner)

    @staticmethod
    def split(wire):
        f = pfields(wire, {1: "bytes", 2: "bytes"})
        if 1 not in f or 2 not in f:
            raise SimError("malformed", "missing field")
        if len(f[1]) != 16:
            raise SimError("bad-mac", "mac length")
        return f[2], f[1]

    @staticmethod
    def parse_inner(inner):
        f = pfields(inner, {1: "u32", 2: "u32", 3: "bytes", 4: "bytes"})
        if any(i not in f for i in (1, 2, 3)) or not f.get(4):
            raise SimError("malformed", "missing field")
        return f[1], f[2], Omemo2.unpub(f[3]), f[4]

    @staticmethod
    def kex(pk_id, spk_id, ik, ek, msg, reg=None):
        out = b"" if pk_id is None else fld(1, pk_id)
        return out + fld(2, spk_id) + fld(3, ik) + fld(4, ek) + fld(5, msg)

    @staticmethod
    def parse_kex(b):
        f = pfields(b, {1: "u32", 2: "u32", 3: "bytes", 4: "bytes", 5: "bytes"})
        if any(i not in f for i in (2, 3, 4, 5)):
            raise SimError("malformed", "missing field")
        return f.get(1), f[2], f[3], Omemo2.unpub(f[4]), f[5]


PROTO = {"legacy": Legacy, "omemo2": Omemo2}


def kdf_rk(v, rk, dh):
    o = hkdf(rk, dh, v.i_root, 64)
    return o[:32], o[32:]


def kdf_ck(ck):
    return hmac256(ck, b"\x02"), hmac256(ck, b"\x01")


def msg_keys(v, mk):
    o = hkdf(bytes(32), mk, v.i_msg, 80)
    return o[:32], o[32:64], o[64:]


def x3dh_root(v, dhs) -> bytes:
    return hkdf(bytes(32), b"\xff" * 32 + b"".join(dhs), v.i_x3dh, 32)


def dh_checked(priv, pub):
    out = x25519(priv, pub)
    if out == bytes(32):
        raise SimError("bad-key", "all-zero shared secret")
    return out


# ------------------------------------------------------------------ reference session
@dataclass
class RChain:
    pub: bytes
    ck: bytes
    n: int = 0
    skipped: dict = field(default_factory=dict)


@dataclass
class Session:
    alice: bool
    ik_a: bytes
    ik_b: bytes
    base: bytes
    rk: bytes
    dhs: bytes
    cks: bytes | None = None
    ns: int = 0
    pn: int = 0
    chains: list = field(default_factory=list)
    pending: tuple | None = None  # (pk_id, spk_id, ek)


class Sim:
    """Recipient device. identity = {'priv','seed','curve','ed'}."""

    MAX_JUMP, MAX_CHAINS, MAX_SKIP, MAX_ARCHIVE = 2000, 5, 2000, 40

    def __init__(self, proto: str, identity: dict, spks: dict, pks: dict, rng: Drbg, device_id: int) -> None:
        self.v, self.id, self.rng, self.dev = PROTO[proto], identity, rng, device_id
        self.spks, self.pks = dict(spks), dict(pks)  # id -> private
        self.sessions: list[Session] = []  # current first
        self.pinned: bytes | None = None
        self.nratchet = 0
        self.generated: bytes | None = None
        self.lax = False  # skip low-order checks (used to craft hostile messages)

    # -- state
    def snapshot(self):
        return copy.deepcopy((self.spks, self.pks, self.sessions, self.pinned, self.nratchet))

    def next_ratchet(self) -> bytes:
        return self.rng.child("ratchet", self.nratchet).scalar()

    def _gen(self) -> bytes:
        self.generated = self.next_ratchet()
        return self.generated

    def _dh(self, priv, pub):
        return x25519(priv, pub) if self.lax else dh_checked(priv, pub)

    # -- active side
    def initiate(self, bundle: dict, pk_id: int, ek_priv: bytes, pt: bytes) -> bytes:
        v = self.v
        ik_b, spk, opk = bundle["ik"], bundle["spk"], bundle["pks"][pk_id]
        dhs = [
            self._dh(clamp(self.id["priv"]), spk),
            self._dh(ek_priv, v.ik_u(ik_b)),
            self._dh(ek_priv, spk),
            self._dh(ek_priv, opk),
        ]
        rp = self._gen()
        self.nratchet += 1
        rk, ck = kdf_rk(v, x3dh_root(v, dhs), self._dh(rp, spk))
        s = Session(True, v.ik_wire(self.id), ik_b, x_pub(ek_priv), rk, rp, ck, pending=(pk_id, bundle["spk_id"], x_pub(ek_priv)))
        self.sessions.insert(0, s)
        self.pinned = self.pinned or ik_b
        return self.encrypt(pt)[0]

    # -- sending
    def encrypt(self, pt: bytes, pn_style: str = "spec", commit: bool = True):
        s, v = self.sessions[0], self.v
        if s.cks is None:
            raise SimError("no-session", "no sending chain")
        cks, mk = kdf_ck(s.cks)
        enc, auth, iv = msg_keys(v, mk)
        pn = s.pn if pn_style == "spec" else max(s.pn - 1, 0)
        inner = v.inner(s.ns, pn, x_pub(s.dhs), cbc_enc(enc, iv, pt))
        out = v.wrap(inner, hmac256(auth, v.ad(s.ik_a, s.ik_b, s.alice) + inner)[: v.maclen])
        if s.pending:
            out = v.kex(s.pending[0], s.pending[1], s.ik_a, s.pending[2], out, self.dev)
        first = s.ns == 0
        if commit:
            s.cks, s.ns = cks, s.ns + 1
        return out, bool(s.pending), first, s.dhs

    # -- receiving
    def decrypt(self, data: bytes, kex: bool) -> bytes:
        before = self.snapshot()
        self.generated = None
        try:
            return self._decrypt_kex(data) if kex else self._decrypt_plain(data)
        except SimError:
            self.spks, self.pks, self.sessions, self.pinned, self.nratchet = before
            raise

    def _decrypt_plain(self, wire: bytes) -> bytes:
        self.v.parse_inner(self.v.split(wire)[0])
        if not self.sessions:
            raise SimError("no-session")
        errs = []
        for i in range(len(self.sessions)):
            s = copy.deepcopy(self.sessions[i])
            try:
                pt = self._session_decrypt(s, wire)
            except SimError as e:
                errs.append(e)
                continue
            del self.sessions[i]
            self.sessions.insert(0, s)
            return pt
        raise next((e for e in errs if e.kind == "duplicate"), errs[0])

    def _decrypt_kex(self, data: bytes) -> bytes:
        v = self.v
        pk_id, spk_id, ikw, ek, wire = v.parse_kex(data)
        ik_u = v.ik_u(ikw) if not self.lax else (ed_to_mont(ikw) if v is Omemo2 else ikw[1:])
        v.parse_inner(v.split(wire)[0])
        if pk_id is None:
            raise SimError("missing-pre-key")
        if self.pinned is not None and self.pinned != ikw:
            raise SimError("identity-mismatch")
        for s in self.sessions:
            if s.base == ek and not s.alice:
                return self._decrypt_plain(wire)
        if spk_id not in self.spks:
            raise SimError("unknown-signed-pre-key")
        if pk_id not in self.pks:
            raise SimError("unknown-pre-key")
        spk, opk = self.spks[spk_id], self.pks[pk_id]
        dhs = [self._dh(spk, ik_u), self._dh(clamp(self.id["priv"]), ek), self._dh(spk, ek), self._dh(opk, ek)]
        s = Session(False, ikw, v.ik_wire(self.id), ek, x3dh_root(v, dhs), spk)
        pt = self._session_decrypt(s, wire)
        self.sessions.insert(0, s)
        del self.sessions[1 + self.MAX_ARCHIVE :]
        del self.pks[pk_id]
        self.pinned = ikw
        return pt

    def _session_decrypt(self, s: Session, wire: bytes) -> bytes:
        v = self.v
        inner, mac = v.split(wire)
        n, pn, rpub, ct = v.parse_inner(inner)
        mk = self._message_key(s, rpub, n)
        enc, auth, iv = msg_keys(v, mk)
        want = hmac256(auth, v.ad(s.ik_a, s.ik_b, not s.alice) + inner)[: v.maclen]
        if want != mac:
            raise SimError("bad-mac")
        pt = cbc_dec(enc, iv, ct)
        s.pending = None
        return pt

    def _message_key(self, s: Session, rpub: bytes, n: int) -> bytes:
        v = self.v
        ch = next((c for c in s.chains if c.pub == rpub), None)
        fresh = ch is None
        if fresh:
            s.rk, ck = kdf_rk(v, s.rk, self._dh(s.dhs, rpub))
            ch = RChain(rpub, ck)
        if n < ch.n:
            if n not in ch.skipped:
                raise SimError("duplicate")
            return ch.skipped.pop(n)
        if n - ch.n > self.MAX_JUMP:
            raise SimError("too-far-ahead")
        while ch.n < n:
            ch.ck, ch.skipped[ch.n] = kdf_ck(ch.ck)
            ch.n += 1
        while len(ch.skipped) > self.MAX_SKIP:
            ch.skipped.pop(next(iter(ch.skipped)))
        ch.ck, mk = kdf_ck(ch.ck)
        ch.n += 1
        if fresh:
            s.chains.append(ch)
            del s.chains[: -self.MAX_CHAINS]
            s.dhs = self._gen()
            self.nratchet += 1
            s.rk, s.cks = kdf_rk(v, s.rk, self._dh(s.dhs, rpub))
            s.pn, s.ns = s.ns, 0
        return mk

    # -- crafting hostile or odd messages that carry a correct MAC
    def peek_key(self, rpub: bytes, n: int, ad_from_peer: bool = True):
        """(enc, auth, iv, ad) for message n of ratchet key rpub on the current session, state untouched."""
        s, lax, gen, nr = copy.deepcopy(self.sessions[0]), self.lax, self.generated, self.nratchet
        self.lax = True
        try:
            mk = self._message_key(s, rpub, n)
        finally:
            self.lax, self.generated, self.nratchet = lax, gen, nr
        return (*msg_keys(self.v, mk), self.v.ad(s.ik_a, s.ik_b, not s.alice))

    def craft(self, rpub, n, pn, pt, inner_fn=None, wrap_fn=None, ct_fn=None) -> bytes:
        enc, auth, iv, ad = self.peek_key(rpub, n)
        ct = ct_fn(enc, iv, pt) if ct_fn else cbc_enc(enc, iv, pt)
        inner = (inner_fn or self.v.inner)(n, pn, rpub, ct)
        mac = hmac256(auth, ad + inner)[: self.v.maclen]
        return (wrap_fn or self.v.wrap)(inner, mac)

    def craft_kex(self, ikw, ek, rpub, pk_id, spk_id, pt, n=0, ik_u=None, kex_fn=None, inner_fn=None, wrap_fn=None, use_opk=True, real_spk=None, real_pk=None) -> bytes:
        """A key exchange computed from the *recipient's* private keys, so any public key may be used."""
        v = self.v
        spk, opk = self.spks[real_spk or spk_id], self.pks[real_pk or pk_id] if use_opk else None
        ik_u = ik_u if ik_u is not None else (ikw[1:] if v is Legacy else ed_to_mont(ikw))
        dhs = [x25519(spk, ik_u), x25519(clamp(self.id["priv"]), ek), x25519(spk, ek)] + ([x25519(opk, ek)] if opk else [])
        rk, ck = kdf_rk(v, x3dh_root(v, dhs), x25519(spk, rpub))
        for _ in range(n):
            ck, _mk = kdf_ck(ck)
        ck, mk = kdf_ck(ck)
        enc, auth, iv = msg_keys(v, mk)
        inner = (inner_fn or v.inner)(n, 0, rpub, cbc_enc(enc, iv, pt))
        mac = hmac256(auth, v.ad(ikw, v.ik_wire(self.id), True) + inner)[: v.maclen]
        return (kex_fn or v.kex)(pk_id, spk_id, ikw, ek, (wrap_fn or v.wrap)(inner, mac))


def make_identity(rng: Drbg, sign: int | None = 0, seeded: bool = True) -> dict:
    while True:
        seed = rng.bytes(32) if seeded else None
        priv = seed_to_scalar(seed) if seeded else rng.scalar()
        ed = ed_pub(priv)
        if sign is None or ed[31] >> 7 == sign:
            return {"priv": priv, "seed": seed, "curve": x_pub(priv), "ed": ed}
