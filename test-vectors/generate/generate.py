#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generate OMEMO test vectors from real peers.

    generate.py --seed 1 --out ../omemo --report ../disagreements.txt    the set that is kept here, byte for byte
    generate.py --seed ANYTHING --vary --out DIR                         another one: other keys, counts and orders
"""
from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import sys
import traceback

if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable] + sys.argv)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from core import Drbg  # noqa: E402


class Gen:
    def __init__(self, seed: str, vary: bool) -> None:
        self.rng = Drbg(hashlib.sha256(b"omemo-vectors/1:" + seed.encode()).digest())
        self.vary, self.scenarios, self.notes, self.failed = vary, [], [], []
        self.files: dict[str, dict] = {}
        self.stat = collections.Counter()
        self.disagree = collections.defaultdict(list)

    def note(self, s):
        self.notes.append(s)

    def count_step(self, sc, st):
        self.stat[st["op"] + ("/" + st["result"] if "result" in st else "")] += 1
        if st.get("disagree"):
            self.stat["split"] += 1
            self.disagree[f"{sc.proto} {sc.sid}: {st.get('comment') or '+'.join(st.get('flags', []))}"].append(
                f"[{st['result']}{'/' + st['error'] if 'error' in st else ''}{' lenient' if st.get('lenient') else ''}] " + ", ".join(f"{k}={v}" for k, v in st["disagree"].items()) + f" (from {sc.producer_key})")

    def n_for(self, name):
        r = self.rng.child("vary", name)

        def n(default, lo, hi):
            return r.int(lo, hi) if self.vary else default

        return n

    def run(self, fn, S):
        k = len(self.scenarios)
        try:
            fn(S, self.n_for(fn.__name__))
        except Exception:
            self.failed.append(f"{fn.__name__} {S.proto}")
            traceback.print_exc()
        for s in self.scenarios[k:]:
            j = s.json()
            self.files[f"session/{j['id']}.json"] = j
            s.close()


def dump(j) -> str:
    """one step/test per line: diffable and compact"""
    lists = [k for k in ("steps", "tests") if k in j]
    head = {k: v for k, v in j.items() if k not in lists}
    out = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
    for k in lists:
        out += f',\n "{k}": [\n' + ",\n".join("  " + json.dumps(x, ensure_ascii=False) for x in j[k]) + "\n ]"
    return out + "\n}\n"


KINDS = {"session", "payload", "xeddsa", "x3dh", "bundle", "stanza"}  # = the folders of a set


def old_set(out: str) -> list[str]:
    """The files of an earlier set in this folder, which the new one replaces.  The user names the folder, so it is
    refused when anything else is in it: a slip of the pen must not delete somebody's files."""
    files = []
    for folder, _, names in os.walk(out):
        for name in names:
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, out).split(os.sep)
            if len(parts) != 2 or parts[0] not in KINDS or not name.endswith(".json"):
                raise SystemExit(f"generate.py: {path} is not part of a set of vectors; name another folder")
            files.append(path)
    return files


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seed", default="1", help="any text; all randomness comes from it")
    ap.add_argument("--out", required=True, metavar="DIR", help="folder of the set; an older set in it is replaced")
    ap.add_argument("--report", metavar="FILE", help="counts and disagreements between the peers (default: DIR-report.txt)")
    ap.add_argument("--vary", action="store_true", help="other message counts and orders than the public set")
    ap.add_argument("--only", choices=["session", "misc"], help="only this half of the set")
    a = ap.parse_args()
    out = os.path.abspath(a.out)
    old_set(out)  # complain now, not after the work
    g = Gen(a.seed, a.vary)
    if a.only != "misc":
        import gen_session
        gen_session.generate_sessions(g)
    if a.only != "session":
        import gen_misc
        gen_misc.generate_misc(g)
    for path in old_set(out):
        os.remove(path)
    for name, j in sorted(g.files.items()):
        p = os.path.join(out, name)
        os.makedirs(os.path.dirname(p), exist_ok=True)
        with open(p, "w", encoding="utf-8") as f:
            f.write(dump(j))
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(out) for f in fs)
    counts = collections.Counter(j["kind"] for j in g.files.values())
    rep = ["files " + json.dumps(counts), "steps " + json.dumps(g.stat), f"bytes {size}", "", "# steps where at least one verifying peer differs from the expected result"]
    for k, v in sorted(g.disagree.items()):
        rep.append(k)
        rep += ["    " + x for x in sorted(set(v))]
    rep += ["", "# notes"] + sorted(set(g.notes)) + ["", "# failed scenarios"] + g.failed
    with open(a.report or out + "-report.txt", "w", encoding="utf-8") as f:
        f.write("\n".join(rep) + "\n")
    print("\n".join(rep[:3]), "\nfailed:", g.failed)
    return 1 if g.failed else 0


if __name__ == "__main__":
    sys.exit(main())
