#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The parsers of python-omemo's backends behind a pipe: what they read in the elements that we write.

    stanza_peer.py          one JSON object a line, each way

A question has "kind" (devices, bundle or encrypted), "version" (legacy or omemo2), "from" (a bare JID), "xml" (the
element) and for a bundle "device". The answer has "ok": true and the fields, bytes in base64, or "ok": false and "error".
The keys of a message come as the parser's own serializer writes them again.

A legacy key exchange lacks the sign of the sender's identity key, which the parser takes from the sender's bundle: that
has to be asked about before.
"""
import asyncio
import base64
import json
import sys
import types
import xml.etree.ElementTree as ET

import oldmemo.etree
import twomemo.etree

ETREES = {"legacy": oldmemo.etree, "omemo2": twomemo.etree}
IDENTITIES = {}


class Devices:
    """The one thing that the legacy parser asks of a session manager."""

    async def get_device_information(self, jid):
        of_jid = [(device, key) for (owner, device), key in IDENTITIES.items() if owner == jid]
        return [types.SimpleNamespace(device_id=device, identity_key=key) for device, key in of_jid]


def encode(data):
    return base64.b64encode(data).decode("ascii")


def devices(question, element):
    found = ETREES[question["version"]].parse_device_list(element)
    return {
        "devices": {
            str(device): None if label is None else {"text": label.label, "signature": encode(label.signature)}
            for device, label in found.items()
        }
    }


def bundle(question, element):
    found = ETREES[question["version"]].parse_bundle(element, question["from"], question["device"])
    inner = found.bundle
    if question["version"] == "legacy":
        IDENTITIES[question["from"], question["device"]] = inner.identity_key
    return {
        "identity": encode(inner.identity_key),
        "signed_pre_key": [found.signed_pre_key_id, encode(inner.signed_pre_key), encode(inner.signed_pre_key_sig)],
        "pre_keys": {str(found.pre_key_ids[key]): encode(key) for key in inner.pre_keys},
    }


def encrypted(question, element):
    if question["version"] == "legacy":
        parsed = oldmemo.etree.parse_message(element, question["from"], "", Devices())
        found = asyncio.run(parsed)
    else:
        found = twomemo.etree.parse_message(element, question["from"])
    keys = []
    for material, exchange in found.keys:
        message = material.serialize()
        wire = message if exchange is None else exchange.serialize(message)
        if isinstance(wire, tuple):  # the legacy one gives the sign of the identity key beside it
            wire = wire[0]
        keys.append({"jid": material.bare_jid, "rid": material.device_id, "kex": exchange is not None, "key": encode(wire)})
    empty = found.content.empty
    return {
        "sid": found.device_id,
        "payload": None if empty else encode(found.content.ciphertext),
        "iv": None if empty or question["version"] == "omemo2" else encode(found.content.initialization_vector),
        "keys": sorted(keys, key=lambda key: (key["jid"], key["rid"])),
    }


def main():
    for line in sys.stdin:
        question = json.loads(line)
        read = {"devices": devices, "bundle": bundle, "encrypted": encrypted}[question["kind"]]
        try:
            answer = {"ok": True, **read(question, ET.fromstring(question["xml"]))}
        except Exception as error:  # whatever a parser says no with
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
