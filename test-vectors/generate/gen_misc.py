# SPDX-License-Identifier: MIT
"""kind = payload, xeddsa, x3dh, bundle, stanza"""
from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import oldmemo.etree as OE
import twomemo.etree as TE
import xeddsa
from omemo.message import Message
from omemo_dr import aes as dr_aes
import omemo_dr.curve as drc

from core import *
import peers
from peers import PyPeer, DrPeer, CPeer, CProc, PeerError, RNG, _drive, _Rng, _old, _two, c_available, make_peer, producers
from gen_session import Scenario, b64, bundle_json, recipient_json, RJID, SJID

NSL, NS2 = Legacy.ns, Omemo2.ns


def head(kind, proto, prod, ident, desc, **kw):
    return {"schema": "omemo-vectors/1", "kind": kind, "protocol": proto, "producer": prod, "id": ident, "description": desc, **kw}


PROD = lambda n: {"name": n, "version": peers.c_version() if n == "libomemo-c" else peers._pkgver(n)}
OWN = {"name": "generator", "version": "1"}


class Bare(peers.PeerBase):
    """only lends its random stream to module-level functions of the peers"""

    def __init__(self, rng):
        self.rng, self.forced, self.once = rng, None, None


# ------------------------------------------------------------------ payload
def py_decrypt_legacy(material, iv, ct):
    be = _old.Oldmemo(peers._Mem())
    try:
        return _drive(be.decrypt_plaintext(_old.ContentImpl(ct, iv), _old.PlainKeyMaterialImpl(material[:16], material[16:])))
    except AssertionError:
        return None
    except Exception:
        return None


def py_decrypt_omemo2(material, iv, ct):
    be = _two.Twomemo(peers._Mem())
    try:
        return _drive(be.decrypt_plaintext(_two.ContentImpl(ct), _two.PlainKeyMaterialImpl(material[:32], material[32:])))
    except Exception:
        return None
    except AssertionError:
        return None


def dr_decrypt(material, iv, ct):
    try:
        return dr_aes.aes_decrypt(material, iv, ct).encode()
    except Exception:
        return None


def ref_legacy(material, iv, ct):
    """the project's rule: 32 bytes = key||tag, 16 bytes = key with the tag at the end of the payload"""
    try:
        if len(material) == 32:
            return AESGCM(material[:16]).decrypt(iv, ct + material[16:], None)
        if len(material) == 16 and len(ct) >= 16:
            return AESGCM(material).decrypt(iv, ct, None)
    except Exception:
        pass
    return None


def ref_omemo2(material, iv, ct):
    if len(material) != 48:
        return None
    o = hkdf(bytes(32), material[:32], b"OMEMO Payload", 80)
    if hmac256(o[32:64], ct)[:16] != material[32:]:
        return None
    try:
        return cbc_dec(o[:32], o[64:], ct)
    except SimError:
        return None


def gen_payload(g):
    for proto, prods in (("legacy", ["oldmemo", "omemo-dr"]), ("omemo2", ["twomemo"])):
        for prod in prods:
            r = g.rng.child("payload", prod)
            ref = ref_legacy if proto == "legacy" else ref_omemo2
            ver = {"oldmemo": py_decrypt_legacy, "omemo-dr": dr_decrypt} if proto == "legacy" else {"twomemo": py_decrypt_omemo2}
            tests = []
            bodies = [b"x", "Grüße, 世界 🌍".encode(), b"a" * 15, b"a" * 16, b"a" * 17, b" trailing blanks \t\n ", r.bytes(20).hex().encode(), ("long " * r.int(200, 400)).encode()]
            if prod != "omemo-dr":
                bodies.append(b"")
            first = None

            def add(material, iv, ct, pt, comment, flags=(), lenient=False, err="payload"):
                want = ref(material, iv, ct)
                assert (want == pt) if pt is not None else want is None, comment
                t = {"tcId": len(tests) + 1, "key_material": material.hex(), **({"iv": iv.hex()} if iv is not None else {}), "ciphertext": b64(ct), "result": "ok" if pt is not None else "error"}
                if pt is not None:
                    t["plaintext"] = pt.hex()
                else:
                    t["error"] = err
                agree, dis = [], {}
                for k, f in ver.items():
                    got = f(material, iv, ct)
                    (agree.append(k) if got == want else dis.__setitem__(k, "ok" if got is not None else "error"))
                t["agree"] = agree
                if dis:
                    t["disagree"] = dis
                if lenient:
                    t["lenient"] = True
                if flags:
                    t["flags"] = sorted(flags)
                t["comment"] = comment
                tests.append(t)

            for body in bodies:
                with Bare(r.child("rng", body)).active():
                    if prod == "omemo-dr":
                        dr_aes.os = RNG
                        e = dr_aes.aes_encrypt(body.decode())
                        material, iv, ct = e.key, e.iv, e.payload
                    else:
                        mod = _old if prod == "oldmemo" else _two
                        c, m = _drive((mod.Oldmemo if mod is _old else mod.Twomemo)(peers._Mem()).encrypt_plaintext(body))
                        material, iv, ct = m.key + m.auth_tag, getattr(c, "initialization_vector", None), c.ciphertext
                add(material, iv, ct, body, f"{len(body)} bytes")
                if len(body) > 30 and first is None:
                    first = (material, iv, ct, body)
            material, iv, ct, body = first
            flip = lambda b, i: b[:i] + bytes([b[i] ^ 1 << r.int(0, 7)]) + b[i + 1 :]
            for i in (0, len(ct) // 2, len(ct) - 1):
                add(material, iv, flip(ct, i), None, f"payload byte {i} flipped", ["Tampered"])
            for i in (0, 15, 16, 31) + ((32, 47) if proto == "omemo2" else ()):
                add(flip(material, i), iv, ct, None, f"key material byte {i} flipped", ["Tampered"])
            add(material, iv, ct[:-1], None, "payload one byte short", ["Truncated"])
            add(material, iv, ct + b"\0", None, "payload one byte long", ["Trailing"])
            add(material[:-1], iv, ct, None, "key material one byte short", ["BadLength"], lenient=False)
            add(material + b"\0", iv, ct, None, "key material one byte long", ["BadLength"])
            if proto == "legacy":
                add(material, flip(iv, 3), ct, None, "iv flipped", ["Tampered"])
                add(material[:16], iv, ct + material[16:], body, "old form: 16-byte key, tag at the end of the payload", ["OldForm"], lenient=True)
                add(material[:16], iv, ct, None, "16-byte key material and no tag anywhere", ["OldForm"])
                key = r.bytes(16)
                iv16 = r.bytes(16)
                full = AESGCM(key).encrypt(iv16, body, None)
                add(key + full[-16:], iv16, full[:-16], body, "16-byte iv (clients before about 2020)", ["Iv16"])
                full = AESGCM(key).encrypt(iv, body, None)
                for tl in (4, 8, 12, 15):
                    add(key + full[-16 : len(full) - 16 + tl], iv, full[:-16], None, f"tag truncated to {tl} bytes", ["ShortTag"])
            else:
                o = hkdf(bytes(32), material[:32], b"OMEMO Payload", 80)
                for nm, pad, pt in (("padding byte 0", bytes(16), body[:32]), ("padding byte 17", b"\x11" * 16, body[:32]), ("unequal padding bytes", bytes(14) + b"\x01\x02", body[:32])):
                    c2 = cbc_enc(o[:32], o[64:], pt, pad=pad)
                    add(material[:32] + hmac256(o[32:64], c2)[:16], None, c2, None, nm + ", HMAC correct", ["BadPadding"])
                c2 = ct[:-5]
                add(material[:32] + hmac256(o[32:64], c2)[:16], None, c2, None, "length not a multiple of 16, HMAC correct", ["BadPadding"])
                add(material[:32] + hmac256(o[32:64], b"")[:16], None, b"", None, "zero-length payload, HMAC correct", ["BadPadding"])
                add(material[:32] + hmac256(o[32:64], ct), None, ct, None, "full 32-byte HMAC in the key material (64 bytes)", ["BadLength"])
                add(bytes(32), None, ct, None, "empty-message key material with a payload", ["BadLength"])
            g.files[f"payload/{proto}-{prod}.json"] = head("payload", proto, PROD(prod), f"payload-{proto}-{prod}", "payload encryption", tests=tests)


# ------------------------------------------------------------------ xeddsa
def gen_xeddsa(g):
    r = g.rng.child("xeddsa")
    c = CProc() if c_available() else None
    if c:
        c("seed", r.bytes(32))
    ident = {s: make_identity(r.child("id", s), s) for s in (0, 1)}
    msgs = [b"", b"\x05" + x_pub(r.scalar()), x_pub(r.scalar()), "Laptop ☎".encode(), r.bytes(r.int(100, 300))]
    tests = []
    by_tc = {}

    def ver(scheme, key, msg, sig):
        """every verifier's opinion"""
        out = {}
        if scheme == "legacy":
            out["omemo-dr"] = len(sig) == 64 and drc.verify_signature_curve(key, msg, sig) == 0
            if c:
                try:
                    res = c("verify", 3, b"\x05" + key, msg, sig)
                    out["libomemo-c"] = res == ["ok", "1"]
                except PeerError:
                    out["libomemo-c"] = None
            if len(sig) == 64:
                s2 = bytearray(sig)
                s2[63] &= 0x7F
                try:
                    out["oldmemo/xeddsa"] = xeddsa.ed25519_verify(bytes(s2), xeddsa.curve25519_pub_to_ed25519_pub(key, bool(sig[63] >> 7)), msg)
                except Exception:
                    out["oldmemo/xeddsa"] = False
        else:
            if len(sig) == 64:
                try:
                    out["twomemo/xeddsa"] = xeddsa.ed25519_verify(sig, key, msg)
                except Exception:
                    out["twomemo/xeddsa"] = False
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(sig, msg)
                out["openssl"] = True
            except (InvalidSignature, ValueError):
                out["openssl"] = False
            if c:
                out["libomemo-c"] = c("verify", 4, key, msg, sig) == ["ok", "1"]
        return out

    def add(scheme, key, msg, sig, valid, comment, flags=(), lenient=False, **kw):
        mine = verify_legacy(key, msg, sig) if scheme == "legacy" else ed_verify(key, msg, sig)
        assert valid is None or mine == valid, comment
        if "LowOrder" in flags:
            mine = False  # recommended: refuse small-order keys
        o = ver(scheme, key, msg, sig)
        t = {"tcId": len(tests) + 1, "op": "verify", "scheme": scheme, "public_key": key.hex(), "message": msg.hex(), "signature": sig.hex(), "result": "ok" if mine else "error"}
        t["agree"] = [k for k, v in o.items() if v == mine]
        d = {k: "ok" if v else "error" for k, v in o.items() if v != mine}
        if d:
            t["disagree"] = d
        if lenient:
            t["lenient"] = True
        if flags:
            t["flags"] = list(flags)
        t["comment"] = comment
        t.update(kw)
        tests.append(t)

    for sgn, i in ident.items():
        k = i["priv"]
        for msg in msgs:
            z = r.bytes(64)
            own = {f: xed_sign(k, msg, z, f) for f in ("natural", "libsignal", "xeddsa")}
            assert own["natural"] == xeddsa.ed25519_priv_sign(k, msg, z)
            assert own["xeddsa"] == drc.calculate_signature(z, k, msg), "omemo-dr signs in XEdDSA form"
            for form, sig in own.items():
                tests.append({"tcId": len(tests) + 1, "op": "sign", "form": form, "private": k.hex(), "message": msg.hex(), "random": z.hex(), "signature": sig.hex(), "result": "ok",
                              "agree": {"natural": ["xeddsa 1.2.0"], "xeddsa": ["omemo-dr 1.2.0"], "libsignal": ["xeddsa 1.2.0 plus sign bit"]}[form], "comment": f"natural sign bit {sgn}"})
            add("legacy", i["curve"], msg, own["libsignal"], True, f"libsignal form, natural sign {sgn}")
            add("legacy", i["curve"], msg, own["xeddsa"], True, f"XEdDSA form, natural sign {sgn}")
            add("ed25519", i["ed"], msg, own["natural"], True, f"plain Ed25519 under the natural key, sign {sgn}")
            add("ed25519", i["ed"][:31] + bytes([i["ed"][31] & 127]), msg, own["xeddsa"], True, f"XEdDSA form under the sign-0 key, natural sign {sgn}")
            sig = Ed25519PrivateKey.from_private_bytes(i["seed"]).sign(msg)
            add("ed25519", i["ed"], msg, sig, True, "RFC 8032 signature from the seed")
            add("legacy", i["curve"], msg, sig[:63] + bytes([sig[63] | i["ed"][31] & 128]), True, "RFC 8032 signature from the seed plus sign bit")
            if sgn:
                add("legacy", i["curve"], msg, own["natural"], False, "natural form without the sign bit in byte 63", ["SignBit"])
                add("ed25519", i["ed"], msg, own["libsignal"], False, "libsignal form is not a plain Ed25519 signature (bit 63.7 set)", ["SignBit"], lenient=True)
                add("ed25519", i["ed"], msg, own["xeddsa"], False, "XEdDSA form under the natural (sign 1) key", ["SignBit"])
        if c:
            c("identity", k, 1)
            for v, scheme, key in ((3, "legacy", i["curve"]), (4, "ed25519", i["ed"][:31] + bytes([i["ed"][31] & 127]))):
                msg = msgs[1]
                sig = bytes.fromhex(c("sign", v, msg)[1])
                add(scheme, key, msg, sig, True, f"produced by libomemo-c, natural sign {sgn}")
        # tampering
        msg = msgs[1]
        for scheme, key, form in (("legacy", i["curve"], "libsignal"), ("ed25519", i["ed"], "natural")):
            sig = xed_sign(k, msg, r.bytes(64), form)
            for pos in (0, 15, 31, 32, 47, 62):
                add(scheme, key, msg, sig[:pos] + bytes([sig[pos] ^ 1]) + sig[pos + 1 :], False, f"signature byte {pos} flipped", ["Tampered"])
            add(scheme, key, msg, sig[:63] + bytes([sig[63] ^ 0x80]), False, "bit 63.7 flipped", ["Tampered", "SignBit"], lenient=scheme == "ed25519")
            add(scheme, key, msg + b"x", sig, False, "message extended", ["Tampered"])
            add(scheme, key, msg[1:], sig, False, "message without its first byte (33 against 32 byte key encoding)", ["Tampered"])
            add(scheme, ident[1 - sgn]["curve" if scheme == "legacy" else "ed"], msg, sig, False, "wrong key", ["Tampered"])
            add(scheme, key, msg, bytes(64), False, "all-zero signature", ["Tampered"])
            for ln in (0, 63, 65):
                add(scheme, key, msg, (sig + b"\0")[:ln], False, f"{ln} bytes", ["BadLength"])
            s = int.from_bytes(sig[32:63] + bytes([sig[63] & 127]), "little")
            for mul in (1, 3):
                if s + mul * L < 2**255:
                    hi = (s + mul * L).to_bytes(32, "little")
                    add(scheme, key, msg, sig[:32] + hi[:31] + bytes([hi[31] | (sig[63] & 128 if scheme == "legacy" else 0)]), False, f"s + {mul}L (malleated)", ["Malleability"], lenient=True)
    small = {"u = 0": bytes(32), "u = 1": (1).to_bytes(32, "little"), "u = p-1": (P - 1).to_bytes(32, "little")}
    for nm, u in small.items():
        s = r.int(1, L - 1)
        rb = ed_enc(ed_mul(s, BASE))
        add("legacy", u, b"anything", rb + s.to_bytes(32, "little"), None, f"small-order key {nm}, R = sB", ["LowOrder"], lenient=True)
    for nm, e in {"identity": (1).to_bytes(32, "little"), "y = 0": bytes(32), "order 8": bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "y = p+1": (P + 1).to_bytes(32, "little")}.items():
        s = r.int(1, L - 1)
        add("ed25519", e, b"anything", ed_enc(ed_mul(s, BASE)) + s.to_bytes(32, "little"), None, f"small-order key {nm}, R = sB", ["LowOrder"], lenient=True)
    if c:
        c.close()
    g.files["xeddsa/signatures.json"] = head("xeddsa", "both", {"name": "xeddsa, omemo-dr, libomemo-c, openssl, generator", "version": "see README"}, "xeddsa", "signatures of every form in use; 'sign' tests are exact given the 64 random bytes", tests=tests)
    conv = []
    for n in range(24):
        i = make_identity(r.child("conv", n), None)
        assert xeddsa.priv_to_ed25519_pub(i["priv"]) == i["ed"] and xeddsa.ed25519_pub_to_curve25519_pub(i["ed"]) == i["curve"] and xeddsa.seed_to_priv(i["seed"]) == i["priv"]
        assert xeddsa.curve25519_pub_to_ed25519_pub(i["curve"], bool(i["ed"][31] >> 7)) == i["ed"]
        conv.append({"tcId": n + 1, "op": "convert", "ed25519_seed": i["seed"].hex(), "private": i["priv"].hex(), "curve25519_public": i["curve"].hex(), "ed25519_public": i["ed"].hex(), "sign_bit": i["ed"][31] >> 7,
                     "ed25519_public_sign0": (i["ed"][:31] + bytes([i["ed"][31] & 127])).hex(), "fingerprint": i["curve"].hex(), "result": "ok", "agree": ["xeddsa 1.2.0"]})
    g.files["xeddsa/conversions.json"] = head("xeddsa", "both", PROD("xeddsa"), "conversions", "seed -> scalar -> Curve25519 / Ed25519 public key, and back", tests=conv)


# ------------------------------------------------------------------ x3dh
def gen_x3dh(g):
    for proto in ("legacy", "omemo2"):
        v, tests, mod = PROTO[proto], [], _old if proto == "legacy" else _two
        r = g.rng.child("x3dh", proto)
        for n in range(8):
            rr = r.child(n)
            a, b, spk, opk = make_identity(rr.child("a"), None), make_identity(rr.child("b"), None), rr.scalar(), rr.scalar()
            key = producers(proto)[0]
            A = make_peer(key, SJID, 1, a, {1: rr.scalar()}, {1: rr.scalar()}, rr.child("A"))
            B = make_peer(key, RJID, 2, b, {7: spk}, {9: opk}, rr.child("B"))
            sta, stb = _drive(A.backend._Oldmemo__get_state() if proto == "legacy" else A.backend._Twomemo__get_state()), _drive(B.backend._Oldmemo__get_state() if proto == "legacy" else B.backend._Twomemo__get_state())
            ek = rr.bytes(32)
            bundle = stb.bundle
            with A.active():
                A.force_ephemeral(clamp(ek))
                ss, ad, hdr = _drive(sta.get_shared_secret_active(bundle))
            ekp = clamp(ek)
            assert hdr.ephemeral_key == x_pub(ekp)
            with B.active():
                ss2, ad2, _ = _drive(stb.get_shared_secret_passive(hdr))
            dhs = [x25519(a["priv"], x_pub(spk)), x25519(ekp, b["curve"]), x25519(ekp, x_pub(spk)), x25519(ekp, x_pub(opk))]
            assert x3dh_root(v, dhs) == ss == ss2
            want_ad = v.ik_wire(a) + v.ik_wire(b)
            assert ad == ad2 == want_ad, (ad.hex(), want_ad.hex())
            hx = lambda i: {"curve25519_private": i["priv"].hex(), "ed25519_seed": i["seed"].hex(), "curve25519_public": i["curve"].hex(), "ed25519_public": i["ed"].hex(), "wire": v.ik_wire(i).hex()}
            tests.append({"tcId": n + 1, "alice_identity": hx(a), "bob_identity": hx(b), "bob_signed_pre_key": {"private": spk.hex(), "public": x_pub(spk).hex()}, "bob_pre_key": {"private": opk.hex(), "public": x_pub(opk).hex()},
                          "alice_ephemeral": {"private": ekp.hex(), "public": x_pub(ekp).hex()}, "dh1": dhs[0].hex(), "dh2": dhs[1].hex(), "dh3": dhs[2].hex(), "dh4": dhs[3].hex(), "shared_secret": ss.hex(), "associated_data": ad.hex(),
                          "result": "ok", "agree": [A.name + " active", A.name + " passive"]})
        g.files[f"x3dh/{proto}.json"] = head("x3dh", proto, PROD("x3dh"), f"x3dh-{proto}", "X3DH with all private keys; shared_secret = root key 0", tests=tests)


# ------------------------------------------------------------------ bundles
def bundle_xml(proto, b):
    e = lambda x: b64(x)
    if proto == "legacy":
        return (f"<bundle xmlns='{NSL}'><signedPreKeyPublic signedPreKeyId='{b['spk_id']}'>{e(Legacy.pub(b['spk']))}</signedPreKeyPublic><signedPreKeySignature>{e(b['sig'])}</signedPreKeySignature>"
                f"<identityKey>{e(b['ik'])}</identityKey><prekeys>" + "".join(f"<preKeyPublic preKeyId='{i}'>{e(Legacy.pub(u))}</preKeyPublic>" for i, u in b["pks"].items()) + "</prekeys></bundle>")
    return (f"<bundle xmlns='{NS2}'><spk id='{b['spk_id']}'>{e(b['spk'])}</spk><spks>{e(b['sig'])}</spks><ik>{e(b['ik'])}</ik><prekeys>" + "".join(f"<pk id='{i}'>{e(u)}</pk>" for i, u in b["pks"].items()) + "</prekeys></bundle>")


def peer_bundle_opinion(g, proto, xml, r):
    """does python-omemo parse it and start a session from it; does libomemo-c / omemo-dr take the keys?"""
    out = {}
    key = "oldmemo" if proto == "legacy" else "twomemo"
    me = make_peer(key, SJID, 1, make_identity(r.child("me")), {1: r.scalar()}, {1: r.scalar()}, r.child("rng"))
    try:
        bo = (OE if proto == "legacy" else TE).parse_bundle(ET.fromstring(xml), RJID, 5)
        with me.active():
            n = me.mod.PlainKeyMaterialImpl.KEY_LENGTH
            _drive(me.backend.build_session_active(RJID, 5, bo, me.mod.PlainKeyMaterialImpl(bytes(n), bytes(16))))
        out[key] = "ok"
    except Exception as e:
        out[key] = type(e).__name__
    return out


def parse_bundle_ref(proto, xml, raw):
    """tolerant reference reader; returns (parsed, error); raw is filled as far as parsing got"""
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
        return None, "xml"
    ns = "{%s}" % (NSL if proto == "legacy" else NS2)
    nm = ("signedPreKeyPublic", "signedPreKeySignature", "identityKey", "preKeyPublic", "signedPreKeyId", "preKeyId") if proto == "legacy" else ("spk", "spks", "ik", "pk", "id", "id")
    if root.tag != ns + "bundle":
        return None, "malformed"

    def dec(t):
        t = re.sub(r"\s+", "", t or "")
        if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", t):
            raise SimError("malformed", "base64")
        return base64.b64decode(t + "=" * (-len(t) % 4))

    def rid(el, a):
        s = el.get(a) or ""
        if not s.isdigit() or int(s) > U32:
            raise SimError("malformed", "id")
        return int(s)

    try:
        one = [root.findall(ns + nm[i]) for i in range(3)]
        if any(len(x) != 1 for x in one):
            raise SimError("malformed", "element missing or repeated")
        pr = root.find(ns + "prekeys")
        if pr is None:
            raise SimError("malformed", "no prekeys")
        v = PROTO[proto]
        spk_id, spk, sig, ikw = rid(one[0][0], nm[4]), v.unpub(dec(one[0][0].text)), dec(one[1][0].text), dec(one[2][0].text)
        if len(sig) != 64:
            raise SimError("malformed", "signature length")
        v.ik_u(ikw)
        pks = {}
        for el in pr.findall(ns + nm[3]):
            pks[rid(el, nm[5])] = v.unpub(dec(el.text))
        if not pks:
            raise SimError("malformed", "no pre keys")
        ok = verify_legacy(ikw[1:], b"\x05" + spk, sig) if proto == "legacy" else ed_verify(ikw, spk, sig)
        raw.update(ik=ikw, spk_id=spk_id, spk=spk, sig=sig, pks=pks)
        if not ok:
            raise SimError("bad-signature")
        return {"ik": ikw.hex(), "spk_id": spk_id, "spk": spk.hex(), "signature": sig.hex(), "pre_keys": [{"id": i, "public": u.hex()} for i, u in pks.items()]}, None
    except SimError as e:
        return None, e.kind


def gen_bundle(g):
    for proto in ("legacy", "omemo2"):
        for key in producers(proto):
            prod = key.split("/")[0]
            r = g.rng.child("bundle", key)
            tests = []

            def add(xml, expect, comment, flags=(), lenient=False):
                raw: dict = {}
                parsed, err = parse_bundle_ref(proto, xml, raw)
                assert expect is None or (err or "ok") == expect, (comment, err)
                t = {"tcId": len(tests) + 1, "xml": xml, "result": "error" if err else "ok"}
                if err:
                    t["error"] = err
                else:
                    t["expected"] = parsed
                o = peer_bundle_opinion(g, proto, xml, r.child("op", len(tests)))
                for k in producers(proto)[1:] if raw else []:
                    ro = r.child("op2", k, len(tests))
                    p = make_peer(k, SJID, 1, make_identity(ro), {1: ro.scalar()}, {1: ro.scalar()}, ro.child("rng"))
                    try:
                        p.initiate(raw, next(iter(raw["pks"])), bytes(32))
                        o[k] = "ok"
                    except PeerError as e:
                        o[k] = e.kind
                    p.close()
                t["agree"] = [k for k, x in o.items() if (x == "ok") == (err is None)]
                d = {k: x for k, x in o.items() if (x == "ok") != (err is None)}
                if d:
                    t["disagree"] = d
                    g.disagree[f"{proto} bundle: {comment}"].append(f"[{t['result']}{'/' + err if err else ''}{' lenient' if lenient else ''}] {d}")
                if lenient:
                    t["lenient"] = True
                if flags:
                    t["flags"] = list(flags)
                t["comment"] = comment
                tests.append(t)

            def mk(sign, npk=4, seeded=True):
                rr = r.child("dev", sign, npk)
                p = make_peer(key, RJID, 5, make_identity(rr, sign, seeded), {rr.int(1, 2**24): rr.scalar()}, {i: rr.scalar() for i in sorted(rr.sample(range(1, 2**24), npk))}, rr.child("rng"))
                b = p.bundle()
                p.close()
                return b

            b = mk(0)
            add(bundle_xml(proto, b), "ok", "natural sign bit 0")
            b1 = mk(1)
            add(bundle_xml(proto, b1), "ok", f"natural sign bit 1 (signature bit 63.7 = {b1['sig'][63] >> 7})")
            add(bundle_xml(proto, mk(0, 100 if key != "libomemo-c/legacy" else 25)), "ok", "many pre keys")
            add(bundle_xml(proto, {**b, "pks": dict(list(b["pks"].items())[:1])}), "ok", "a single pre key")
            add(bundle_xml(proto, {**b, "pks": {}}), "malformed", "no pre key", ["Missing"])
            sig = b["sig"]
            for pos in (0, 31, 32, 63):
                add(bundle_xml(proto, {**b, "sig": sig[:pos] + bytes([sig[pos] ^ 1]) + sig[pos + 1 :]}), "bad-signature", f"signature byte {pos} flipped", ["Tampered"])
            add(bundle_xml(proto, {**b, "sig": sig[:63] + bytes([sig[63] ^ 0x80])}), "bad-signature", "signature bit 63.7 flipped", ["Tampered", "SignBit"], lenient=proto == "omemo2")
            add(bundle_xml(proto, {**b, "sig": sig[:63]}), "malformed", "63-byte signature", ["BadLength"])
            add(bundle_xml(proto, {**b, "spk": x_pub(r.scalar())}), "bad-signature", "another signed pre key", ["Tampered"])
            add(bundle_xml(proto, {**b, "ik": mk(0, 3)["ik"]}), "bad-signature", "another identity key", ["Tampered"])
            other = Omemo2 if proto == "legacy" else Legacy
            # signature over the other version's encoding
            rr = r.child("x")
            idn, sp = make_identity(rr, 0), rr.scalar()
            wrong = xed_sign(idn["priv"], other.pub(x_pub(sp)), rr.bytes(64), "xeddsa")
            add(bundle_xml(proto, {"ik": PROTO[proto].ik_wire(idn), "spk_id": 1, "spk": x_pub(sp), "sig": wrong, "pks": b["pks"]}), "bad-signature", "signature over the other OMEMO version's encoding of the key", ["WrongVersion"])
            x = bundle_xml(proto, b)
            if proto == "omemo2":
                fl = b["ik"][:31] + bytes([b["ik"][31] ^ 0x80])
                add(bundle_xml(proto, {**b, "ik": fl}), "bad-signature", "ik with the other sign bit", ["SignBit"])
                add(bundle_xml(proto, {**b, "ik": bytes(32)}), "bad-key", "all-zero ik", ["LowOrder"])
                add(x.replace(b64(b["spk"]), b64(b"\x05" + b["spk"])), "bad-key", "33-byte spk (05 prefix)", ["BadLength"], lenient=True)
                spk_el, sig_el, ik_el, pk_el, pid = "spk", "spks", "ik", "pk", "id"
            else:
                add(x.replace(b64(b["ik"]), b64(b["ik"][1:])), "bad-key", "bare 32-byte identity key", ["BadLength"], lenient=True)
                add(x.replace(b64(b"\x05" + b["spk"]), b64(b["spk"])), "bad-key", "bare 32-byte signed pre key", ["BadLength"], lenient=True)
                add(x.replace(b64(b"\x05" + b["spk"]), b64(b"\x06" + b["spk"])), "bad-key", "signed pre key with type byte 06", ["BadLength"])
                spk_el, sig_el, ik_el, pk_el, pid = "signedPreKeyPublic", "signedPreKeySignature", "identityKey", "preKeyPublic", "preKeyId"
            for el in (spk_el, sig_el, ik_el, "prekeys"):
                add(re.sub(rf"<{el}[ >].*?</{el}>", "", x, flags=re.S), "malformed", f"<{el}/> missing", ["Missing"])
            add(re.sub(r">([A-Za-z0-9+/=]{40,})<", lambda m: ">\n   " + "\n   ".join(m.group(1)[i : i + 20] for i in range(0, len(m.group(1)), 20)) + "\n  <", x), "ok", "base64 wrapped and indented", ["Whitespace"])
            add(re.sub(r"(={1,2})<", "<", x), "ok", "base64 without padding characters", ["NoPadding"], lenient=True)
            add(x.replace("<prekeys>", "<future xmlns='urn:example:future'/><prekeys>"), "ok", "unknown child element", ["Unknown"], lenient=True)
            add(x.replace("</prekeys>", "<kem-key xmlns='urn:example:future' id='1'>AA==</kem-key></prekeys>"), "ok", "unknown element between the pre keys", ["Unknown"], lenient=True)
            i0 = next(iter(b["pks"]))
            add(x.replace(f"{pid}='{i0}'", f"{pid}='4294967295'"), "ok", "pre key id 2^32-1 (outside the 1..2^31-1 that clients emit)", ["Ids"], lenient=True)
            add(x.replace(f"{pid}='{i0}'", f"{pid}='4294967296'"), "malformed", "pre key id 2^32", ["Ids"], lenient=True)
            add(x.replace(f"{pid}='{i0}'", f"{pid}='-1'"), "malformed", "pre key id -1", ["Ids"], lenient=True)
            add(x.replace(f"{pid}='{i0}'", f"{pid}='{list(b['pks'])[1]}'"), "ok", "two pre keys with the same id", ["Ids"], lenient=True)
            add(x.replace(NSL if proto == "legacy" else NS2, "urn:xmpp:omemo:1"), "malformed", "foreign namespace", ["Namespace"])
            add(x[:-9], "xml", "not well-formed", ["Xml"])
            g.files[f"bundle/{proto}-{prod}.json"] = head("bundle", proto, PROD(prod), f"bundle-{proto}-{prod}", "bundle XML: parse, check the signature", tests=tests)


# ------------------------------------------------------------------ stanzas
def envelope(body, r, frm=SJID, to=None, time=None, rpad=True, extra="", content=None):
    c = content if content is not None else f"<body xmlns='jabber:client'>{body}</body>"
    return (f"<envelope xmlns='urn:xmpp:sce:1'><content>{c}</content>" + (f"<rpad>{b64(r.bytes(r.int(0, 120)))}</rpad>" if rpad else "") + (f"<from jid='{frm}'/>" if frm else "")
            + (f"<to jid='{to}'/>" if to else "") + (f"<time stamp='{time}'/>" if time else "") + extra + "</envelope>")


def enc_payload(proto, data, r):
    if proto == "legacy":
        key, iv = r.bytes(16), r.bytes(12)
        full = AESGCM(key).encrypt(iv, data, None)
        return key + full[-16:], iv, full[:-16]
    key = r.bytes(32)
    o = hkdf(bytes(32), key, b"OMEMO Payload", 80)
    ct = cbc_enc(o[:32], o[64:], data)
    return key + hmac256(o[32:64], ct)[:16], None, ct


def gen_stanza(g):
    for proto in ("legacy", "omemo2"):
        for key in producers(proto):
            s = Scenario(g, proto, key, "stanza", "")
            g.scenarios.remove(s)
            r, tests, prod = s.rng.child("stanza"), [], key.split("/")[0]
            to, frm = RJID + "/orchard", SJID + "/balcony"
            state = {"started": False}

            def peer_enc(material):
                if not state["started"]:
                    state["started"] = True
                    return s.start(material), True
                b, k, _ = s.msg(material)
                return b, k

            def key_el(raw, kex, rid=None, flag=None):
                rid = s.rdev if rid is None else rid
                a = "prekey" if proto == "legacy" else "kex"
                f = f" {a}='{flag or 'true'}'" if kex else (f" {a}='{flag}'" if flag else "")
                return f"<key rid='{rid}'{f}>{b64(raw)}</key>"

            def wrap(keys, iv, ct, extra_keys="", sid=None, before="", body=True, typ="chat", hdr_extra="", kjid=RJID):
                sid = s.sdev if sid is None else sid
                if proto == "legacy":
                    h = f"<header sid='{sid}'>{extra_keys}{keys}" + (f"<iv>{b64(iv)}</iv>" if iv is not None else "") + f"{hdr_extra}</header>"
                else:
                    h = f"<header sid='{sid}'>{extra_keys}<keys jid='{kjid}'>{keys}</keys>{hdr_extra}</header>"
                p = f"<payload>{b64(ct)}</payload>" if ct is not None else ""
                ns = NSL if proto == "legacy" else NS2
                eme = f"<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='{ns}'/>" if ct is not None else ""
                bd = "<body>I sent you an OMEMO encrypted message but your client doesn't seem to support that.</body>" if ct is not None and body and proto == "legacy" else ""
                return f"<message xmlns='jabber:client' from='{frm}' to='{to}' type='{typ}' id='m{len(tests) + 1}'>{before}<encrypted xmlns='{ns}'>{h}{p}</encrypted>{eme}<store xmlns='urn:xmpp:hints'/>{bd}</message>"

            def add(xml, expect, comment, raw=None, kex=False, flags=(), lenient=False, ratchet_ok=True, **exp):
                """run it through reference and peers; expect: body text, 'empty', or error kind"""
                st = {"tcId": len(tests) + 1, "stanza": xml}
                if raw is not None:
                    kind, got = s._try(s.sim, raw, kex)
                    assert (kind == "ok") == ratchet_ok, (comment, kind)
                    if s.sim.generated:
                        st["ratchet_private"] = s.sim.generated.hex()
                    st["agree"] = []
                    for k, p in s.verifiers.items():
                        p.force_ratchet(s.sim.generated or s.sim.next_ratchet())
                        pk, pg = s._try(p, raw, kex)
                        if (pk == "ok") == ratchet_ok and pg == got:
                            st["agree"].append(k)
                    if ratchet_ok:
                        st["key_material"] = got.hex()
                st.update(expect)
                if lenient:
                    st["lenient"] = True
                if flags:
                    st["flags"] = list(flags)
                st["comment"] = comment
                try:
                    if proto == "omemo2":
                        TE.parse_message(ET.fromstring(xml).find("{%s}encrypted" % NS2), SJID)
                    else:
                        OE.MESSAGE_SCHEMA.validate(ET.fromstring(xml).find("{%s}encrypted" % NSL))
                    st["schema_valid"] = True
                except Exception:
                    st["schema_valid"] = False
                tests.append(st)

            def normal(text, comment, env=None, flags=(), result=None, mut=None, lenient=False, **kw):
                data = text.encode() if proto == "legacy" else (env or envelope(text, r)).encode()
                m, iv, ct = enc_payload(proto, data, r)
                raw, kex = peer_enc(m)
                if mut:
                    iv, ct = mut(iv, ct)
                exp = result or {"result": "ok", "body": text, **({"envelope": data.decode()} if proto == "omemo2" else {})}
                x = wrap(key_el(raw, kex, **{k: kw.pop(k) for k in ("flag",) if k in kw}), iv, ct, **kw)
                add(x, exp, comment, raw, kex, flags, lenient)
                return raw, kex, iv, ct

            if proto == "omemo2":
                fake = lambda: Omemo2.wrap(Omemo2.inner(r.int(0, 90), r.int(0, 9), r.bytes(32), r.bytes(64)), r.bytes(16))
                decoy = f"<keys jid='{SJID}'><key rid='{r.int(1, 2**31 - 1)}'>{b64(fake())}</key></keys>"
            else:
                fake = lambda: Legacy.wrap(Legacy.inner(r.int(0, 90), r.int(0, 9), r.bytes(32), r.bytes(48)), r.bytes(8))
                decoy = f"<key rid='{r.int(1, 2**31 - 1)}'>{b64(fake())}</key><key rid='{r.int(1, 2**31 - 1)}' prekey='true'>{b64(Legacy.kex(r.int(1, 999), 1, Legacy.pub(r.bytes(32)), r.bytes(32), fake(), 5))}</key>"
            normal("Wherefore art thou?", "key exchange")
            normal("Zweite Nachricht äöü €", "still a kex; keys for other devices around it", extra_keys=decoy)
            s.send(comment="")
            reply = s.steps[-1]
            reply.pop("comment", None)
            tests.append({"tcId": len(tests) + 1, "send": {k: reply[k] for k in ("bytes", "plaintext", "ratchet_private", "alternatives") if k in reply}, "comment": "recipient answers (key element bytes); the peer has decrypted it", "result": "ok"})
            normal("plain ratchet message", "kex attribute absent")
            normal("flag false", "explicit false", flag="false")
            # empty / key transport
            em = r.bytes(16) if proto == "legacy" else bytes(32)
            raw, kex = peer_enc(em)
            add(wrap(key_el(raw, kex), r.bytes(12) if proto == "legacy" else None, None), {"result": "ok", "empty": True}, "empty message (no payload)", raw, kex, ["Empty"])
            pre = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/><origin-id xmlns='urn:xmpp:sid:0' id='x'/>"
            normal("with other children", "other stanza children before the encrypted element", before=pre)
            normal("", "empty body", **({} if proto == "legacy" else {"env": envelope("", r)}))
            normal("A &amp; B" if proto == "omemo2" else "A & B <tag>", "markup characters" if proto == "legacy" else "escaped markup in the envelope", **({"result": None} if proto == "legacy" else {"env": envelope("A &amp; B", r), "result": {"result": "ok", "body": "A & B"}}))
            normal("tampered", "payload bit flipped: the ratchet advances, the payload is rejected", flags=["Tampered"], mut=lambda iv, ct: (iv, bytes([ct[0] ^ 1]) + ct[1:]), result={"result": "error", "error": "payload"})
            normal("truncated", "payload truncated", flags=["Truncated"], mut=lambda iv, ct: (iv, ct[:-1]), result={"result": "error", "error": "payload"})
            if proto == "legacy":
                normal("tampered iv", "iv flipped", flags=["Tampered"], mut=lambda iv, ct: (bytes([iv[0] ^ 1]) + iv[1:], ct), result={"result": "error", "error": "payload"})
            # not for us
            m, iv, ct = enc_payload(proto, b"x", r)
            add(wrap(f"<key rid='{s.rdev ^ 1}'>{b64(fake())}</key>", iv, ct), {"result": "error", "error": "not-for-this-device"}, "no key for our device id, payload present", flags=["NotForUs"])
            add(wrap(f"<key rid='{s.rdev ^ 1}'>{b64(fake())}</key>", iv, None), {"result": "error", "error": "not-for-this-device"}, "no key for our device id, no payload: ignore", flags=["NotForUs"])
            if proto == "omemo2":
                raw, kex = peer_enc(enc_payload(proto, envelope("wrong jid", r).encode(), r)[0])
                add(wrap(key_el(raw, kex), None, b"x" * 16, kjid="mercutio@example.org"), {"result": "error", "error": "not-for-this-device"}, "our device id, but under another account's <keys/>", flags=["NotForUs"])
            # same rid twice, ours second
            m, iv, ct = enc_payload(proto, ("twice".encode() if proto == "legacy" else envelope("twice", r).encode()), r)
            raw, kex = peer_enc(m)
            junk = key_el(fake(), False)
            add(wrap(junk + key_el(raw, kex), iv, ct), {"result": "ok", "body": "twice"}, "two keys with our rid, the first one undecryptable (same device id on another account)", raw, kex, ["RidTwice"], lenient=proto == "omemo2")
            m, iv, ct = enc_payload(proto, ("still readable".encode() if proto == "legacy" else envelope("still readable", r).encode()), r)
            raw, kex = peer_enc(m)
            add(wrap(key_el(raw, kex), iv, ct, extra_keys=f"<key rid='{s.rdev ^ 1}'>AAEC</key>" if proto == "legacy" else f"<keys jid='{SJID}'><key rid='77'>AAEC</key></keys>"), {"result": "ok", "body": "still readable"},
                "a key for somebody else is garbage (twomemo's own parser refuses the whole stanza)", raw, kex, ["ForeignGarbage"])
            # whitespace
            m, iv, ct = enc_payload(proto, ("wrapped".encode() if proto == "legacy" else envelope("wrapped", r).encode()), r)
            raw, kex = peer_enc(m)
            x = re.sub(r">([A-Za-z0-9+/=]{40,})<", lambda q: ">\n  " + "\n  ".join(q.group(1)[i : i + 30] for i in range(0, len(q.group(1)), 30)) + "\n<", wrap(key_el(raw, kex), iv, ct))
            add(x, {"result": "ok", "body": "wrapped"}, "base64 wrapped and indented", raw, kex, ["Whitespace"])
            add(x, {"result": "error", "error": "duplicate"}, "the same stanza again", raw, kex, ["Duplicate"], ratchet_ok=False)
            add(wrap(f"<key rid='{s.rdev}'>!!!not base64!!!</key>", iv, ct), {"result": "error", "error": "malformed"}, "key is not base64", flags=["Malformed"])
            add(wrap(key_el(fake(), False), iv, ct, sid=s.sdev ^ 1), {"result": "error", "error": "no-session"}, "unknown sender device without a session", flags=["NoSession"], lenient=True)
            if proto == "legacy":
                raw, kex = peer_enc(m)
                add(wrap(key_el(raw, kex), None, ct), {"result": "error", "error": "malformed"}, "iv missing", flags=["Malformed"])
                m2, iv2, ct2 = enc_payload(proto, b"iv first", r)
                raw, kex = peer_enc(m2)
                add(wrap(key_el(raw, kex), None, ct2, extra_keys=f"<iv>{b64(iv2)}</iv>"), {"result": "ok", "body": "iv first"}, "iv before the keys (Dino, Monal)", raw, kex)
                k16 = r.bytes(16)
                full = AESGCM(k16).encrypt(iv2, b"old form", None)
                raw, kex = peer_enc(k16)
                add(wrap(key_el(raw, kex), iv2, full), {"result": "ok", "body": "old form"}, "16-byte key, tag in the payload", raw, kex, ["OldForm"], lenient=True)
            else:
                env = lambda **k: {"env": envelope(k.pop("text", "hi"), r, **k)}
                normal("hi", "envelope with from, to and time", **env(to=RJID, time="2026-11-22T23:00:00Z"))
                normal("hi", "from affix names somebody else", flags=["Affix"], **env(frm="tybalt@example.org"), result={"result": "error", "error": "envelope-from"})
                normal("hi", "to affix names somebody else", flags=["Affix"], **env(to="tybalt@example.org"), result={"result": "error", "error": "envelope-to"})
                normal("hi", "no from affix", flags=["Affix"], **env(frm=None), lenient=True)
                normal("hi", "no rpad", flags=["Affix"], **env(rpad=False), lenient=True)
                normal("hi", "unknown affix", flags=["Affix"], **env(extra="<mood xmlns='urn:example:x'>fine</mood>"))
                normal("hi", "from affix with a resource: compared as bare JID", flags=["Affix"], **env(frm=SJID + "/balcony"), lenient=True)
                normal("hi", "extra content next to the body", **env(content="<body xmlns='jabber:client'>hi</body><active xmlns='http://jabber.org/protocol/chatstates'/>"))
                normal("", "no body: only a chat state", result={"result": "ok", "body": None}, **env(content="<paused xmlns='http://jabber.org/protocol/chatstates'/>"))
                normal("", "content missing", flags=["Malformed"], env="<envelope xmlns='urn:xmpp:sce:1'><rpad/><from jid='%s'/></envelope>" % SJID, result={"result": "error", "error": "envelope"})
                normal("", "not XML", flags=["Malformed"], env="hello", result={"result": "error", "error": "envelope"})
                normal("", "wrong root namespace", flags=["Malformed"], env=envelope("x", r).replace("urn:xmpp:sce:1", "urn:xmpp:sce:0"), result={"result": "error", "error": "envelope"})
                normal("", "document type declaration", flags=["Malformed"], env="<!DOCTYPE envelope [<!ENTITY a 'b'>]>" + envelope("&a;", r), result={"result": "error", "error": "envelope"})
                normal("hi", "kex='0' spelled out", flag="0")
            rec = recipient_json(proto, RJID, s.rdev, s.rid, s.spks, s.pks, {i: s.sig_for(i) for i in s.spks})
            snd = s.first_sender
            g.files[f"stanza/{proto}-{prod}.json"] = head("stanza", proto, PROD(prod), f"stanza-{proto}-{prod}", "whole message stanzas in order; 'send' entries show what the recipient sends in between",
                                                         recipient=rec, sender={"jid": SJID, "device_id": s.sdev, "identity": {"wire": snd.ik_wire().hex(), "curve25519_public": snd.id["curve"].hex(), "ed25519_public": (snd.ik_wire() if proto == "omemo2" else snd.id["ed"]).hex()}}, steps=tests)
            s.close()


def generate_misc(g):
    import traceback
    for fn in (gen_payload, gen_xeddsa, gen_x3dh, gen_bundle, gen_stanza):
        try:
            fn(g)
        except Exception:
            traceback.print_exc()
            g.failed.append(fn.__name__)
