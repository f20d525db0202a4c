"""`omemo` over ejabberd 24.12 of Debian 13, in a folder where debootstrap has put it: see ci/ejabberd-24.

    ejabberd24.py --program OMEMO --root FOLDER --work FOLDER

Two accounts log in, talk with each other in both versions, come back, and put themselves back on lists that they were
taken off. Prints what was seen, and fails if something was not.
"""
import argparse
import base64
import os
import re
import shutil
import subprocess
import sys
import time

import servers
from scenarios import NODE, publish_list
from side import Failed, Side

DOMAIN = "verona.example"
# A device that was announced a moment ago waits two minutes before it puts itself back.
PATIENCE = 180


class Chroot(servers.Servers):
    """One ejabberd, whose programs are in another root; that sees the folder of the servers under the same name."""

    def __init__(self, folder, users, root):
        super().__init__(folder, users)
        self.root = root

    def start(self):
        self.make_certificates()
        self.start_ejabberd(DOMAIN)
        self.wait_for(DOMAIN)

    def run(self, log, *command, **options):
        if command[0] == "erl":
            inside = self.root + self.folder
            os.makedirs(inside, exist_ok=True)
            script = 'mount --bind "$1" "$2" && mount -t proc proc "$3/proc" && root=$3 && shift 3 && exec chroot "$root" "$@"'
            options = {"env": options["env"]}
            command = ("unshare", "--mount", "--fork", "--pid", "--kill-child", "sh", "-c", script, "sh", self.folder, inside,
                       self.root, *command)
        return super().run(log, *command, **options)


def version_of(root):
    command = ["dpkg-query", f"--root={root}", "-W", "-f", "${Version}", "ejabberd"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def talk(juliet, romeo, mode):
    for number in range(3):
        for sender, receiver in ((juliet, romeo), (romeo, juliet)):
            text = f"{mode} {number} from {sender.user}"
            sender.send(receiver, text)
            receiver.expect(text, sender.jid)


def put_back(sides):
    """Each device is taken off its list by a session that sends no presence and leaves at once. On this ejabberd such a
    publisher tells nobody; the subscription to the own list does."""
    for side in sides:
        side.hand(publish_list(side.mode, [4711]))
    begun = time.time()
    for side in sides:
        while not any(str(side.device) in line for line in side.hand(["read", NODE[side.mode]])):
            if time.time() - begun > PATIENCE:
                raise Failed(f"{side.user} is not back on the list ({side.mode})")
            time.sleep(2)
    print(f"taken off the list: back after {time.time() - begun:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("program", "root", "work"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    users = {DOMAIN: ["juliet", "romeo"]}
    bed = Chroot(os.path.join(options.work, "servers"), users, options.root)
    sides = []
    try:
        bed.start()
        print(f"ejabberd {version_of(options.root)} runs", flush=True)
        for mode in NODE:
            pair = [Side("omemo", f"{user}@{DOMAIN}", mode, options.work, bed.ca, options.program) for user in users[DOMAIN]]
            sides += pair
            for _ in range(2):
                for side in pair:
                    side.start()
                talk(*pair, mode)
                for side in pair:
                    side.stop()
            print(f"{mode}: two logins each, 12 messages: passed", flush=True)
        legacy, omemo2 = sides[0], sides[-1]
        for side in (legacy, omemo2):
            side.start()
        put_back((legacy, omemo2))
        for side in (legacy, omemo2):
            side.stop()
        first = open(os.path.join(bed.folder, DOMAIN, "ejabberd.log"), errors="replace").read()
        challenge = re.search(r"<challenge[^>]*>([^<]*)", first)
        if not challenge or b",h=" not in base64.b64decode(challenge[1]):
            raise Failed("this server appends no extension to its first message: nothing was shown")
        print("the server's first SCRAM message has an extension (XEP-0474)", flush=True)
    finally:
        for side in sides:
            side.end()
        bed.stop()


if __name__ == "__main__":
    sys.exit(main())
