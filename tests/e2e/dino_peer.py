"""A peer on Dino: the commands and events of slix_peer.py.

Dino runs on a screen that nobody sees (Xvfb), on a bus of its own. A chat is opened over D-Bus, its text is typed with
xdotool, and what came is read from its database. It looks for servers and for who is trusted where the system does: it is
shown other files there, in a mount namespace.
"""
import argparse
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time

import servers

LEGACY = "eu.siacs.conversations.axolotl"
CHAT, OMEMO, UNSENT = 0, 2, 3
BUS = ["--session", "--dest", "im.dino.Dino", "--object-path", "/im/dino/Dino"]


def emit(**event):
    print(json.dumps(event), flush=True)


def show_other_files(folder, ca):
    """Goes on in a mount namespace where the system knows the servers, and trusts `ca` alone."""
    files = {"/etc/hosts": "127.0.0.1 localhost\n" + "".join(f"{at} {name}\n" for name, at in servers.ADDRESSES.items()),
             # Nobody is there, and says so at once.
             "/etc/resolv.conf": "nameserver 127.0.8.1\n", "/etc/ssl/certs/ca-certificates.crt": open(ca).read()}
    mounts = []
    for number, (path, content) in enumerate(files.items()):
        with open(f"{folder}/file{number}", "w") as file:
            file.write(content)
        mounts.append(f"mount --bind {folder}/file{number} {path}")
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    script = " && ".join(mounts + ['exec "$@"'])
    os.execvp("unshare", ["unshare", *user, "--mount", "sh", "-c", script, "sh", sys.executable, *sys.argv, "--inside"])


class Dino:
    def __init__(self, jid, folder):
        self.jid, self.folder, self.row, self.process = jid, folder, 0, None
        self.log = folder + "/dino.log"
        self.environment = dict(
            os.environ, HOME=folder, XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder + "/cache",
            XDG_RUNTIME_DIR=folder, GDK_BACKEND="x11", GSK_RENDERER="cairo", GTK_A11Y="none", GSETTINGS_BACKEND="memory",
            LANG="C.UTF-8", LC_ALL="C.UTF-8")
        read, write = os.pipe()
        self.screen = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
                                       pass_fds=[write], stdin=subprocess.DEVNULL, stdout=sys.stderr)
        self.environment["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
        self.bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE,
                                    stdin=subprocess.DEVNULL, env=self.environment)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.bus.stdout.readline().decode().strip()

    def base(self, name="dino"):
        base = sqlite3.connect(f"{self.folder}/dino/{name}.db", timeout=10)
        base.row_factory = sqlite3.Row
        return base

    def ask(self, query, *values, name="dino"):
        base = self.base(name)
        try:
            with base:
                return base.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            base.close()

    def run(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def until(self, what, seconds):
        deadline = time.time() + seconds
        while not (result := what()) and time.time() < deadline:
            time.sleep(0.1)
        return result

    def open(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["dino-im", "--print-xmpp=all"], env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        return self.until(lambda: self.run("xdotool", "search", "--onlyvisible", "--name", "."), 20)

    def close(self):
        self.process.terminate()
        self.process.wait()

    def add_account(self):
        """Dino makes its database when it starts for the first time."""
        self.open()
        self.close()
        self.ask("insert into account (bare_jid, resourcepart, password, alias, enabled) values (?, 'dino', ?, '', 1)",
                 self.jid, os.environ["OMEMO_PASSWORD"])

    def device(self):
        rows = self.ask("select device_id from identity", name="omemo")
        return rows[0]["device_id"] if rows else None

    def go_online(self):
        self.open()
        own = self.until(self.device, 20)

        def is_published():
            text = open(self.log, errors="replace").read()
            return re.search(rf":device [^>]*'{own}'", text) and f"bundles:{own}" in text

        if not self.until(is_published, 30):
            emit(ev="error", what="no list or no bundle, see " + self.log)
        time.sleep(1)
        return own

    def encrypt_to(self, to):
        """A new conversation is in clear, which a button changes. Here it is changed while Dino is away."""
        found = ("select conversation.id from conversation join jid on jid.id = jid_id where bare_jid = ? "
                 "and type = ? and encryption = ?")
        if self.ask(found, to, CHAT, OMEMO):
            return
        self.close()
        self.poll()
        self.ask("insert or ignore into jid (bare_jid) values (?)", to)
        self.ask("delete from conversation where type = ? and jid_id = (select id from jid where bare_jid = ?)", CHAT, to)
        self.ask("insert into conversation (account_id, jid_id, active, last_active, type, encryption, notification, "
                 "send_typing, send_marker) select account.id, jid.id, 1, 0, ?, ?, 0, 0, 0 from account, jid "
                 "where jid.bare_jid = ?",
                 CHAT, OMEMO, to)
        self.go_online()

    def send(self, to, body, tag):
        self.encrypt_to(to)
        self.run("gdbus", "call", *BUS, "--method", "org.freedesktop.Application.Open", f"['xmpp:{to}?message']", "{}")
        time.sleep(0.5)
        window = self.run("xdotool", "search", "--onlyvisible", "--name", ".").split()
        self.run("xdotool", "windowfocus", "--sync", window[0])
        time.sleep(0.2)
        self.run("xdotool", "type", "--delay", "15", body)
        self.run("xdotool", "key", "Return")
        sent = "select encryption from message where direction = 1 and body = ? and marked != ?"
        rows = self.until(lambda: self.ask(sent, body, UNSENT), 15)
        if rows and rows[0]["encryption"] == OMEMO:
            emit(ev="sent", tag=tag)
        else:
            emit(ev="error", tag=tag, what="Dino sent it in clear" if rows else "Dino sent nothing")

    def poll(self):
        for row in self.ask("select message.id, bare_jid, counterpart_resource, body, encryption from message join jid "
                            "on jid.id = counterpart_id where direction = 0 and message.id > ? order by message.id", self.row):
            self.row = row["id"]
            is_encrypted = row["encryption"] == OMEMO
            emit(ev="msg" if is_encrypted else "plain", body=row["body"], type="chat", ns=LEGACY if is_encrypted else None,
                 **{"from": row["bare_jid"] + ("/" + row["counterpart_resource"] if row["counterpart_resource"] else "")})

    def end(self):
        if self.process and self.process.poll() is None:
            self.close()
        for process in (self.bus, self.screen):
            process.send_signal(signal.SIGTERM)
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "ca"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--inside", action="store_true")
    arguments, _ = parser.parse_known_args()
    os.makedirs(arguments.state, exist_ok=True)
    if not arguments.inside:
        show_other_files(arguments.state, arguments.ca)
    dino = Dino(arguments.jid, arguments.state)
    if not os.path.exists(arguments.state + "/dino/dino.db"):
        dino.add_account()
    rows = dino.ask("select max(id) as last from message")
    dino.row = rows[0]["last"] or 0 if rows else 0
    emit(ev="ready", device_id=dino.go_online())
    buffer, is_open = b"", True
    while is_open:
        readable, _, _ = select.select([0], [], [], 0.1)
        dino.poll()
        if not readable:
            continue
        if not (read := os.read(0, 65536)):
            break
        *lines, buffer = (buffer + read).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if command["cmd"] == "quit":
                is_open = False
                break
            if command["cmd"] == "send":
                dino.send(command["to"], command["body"], command["tag"])
            else:
                emit(ev="error", tag=command.get("tag"), what="Dino is not driven to do that")
    dino.end()
    dino.poll()
    emit(ev="end")


if __name__ == "__main__":
    main()
