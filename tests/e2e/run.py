"""Talks with unmodified clients over real servers, and writes the matrix: see ci/e2e.

    run.py --program OMEMO --work FOLDER [--desktop | --columns 1,2,…] [--scenarios a,b] [--write FILE] [--parallel N]

Beside the columns with numbers there is "commands": what people and scripts call, on two Prosodys.
"""
import argparse
import base64
import concurrent.futures
import difflib
import importlib.metadata
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

import commands
import readme
import scenarios
import servers
from side import Failed, Side

PROSODY_1, PROSODY_2, EJABBERD = "capulet.example", "montague.example", "verona.example"
# peer, version, our server, its server, and our client, if it is not `omemo pipe`
COLUMNS = [
    ("profanity", "legacy", PROSODY_1, PROSODY_2),
    ("slixmpp", "legacy", PROSODY_1, PROSODY_2),
    ("slixmpp", "omemo2", PROSODY_1, PROSODY_2),
    ("omemo", "legacy", PROSODY_1, PROSODY_2),
    ("omemo", "omemo2", PROSODY_1, PROSODY_2),
    ("profanity", "legacy", PROSODY_1, EJABBERD),
    ("slixmpp", "legacy", EJABBERD, PROSODY_2),
    ("slixmpp", "omemo2", EJABBERD, EJABBERD),
    ("omemo", "omemo2", EJABBERD, PROSODY_2),
    ("strophe", "legacy", PROSODY_1, PROSODY_2, "strophe"),
    ("strophe", "omemo2", PROSODY_1, PROSODY_2, "strophe"),
    ("strophe", "legacy", PROSODY_1, PROSODY_2),
    ("strophe", "omemo2", PROSODY_1, EJABBERD),
    ("profanity", "legacy", PROSODY_1, PROSODY_2, "strophe"),
    ("slixmpp", "legacy", EJABBERD, PROSODY_2, "strophe"),
    ("slixmpp", "omemo2", PROSODY_1, PROSODY_2, "strophe"),
    ("gajim", "legacy", PROSODY_1, PROSODY_2),
    ("dino", "legacy", PROSODY_1, PROSODY_2),
    ("converse", "legacy", PROSODY_1, PROSODY_2),
    ("converse", "omemo2", EJABBERD, PROSODY_2),
]
# These need a screen, and many packages: they play when they are asked to.
DESKTOP = {"gajim", "dino"}
CONVERSE = """Converse.js runs in a headless Chromium; its user is a plugin, `tests/e2e/converse_user.js`. It announces both versions
and writes in the newest one that a device announces, so that our client chooses the version. In legacy its chat markers and
chat states are off: where it has a second device, it sends them in OMEMO 2 without a key for us. Its room has no
slixmpp-omemo: its library accepts no OMEMO 2 bundle of python-omemo whose identity key has the sign 1, half of them."""
# What stood in the way of others.
NOT_HERE = """## Not here

- Gajim and Dino, which need a screen: `ci/e2e --desktop` plays with them, see [interop-desktop.md](interop-desktop.md).
- Converse.js on ejabberd 23.01, which refuses its OMEMO 2 bundle (`max_items` of `max`): its device is on the list, and has
  no bundle.
- purple-lurch 0.7.0 under finch 2.14.12 runs without a screen, driven over D-Bus: it logs in and publishes its list and its
  bundle. A stranger does not get them, and to a stranger it wrote in clear: every scenario would need a subscription first,
  and rooms more. It is not driven further yet.
- ejabberd 24.12 of Debian 13: `ci/ejabberd-24` puts it into a folder and lets `omemo pipe` talk over it. Its SCRAM has the
  extension of XEP-0474. A device list that a session without presence publishes there is told to nobody who is not
  subscribed to the node: `omemo` subscribes to its own."""
PEERS = {"profanity": "Profanity", "slixmpp": "slixmpp-omemo", "omemo": "`omemo pipe`", "strophe": "`strophe.c`",
         "gajim": "Gajim", "dino": "Dino", "converse": "Converse.js"}
VERSIONS = {"legacy": "legacy", "omemo2": "OMEMO 2"}
KINDS = {PROSODY_1: "Prosody", PROSODY_2: "Prosody", EJABBERD: "ejabberd"}


def play(cast, wanted):
    """The results of a column: for each scenario how it went, and why. What is wrong after the last one is the last one's."""
    results = {}
    for scenario in wanted:
        begun = time.time()
        try:
            for client in (cast.ours, cast.peer):
                if lack := scenarios.LACKS.get(client, {}).get(scenario.__name__):
                    raise scenarios.NotPossible(lack)
            scenario(cast)
            if (odd := cast.odd()) and scenario not in scenarios.UNTIDY:
                raise Failed(f"came too: {'; '.join(odd)}")
            results[scenario] = ("passed", None)
        except scenarios.NotPossible as why:
            results[scenario] = ("not possible", str(why))
        except Exception as problem:
            results[scenario] = ("failed", f"{type(problem).__name__}: {problem}")
            # The next one shall not suffer from it.
            cast.stop()
            cast.odd()
        state, why = results[scenario]
        print(f"[{cast.number} {cast.peer} {cast.mode}] {scenario.__name__}: {state} ({time.time() - begun:.1f} s)"
              + (f": {why}" if why else ""), flush=True)
    if problems := cast.stop() + cast.odd():
        results[scenario] = ("failed", "; ".join(problems))
        print(f"[{cast.number} {cast.peer} {cast.mode}] the end: {results[scenario][1]}", flush=True)
    return results


def play_commands(play):
    """What went wrong with the commands, if something did."""
    begun, problem = time.time(), None
    try:
        play.all()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    print(f"[commands] {'failed' if problem else 'passed'} ({time.time() - begun:.1f} s)" + (f": {problem}" if problem else ""),
          flush=True)
    return problem


def base64_of(mark, shift):
    """What is the same in every text in base64 that has `mark` behind `shift` bytes, or 3 more, or 6 …"""
    coded = base64.b64encode(bytes(shift) + mark)
    return coded[(8 * shift + 5) // 6:8 * (shift + len(mark)) // 6]


def search(bed, mark):
    """Where in the files of servers the mark is found, and how it stands there."""
    mark = mark.encode()
    needles = {"as it is": mark} | {f"in base64, shifted by {shift}": base64_of(mark, shift) for shift in range(3)}
    found = []
    for path in bed.files():
        content = open(path, "rb").read()
        found += [(path, how, content[max(0, content.index(needle) - 30):][:80]) for how, needle in needles.items()
                  if needle in content]
    return found


def wire_check(bed, casts, folder, program):
    """Whether any text is in what the servers have; and that one would have been found, in clear or in base64."""
    control = secrets.token_hex(8)
    said = [f"<&>\"' {control}"] + [base64.b64encode(f"{'x' * shift}{control}, and more".encode()).decode() for shift in range(3)]
    for domain in bed.users:
        witness = Side("slixmpp", f"witness@{domain}", "legacy", folder, bed.ca, program)
        witness.hand(*(["say", f"witness@{PROSODY_2}", text] for text in said))
    time.sleep(1)
    controls = search(bed, control)
    for domain in bed.users:
        seen = {how for path, how, _ in controls if path[len(bed.folder) + 1:].split("/")[0] == domain}
        if len(seen) != len(said):
            raise Failed(f"the search is blind: on {domain} it finds what is in clear only {', '.join(seen) or 'never'}")
    return sum(len(cast.texts) for cast in casts), search(bed, scenarios.MARK)


def version_of(package):
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return shown.stdout.split("-")[0].split("+")[0] or "?"


def version_of_converse():
    with open(os.path.join(os.path.dirname(os.environ["OMEMO_E2E_CONVERSE"]), "package.json")) as file:
        return json.load(file)["version"]


def write(path, casts, results, number, problems):
    """Writes the matrix. `problems`: those of the commands, None if they were not called."""
    peers = {cast.peer for cast in casts}
    is_desktop = peers <= DESKTOP
    if is_desktop:
        names = {"Gajim": version_of("gajim"), "its plugin": version_of("gajim-omemo"), "Dino": version_of("dino-im")}
    else:
        names = {"Profanity": version_of("profanity"), "slixmpp-omemo": importlib.metadata.version("slixmpp-omemo")}
        if "converse" in peers:
            names |= {"Converse.js": version_of_converse(), "Chromium": version_of("chromium")}
    names |= {"Prosody": version_of("prosody"), "ejabberd": version_of("ejabberd")}
    lines = [
        "# Interoperability" + (" with desktop clients" if is_desktop else ""), "",
        f"Written by `ci/e2e{' --desktop' if is_desktop else ''}`: unmodified clients and servers, over loopback, against ours.",
        "In each scenario both sides write. Versions: " + ", ".join(f"{name} {version}" for name, version in names.items()) + ".", "",
        "| " + " | ".join(["peer"] + [PEERS[cast.peer] for cast in casts]) + " |",
        "|---" * (len(casts) + 1) + "|",
        "| " + " | ".join(["our client"] + [PEERS[cast.ours] for cast in casts]) + " |",
        "| " + " | ".join(["version"] + [VERSIONS[cast.mode] for cast in casts]) + " |",
        "| " + " | ".join(["our server"] + [KINDS[cast.our_domain] for cast in casts]) + " |",
        "| " + " | ".join(["its server"] + [KINDS[cast.their_domain] for cast in casts]) + " |",
    ]
    notes = []
    for scenario in next(iter(results.values())):
        cells = []
        for cast in casts:
            state, why = results[cast.number][scenario]
            if state == "not possible":
                if why not in notes:
                    notes.append(why)
                state = f"not possible [{notes.index(why) + 1}]"
            cells.append(f"**{state}**" if state == "failed" else state)
        lines.append("| " + " | ".join([scenario.__doc__] + cells) + " |")
    if notes:
        lines += [""] + [f"[{place + 1}] {why}." for place, why in enumerate(notes)]
    # Rounded: how many are needed to mend a session differs.
    lines += ["", f"None of the more than {number // 100 * 100} texts is found in what the servers stored, logged or relayed (their files, and the",
              "streams that Prosody recorded and ejabberd logged), neither as it is nor in base64; a text in clear is."]
    if problems is not None:
        lines += ["", "The commands of `omemo` (send, listen, chat, devices, trust, fingerprint), between accounts on two Prosodys, as",
                  f"`tests/e2e/commands.py` calls them: {'**failed**' if problems else 'passed'}."]
    if not is_desktop:
        lines += ["", "OMEMO 2 with slixmpp-omemo: the envelopes (XEP-0420) are made and read by `tests/e2e/slix_peer.py`, as the",
                  "library announces OMEMO 2 without them. The cryptography is its own.", "", CONVERSE, "", NOT_HERE]
    else:
        lines += ["", "Gajim's user is a plugin, `tests/e2e/gajim_user.py`. Dino is typed into; its button for OMEMO is not pressed, but",
                  "its database is changed while it is away, before the first message to somebody: see `tests/e2e/dino_peer.py`."]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def say_changes(before):
    """Says loudly what is not in the files any more as it was: a run that writes must not pass over it."""
    for path, text in before.items():
        now = open(path).read()
        if now != text:
            print(f"\n*** {path} IS NOT AS IT WAS: look at it, and keep it or mend what changed it")
            print(*difflib.unified_diff(text.splitlines(), now.splitlines(), "before", "now", lineterm="", n=0), sep="\n", flush=True)


def chosen(parser, option, given, known):
    """Those of `known` whose names are given, in the order of `known`; a name that is none ends the program."""
    if given is None:
        return None
    names = given.split(",")
    if unknown := [name for name in names if name not in known]:
        parser.error(f"--{option}: no {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
    return [known[name] for name in known if name in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--columns")
    choice.add_argument("--desktop", action="store_true")
    parser.add_argument("--scenarios")
    parser.add_argument("--write")
    parser.add_argument("--parallel", type=int, default=4)
    arguments = parser.parse_args()
    usual = [number for number, column in enumerate(COLUMNS, 1) if (column[0] in DESKTOP) == arguments.desktop]
    known = {str(number): number for number in range(1, len(COLUMNS) + 1)} | {"commands": None}
    columns = chosen(parser, "columns", arguments.columns, known) or usual + [None] * (not arguments.desktop)
    wanted = chosen(parser, "scenarios", arguments.scenarios, {scenario.__name__: scenario for scenario in scenarios.SCENARIOS})
    wanted = scenarios.with_needs(wanted or scenarios.SCENARIOS)
    work = os.path.abspath(arguments.work)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work + "/clients")
    casts, users = [], {PROSODY_1: ["witness"], PROSODY_2: ["witness"]}
    bed = servers.Servers(work + "/servers", users)
    bed.ca = work + "/servers/certificates/ca.pem"
    program, clients = os.path.abspath(arguments.program), work + "/clients"
    with_commands = [commands.Commands(program, clients, bed.ca, PROSODY_1, PROSODY_2)] if None in columns else []
    for number in filter(None, columns):
        column, ours = COLUMNS[number - 1][:4], COLUMNS[number - 1][4:]
        casts.append(scenarios.Cast(number, *column, clients, bed.ca, program, *ours))
    for players in casts + with_commands:
        for domain, user in players.accounts():
            users.setdefault(domain, ["witness"]).append(user)

    def end(*_):
        """Whoever ends this run from outside shall not leave anything behind."""
        for cast in casts:
            for side in cast.sides.values():
                side.end()
        for play in with_commands:
            play.end()
        bed.stop()
        os._exit(143)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    begun, results = time.time(), {}
    try:
        bed.start()
        print(f"servers are up after {time.time() - begun:.0f} s", flush=True)
        with concurrent.futures.ThreadPoolExecutor(arguments.parallel) as pool:
            playing = {cast.number: pool.submit(play, cast, wanted) for cast in casts}
            problems = list(filter(None, pool.map(play_commands, with_commands)))
            results = {number: result.result() for number, result in playing.items()}
        number, leaks = wire_check(bed, casts + with_commands, clients, program)
    finally:
        for cast in casts:
            cast.stop()
        bed.stop()
    for path, how, excerpt in leaks[:10]:
        print(f"LEAK: a text is in {path}, {how}: {excerpt}")
    failed = [(cast.number, scenario.__name__) for cast in casts for scenario, (state, _) in results[cast.number].items()
              if state == "failed"] + ["commands"] * len(problems)
    print(f"{number} texts, {len(leaks)} found in what the servers have; failed: {failed or 'nothing'}; "
          f"{time.time() - begun:.0f} s")
    if arguments.write and not leaks:
        before = {path: open(path).read() if os.path.exists(path) else "" for path in (arguments.write, "README.md")}
        write(arguments.write, casts, results, number, problems if with_commands else None)
        if not (arguments.columns or arguments.desktop or arguments.scenarios):
            readme.write("README.md", casts, results, (PEERS | VERSIONS | KINDS).get)
        say_changes(before)
    return 1 if failed or leaks else 0


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main())
