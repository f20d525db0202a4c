"""A peer on examples/c/strophe.c: the commands and events of slix_peer.py, over its lines.

OMEMO_E2E_STROPHE names the program. It asks about every key, and is told that it is right: what people would type is
typed here.
"""
import argparse
import json
import os
import re
import select
import subprocess
import sys

NAMESPACE = {"OMEMO": "eu.siacs.conversations.axolotl", "OMEMO 2": "urn:xmpp:omemo:2"}
# What the scenarios call what the library says in English.
GAPS = {"what it has published is no bundle": "BrokenBundle",
        "the bundle's signed pre-key is not signed by its identity key": "UnusableBundle"}


def emit(**event):
    print(json.dumps(event), flush=True)


class Strophe:
    def __init__(self, arguments):
        command = [os.environ["OMEMO_E2E_STROPHE"], "--store", arguments.state, "--ca", arguments.ca,
                   "--server", arguments.host + ":5222", "--only", arguments.mode, "--trust", "ask", arguments.jid]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # Who was written to is known by a number, as soon as the line was taken.
        self.typed, self.tags, self.devices = [], {}, {}
        self.friends = set()

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def obey(self, command):
        cmd, tag = command["cmd"], command.get("tag")
        if cmd == "send":
            self.type("/to " + command["to"])
            self.typed.append(tag)
            self.type(command["body"])
        elif cmd == "subscribe":
            self.friends.add(command["to"])
            self.type("/add " + command["to"])
            emit(ev="ok", tag=tag)
        elif cmd == "reset":
            self.type("/reset " + command["to"])
            emit(ev="ok", tag=tag)
        else:
            emit(ev="error", tag=tag, what="strophe.c does not do that")

    def take(self, line):
        """A line of the program: an event, or a question."""
        for pattern, method in self.LINES:
            if found := re.fullmatch(pattern, line):
                return method(self, *found.groups())
        emit(ev="notice", what=line)

    def ready(self, device):
        emit(ev="ready", device_id=int(device))

    def taken(self, number):
        self.tags[number] = self.typed.pop(0)

    def not_taken(self, what):
        emit(ev="error", tag=self.typed.pop(0) if self.typed else None, what=what)

    def device(self, number, device, what):
        self.devices.setdefault(number, {})[int(device)] = what

    def sent(self, number):
        devices = self.devices.pop(number, {})
        keys = [device for device, what in devices.items() if what == "encrypted"]
        skipped = [f"{device}: {GAPS.get(what, what)}" for device, what in devices.items() if what != "encrypted"]
        emit(ev="sent", tag=self.tags.pop(number), keys=keys, skipped=skipped)

    def not_sent(self, number, what):
        emit(ev="error", tag=self.tags.pop(number), what=what)

    def message(self, version, device, sender, body):
        emit(ev="msg", body=body, ns=NAMESPACE[version], type="chat", device_id=int(device), **{"from": sender})

    def plain(self, sender, body):
        emit(ev="plain", body=body, type="chat", **{"from": sender})

    def unreadable(self, what):
        emit(ev="decrypt-failed", error=what)

    def asked(self, jid, key):
        self.type(f"/verify {jid} {key}")

    def wants(self, jid):
        if jid in self.friends:
            self.type("/add " + jid)

    LINES = [
        (r"\* ready: others can write to device (\d+)", ready),
        (r"\* message (\d+) to .*", taken),
        (r"! OMEMO: (.*)", not_taken),
        (r"[*!] message (\d+), device (\d+) of \S+: (.*)", device),
        (r"\* message (\d+) is sent", sent),
        (r"! message (\d+) is not sent: (.*)", not_sent),
        (r"\[(OMEMO|OMEMO 2), device (\d+), \w+\] (\S+)(?: to \S+)?: (.*)", message),
        (r"\[NOT ENCRYPTED\] (\S+): (.*)", plain),
        (r"! a message cannot be read: (.*)", unreadable),
        (r"\? (\S+) ((?:[0-9a-f]{8} ?){8})", asked),
        (r"\? (\S+) wants to see when we are here.*", wants),
    ]


def lines_of(descriptor):
    """Gives a function that reads what is there, as whole lines; None at the end."""
    buffer = b""

    def read():
        nonlocal buffer
        if not (new := os.read(descriptor, 65536)):
            return None
        *lines, buffer = (buffer + new).split(b"\n")
        return lines

    return read


def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "ca", "mode"):
        parser.add_argument("--" + option, required=True)
    arguments, _ = parser.parse_known_args()
    strophe = Strophe(arguments)
    output = strophe.process.stdout.fileno()
    read = {0: lines_of(0), output: lines_of(output)}
    is_open = True
    while True:
        readable, _, _ = select.select([0, output] if is_open else [output], [], [])
        for descriptor in readable:
            lines = read[descriptor]()
            if descriptor == output:
                if lines is None:
                    emit(ev="end")
                    return strophe.process.wait()
                for line in lines:
                    strophe.take(line.decode(errors="replace"))
                continue
            for command in [{"cmd": "quit"}] if lines is None else map(json.loads, lines):
                if command["cmd"] == "quit":
                    is_open = False
                    strophe.type("/quit")
                    break
                strophe.obey(command)


if __name__ == "__main__":
    sys.exit(main())
