# SPDX-License-Identifier: MIT
"""Replay of the kinds that generate.py does not make: worked, conversions, fixture, and the RFCs' x25519, ed25519, hkdf.

The RFCs' vectors are recomputed with the `cryptography` package and `hmac`, not with core.py: what they prove about
core.py would otherwise be proved by core.py.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import xml.etree.ElementTree as ET

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import PROTO, L, Drbg, Sim, cbc_dec, cbc_enc, clamp, ed_pub, ed_to_mont, ed_verify, hkdf, hmac256, kdf_ck, kdf_rk, msg_keys, mont_to_ed
from core import seed_to_scalar, verify_legacy, x25519, x3dh_root, x_pub, xed_sign
from gen_misc import NS2, NSL, parse_bundle_ref, ref_legacy, ref_omemo2

X, D = bytes.fromhex, base64.b64decode


def same(what, got, want) -> None:
    got = got.hex() if isinstance(got, bytes) else got
    assert got == want, f"{what}: {got} instead of {want}"


# ------------------------------------------------------------------ RFCs
def rfc_x25519(t) -> None:
    def public(private):
        return X25519PrivateKey.from_private_bytes(X(private)).public_key().public_bytes_raw()

    def dh(scalar, u):
        return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(u))

    if t["op"] == "dh":
        same("output", dh(X(t["scalar"]), X(t["u"])), t["output"])
    elif t["op"] == "iterate":
        k = u = (9).to_bytes(32, "little")
        for _ in range(t["count"]):
            k, u = dh(k, u), k
        same("output", k, t["output"])
    else:
        same("alice_public", public(t["alice_private"]), t["alice_public"])
        same("bob_public", public(t["bob_private"]), t["bob_public"])
        same("shared, Alice", dh(X(t["alice_private"]), X(t["bob_public"])), t["shared"])
        same("shared, Bob", dh(X(t["bob_private"]), X(t["alice_public"])), t["shared"])


def rfc_ed25519(t) -> None:
    private = Ed25519PrivateKey.from_private_bytes(X(t["ed25519_seed"]))
    same("public_key", private.public_key().public_bytes_raw(), t["public_key"])
    same("signature", private.sign(X(t["message"])), t["signature"])
    Ed25519PublicKey.from_public_bytes(X(t["public_key"])).verify(X(t["signature"]), X(t["message"]))


def rfc_hkdf(t) -> None:
    prk = hmac.new(X(t["salt"]) or bytes(32), X(t["ikm"]), hashlib.sha256).digest()
    same("prk", prk, t["prk"])
    okm = block = b""
    for i in range(-(-t["length"] // 32)):
        block = hmac.new(prk, block + X(t["info"]) + bytes([i + 1]), hashlib.sha256).digest()
        okm += block
    same("okm", okm[: t["length"]], t["okm"])


def rfc(j, _skip=False) -> None:
    for t in j["tests"]:
        {"x25519": rfc_x25519, "ed25519": rfc_ed25519, "hkdf": rfc_hkdf}[j["kind"]](t)


# ------------------------------------------------------------------ worked transcripts
def worked(j, _skip=False) -> None:
    v, legacy = PROTO[j["protocol"]], j["protocol"] == "legacy"
    private, public, ids = j["private_keys"], j["public_keys_curve25519"], j["ids"]
    same("version", j["version"], v.ns)
    for name, value in private.items():
        for a, b in zip(*((value, public[name]) if isinstance(value, list) else ([value], [public[name]])), strict=True):
            same(name, x_pub(X(a)), b)
    k = {name: X(value) for name, value in private.items() if isinstance(value, str)}
    p = {name: X(value) for name, value in public.items() if isinstance(value, str)}
    ratchets = {who: [X(x) for x in private[who + "_ratchet"]] for who in ("alice", "bob")}

    ed = {}
    for who in ("alice", "bob"):
        ed[who] = X(j["public_identity_ed25519"][who])
        natural = ed_pub(k[who + "_identity"])
        assert ed[who][:31] == natural[:31] and ed[who][31] & 0x7F == natural[31] & 0x7F, who
        same("fingerprint", ed_to_mont(ed[who]), j["fingerprint"][who])
        same("fingerprint", p[who + "_identity"], j["fingerprint"][who])
    wire = {who: b"\x05" + p[who + "_identity"] if legacy else ed[who] for who in ed}

    s = j["signed_prekey_signature"]
    same("signed_bytes", v.pub(p["bob_signed_prekey"]), s["signed_bytes"])
    natural_sign = ed_pub(k["bob_identity"])[31] >> 7
    form = "libsignal" if legacy else "natural" if ed["bob"][31] >> 7 == natural_sign else "xeddsa"
    args = k["bob_identity"], X(s["signed_bytes"]), X(s["random_Z"])
    same("signature", xed_sign(*args, form), s["signature"])
    same("alternative_xeddsa_sign0", xed_sign(*args, "xeddsa"), s["alternative_xeddsa_sign0"])
    if legacy:
        assert verify_legacy(p["bob_identity"], args[1], X(s["signature"])) and verify_legacy(p["bob_identity"], args[1], X(s["alternative_xeddsa_sign0"]))
    else:
        assert ed_verify(ed["bob"], args[1], X(s["signature"]))

    x = j["x3dh"]
    dhs = [x25519(k["alice_identity"], p["bob_signed_prekey"]), x25519(k["alice_ephemeral"], p["bob_identity"]),
           x25519(k["alice_ephemeral"], p["bob_signed_prekey"]), x25519(k["alice_ephemeral"], p["bob_one_time_prekey"])]
    for name, dh in zip(("DH1_IKa_SPKb", "DH2_EKa_IKb", "DH3_EKa_SPKb", "DH4_EKa_OPKb"), dhs):
        same(name, dh, x[name])
    ikm = b"\xff" * 32 + b"".join(dhs)
    same("ikm", ikm, x["ikm"])
    same("salt", bytes(32), x["salt"])
    same("info", v.i_x3dh.decode(), x["info"])
    out = hkdf(bytes(32), ikm, v.i_x3dh, 64)
    same("hkdf_64", out, x["hkdf_64"])
    same("SK_root_key_0", out[:32], x["SK_root_key_0"])
    same("SK_root_key_0", x3dh_root(v, dhs), x["SK_root_key_0"])
    same("unused_chain_key_legacy", out[32:], x["unused_chain_key_legacy"])
    if not legacy:
        same("associated_data", ed["alice"] + ed["bob"], j["associated_data"])

    def step(root, own, other):
        return kdf_rk(v, root, x25519(own, other))

    alice, bob = ratchets["alice"], ratchets["bob"]
    first = j["alice_initial_ratchet"]
    same("dh_ratchet0_spk", x25519(alice[0], p["bob_signed_prekey"]), first["dh_ratchet0_spk"])
    same("info", v.i_root.decode(), first["info"])
    root, chain_a = step(out[:32], alice[0], p["bob_signed_prekey"])
    same("root_key_1", root, first["root_key_1"])
    same("sending_chain_key", chain_a, first["sending_chain_key"])
    same("Bob's receiving chain", chain_a, j["bob_step_1"]["receiving_chain_key"])
    same("Bob's root key", root, j["bob_step_1"]["root_key_after_receiving_step"])
    root, chain_b = step(root, bob[0], x_pub(alice[0]))
    for name, where in (("sending", j["bob_step_1"]), ("receiving", j["alice_step_2"])):
        same("root key 2", root, where[f"root_key_after_{name}_step"])
        same("chain of Bob", chain_b, where[f"{name}_chain_key"])
    root, chain_a2 = step(root, alice[1], x_pub(bob[0]))
    same("root key 3", root, j["alice_step_2"]["root_key_after_sending_step"])
    same("second chain of Alice", chain_a2, j["alice_step_2"]["sending_chain_key"])

    def kex(message):
        return v.kex(ids["opk_id"], ids["spk_id"], wire["alice"], p["alice_ephemeral"], message, ids["alice_device_id"])

    chains = {alice[0]: chain_a, bob[0]: chain_b, alice[1]: chain_a2}
    by_public = {x_pub(own).hex(): own for own in chains}
    for m in j["messages"]:
        own = by_public[m["ratchet_pub"]]
        same("chain_key", chains[own], m["chain_key"])
        chains[own], mk = kdf_ck(chains[own])
        same("next_chain_key", chains[own], m["next_chain_key"])
        same("message_key_seed", mk, m["message_key_seed"])
        same("hkdf_info", v.i_msg.decode(), m["hkdf_info"])
        enc, auth, iv = msg_keys(v, mk)
        same("enc_key, auth_key, iv", (enc + auth + iv).hex(), m["enc_key"] + m["auth_key"] + m["iv"])
        ct = cbc_enc(enc, iv, X(m["plaintext"]))
        same("cbc_ciphertext", ct, m["cbc_ciphertext"])
        inner = v.inner(m["n"], m["pn"], x_pub(own), ct)
        same("serialized_message", inner, m["serialized_message"])
        mac_input = v.ad(wire["alice"], wire["bob"], {"alice": True, "bob": False}[m["sender"]])
        same("mac_input", mac_input + inner, m["mac_input"])
        mac = hmac256(auth, mac_input + inner)[: v.maclen]
        same("mac", mac, m["mac"])
        message = v.wrap(inner, mac)
        same("ratchet_message", message, m["ratchet_message"])
        same("key_element_bytes", kex(message) if m["kex"] else message, m["key_element_bytes"])
        same("key_element_base64", D(m["key_element_base64"]).hex(), m["key_element_bytes"])

    a3 = j["alice_state_after_A3"]
    same("state after A3", (alice[0] + p["bob_signed_prekey"]).hex(), a3["own_ratchet_priv"] + a3["other_ratchet_pub"])
    same("state after A3", a3["root_key"], first["root_key_1"])
    same("state after A3", (chains[alice[0]].hex(), 3), (a3["sending_chain_key"], a3["sending_chain_length"]))

    worked_payload(j["payload"], legacy)
    worked_recipient(j, k, ed, wire)
    worked_xml(j, v, legacy, p, wire)


def worked_payload(t, legacy) -> None:
    pt = t["plaintext_utf8"].encode()
    if not legacy:
        key = X(t["key"])
        out = hkdf(bytes(32), key, b"OMEMO Payload", 80)
        same("hkdf_80", out, t["hkdf_80"])
        same("enc_key, auth_key, iv", out.hex(), t["enc_key"] + t["auth_key"] + t["iv"])
        ct = cbc_enc(out[:32], out[64:], pt)
        same("ciphertext", ct, t["ciphertext"])
        same("hmac16", hmac256(out[32:64], ct)[:16], t["hmac16"])
        same("key_material_in_ratchet", t["key"] + t["hmac16"], t["key_material_in_ratchet"])
        return
    gcm, variant = AESGCM(X(t["aes128_key"])), t["variant_16_byte_iv"]
    same("ciphertext, tag", gcm.encrypt(X(t["iv"]), pt, None), t["ciphertext"] + t["tag"])
    same("key_material_in_ratchet", t["aes128_key"] + t["tag"], t["key_material_in_ratchet"])
    same("16-byte iv", gcm.encrypt(X(variant["iv"]), pt, None), variant["ciphertext"] + variant["tag"])
    variant = t["variant_legacy_tag_in_payload"]
    same("tag in payload", (variant["key_material_in_ratchet"], variant["payload"]), (t["aes128_key"], t["ciphertext"] + t["tag"]))


def worked_xml(j, v, legacy, p, wire) -> None:
    ids, payload = j["ids"], j["payload"]
    bundle, error = parse_bundle_ref(j["protocol"], j["bundle_xml"], {})
    want = {"ik": wire["bob"].hex(), "spk_id": ids["spk_id"], "spk": p["bob_signed_prekey"].hex(), "signature": j["signed_prekey_signature"]["signature"],
            "pre_keys": [{"id": ids["opk_id"], "public": p["bob_one_time_prekey"].hex()}]}
    same("bundle_xml", (bundle, error), (want, None))

    def texts(name):
        return [e.text for e in encrypted.iter("{%s}%s" % (v.ns, name))]

    encrypted = ET.fromstring(j["message_xml"])
    same("sid", encrypted[0].get("sid"), str(ids["alice_device_id"]))
    same("rid", [e.get("rid") for e in encrypted.iter("{%s}key" % v.ns)], [str(ids["bob_device_id"])])
    same("key", texts("key"), [j["messages"][0]["key_element_base64"]])
    same("payload", texts("payload"), [base64.b64encode(X(payload["ciphertext"])).decode()])
    same("iv", texts("iv"), [base64.b64encode(X(payload["iv"])).decode()] if legacy else [])


def worked_recipient(j, k, ed, wire) -> None:
    """Bob takes what Alice sends, out of order, and answers with the very bytes of the transcript."""
    identity = {"priv": k["bob_identity"], "seed": None, "curve": x_pub(k["bob_identity"]), "ed": ed["bob"]}
    bob = Sim(j["protocol"], identity, {j["ids"]["spk_id"]: k["bob_signed_prekey"]}, {j["ids"]["opk_id"]: k["bob_one_time_prekey"]}, Drbg(b""), j["ids"]["bob_device_id"])
    own = iter(X(x) for x in j["private_keys"]["bob_ratchet"])
    bob.next_ratchet = lambda: next(own)
    m = {x["label"].split()[0]: x for x in j["messages"]}
    for label in ("A1", "A3", "A2", "B1", "B2", "A4"):
        x = m[label]
        if x["sender"] == "alice":
            same(label, bob.decrypt(X(x["key_element_bytes"]), x["kex"]), x["plaintext"])
        else:
            same(label, bob.encrypt(X(x["plaintext"]))[0], x["key_element_bytes"])


def conversions(j, _skip=False) -> None:
    for t in j["keys_and_signatures"]:
        scalar, public, sign = X(t["scalar_priv"]), X(t["ed25519_pub"]), t["ed_sign_bit"]
        same("scalar_priv", seed_to_scalar(X(t["ed25519_seed"])), t["scalar_priv"])
        same("curve25519_pub", x_pub(scalar), t["curve25519_pub"])
        same("ed25519_pub", ed_pub(scalar), t["ed25519_pub"])
        same("Edwards to Montgomery", ed_to_mont(public), t["curve25519_pub"])
        same("Montgomery to Edwards", mont_to_ed(X(t["curve25519_pub"]), sign), t["ed25519_pub"])
        same("ed_sign_bit", public[31] >> 7, sign)
        same("negated_scalar", t.get("negated_scalar"), (-int.from_bytes(scalar, "little") % L).to_bytes(32, "little").hex() if sign else None)
        seed = Ed25519PrivateKey.from_private_bytes(X(t["ed25519_seed"]))
        for name, prefix in (("legacy_33", b"\x05"), ("omemo2_32", b"")):
            s, z = t[name], X(t["random_Z"])
            message = prefix + X(t["spk_pub"])
            same("message", message, s["message"])
            same("libsignal_signature", xed_sign(scalar, message, z, "libsignal"), s["libsignal_signature"])
            same("xeddsa_signature_sign0", xed_sign(scalar, message, z, "xeddsa"), s["xeddsa_signature_sign0"])
            plain = seed.sign(message)
            same("rfc8032_signature_from_seed", plain, s["rfc8032_signature_from_seed"])
            same("rfc8032_as_legacy", plain[:63] + bytes([plain[63] | sign << 7]), s["rfc8032_as_legacy"])
            for form in ("libsignal_signature", "xeddsa_signature_sign0", "rfc8032_as_legacy"):
                assert verify_legacy(X(t["curve25519_pub"]), message, X(s[form])), form
        label = t["label_example"]
        assert ed_verify(public, label["label"].encode(), D(label["labelsig_base64"])), "labelsig"
    u = j["unclamped_private"]
    same("clamped", clamp(X(u["stored"])), u["clamped"])
    same("pub", x_pub(X(u["stored"])), u["pub"])
    for t in (j["aesgcm_12"], j["aesgcm_16"]):
        same("uploaded_bytes", AESGCM(X(t["key"])).encrypt(X(t["iv"]), t["plaintext_utf8"].encode(), None), t["uploaded_bytes"])
        fragment = t["url"].partition("#")[2]
        same("url", (fragment, len(fragment)), (t["iv"] + t["key"], t["fragment_chars"]))


# ------------------------------------------------------------------ first chains of real clients
def fixture(j, _skip=False) -> None:
    r, v, legacy = j["recipient"], PROTO[j["protocol"]], j["protocol"] == "legacy"
    same("namespace", j["namespace"], v.ns)
    private = D(r["identity_priv_x25519"])
    same("identity_pub", x_pub(private), D(r["identity_pub"]).hex())
    if "identity_ed25519_seed" in r:
        same("seed", seed_to_scalar(D(r["identity_ed25519_seed"])), clamp(private).hex())
    identity = {"priv": private, "seed": None, "curve": x_pub(private), "ed": ed_pub(private)}
    for x in r["signed_pre_keys"]:
        # slixmpp-omemo stores a plain Ed25519 signature, Profanity the one of its bundle with the key's sign in bit 7 of byte 63
        public, sig, sign = v.pub(x_pub(D(x["priv"]))), bytearray(D(x["sig"])), identity["ed"][31] & 0x80
        assert ed_verify(identity["ed"], public, bytes(sig)) or (legacy and sig[63] & 0x80 == sign and verify_legacy(identity["curve"], public, bytes(sig))), "sig"
    spks, pks = ({x["id"]: D(x["priv"]) for x in r[name]} for name in ("signed_pre_keys", "pre_keys"))
    sim = Sim(j["protocol"], identity, spks, pks, Drbg(b"nothing sent, so any ratchet key will do"), r["device_id"])
    ns = "{%s}" % (NSL if legacy else NS2)
    for n, m in enumerate(j["messages"]):
        message = ET.fromstring(m["stanza"])
        same("from", message.get("from").partition("/")[0], j["sender_jid"])
        encrypted = message.find(f".//{ns}encrypted")
        found = [x for x in encrypted.iter(ns + "key") if x.get("rid") == str(r["device_id"])]
        assert len(found) == 1, f"{len(found)} keys for this device"
        kex = (found[0].get("prekey") or found[0].get("kex")) in ("true", "1")
        material = sim.decrypt(D(found[0].text), kex)
        payload, iv = D(encrypted.find(ns + "payload").text), encrypted.find(f".//{ns}iv")
        if legacy:
            body = ref_legacy(material, D(iv.text), payload).decode()
        else:
            envelope = ET.fromstring(ref_omemo2(material, None, payload))
            body = envelope.find("{urn:xmpp:sce:1}content/{jabber:client}body").text
        same(f"body of message {n + 1}", body, m["body"])
