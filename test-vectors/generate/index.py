#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write ../index.json: every vector file with its kind, producer, number of items and SHA-256.

    index.py            write it
    index.py --check    only say whether it is up to date

Needs nothing but Python.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import xml.etree.ElementTree as ET

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
NOT_LISTED = {"index.json", "schema.json"}
LEGACY, OMEMO2 = "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"


def items(j: dict) -> int:
    """how many steps, tests, messages or values a file of schema omemo-vectors/1 has"""
    for name in ("steps", "tests", "messages"):
        if name in j:
            return len(j[name])
    if j["kind"] == "conversions":
        return len(j["keys_and_signatures"]) + sum(name in j for name in ("unclamped_private", "aesgcm_12", "aesgcm_16"))
    return 0


def of_json(text: str) -> dict:
    j = json.loads(text)
    if j.get("schema") == "omemo-vectors/1":
        return {"kind": j["kind"], "protocol": j["protocol"], "producer": j["producer"], "items": items(j)}
    groups = j["testGroups"]
    versions = sorted({g["source"]["version"] for g in groups})
    n = sum(len(g["tests"]) for g in groups)
    assert n == j["numberOfTests"], "numberOfTests"
    return {"kind": "wycheproof", "protocol": "both", "producer": {"name": "Wycheproof", "version": ", ".join(versions)}, "items": n}


SOFTWARE = r"slixmpp \S+ \+ (slixmpp-omemo) (\S+)|(profanity) (\S+)"


def of_xml(text: str) -> dict:
    """A captured stanza.  Its first line is a comment of three parts: who sent or received it; with which software at
    either end; which server.  The conversations are between juliet and romeo, one pair of clients each; nurse, who
    sits in the room with them, is always slixmpp-omemo."""
    head, _, xml = text.partition("\n")
    stanza = ET.fromstring(xml)
    spoken = [name for name, ns in (("legacy", LEGACY), ("omemo2", OMEMO2)) if ns in xml]
    assert len(spoken) == 1, f"namespaces: {spoken}"
    who, software, _server = head.removeprefix("<!-- ").split("; ", 2)
    way, _, owner = who.partition(" by ")
    own, _, other = software.removeprefix("received by ").partition(", made by ")
    sender = stanza.get("from", owner) if way == "RECV" else owner
    bare, _, resource = sender.partition("/")
    author = resource if bare.partition("@")[2].startswith("conference.") else bare.partition("@")[0]
    if author == "nurse":
        own, other = "", other if "slixmpp" in other else own
    elif author == owner.partition("@")[0]:
        other = ""  # our own data, coming back from the server or the room
    name, version = [x for x in re.match(SOFTWARE, other or own).groups() if x]
    return {"kind": "capture", "protocol": spoken[0], "producer": {"name": name, "version": version}, "items": 1}


def entry(path: str) -> dict:
    with open(os.path.join(ROOT, path), "rb") as f:
        raw = f.read()
    try:
        known = (of_json if path.endswith(".json") else of_xml)(raw.decode())
    except Exception as e:
        raise SystemExit(f"index.py: {path}: {type(e).__name__}: {e}")
    return {"path": path, **known, "sha256": hashlib.sha256(raw).hexdigest()}


def paths() -> list[str]:
    out = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [x for x in subfolders if not x.startswith((".", "__"))]
        out += [os.path.relpath(os.path.join(folder, x), ROOT).replace(os.sep, "/") for x in names if x.endswith((".json", ".xml"))]
    return sorted(set(out) - NOT_LISTED)


def main() -> int:
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    files = [entry(path) for path in paths()]
    lines = ",\n".join("  " + json.dumps(x, ensure_ascii=False) for x in files)  # a line for each file: diffable
    new = '{\n "schema": "omemo-vectors/1",\n "kind": "index",\n "files": [\n' + lines + "\n ]\n}\n"
    target = os.path.join(ROOT, "index.json")
    if not sys.argv[1:]:
        with open(target, "w", encoding="utf-8") as f:
            f.write(new)
        return 0
    with open(target, encoding="utf-8") as f:
        old = f.read()
    if old == new:
        print(f"index.json is up to date: {len(files)} files, {sum(x['items'] for x in files)} items")
        return 0
    had, has = ({x["path"]: x for x in json.loads(text)["files"]} for text in (old, new))
    for path in sorted(had.keys() | has.keys()):
        if had.get(path) != has.get(path):
            print("missing" if path not in has else "new" if path not in had else "changed", path)
    print("index.json is out of date: run index.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
