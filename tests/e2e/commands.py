"""The commands of people and scripts over Prosody, as the README and --help have them: send, listen, chat, devices,
trust and fingerprint. `omemo` talks with itself; exit codes and what is printed are looked at.
"""
import json
import os
import re
import subprocess
import threading

import servers
from scenarios import new_text
from side import NAMESPACE, Failed

SENT, NOT_SENT, USAGE, UNDECIDED = 0, 1, 2, 3


class Person:
    """Somebody with a configuration file, and nothing else of whoever runs this."""

    def __init__(self, program, folder, ca, jid):
        self.program, self.jid, self.user, self.running = program, jid, jid.split("@")[0], []
        self.folder = os.path.join(folder, "commands-" + self.user)
        os.makedirs(self.folder + "/omemo")
        with open(self.folder + "/password", "w") as file:
            file.write(servers.password(self.user) + "\n")
        settings = {"jid": jid, "password-file": self.folder + "/password", "host": servers.ADDRESSES[jid.split("@")[1]],
                    "ca": ca, "state": self.folder + "/state"}
        with open(self.folder + "/omemo/config.toml", "w") as file:
            file.writelines(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OMEMO_")}
        self.environment |= {"HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_DATA_HOME": self.folder + "/data"}

    def begin(self, *arguments):
        self.running.append(Running(self, arguments))
        return self.running[-1]

    def run(self, *arguments, code=SENT, said="", typed=""):
        """The standard output of a command, which has to end with `code` and to say `said` on standard error."""
        done = subprocess.run([self.program, *arguments], input=typed, capture_output=True, text=True, timeout=120,
                              env=self.environment)
        if done.returncode != code or said not in done.stderr:
            raise Failed(f"{self.user}: {arguments} ended with {done.returncode} in the place of {code}: "
                         f"{done.stdout[-300:]!r} {done.stderr[-300:]!r}")
        return done.stdout

    def send(self, to, text, *options, **expected):
        self.run("send", *options, "--to", to.jid, text, **expected)

    def listen(self, count):
        """The next messages, as --json prints them."""
        return [json.loads(line) for line in self.run("listen", "--json", "--count", str(count)).splitlines()]


class Running:
    """A command that runs, and is typed into."""

    def __init__(self, person, arguments):
        self.name, self.lines = f"{person.user}: {arguments}", {"out": [], "err": []}
        self.process = subprocess.Popen([person.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=person.environment)
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read, args=(name,), daemon=True) for name in self.lines]
        for reader in self.readers:
            reader.start()

    def read(self, name):
        for line in {"out": self.process.stdout, "err": self.process.stderr}[name]:
            with self.changed:
                self.lines[name].append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait(self, name, pattern):
        with self.changed:
            if not self.changed.wait_for(lambda: any(re.search(pattern, line) for line in self.lines[name]), 40):
                raise Failed(f"{self.name}: waited for {pattern!r}; came: {self.lines}")

    def type(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        """Ends its input, and waits for its own end; the lines of its standard output."""
        try:
            self.process.stdin.close()
            ended = self.process.wait(40)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not end")
        for reader in self.readers:
            reader.join()
        if ended:
            raise Failed(f"{self.name} ended with {ended}: {self.lines}")
        return self.lines["out"]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def must(is_so, what):
    if not is_so:
        raise Failed(what)


class Commands:
    """Juliet, her nurse and Romeo, who call commands; and somebody who has no device."""

    def __init__(self, program, folder, ca, our_domain, their_domain):
        self.folder, self.texts = folder, []
        jids = f"juliet@{our_domain}", f"nurse@{our_domain}", f"romeo@{their_domain}"
        self.everybody = self.juliet, self.nurse, self.romeo = [Person(program, folder, ca, jid) for jid in jids]
        self.stranger = f"witness@{their_domain}"

    def accounts(self):
        return [person.jid.split("@")[::-1] for person in self.everybody]

    def text(self, words):
        self.texts.append(new_text(words))
        return self.texts[-1]

    def end(self):
        """Whatever they were doing."""
        for person in self.everybody:
            for running in person.running:
                running.kill()

    def all(self):
        self.messages()
        self.keys()
        self.chat()
        self.file()

    def messages(self):
        """send and listen: texts, standard input, --count, --json, and what is not sent."""
        juliet, romeo = self.juliet, self.romeo
        listening = romeo.begin("listen", "--json", "--count", "1")
        try:
            listening.wait("err", r"listening, device \d+")
            text = self.text("as you listen")
            juliet.send(romeo, text)
            heard, = map(json.loads, listening.end())
        finally:
            listening.kill()
        must(heard["body"] == text and heard["from"].startswith(juliet.jid + "/") and heard["type"] == "chat"
             and heard["version"] in NAMESPACE.values() and heard["trust"] == "blind" and heard["files"] == []
             and f"{heard['device']}" in juliet.run("fingerprint"), f"listen --json: {heard}")
        texts = [self.text("one"), self.text("two\nof two lines"), self.text("three")]
        juliet.send(romeo, texts[0])
        juliet.send(romeo, "-", typed=texts[1] + "\n")
        juliet.send(romeo, texts[2])
        # Each is handed out once, to whom it was counted.
        first, rest = romeo.listen(1), romeo.listen(2)
        must([heard["body"] for heard in first + rest] == texts, f"listen --count: {first}, {rest}")
        text = self.text("for people")
        juliet.send(romeo, text)
        said = romeo.run("listen", "--count", "1")
        must(said == f"{juliet.jid} (key not compared): {text}\n", f"listen: {said}")
        nobody = self.text("to nobody")
        juliet.run("send", "--to", self.stranger, nobody, code=NOT_SENT, said="not sent")
        juliet.run("send", nobody, code=USAGE, said="--to")
        juliet.run("send", "--to", romeo.jid, code=USAGE, said="TEXT")
        romeo.run("send", "--to", juliet.jid, nobody, "--config", "/does/not/exist", code=NOT_SENT, said="/does/not/exist")

    def keys(self):
        """fingerprint, devices and trust; and what waits for a decision."""
        juliet, romeo = self.juliet, self.romeo
        shown = romeo.run("fingerprint")
        device = re.search(r"device +(\d+)", shown).group(1)
        key = re.sub(r"\s", "", re.search(r"fingerprint +((?:[0-9a-f]{8}\s+){8})", shown + "\n").group(1))
        must("xmpp:" + romeo.jid in romeo.run("fingerprint", "--qr"), "fingerprint --qr has no URI")
        must(romeo.run("devices").startswith(romeo.jid), "devices is not about one's own account")

        def known():
            """What Juliet knows of Romeo's device, and what she thinks of its key."""
            known = juliet.run("devices", romeo.jid)
            trust = juliet.run("trust", romeo.jid)
            must(f"device {device}" in known and key in re.sub(r"\s", "", known), f"devices JID: {known}")
            must(key in re.sub(r"\s", "", trust), f"trust JID: {trust}")
            found = {word for word in ("undecided", "blind", "verified", "distrusted") if re.search(rf"\b{word}\b", trust)}
            must(all(re.search(rf"trust +{word}\b", known) for word in found), f"devices and trust differ: {known} {trust}")
            return found

        must(known() == {"blind"}, "a key that nobody decided about is not blindly trusted")
        withheld = self.text("may I")
        juliet.run("trust", romeo.jid, key, "--as", "undecided")
        must(known() == {"undecided"}, "trust --as undecided")
        juliet.send(romeo, withheld, code=UNDECIDED, said=romeo.jid)
        juliet.run("trust", romeo.jid, key, "--as", "distrusted")
        must(known() == {"distrusted"}, "trust --as distrusted")
        juliet.send(romeo, withheld, code=NOT_SENT, said="not sent")
        juliet.run("trust", romeo.jid, key)
        must(known() == {"verified"}, "trust JID KEY")
        texts = [self.text("you may"), self.text("her nurse may")]
        juliet.send(romeo, texts[0], "--ask")
        # The first time that she hears of his key.
        self.nurse.send(romeo, withheld, "--ask", code=UNDECIDED, said=romeo.jid)
        self.nurse.run("trust", romeo.jid, key, "--as", "blind")
        self.nurse.send(romeo, texts[1], "--ask")
        # What was not sent is not there.
        must([heard["body"] for heard in romeo.listen(2)] == texts, "something else came than was sent")

    def chat(self):
        """chat with chat: lines go out, what comes is shown, and the end of the input is the end."""
        people = {self.juliet: self.romeo, self.romeo: self.juliet}
        chats = {person: person.begin("chat", other.jid) for person, other in people.items()}
        try:
            for chat in chats.values():
                chat.wait("err", "connected")
            for person, other in people.items():
                text = self.text("a line")
                chats[person].type(text)
                chats[other].wait("out", f"^{re.escape(person.jid)}.*: {re.escape(text)}$")
            last = self.text("the last line")
            chats[self.juliet].type(last)
            chats[self.juliet].end()
            chats[self.romeo].wait("out", re.escape(last))
            chats[self.romeo].end()
        finally:
            for chat in chats.values():
                chat.kill()

    def file(self):
        """send --file and listen --files."""
        content = (self.text("in a file") + "\n") * 100
        path, folder = os.path.join(self.folder, "commands.txt"), os.path.join(self.folder, "commands.files")
        with open(path, "w") as file:
            file.write(content)
        self.juliet.run("send", "--to", self.romeo.jid, "--file", path)
        heard = json.loads(self.romeo.run("listen", "--json", "--count", "1", "--files", folder))
        must(len(heard["files"]) == 1 and open(heard["files"][0]).read() == content, f"listen --files: {heard}")
        self.juliet.run("send", "--to", self.romeo.jid, "--file", path + ".not", code=NOT_SENT, said=path + ".not")
