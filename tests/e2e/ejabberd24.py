"""`omemo` over ejabberd 24.12 of Debian 13, in a folder where debootstrap has put it: see ci/ejabberd-24.

    ejabberd24.py --program OMEMO --root FOLDER --work FOLDER

Two accounts log in, talk with each other in both versions, come back, and put themselves back on lists that they were
taken off. Prints what was seen, and fails if something was not.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time

import servers
from side import NAMESPACE, Side

DOMAIN = "verona.example"
OPEN = "<x xmlns='jabber:x:data' type='submit'/>"


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


def talk(juliet, romeo):
    for number in range(3):
        juliet.send(romeo, f"one {number} {juliet.mode}")
        romeo.expect(f"one {number} {juliet.mode}", juliet.jid)
        romeo.send(juliet, f"two {number} {juliet.mode}")
        juliet.expect(f"two {number} {juliet.mode}", romeo.jid)


def main():
    parser = argparse.ArgumentParser()
    for name in ("program", "root", "work"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    users = {DOMAIN: ["juliet", "romeo"]}
    bed = Chroot(os.path.join(options.work, "servers"), users, options.root)
    try:
        bed.start()
        print(f"ejabberd {version_of(options.root)} runs", flush=True)
        for mode in ("legacy", "omemo2"):
            sides = [Side("omemo", f"{user}@{DOMAIN}", mode, options.work, bed.ca, options.program) for user in users[DOMAIN]]
            for _ in range(2):
                for side in sides:
                    side.start()
                talk(*sides)
                for side in sides:
                    side.stop()
            print(f"{mode}: two logins each, 12 messages: passed", flush=True)
    finally:
        bed.stop()


if __name__ == "__main__":
    sys.exit(main())
