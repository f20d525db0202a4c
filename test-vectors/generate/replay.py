#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replay vector files from their JSON alone with the reference recipient (core.Sim): proves that the files are complete.

    replay.py DIR... [--skip-lenient]

--skip-lenient: never process lenient steps; all others must still hold.
Files that do not say "schema": "omemo-vectors/1" (Wycheproof, schema.json) are counted as "other" and left alone.
"""
import argparse
import base64
import collections
import glob
import json
import os
import sys
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import replay_fixed
from core import *
from gen_misc import parse_bundle_ref, ref_legacy, ref_omemo2, NSL, NS2

X, D = bytes.fromhex, base64.b64decode


def sim_of(j):
    r = j["recipient"]
    i = r["identity"]
    identity = {"priv": X(i["curve25519_private"]), "seed": None, "curve": X(i["curve25519_public"]), "ed": X(i["ed25519_public"])}
    spks, pks = ({k["id"]: X(k["private"]) for k in r[name]} for name in ("signed_pre_keys", "pre_keys"))
    s = Sim(j["protocol"], identity, spks, pks, Drbg(b""), r["device_id"])
    assert x_pub(s.id["priv"]) == s.id["curve"] and ed_pub(s.id["priv"]) == s.id["ed"]
    if i["ed25519_seed"]:
        assert seed_to_scalar(X(i["ed25519_seed"])) == s.id["priv"]
    for k in r["signed_pre_keys"]:
        public, signature = X(k["public"]), X(k["signature"])
        if j["protocol"] == "legacy":
            assert verify_legacy(s.id["curve"], b"\x05" + public, signature)
        else:
            assert ed_verify(s.id["ed"], public, signature)
    return s


def key_for(s, st):
    s.next_ratchet = lambda: X(st["ratchet_private"]) if "ratchet_private" in st else bytes(32)


def session(j, skip):
    s = sim_of(j)
    for st in j["steps"]:
        where = (j["id"], st.get("tcId"), st.get("comment"))
        if st["op"] == "reset":
            s = sim_of(j)
            continue
        if skip and st.get("lenient"):
            continue
        key_for(s, st)
        if st["op"] == "receive":
            before = s.snapshot()
            try:
                got, kind = s.decrypt(D(st["bytes"]), st["kex"]), "ok"
            except SimError as e:
                got, kind = None, e.kind
            assert (kind == "ok") == (st["result"] == "ok"), (where, kind)
            if kind == "ok":
                assert got.hex() == st["plaintext"], where
            else:
                assert kind == st["error"] and before == s.snapshot(), (where, kind)
        elif st["op"] == "send":
            out, kex, first, dhs = s.encrypt(X(st["plaintext"]))
            assert out == D(st["bytes"]) and kex == st["kex"], where
            assert not first or dhs.hex() == st["ratchet_private"]
        else:
            b = st["bundle"]
            bundle = {"ik": X(b["ik"]), "spk_id": b["spk_id"], "spk": X(b["spk"]), "pks": {k["id"]: X(k["public"]) for k in b["pre_keys"]}}
            assert s.initiate(bundle, st["pre_key_id"], X(st["ephemeral_private"]), X(st["plaintext"])) == D(st["bytes"]), where


def body_of(envelope):
    body = envelope.find("{urn:xmpp:sce:1}content/{jabber:client}body")
    return None if body is None else body.text or ""


def stanza(j, skip):
    s, p = sim_of(j), j["protocol"]
    ns = "{%s}" % (NSL if p == "legacy" else NS2)
    attr = "prekey" if p == "legacy" else "kex"
    for st in j["steps"]:
        if "send" in st:
            assert s.encrypt(X(st["send"]["plaintext"]))[0] == D(st["send"]["bytes"])
            continue
        if skip and st.get("lenient"):
            continue
        key_for(s, st)
        enc = ET.fromstring(st["stanza"]).find(ns + "encrypted")
        hdr = enc.find(ns + "header")
        groups = [hdr] if p == "legacy" else [k for k in hdr.findall(ns + "keys") if k.get("jid") == j["recipient"]["jid"]]
        els = [k for g in groups for k in g.findall(ns + "key") if k.get("rid") == str(j["recipient"]["device_id"])]
        pl, iv = enc.find(ns + "payload"), hdr.find(ns + "iv")
        err, mat = None if els else "not-for-this-device", None
        if hdr.get("sid") != str(j["sender"]["device_id"]):
            err = "no-session"
        elif p == "legacy" and iv is None:
            err = "malformed"
        else:
            for el in els:
                try:
                    raw = base64.b64decode("".join(el.text.split()), validate=True)
                except ValueError:
                    err = "malformed"
                    continue
                try:
                    mat, err = s.decrypt(raw, el.get(attr) in ("true", "1")), None
                    break
                except SimError as e:
                    err = e.kind
        pt = None
        if mat is not None:
            assert mat.hex() == st["key_material"]
            if pl is not None:
                iv = D("".join(iv.text.split())) if iv is not None else None
                pt = (ref_legacy if p == "legacy" else ref_omemo2)(mat, iv, D("".join((pl.text or "").split())))
                err = "payload" if pt is None else None
        if st["result"] == "ok":
            assert err is None, (j["id"], st["tcId"], err)
            if not st.get("empty"):
                assert pt.decode() == st.get("envelope", pt.decode()), (j["id"], st["tcId"])
                got = pt.decode() if p == "legacy" else body_of(ET.fromstring(pt))
                assert got == st["body"], (j["id"], st["tcId"])
        elif st["error"].startswith("envelope"):
            assert err is None
        else:
            assert err == st["error"], (j["id"], st["tcId"], err)


def payload_test(p, t):
    got = (ref_legacy if p == "legacy" else ref_omemo2)(X(t["key_material"]), X(t["iv"]) if "iv" in t else None, D(t["ciphertext"]))
    return (got.hex() if got is not None else None) == t.get("plaintext")


def bundle_test(p, t):
    got, err = parse_bundle_ref(p, t["xml"], {})
    return err == t.get("error") and got == t.get("expected")


def x3dh_test(p, t):
    a, b = t["alice_identity"], t["bob_identity"]
    spk, opk, ek = X(t["bob_signed_pre_key"]["private"]), X(t["bob_pre_key"]["private"]), X(t["alice_ephemeral"]["public"])
    dhs = [x25519(spk, X(a["curve25519_public"])), x25519(X(b["curve25519_private"]), ek), x25519(spk, ek), x25519(opk, ek)]
    return ([d.hex() for d in dhs] == [t[f"dh{i}"] for i in range(1, 5)] and x3dh_root(PROTO[p], dhs).hex() == t["shared_secret"]
            and a["wire"] + b["wire"] == t["associated_data"])


def xeddsa_test(p, t):
    if t["op"] == "sign":
        return xed_sign(X(t["private"]), X(t["message"]), X(t["random"]), t["form"]).hex() == t["signature"]
    if t["op"] == "verify":
        if "LowOrder" in t.get("flags", []):
            return True  # the reference verifies as plain Ed25519 does; refusing such keys is the library's part
        verify = verify_legacy if t["scheme"] == "legacy" else ed_verify
        return verify(X(t["public_key"]), X(t["message"]), X(t["signature"])) == (t["result"] == "ok")
    return ed_pub(X(t["private"])).hex() == t["ed25519_public"] and seed_to_scalar(X(t["ed25519_seed"])).hex() == t["private"]


def tests(j, skip):
    check = {"payload": payload_test, "bundle": bundle_test, "x3dh": x3dh_test, "xeddsa": xeddsa_test}[j["kind"]]
    for t in j["tests"]:
        assert check(j["protocol"], t), (j["id"], t["tcId"], t.get("comment"))


REPLAY = {
    "session": session, "stanza": stanza, "payload": tests, "bundle": tests, "x3dh": tests, "xeddsa": tests,
    "x25519": replay_fixed.rfc, "ed25519": replay_fixed.rfc, "hkdf": replay_fixed.rfc,
    "worked": replay_fixed.worked, "conversions": replay_fixed.conversions, "fixture": replay_fixed.fixture,
    "index": lambda j, skip: None,  # index.py --check is for that
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dirs", nargs="+")
    ap.add_argument("--skip-lenient", action="store_true")
    a = ap.parse_args()
    import index
    import jsonschema
    with open(os.path.join(HERE, os.pardir, "schema.json"), encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    val, n, bad = jsonschema.Draft202012Validator(schema), collections.Counter(), 0
    for d in a.dirs:
        files = sorted(glob.glob(os.path.join(d, "**", "*.json"), recursive=True))
        if not files:
            bad += 1
            print("NOTHING in", d)
        for path in files:
            with open(path, encoding="utf-8") as f:
                j = json.load(f)
            if j.get("schema") != "omemo-vectors/1":
                n["other"] += 1
                continue
            for e in val.iter_errors(j):
                bad += 1
                print("SCHEMA", path, list(e.absolute_path), e.message[:200])
            try:
                REPLAY[j["kind"]](j, a.skip_lenient)
            except Exception as e:  # whatever goes wrong, it is this file's fault, and the next one has its turn
                bad += 1
                print("REPLAY", path, f"{type(e).__name__}: {e}"[:400])
            n[j["kind"]] += 1
            n["items"] += index.items(j)
    print(dict(n), "problems:", bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
