#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write ../schema.json, the JSON Schema of everything that says "schema": "omemo-vectors/1".

    mkschema.py            write it
    mkschema.py --check    only say whether it is up to date
"""
import json
import os
import sys

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "schema.json")


# ------------------------------------------------------------------ building blocks
def hexs(n=None):
    """lowercase hex of n bytes, or of any number"""
    return {"type": "string", "pattern": "^([0-9a-f]{2})%s$" % ("*" if n is None else "{%d}" % n)}


def obj(required, optional={}, extra=False):
    return {"type": "object", "properties": {**required, **optional}, "required": list(required), "additionalProperties": extra}


def arr(items):
    return {"type": "array", "minItems": 1, "items": items}


def const(value):
    return {"const": value}


text = {"type": "string"}
flag = {"type": "boolean"}
b64 = {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}
u32 = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
count = {"type": "integer", "minimum": 1}
strs = {"type": "array", "items": text}
by_peer = {"type": "object", "additionalProperties": text, "minProperties": 1}
key, key_pair = hexs(32), obj({"private": hexs(32), "public": hexs(32)})

error_kind = {"enum": [
    "duplicate", "bad-mac", "malformed", "no-session", "unknown-pre-key", "unknown-signed-pre-key", "missing-pre-key", "bad-key", "bad-padding", "too-far-ahead",
    "version", "identity-mismatch", "bad-signature", "payload", "xml", "not-for-this-device", "envelope", "envelope-from", "envelope-to"]}

tc = {"tcId": count}
ok = {"result": const("ok")}
error = {"result": const("error"), "error": error_kind}
common = {"flags": strs, "comment": text, "lenient": const(True), "agree": strs, "disagree": by_peer}


def outcome(when_ok, required, optional):
    """a test that either succeeds with some values or fails"""
    return {"oneOf": [obj({**tc, **required, **ok, **when_ok}, {**common, **optional}), obj({**tc, **required, **error}, {**common, **optional})]}


# ------------------------------------------------------------------ kinds made by generate.py
bundle = obj({"ik": hexs(), "spk_id": u32, "spk": key, "signature": hexs(64), "pre_keys": arr(obj({"id": u32, "public": key}))})
alternatives = {"type": "array", "items": obj({"bytes": b64, "reason": text})}
recipient = obj({
    "jid": text,
    "device_id": u32,
    "identity": obj({"curve25519_private": key, "ed25519_seed": {"oneOf": [key, {"type": "null"}]}, "curve25519_public": key, "ed25519_public": key}),
    "signed_pre_keys": arr(obj({"id": u32, "private": key, "public": key, "signature": hexs(64)})),
    "pre_keys": arr(obj({"id": u32, "private": key, "public": key}))})
sender = obj({"jid": text, "device_id": u32, "identity": obj({"wire": hexs(), "curve25519_public": key, "ed25519_public": key})})

receive = {**tc, "op": const("receive"), "kex": flag, "bytes": b64}
sent = {**common, "alternatives": alternatives, "agree_alternative": strs, "accepted_by_sender": const(True)}
session_step = {"oneOf": [
    obj({"op": const("reset")}, {"comment": text}),
    obj({**receive, **ok, "plaintext": hexs()}, {**common, "ratchet_private": key}),
    obj({**receive, **error, "state_unchanged": const(True)}, {**common, "ratchet_private": key, "peer_errors": by_peer}),
    obj({**tc, "op": const("send"), "kex": flag, "bytes": b64, "plaintext": hexs()}, {**sent, "ratchet_private": key}),
    obj({**tc, "op": const("initiate"), "kex": const(True), "bytes": b64, "plaintext": hexs(), "bundle": bundle, "pre_key_id": u32,
         "ephemeral_private": key, "ratchet_private": key}, sent)]}

stanza = {**tc, "stanza": text, "schema_valid": flag}
stanza_step = {"oneOf": [
    obj({**tc, "send": obj({"bytes": b64, "plaintext": hexs()}, {"ratchet_private": key, "alternatives": alternatives}), **ok}, {"comment": text}),
    obj({**stanza, **ok}, {**common, "ratchet_private": key, "key_material": hexs(), "body": {"type": ["string", "null"]}, "envelope": text, "empty": const(True)}),
    obj({**stanza, **error}, {**common, "ratchet_private": key, "key_material": hexs()})]}

payload_test = outcome({"plaintext": hexs()}, {"key_material": hexs(), "ciphertext": b64}, {"iv": hexs()})
bundle_test = outcome({"expected": bundle}, {"xml": text}, {})

xeddsa_test = {"oneOf": [
    obj({**tc, "op": const("verify"), "scheme": {"enum": ["legacy", "ed25519"]}, "public_key": key, "message": hexs(), "signature": hexs(),
         "result": {"enum": ["ok", "error"]}}, common),
    obj({**tc, "op": const("sign"), "form": {"enum": ["natural", "libsignal", "xeddsa"]}, "private": key, "message": hexs(), "random": hexs(64),
         "signature": hexs(64), **ok}, common),
    obj({**tc, "op": const("convert"), "ed25519_seed": key, "private": key, "curve25519_public": key, "ed25519_public": key, "sign_bit": {"enum": [0, 1]},
         "ed25519_public_sign0": key, "fingerprint": key, **ok}, common)]}

identity = obj({"curve25519_private": key, "ed25519_seed": key, "curve25519_public": key, "ed25519_public": key, "wire": hexs()})
x3dh_test = obj({
    **tc, "alice_identity": identity, "bob_identity": identity, "bob_signed_pre_key": key_pair, "bob_pre_key": key_pair, "alice_ephemeral": key_pair,
    "dh1": key, "dh2": key, "dh3": key, "dh4": key, "shared_secret": key, "associated_data": hexs(), **ok}, common)

# ------------------------------------------------------------------ published vectors of RFCs
x25519_test = {"oneOf": [
    obj({**tc, "op": const("dh"), "scalar": key, "u": key, "output": key, **ok}, {"comment": text}),
    obj({**tc, "op": const("iterate"), "count": count, "output": key, **ok}, {"comment": text}),
    obj({**tc, "op": const("agree"), "alice_private": key, "alice_public": key, "bob_private": key, "bob_public": key, "shared": key, **ok}, {"comment": text})]}
ed25519_test = obj({**tc, "ed25519_seed": key, "public_key": key, "message": hexs(), "signature": hexs(64), **ok}, {"comment": text})
hkdf_test = obj({**tc, "hash": const("SHA-256"), "ikm": hexs(), "salt": hexs(), "info": hexs(), "length": count, "prk": key, "okm": hexs(), **ok}, {"comment": text})


# ------------------------------------------------------------------ worked transcripts
def for_both(one, many=None):
    many = many or one
    return obj({"alice_identity": one, "bob_identity": one, "bob_signed_prekey": one, "bob_one_time_prekey": one, "alice_ephemeral": one,
                "alice_ratchet": arr(many), "bob_ratchet": arr(many)})


named_pair = obj({"alice": key, "bob": key, "note": text})
ratchet_step = {"root_key_after_receiving_step": key, "receiving_chain_key": key, "root_key_after_sending_step": key, "sending_chain_key": key}
worked_message = obj({
    "label": text, "sender": {"enum": ["alice", "bob"]}, "kex": flag, "n": u32, "pn": u32, "ratchet_pub": key, "chain_key": key, "next_chain_key": key,
    "message_key_seed": key, "hkdf_info": text, "enc_key": key, "auth_key": key, "iv": hexs(16), "plaintext": hexs(), "cbc_ciphertext": hexs(),
    "serialized_message": hexs(), "mac_input": hexs(), "mac": hexs(), "ratchet_message": hexs(), "key_element_bytes": hexs(), "key_element_base64": b64})
worked_payload = {"oneOf": [
    obj({"plaintext_utf8": text, "aes128_key": hexs(16), "iv": hexs(12), "ciphertext": hexs(), "tag": hexs(16), "key_material_in_ratchet": hexs(32),
         "variant_16_byte_iv": obj({"iv": hexs(16), "ciphertext": hexs(), "tag": hexs(16)}),
         "variant_legacy_tag_in_payload": obj({"key_material_in_ratchet": hexs(16), "payload": hexs()})}),
    obj({"plaintext_utf8": text, "key": key, "hkdf_80": hexs(80), "enc_key": key, "auth_key": key, "iv": hexs(16), "ciphertext": hexs(), "hmac16": hexs(16),
         "key_material_in_ratchet": hexs(48)})]}
worked = {
    "version": {"enum": ["eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"]},
    "ids": obj({"alice_device_id": u32, "bob_device_id": u32, "spk_id": u32, "opk_id": u32}),
    "private_keys": for_both(key), "public_keys_curve25519": for_both(key),
    "public_identity_ed25519": named_pair, "fingerprint": named_pair,
    "signed_prekey_signature": obj({"signed_bytes": hexs(), "random_Z": hexs(64), "signature": hexs(64), "verifies_with": text, "alternative_xeddsa_sign0": hexs(64)}),
    "x3dh": obj({"DH1_IKa_SPKb": key, "DH2_EKa_IKb": key, "DH3_EKa_SPKb": key, "DH4_EKa_OPKb": key, "ikm": hexs(160), "salt": key, "info": text, "hkdf_64": hexs(64),
                 "SK_root_key_0": key, "unused_chain_key_legacy": key, "note": text}),
    "alice_initial_ratchet": obj({"dh_ratchet0_spk": key, "info": text, "root_key_1": key, "sending_chain_key": key}),
    "payload": worked_payload,
    "bob_step_1": obj(ratchet_step), "alice_step_2": obj({**ratchet_step, "pn_note": text}),
    "messages": arr(worked_message),
    "alice_state_after_A3": obj({"own_ratchet_priv": key, "other_ratchet_pub": key, "root_key": key, "sending_chain_key": key, "sending_chain_length": u32}),
    "bundle_xml": text, "message_xml": text}

signatures = obj({"message": hexs(), "libsignal_signature": hexs(64), "xeddsa_signature_sign0": hexs(64), "rfc8032_signature_from_seed": hexs(64), "rfc8032_as_legacy": hexs(64)})
aesgcm = obj({"plaintext_utf8": text, "key": key, "iv": hexs(), "uploaded_bytes": hexs(), "url": text, "fragment_chars": count})
conversions = {
    "keys_and_signatures": arr(obj({
        "ed25519_seed": key, "scalar_priv": key, "curve25519_pub": key, "ed25519_pub": key, "ed_sign_bit": {"enum": [0, 1]}, "spk_pub": key, "random_Z": hexs(64),
        "legacy_33": signatures, "omemo2_32": signatures, "label_example": obj({"label": text, "labelsig_base64": b64})}, {"negated_scalar": key})),
    "unclamped_private": obj({"stored": key, "clamped": key, "pub": key}),
    "aesgcm_12": aesgcm, "aesgcm_16": aesgcm}

# ------------------------------------------------------------------ first chains of real clients
fixture = {
    "note": text, "namespace": {"enum": ["eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"]},
    "recipient": obj({"client": text, "jid": text, "device_id": u32, "identity_pub": b64, "identity_priv_x25519": b64,
                      "signed_pre_keys": arr(obj({"id": u32, "priv": b64, "sig": b64})), "pre_keys": arr(obj({"id": u32, "priv": b64}))},
                     {"identity_ed25519_seed": b64}),
    "sender_jid": text, "messages": arr(obj({"body": text, "stanza": text}))}

# ------------------------------------------------------------------ all kinds
producer = obj({"name": text, "version": text})
protocol = {"enum": ["legacy", "omemo2"]}
SCHEMA = const("omemo-vectors/1")


def kind(name, extra, protocol=protocol):
    return obj({"schema": SCHEMA, "kind": const(name), "protocol": protocol, "producer": producer, "id": text, "description": text, **extra})


both = const("both")
schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "omemo-vectors/1", "oneOf": [
    kind("session", {"scenario": text, "verifiers": strs, "recipient": recipient, "sender": sender, "steps": arr(session_step)}),
    kind("stanza", {"recipient": recipient, "sender": sender, "steps": arr(stanza_step)}),
    kind("payload", {"tests": arr(payload_test)}),
    kind("bundle", {"tests": arr(bundle_test)}),
    kind("x3dh", {"tests": arr(x3dh_test)}),
    kind("xeddsa", {"tests": arr(xeddsa_test)}, both),
    kind("x25519", {"tests": arr(x25519_test)}, both),
    kind("ed25519", {"tests": arr(ed25519_test)}, both),
    kind("hkdf", {"tests": arr(hkdf_test)}, both),
    kind("worked", worked, const("legacy")),
    kind("worked", {**worked, "associated_data": hexs(64)}, const("omemo2")),
    kind("conversions", conversions, both),
    kind("fixture", fixture),
    obj({"schema": SCHEMA, "kind": const("index"), "files": arr(obj({
        "path": {"type": "string", "pattern": "^[a-z0-9_-]+(/[A-Za-z0-9_.-]+)+\\.(json|xml)$"}, "kind": text,
        "protocol": {"enum": ["legacy", "omemo2", "both"]}, "producer": producer, "items": count, "sha256": key}))})]}


def main() -> int:
    new = json.dumps(schema, indent=1) + "\n"
    if sys.argv[1:] == ["--check"]:
        with open(TARGET, encoding="utf-8") as f:
            same = f.read() == new
        print("schema.json is", "up to date" if same else "out of date: run mkschema.py")
        return 0 if same else 1
    if sys.argv[1:]:
        raise SystemExit(__doc__)
    with open(TARGET, "w", encoding="utf-8") as f:
        f.write(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
