"""A peer on Profanity, unmodified, on a pseudo terminal: the commands and events of slix_peer.py, legacy only.

What it decrypted is read from its own chat log, what it did from its debug log.

* It publishes its first device list only after an error with the code 404 (XEP-0086), which Prosody does not send: an
  empty list is put there by hand before it makes its keys.
* "/omemo start JID" is needed for a conversation even with the policy "always".
* It drops a line that it cannot encrypt yet: such a line is typed again.
* A file is fetched when it is told to, by "/url save".
"""
import argparse
import fcntl
import glob
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time

LEGACY = "eu.siacs.conversations.axolotl"
HERE = os.path.dirname(os.path.abspath(__file__))


def emit(**event):
    print(json.dumps(event), flush=True)


class Profanity:
    def __init__(self, jid, host, folder, files):
        self.files = os.path.abspath(files)
        self.jid, self.host, self.folder = jid, host, os.path.abspath(folder)
        self.config, self.data = self.folder + "/config", self.folder + "/data"
        self.log = self.data + "/profanity/logs/profanity.log"
        self.started = set()
        self.row, self.place = 0, 0

    def has_keys(self):
        return bool(glob.glob(self.data + "/profanity/omemo/*/identity.txt"))

    def start(self):
        os.makedirs(self.config + "/profanity", exist_ok=True)
        os.makedirs(self.data + "/profanity", exist_ok=True)
        with open(self.config + "/profanity/profrc", "w") as file:
            file.write("[logging]\nmaxsize=1073741824\nrotate=false\nchlog=true\ngrlog=true\n[omemo]\npolicy=always\n"
                       "trustmode=blind\nlog=on\n[connection]\nautoping=0\nreconnect=5\n[ui]\nsplash=false\n")
        local, domain = self.jid.split("@")
        with open(self.data + "/profanity/accounts", "w") as file:
            file.write(f"[{self.jid}]\nenabled=true\njid={self.jid}\nresource=profanity\n"
                       f"password={os.environ['OMEMO_PASSWORD']}\nserver={self.host}\nport=5222\ntls.policy=trust\n"
                       f"presence.last=online\npresence.login=online\nmuc.service=conference.{domain}\nmuc.nick={local}\n")
        # Only what comes from now on is told.
        self.row = max([0] + [row[0] for row in self.rows()])
        self.place = self.mark()
        environment = dict(os.environ, XDG_CONFIG_HOME=self.config, XDG_DATA_HOME=self.data, HOME=self.folder,
                           TERM="xterm", LANG="C.UTF-8", LC_ALL="C.UTF-8")
        environment.pop("DISPLAY", None)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe("profanity", ["profanity", "-l", "DEBUG", "-a", self.jid], environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def mark(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def wait(self, pattern, since, timeout):
        expression, deadline = re.compile(pattern), time.time() + timeout
        while time.time() < deadline:
            if os.path.exists(self.log):
                with open(self.log, errors="replace") as file:
                    file.seek(since)
                    if found := expression.search(file.read()):
                        return found
            time.sleep(0.05)
        return None

    def rows(self):
        """What is new in the chat log. Read without a lock: where one is in its way, Profanity drops a message."""
        files = glob.glob(self.data + "/profanity/database/*/chatlog.db")
        if not files:
            return []

        def state():
            return os.stat(files[0]).st_mtime_ns, os.path.exists(files[0] + "-journal")

        before = state()
        try:
            base = sqlite3.connect(f"file:{files[0]}?mode=ro&immutable=1", uri=True)
            rows = base.execute("select id, from_jid, from_resource, message, type, encryption from ChatLogs "
                                "where id > ? order by id", (self.row,)).fetchall()
            base.close()
        except sqlite3.DatabaseError:
            return []
        # What was read while it was written may be anything: the next look is not far.
        return rows if before == state() and not before[1] else []

    def poll(self):
        for number, jid, resource, body, kind, encryption in self.rows():
            self.row = number
            if jid == self.jid and kind != "muc":
                continue
            is_encrypted = encryption == "omemo"
            emit(ev="msg" if is_encrypted else "plain", body=body, ns=LEGACY if is_encrypted else None,
                 type="groupchat" if kind == "muc" else kind, **{"from": jid + ("/" + resource if resource else "")})
            if is_encrypted and body.startswith("aesgcm://"):
                self.fetch(jid, body)
        if os.path.exists(self.log):
            with open(self.log, errors="replace") as file:
                file.seek(self.place)
                while (line := file.readline()).endswith("\n"):
                    self.place = file.tell()
                    if "[OMEMO][RECV] cannot" in line or "[OMEMO][RECV] invalid" in line:
                        emit(ev="decrypt-failed", error=line.strip()[:300])

    def fetch(self, jid, uri):
        os.makedirs(self.files, exist_ok=True)
        path = f"{self.files}/{time.time_ns()}"
        self.type("/win " + jid)
        time.sleep(0.3)
        self.type(f"/url save {uri} {path}")
        deadline, size = time.time() + 20, None
        # It is there when it does not grow any more.
        while time.time() < deadline:
            time.sleep(0.5)
            now = os.path.getsize(path) if os.path.exists(path) else None
            if now and now == size:
                return emit(ev="file", path=path, **{"from": jid})
            size = now
        emit(ev="file-failed", error="Profanity has not saved it", **{"from": jid})

    def start_session(self, to):
        if to not in self.started:
            since = self.mark()
            self.type("/omemo start " + to)
            self.started.add(to)
            self.wait(r"(create session with|session with) %s device \d+" % re.escape(to), since, 3)
            time.sleep(0.3)

    def obey(self, command):
        cmd, tag = command["cmd"], command.get("tag")
        if cmd == "send":
            to = command["to"]
            self.type("/win 1")     # in a room's window the line would go to an occupant
            self.start_session(to)
            self.send(f"/msg {to} {command['body']}", to, tag)
        elif cmd == "file":
            self.start_session(command["to"])
            self.type("/win " + command["to"])
            time.sleep(0.3)
            self.send("/sendfile " + command["path"], command["to"], tag)
        elif cmd == "gsend":
            self.type("/win " + command["room"])
            time.sleep(0.3)
            self.send(command["body"], command["room"], tag)
        elif cmd == "join":
            since = self.mark()
            self.type(f"/join {command['room']} nick {command['nick']}")
            us = re.escape(f"{command['room']}/{command['nick']}")
            if not self.wait(rf'RECV: <presence[^>]*from="{us}"', since, 15):
                return emit(ev="error", tag=tag, what="the room was not entered")
            self.wait(r"(create session with|session with)", since, 6)
            time.sleep(1)
            emit(ev="joined", tag=tag)
        elif cmd == "subscribe":
            self.type("/sub request " + command["to"])
            time.sleep(0.5)
            self.type("/sub allow " + command["to"])
            emit(ev="ok", tag=tag)
        else:
            emit(ev="error", tag=tag, what="Profanity is not driven to do that")

    def send(self, line, to, tag):
        start = r'SENT: <message [^>]*to="%s"[^>]*>' % re.escape(to)
        sent = start + r'(?:(?!</message>).)*<encrypted xmlns="%s">' % re.escape(LEGACY)
        for _ in range(8):
            since = self.mark()
            self.type(line)
            if self.wait(sent, since, 3):
                return emit(ev="sent", tag=tag)
            if self.wait(start + "<body>", since, 0.2):
                return emit(ev="error", tag=tag, what="Profanity sent it unencrypted")
            time.sleep(0.5)
        emit(ev="error", tag=tag, what="Profanity sent nothing")

    def has_ended(self):
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def stop(self):
        self.type("/quit")
        for _ in range(50):
            if self.has_ended():
                return
            time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def publish_empty_list(jid, host, ca):
    options = {"access_model": "open", "persist_items": "true"}
    action = ["publish", LEGACY + ".devicelist", "current", f"<list xmlns='{LEGACY}'/>", options]
    subprocess.run([sys.executable, HERE + "/hand.py", jid, host, ca], input=json.dumps([action]).encode(), check=True)


def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "ca", "files"):
        parser.add_argument("--" + option, required=True)
    arguments, _ = parser.parse_known_args()
    profanity = Profanity(arguments.jid, arguments.host, arguments.state, arguments.files)
    is_new = not profanity.has_keys()
    if is_new:
        publish_empty_list(arguments.jid, arguments.host, arguments.ca)
    since = profanity.mark()
    profanity.start()
    if not profanity.wait(r"Login successful|logged in successfully|SENT: <presence", since, 30):
        emit(ev="error", what="no login, see " + profanity.log)
        profanity.stop()
        return 1
    # It must know what the server can before it makes keys, or it publishes them for nobody.
    profanity.wait(r"connection_features_received|\[OMEMO\] (publish crypto materials|cannot publish crypto)", since, 8)
    if is_new:
        profanity.wait(r"RECV: .*pubsub#publish-options", since, 8)
        time.sleep(0.5)
        profanity.type("/omemo gen")
    if not profanity.wait(r"\[OMEMO\] bundle published successfully", since, 60):
        emit(ev="error", what="no bundle, see " + profanity.log)
        profanity.stop()
        return 1
    if is_new:
        node = re.escape(LEGACY + ".devicelist")
        profanity.wait(r'SENT: <iq [^>]*type="set"[^>]*><pubsub[^>]*><publish node="%s"' % node, since, 10)
    time.sleep(0.3)
    device = profanity.wait(r"\[OMEMO\] device id: (\d+)", 0, 5)
    emit(ev="ready", device_id=int(device.group(1)) if device else None)
    buffer, is_open = b"", True
    os.set_blocking(0, False)
    while is_open:
        readable, _, _ = select.select([0], [], [], 0.1)
        profanity.poll()
        if profanity.has_ended():
            emit(ev="error", what="Profanity ended by itself")
            return 1
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
            profanity.obey(command)
    profanity.stop()
    profanity.poll()
    emit(ev="end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
