"""The scenarios. Each is given a cast: accounts on two servers, with our client and a peer's."""
import concurrent.futures
import os
import re
import secrets
import time

from side import NAMESPACE, OURS, Failed, Side


# In every text of this run. Digits and letters alone: nothing is escaped in XML or JSON.
MARK = secrets.token_hex(8)


class NotPossible(Exception):
    """The peer cannot take part, and why."""


# What a client does not do.
LACKS = {"gajim": {"file": "Gajim is not driven to files"},
         "dino": {"room": "Dino is not driven into rooms", "file": "Dino is not driven to files",
                  "two_devices": "Dino is not driven to subscriptions", "removed": "Dino is not driven to subscriptions"},
         "strophe": {"room": "`strophe.c` has no rooms", "file": "`strophe.c` has no files"}}


def new_text(words):
    """A text that is found nowhere else, with the mark by which all of them are found."""
    return f"{words} {MARK}{secrets.token_hex(8)}"


class Cast:
    """Who plays in a column: our client on one side, the peer on the other, in as many pairs as are needed."""

    def __init__(self, number, peer, mode, our_domain, their_domain, folder, ca, program, ours="omemo"):
        self.number, self.peer, self.mode, self.ours = number, peer, mode, ours
        self.our_domain, self.their_domain = our_domain, their_domain
        self.folder, self.ca, self.program = folder, ca, program
        # Who plays, and who ever did.
        self.sides, self.everybody, self.texts = {}, [], []

    def accounts(self):
        for pair in PAIRS:
            yield self.our_domain, f"juliet{self.number}{pair}"
            yield self.their_domain, f"romeo{self.number}{pair}"
        yield self.our_domain, f"nurse{self.number}"
        yield self.their_domain, f"mercutio{self.number}"

    def side(self, name, kind, user, domain):
        if name not in self.sides:
            self.sides[name] = Side(kind, f"{user}@{domain}", self.mode, self.folder, self.ca, self.program)
            self.everybody.append(self.sides[name])
        return self.sides[name]

    def pair(self, name):
        """Our client and the peer, with accounts of their own for each name."""
        ours = self.side("our " + name, self.ours, f"juliet{self.number}{name}", self.our_domain)
        theirs = self.side("their " + name, self.peer, f"romeo{self.number}{name}", self.their_domain)
        return ours, theirs

    def text(self, words):
        """A text that is found nowhere else."""
        text = new_text(words)
        self.texts.append(text)
        return text

    def say(self, sender, receiver, words):
        text = self.text(words)
        sender.send(receiver, text)
        receiver.expect(text, sender.jid)

    def odd(self):
        """What came since the last look, to anybody, and should not."""
        return [event for side in self.everybody for event in side.odd()]

    def stop(self):
        """Lets everybody end; what went wrong with it."""
        problems = []
        for side in self.sides.values():
            try:
                side.stop()
            except Exception as problem:
                problems.append(f"{type(problem).__name__}: {problem}")
                if side.process:
                    side.kill()
        return problems


PAIRS = "abcdefg"


def first_contact(cast):
    """First contact, each side first"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    cast.say(ours, theirs, "Hist! Romeo, hist!")
    cast.say(theirs, ours, "It is my soul that calls upon my name")
    ours, theirs = cast.pair("b")
    ours.start(), theirs.start()
    cast.say(theirs, ours, "If I profane with my unworthiest hand <&>\"'")
    cast.say(ours, theirs, "Good pilgrim, you do wrong your hand too much — ünïcödé 🌹")
    ours.stop(), theirs.stop()


def to_and_fro(cast):
    """20 messages to and fro, and 10 in a row"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    for number in range(10):
        cast.say(ours, theirs, f"to {number}")
        cast.say(theirs, ours, f"fro {number}")
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        texts = [cast.text(f"in a row {number}") for number in range(5)]
        for text in texts:
            sender.send(receiver, text)
        for text in texts:
            receiver.expect(text, sender.jid)


def offline(cast):
    """The receiver is offline, then online"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        receiver.stop()
        texts = [cast.text(f"while you were out {number}") for number in range(3)]
        for text in texts:
            sender.send(receiver, text)
        time.sleep(1)
        receiver.start()
        for text in texts:
            receiver.expect(text, sender.jid)
        cast.say(receiver, sender, "I have read it")


def archive(cast):
    """From the archive alone (to us)"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    ours.stop()
    texts = [cast.text(f"in the archive {number}") for number in range(2)]
    # Another client is online, so that the server keeps nothing for later.
    with ours.stand_in() as taken:
        for text in texts:
            theirs.send(ours, text)
            taken()
    ours.start()
    for text in texts:
        ours.expect(text, theirs.jid)
    cast.say(ours, theirs, "found")


def restart(cast):
    """The peer restarts, we restart"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    theirs.restart()
    cast.say(ours, theirs, "after your restart")
    cast.say(theirs, ours, "after my restart")
    theirs.restart(), ours.restart()
    cast.say(theirs, ours, "after both")
    cast.say(ours, theirs, "after both of us")


def killed(cast):
    """We are killed in the middle, and come back"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    texts = [cast.text(f"one of many {number}") for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: [theirs.send(ours, text) for text in texts])
        ours.expect(texts[1], theirs.jid)
        ours.kill()
        sending.result()
    # What was shown before the end is not shown again, or need not be.
    shown = {event.get("body") for event in ours.left()} & set(texts)
    for text in shown:
        ours.expect(text, theirs.jid)
    ours.start()
    for text in texts:
        if text not in shown | {texts[1]}:
            ours.expect(text, theirs.jid)
    for text in [cast.text(f"cut off {number}") for number in range(4)]:
        ours.tell("send", to=theirs.jid, body=text)
    ours.wait(lambda event: event["ev"] == "sent", "the first of them")
    ours.kill()
    ours.start()
    cast.say(ours, theirs, "here again")
    cast.say(theirs, ours, "so I see")


def room(cast):
    """A room of four"""
    ours, theirs = cast.pair("a")
    # libomemo.js, which is in Converse, takes no OMEMO 2 bundle of python-omemo whose identity key has the sign 1: half of them.
    kind = "omemo" if cast.peer == "converse" else "slixmpp"
    nurse = cast.side("nurse", kind, f"nurse{cast.number}", cast.our_domain)
    mercutio = cast.side("mercutio", "omemo", f"mercutio{cast.number}", cast.their_domain)
    everybody = [nurse, ours, theirs, mercutio]
    name = f"orchard{cast.number}@conference.{cast.our_domain}"
    nurse.hand(["make", name, [side.jid for side in everybody[1:]]])
    for side in everybody:
        side.start()
    for side in everybody:
        side.do("join", room=name, nick=side.user)
    time.sleep(1)
    for sender in everybody + [ours]:
        text = cast.text(f"{sender.user} to all")
        sender.do("gsend", room=name, body=text)
        for receiver in everybody:
            if receiver is not sender:
                receiver.expect(text, name, "groupchat")
    nurse.stop(), mercutio.stop()


def befriend(cast, ours, theirs):
    ours.do("subscribe", to=theirs.jid)
    time.sleep(1)
    theirs.do("subscribe", to=ours.jid)
    time.sleep(1)


def two_devices(cast):
    """Two devices each, with carbons"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    befriend(cast, ours, theirs)
    second = cast.side("our second", cast.ours, ours.user, ours.domain)
    second.start()
    time.sleep(2)
    # The new device writes first: Profanity starts no session with a device that it only hears of.
    text = cast.text("from the second")
    second.send(theirs, text)
    theirs.expect(text, ours.jid), ours.expect(text, ours.jid)
    text = cast.text("to both of you")
    theirs.send(ours, text)
    ours.expect(text, theirs.jid), second.expect(text, theirs.jid)
    # Profanity is a single resource: its account's other device is another client.
    kind = "slixmpp" if cast.peer == "profanity" else cast.peer
    their_second = cast.side("their second", kind, theirs.user, theirs.domain)
    their_second.start()
    time.sleep(2)
    text = cast.text("to both of them")
    sent = ours.send(theirs, text)
    theirs.expect(text, ours.jid), their_second.expect(text, ours.jid), second.expect(text, ours.jid)
    if not {theirs.device, their_second.device, second.device} <= set(sent["keys"]):
        raise Failed(f"not encrypted for every device: {sent}")
    second.stop()


def removed(cast):
    """A device is removed from a list; ours comes back"""
    ours, theirs = cast.pair("a")
    their_second = cast.sides.get("their second")
    if not their_second or not their_second.device:
        raise Failed("there is no second device")
    ours.start(), theirs.start()
    their_second.stop()
    # Who has not been there for a moment tells nobody abroad on ejabberd.
    theirs.hand(["appear", 2], *(publish_list(version, [theirs.device]) for version in NODE))
    time.sleep(2)
    if cast.their_domain == "verona.example" != cast.our_domain:
        # ejabberd tells others abroad of it when they come again.
        ours.restart()
        time.sleep(2)
    text = cast.text("to the one that is left")
    sent = ours.send(theirs, text)
    theirs.expect(text, ours.jid)
    if their_second.device in sent["keys"]:
        raise Failed(f"encrypted for a device that is gone: {sent}")
    ours.hand(publish_list(cast.mode, [4711]))
    for _ in range(20):
        time.sleep(0.5)
        if any(f"'{ours.device}'" in line or f'"{ours.device}"' in line
               for line in ours.hand(["read", NODE[cast.mode]])):
            break
    else:
        raise Failed("our device did not come back to its list")
    cast.say(theirs, ours, "you were gone")


def broken(cast):
    """Sessions break on the peer's side, and are mended"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    theirs.stop()
    theirs.back_up()
    theirs.start()
    for number in range(3):
        cast.say(ours, theirs, f"before {number}")
        cast.say(theirs, ours, f"before that {number}")
    theirs.stop()
    theirs.forget_sessions()
    theirs.start()
    if theirs.kind in OURS:
        # It was restored from a backup: its user says that the conversation is broken.
        theirs.do("reset", to=ours.jid)
    mended = [False, False]
    for attempt in range(8):
        for number, (sender, receiver) in enumerate(((ours, theirs), (theirs, ours))):
            text = cast.text(f"do you hear me {attempt}")
            try:
                sender.send(receiver, text)
                receiver.expect(text, sender.jid, seconds=6)
                mended[number] = True
            except Failed:
                mended[number] = False
        if all(mended):
            return
    raise Failed(f"still broken after 8 messages each way: to them {mended[0]}, to us {mended[1]}")


def crossing(cast):
    """First messages cross"""
    ours, theirs = cast.pair("c")
    ours.start(), theirs.start()
    texts = [cast.text("I was first"), cast.text("no, I")]
    tags = ours.tell("send", to=theirs.jid, body=texts[0]), theirs.tell("send", to=ours.jid, body=texts[1])
    ours.answer(tags[0]), theirs.answer(tags[1])
    theirs.expect(texts[0], ours.jid), ours.expect(texts[1], theirs.jid)
    # python-omemo keeps one session of each device: what we write before it has written again may be lost.
    for number in range(3):
        cast.say(theirs, ours, f"after crossing {number}")
        cast.say(ours, theirs, f"after that {number}")
    ours.stop(), theirs.stop()


NODE = {"legacy": "eu.siacs.conversations.axolotl.devicelist", "omemo2": "urn:xmpp:omemo:2:devices"}
OPEN = {"access_model": "open", "persist_items": "true"}


def device_list(version, devices):
    name = {"legacy": "list", "omemo2": "devices"}[version]
    inside = "".join(f"<device id='{device}'/>" for device in devices)
    return f"<{name} xmlns='{NAMESPACE[version]}'>{inside}</{name}>"


def publish_list(version, devices):
    return ["publish", NODE[version], "current", device_list(version, devices), OPEN]


def bundle_node(version, device):
    return f"eu.siacs.conversations.axolotl.bundles:{device}" if version == "legacy" else "urn:xmpp:omemo:2:bundles"


def bundle_item(version, device):
    return "current" if version == "legacy" else str(device)


def many_items(cast):
    """A node with 250 old device lists; on ejabberd 1,000"""
    ours, theirs = cast.pair("d")
    theirs.start()
    theirs.stop()
    # Prosody's storage writes the whole node for each of them.
    number = 1000 if cast.their_domain == "verona.example" else 250
    theirs.hand(["list", NODE[cast.mode], number, device_list(cast.mode, [4711])], publish_list(cast.mode, [theirs.device]))
    theirs.start()
    ours.start()
    cast.say(ours, theirs, "which of them is yours")
    cast.say(theirs, ours, "this one")
    ours.stop(), theirs.stop()


def refused_bundle(cast, make, reason):
    ours, theirs = cast.pair("e")
    theirs.start()
    lines = theirs.hand(["read", bundle_node(cast.mode, theirs.device)])
    real = next(line for line in lines if "signedPreKeySignature" in line or "spks" in line)
    number = 4000 + len(cast.texts)
    if cast.mode == "omemo2":
        # slixmpp-omemo has a node with room for one on ejabberd.
        theirs.hand(["widen", bundle_node(cast.mode, number)])
    theirs.hand(["publish", bundle_node(cast.mode, number), bundle_item(cast.mode, number), make(cast.mode, real), OPEN],
                publish_list(cast.mode, [theirs.device, number]))
    ours.start()
    # Lists of strangers are kept for an hour: this is another client's first look.
    text = cast.text("to whom it reaches")
    sent = ours.send(theirs, text)
    theirs.expect(text, ours.jid)
    if not any(line.startswith(f"{number}: {reason}") for line in sent["skipped"]):
        raise Failed(f"not reported as {reason}: {sent}")
    ours.stop(), theirs.stop()
    # The next scenario needs a first look again.
    del cast.sides["our e"]


def empty_bundle(cast):
    """A device with an empty bundle"""
    refused_bundle(cast, lambda version, real: f"<bundle xmlns='{NAMESPACE[version]}'/>", "BrokenBundle")


def wrong_signature(cast):
    """A device with a wrong signature"""
    def make(version, real):
        bundle = re.search(r"<((?:\w+:)?bundle)\b.*</\1>", real).group(0)
        prefix = dict((name, uri) for name, uri in re.findall(r'xmlns:?(\w*)="([^"]*)"', real))
        declarations = "".join(f' xmlns{":" + name if name else ""}="{uri}"' for name, uri in prefix.items()
                               if f'xmlns{":" + name if name else ""}=' not in bundle.split(">")[0])
        bundle = re.sub(r"^<([\w:]+)", lambda found: found.group(0) + declarations, bundle)

        def other(found):
            text = found.group(2)
            return found.group(1) + ("A" if text[0] != "A" else "B") + text[1:]
        return re.sub(r"((?:signedPreKeySignature|spks)>\s*)([^<\s]+)", other, bundle, count=1)

    refused_bundle(cast, make, "UnusableBundle")


def options_refused(cast):
    """The server refuses our publish-options"""
    ours, theirs = cast.pair("f")
    closed = {"access_model": "whitelist", "persist_items": "true"}
    ours.hand(*(["publish", node, "current", device_list(version, []), closed] for version, node in NODE.items()),
              ["publish", bundle_node("omemo2", 0), "current", f"<old xmlns='{NAMESPACE['omemo2']}'/>", closed])
    nodes = [*NODE.values(), bundle_node("omemo2", 0)]
    if (access := ours.hand(*(["access", node] for node in nodes))) != ["whitelist"] * len(nodes):
        raise Failed(f"the nodes are not closed: {access}")
    ours.start(), theirs.start()
    cast.say(theirs, ours, "may a stranger see your keys")
    cast.say(ours, theirs, "he may")
    ours.stop(), theirs.stop()


def file(cast):
    """A file"""
    ours, theirs = cast.pair("a")
    ours.start(), theirs.start()
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        # Some are one piece of a cipher's work, others many.
        for repetitions in (1, 5000):
            content = (cast.text("in a file") + "\n").encode() * repetitions
            path = os.path.join(cast.folder, f"{sender.user}-{repetitions}.txt")
            with open(path, "wb") as file:
                file.write(content)
            sender.do("file", to=receiver.jid, path=path)
            receiver.expect_file(content, sender.jid)


SCENARIOS = [first_contact, to_and_fro, offline, archive, room, two_devices, removed, restart, killed, broken, crossing,
             many_items, empty_bundle, wrong_signature, options_refused, file]
# Where messages are lost or come again by what is done in them.
UNTIDY = {killed, broken, crossing}
# What another one leaves behind.
NEEDS = {removed: two_devices}


def with_needs(wanted):
    """`wanted`, and what those need, in the order of SCENARIOS."""
    return [scenario for scenario in SCENARIOS if scenario in wanted or scenario in {NEEDS.get(one) for one in wanted}]
