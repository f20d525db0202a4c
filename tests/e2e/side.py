"""A side of a conversation: a program that takes commands and prints events, a JSON object a line."""
import contextlib
import filecmp
import glob
import json
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import servers

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = {"omemo", "strophe"}
NAMESPACE = {"legacy": "eu.siacs.conversations.axolotl", "omemo2": "urn:xmpp:omemo:2"}


class Failed(Exception):
    pass


class Side:
    """An account with a client. `kind`: omemo, strophe, slixmpp, gajim, dino, converse or profanity."""

    def __init__(self, kind, jid, mode, folder, ca, program):
        self.kind, self.jid, self.mode, self.ca = kind, jid, mode, ca
        self.user, self.domain = jid.split("@")
        self.host = servers.ADDRESSES[self.domain]
        self.state = os.path.join(folder, f"{jid}-{kind}")
        while os.path.exists(self.state + ".log"):
            self.state += "-again"
        open(self.state + ".log", "w").close()
        command = {
            "omemo": [program, "pipe"],
            "strophe": [sys.executable, "-W", "ignore", HERE + "/strophe_peer.py"],
            "slixmpp": [sys.executable, "-W", "ignore", HERE + "/slix_peer.py"],
            "profanity": [sys.executable, "-W", "ignore", HERE + "/profanity_peer.py"],
            "dino": [sys.executable, "-W", "ignore", HERE + "/dino_peer.py"],
            "gajim": [sys.executable, "-W", "ignore", HERE + "/gajim_peer.py"],
            "converse": [sys.executable, "-W", "ignore", HERE + "/converse_peer.py"],
        }[kind]
        self.command = command + ["--jid", jid, "--host", self.host, "--state", self.state, "--ca", ca, "--mode", mode,
                                  "--files", self.state + ".files"]
        self.process, self.events, self.device, self.tag = None, [], None, 0
        # All that ever came, how much of it `odd` has looked at, and the texts in that.
        self.journal, self.looked, self.texts = [], 0, set()

    def start(self):
        if self.process:
            return
        self.events, self.queue = [], queue.Queue()
        environment = dict(os.environ, OMEMO_PASSWORD=servers.password(self.user))
        if self.kind == "slixmpp":
            # What its client of the web believes.
            environment["SSL_CERT_FILE"] = self.ca
        with open(self.state + ".log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                            env=environment, start_new_session=True)
        threading.Thread(target=self.read, args=(self.process, self.queue), daemon=True).start()
        self.device = self.wait(lambda event: event["ev"] == "ready", "being ready", 90)["device_id"]

    def read(self, process, events):
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"ev": "noise", "line": repr(line)}
            self.journal.append(event)
            events.put(event)
            with open(self.state + ".log", "a") as log:
                log.write(f"{time.time():.3f} {json.dumps(event)}\n")
        events.put(None)

    def wait(self, is_it, what, seconds=40):
        deadline = time.time() + seconds
        for number, event in enumerate(self.events):
            if is_it(event):
                return self.events.pop(number)
        while True:
            try:
                event = self.queue.get(timeout=max(0.01, deadline - time.time()))
            except queue.Empty:
                raise Failed(f"{self.user}: waited {seconds} s for {what}; came instead: {self.events[-4:]}")
            if event is None:
                raise Failed(f"{self.user} ended, waiting for {what}; last: {self.events[-4:]}")
            if is_it(event):
                return event
            self.events.append(event)

    def left(self):
        """What came and was not waited for, of one that has ended: all of it."""
        while (event := self.queue.get(timeout=20)) is not None:
            self.events.append(event)
        return self.events

    def odd(self):
        """What came since the last look, and should not: what is in clear or cannot be read, errors, and texts again."""
        found, end = [], len(self.journal)
        for event in self.journal[self.looked:end]:
            kind, body = event["ev"], event.get("body")
            is_again = kind == "msg" and body and body in self.texts
            if is_again or kind in ("plain", "decrypt-failed", "file-failed", "noise") or kind == "error" and not event.get("tag"):
                found.append(f"{self.user}{' again' if is_again else ''}: {event}")
            if kind == "msg":
                self.texts.add(body)
        self.looked = end
        return found

    def tell(self, cmd, **command):
        """Says what to do; the tag by which the answer is known."""
        self.tag += 1
        line = json.dumps(dict(command, cmd=cmd, tag=self.tag)) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except (BrokenPipeError, AttributeError):
            raise Failed(f"{self.user} is not running")
        return self.tag

    def answer(self, tag, what="an answer"):
        event = self.wait(lambda event: event.get("tag") == tag, what, 60)
        if event["ev"] == "error":
            raise Failed(f"{self.user}: {event.get('what')}")
        return event

    def do(self, cmd, **command):
        return self.answer(self.tell(cmd, **command), "the answer to " + cmd)

    def send(self, to, body):
        return self.do("send", to=to.jid, body=body)

    def expect(self, body, sender=None, kind="chat", seconds=40):
        event = self.wait(lambda event: event["ev"] in ("msg", "plain") and event.get("body") == body, repr(body), seconds)
        is_right = event["ev"] == "msg" and event["type"] == kind and event.get("ns") == NAMESPACE[self.mode]
        if not is_right or sender and not event["from"].startswith(sender):
            raise Failed(f"{self.user}: not as expected: {event}")
        return event

    def expect_file(self, content, sender):
        event = self.wait(lambda event: event["ev"] in ("file", "file-failed"), "a file")
        if event["ev"] != "file" or not event["from"].startswith(sender) or open(event["path"], "rb").read() != content:
            raise Failed(f"{self.user}: not the file: {event}")

    def stop(self):
        """Lets it end. Ours must do so by itself, without an error; others are killed if they do not."""
        if not self.process:
            return
        process, problem = self.process, None
        try:
            process.stdin.write(b'{"cmd":"quit"}\n')
            process.stdin.close()
            if code := process.wait(15):
                problem = f"ended with {code}"
        except BrokenPipeError:
            problem = "had ended before it was told to"
        except subprocess.TimeoutExpired:
            problem = "does not end"
        if process.poll() is None:
            self.kill()
        self.process = None
        # Servers take a moment to see that somebody is gone.
        time.sleep(0.5)
        if problem and self.kind in OURS:
            raise Failed(f"{self.user} {problem}")

    def kill(self):
        """SIGKILL, to whatever it has started too."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def end(self):
        """Whatever it was doing."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def hand(self, *actions):
        """Publishes what no client would."""
        hand = self.begin_hand(actions)
        return self.end_hand(hand).splitlines()

    def begin_hand(self, actions):
        environment = dict(os.environ, OMEMO_PASSWORD=servers.password(self.user))
        hand = subprocess.Popen([sys.executable, "-W", "ignore", HERE + "/hand.py", self.jid, self.host, self.ca],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
        hand.stdin.write(json.dumps(actions) + "\n")
        hand.stdin.flush()
        return hand

    def end_hand(self, hand):
        """Waits for its end; what it has printed since somebody read it."""
        try:
            said, problem = hand.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            hand.kill()
            raise Failed(f"the hand of {self.user} does not end")
        if hand.returncode:
            raise Failed(f"the hand of {self.user}: {problem[-300:]}")
        return said

    @contextlib.contextmanager
    def stand_in(self):
        """Another client of the account is online and takes messages: gives a function that waits for the next one."""
        hand = self.begin_hand([["stay"]])

        def wait(line="message"):
            timer = threading.Timer(40, hand.kill)
            timer.start()
            said = hand.stdout.readline().strip()
            timer.cancel()
            if said != line:
                raise Failed(f"the hand of {self.user} said {said!r} in the place of {line!r}")

        try:
            wait("online")
            yield wait
        finally:
            self.end_hand(hand)

    def forget_sessions(self):
        """Breaks the sessions on this side, as a client does that loses them."""
        if self.kind == "slixmpp":
            data = json.load(open(self.state))
            # What python-omemo keeps of a session: NAMESPACE/JID/DEVICE/…, and which devices have one.
            session = re.compile(r"/[^/]+/[^/]+@[^/]+/(\d+/(initiation|key_exchange/\w+|associated_data|double_ratchet|"
                                 r"confirmed)|device_ids)")
            keys = [key for key in data if session.fullmatch(key)]
            self.must_be_some(sum(key.endswith("/double_ratchet") for key in keys))
            for key in keys:
                del data[key]
            for key in [key for key in data if key.endswith("/bare_jids")]:
                data[key] = []
            json.dump(data, open(self.state, "w"))
        elif self.kind == "profanity":
            paths = glob.glob(self.state + "/data/profanity/omemo/**/sessions.txt", recursive=True)
            self.must_be_some(sum(os.path.getsize(path) > 0 for path in paths))
            for path in paths:
                os.remove(path)
        elif self.kind == "gajim":
            self.forget_rows(f"omemo_{self.jid}.db", "sessions")
        elif self.kind == "dino":
            self.forget_rows("dino/omemo.db", "session")
        elif self.kind == "converse":
            # Converse does it when it starts again, and says so if it had none.
            open(os.path.join(self.state, servers.FORGET), "w").close()
        else:
            # What has not changed since would be no loss.
            self.must_be_some(len(filecmp.dircmp(self.state, self.state + ".backup").diff_files))
            shutil.rmtree(self.state)
            shutil.copytree(self.state + ".backup", self.state)

    def forget_rows(self, path, table):
        base = sqlite3.connect(os.path.join(self.state, path))
        count = base.execute(f"delete from {table}").rowcount
        base.commit()
        base.close()
        self.must_be_some(count)

    def must_be_some(self, count):
        """What is to be forgotten must have been found."""
        if count <= 0:
            raise Failed(f"{self.user}: no session was found that could be forgotten")

    def back_up(self):
        if self.kind in OURS:
            shutil.copytree(self.state, self.state + ".backup", dirs_exist_ok=True)
