"""A peer on slixmpp and slixmpp-omemo: commands in, events out, a JSON object a line.

    slix_peer.py --jid JID --host ADDRESS --state FILE --ca FILE --mode legacy|omemo2 --files FOLDER     (OMEMO_PASSWORD)

    {"cmd":"send","to":JID,"body":TEXT,"tag":1}                 {"ev":"sent","tag":1}
    {"cmd":"gsend","room":JID,"body":TEXT,"tag":2}              {"ev":"sent","tag":2}
    {"cmd":"join","room":JID,"nick":NAME,"tag":3}               {"ev":"joined","tag":3}
    {"cmd":"subscribe","to":JID,"tag":4}                        {"ev":"ok","tag":4}
    {"cmd":"file","to":JID,"path":PATH,"tag":5}                 {"ev":"sent","tag":5}
    {"cmd":"quit"}

    {"ev":"ready","device_id":N}  {"ev":"msg","from":…,"body":…,"type":…,"ns":…}  {"ev":"plain",…}
    {"ev":"file","from":…,"path":…}   of a message that shares a file, in the folder --files
    {"ev":"decrypt-failed","error":…}  {"ev":"error","tag":…,"what":…}  {"ev":"end"}

Legacy messages go through the plugin as it is. Version 2.2.0 of it announces OMEMO 2 without reading or writing its
envelopes (XEP-0420): those are made and read here, and its own session manager does all cryptography. Files go through
slixmpp's own plugins for uploads and for aesgcm:// URIs; in OMEMO 2 the sources (XEP-0448) are made and read here.
"""
import argparse
import asyncio
import base64
import hashlib
import io
import json
import logging
import os
import secrets
import sys
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import oldmemo.oldmemo
import twomemo.etree
import twomemo.twomemo
from omemo import MessageNotForUs
from omemo.storage import Just, Nothing, Storage
from slixmpp import JID, ClientXMPP
from slixmpp.plugins import register_plugin
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp_omemo import XEP_0384, TrustLevel

LEGACY, OMEMO2, SCE = oldmemo.oldmemo.NAMESPACE, twomemo.twomemo.NAMESPACE, "urn:xmpp:sce:1"
CARBONS = "{urn:xmpp:carbons:2}"
SHARING, METADATA, SOURCE = "{urn:xmpp:sfs:0}", "{urn:xmpp:file:metadata:0}", "{urn:xmpp:esfs:0}"
HASH, URL = "{urn:xmpp:hashes:2}hash", "{http://jabber.org/protocol/url-data}url-data"
AES = "urn:xmpp:ciphers:aes-256-gcm-nopadding:0"


def emit(**event):
    print(json.dumps(event), flush=True)


class File(Storage):
    def __init__(self, path):
        super().__init__()
        self.path = path
        self.data = json.load(open(path)) if os.path.exists(path) else {}

    async def _load(self, key):
        return Just(self.data[key]) if key in self.data else Nothing()

    async def _store(self, key, value):
        self.data[key] = value
        self.write()

    async def _delete(self, key):
        self.data.pop(key, None)
        self.write()

    def write(self):
        with open(self.path + ".new", "w") as file:
            json.dump(self.data, file)
        os.replace(self.path + ".new", self.path)


class Plugin(XEP_0384):
    """The plugin with a file to store in, and nobody who is asked about keys."""
    file = None

    @property
    def storage(self):
        return Plugin.file

    @property
    def _btbv_enabled(self):
        return True

    async def _prompt_manual_trust(self, manually_trusted, identifier):
        manager = await self.get_session_manager()
        for device in manually_trusted:
            await manager.set_trust(device.bare_jid, device.identity_key, TrustLevel.TRUSTED.name)


register_plugin(Plugin)


class Peer(ClientXMPP):
    def __init__(self, jid, password, ca, mode, files):
        super().__init__(jid, password)
        self.mode, self.files = mode, files
        self.enable_direct_tls = False
        self.ca_certs = ca
        self.members = {}
        self.order = asyncio.Lock()
        for number in ("0004", "0030", "0045", "0060", "0163", "0199", "0280", "0334", "0363", "0380", "0454"):
            self.register_plugin("xep_" + number)
        self.register_plugin("xep_0384", module=sys.modules[__name__])
        self.omemo = self.plugin["xep_0384"]
        self.muc = self.plugin["xep_0045"]
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("omemo_initialized", self.ready)
        self.add_event_handler("carbon_sent", lambda m: self.take(m["carbon_sent"]))
        self.add_event_handler("carbon_received", lambda m: self.take(m["carbon_received"]))
        # The event "message" would leave out messages without a body, which start sessions too.
        everything = MatchXPath(f"{{{self.default_ns}}}message")
        self.register_handler(CoroutineCallback("everything", everything, self.take_message))

    async def begin(self, _):
        self.send_presence()
        await self.get_roster()
        await self.plugin["xep_0280"].enable()

    async def ready(self, _):
        manager = await self.omemo.get_session_manager()
        own, _ = await manager.get_own_device_information()
        emit(ev="ready", device_id=own.device_id)

    async def take_message(self, stanza):
        if stanza.xml.find(CARBONS + "sent") is None and stanza.xml.find(CARBONS + "received") is None:
            await self.take(stanza)

    async def take(self, stanza):
        if stanza["type"] not in ("chat", "normal", "groupchat"):
            return
        async with self.order:
            about = {"from": str(stanza["from"]), "type": stanza["type"]}
            found = self.omemo.is_encrypted(stanza)
            if not found:
                if stanza["body"]:
                    emit(ev="plain", body=stanza["body"], **about)
                return
            try:
                if OMEMO2 in found:
                    content = await self.open_envelope(stanza)
                    body = None if content is None else content.findtext("{jabber:client}body")
                    uri = None if content is None else shared_uri(content)
                else:
                    body = (await self.omemo.decrypt_message(stanza))[0]["body"]
                    uri = body if (body or "").startswith("aesgcm://") else None
            except Exception as error:
                # What one has written to a room comes back, and is for the others.
                if not (isinstance(error, MessageNotForUs) and self.sender(stanza).bare == self.boundjid.bare
                        and stanza["type"] == "groupchat"):
                    emit(ev="decrypt-failed", error=f"{type(error).__name__}: {error}", **about)
                return
            if body:
                emit(ev="msg", body=body, ns=OMEMO2 if OMEMO2 in found else LEGACY, **about)
            if uri:
                try:
                    emit(ev="file", path=await self.fetch(uri), **about)
                except Exception as error:
                    emit(ev="file-failed", error=f"{type(error).__name__}: {error}", **about)

    async def fetch(self, uri):
        url, key = uri.replace("aesgcm://", "https://").split("#")
        async with aiohttp.ClientSession() as session, session.get(url, raise_for_status=True) as response:
            sealed = await response.read()
        os.makedirs(self.files, exist_ok=True)
        path = os.path.join(self.files, secrets.token_hex(8))
        with open(path, "wb") as file:
            file.write(self.plugin["xep_0454"].decrypt(io.BytesIO(sealed), key))
        return path

    def sender(self, stanza):
        """Who wrote it: in rooms the occupant."""
        sender = stanza["from"]
        if stanza["type"] == "groupchat":
            sender = JID(self.muc.get_jid_property(JID(sender.bare), sender.resource, "jid"))
        return sender

    async def open_envelope(self, stanza):
        sender = self.sender(stanza)
        manager = await self.omemo.get_session_manager()
        element = stanza.xml.find(f"{{{OMEMO2}}}encrypted")
        plaintext, _, _ = await manager.decrypt(twomemo.etree.parse_message(element, sender.bare))
        if plaintext is None:
            return None
        envelope = ElementTree.fromstring(plaintext)
        said = {child.tag: child.get("jid") for child in envelope}
        if envelope.tag != f"{{{SCE}}}envelope" or f"{{{SCE}}}rpad" not in said:
            raise ValueError("not an envelope, or not padded")
        if said.get(f"{{{SCE}}}from") != sender.bare:
            raise ValueError("the envelope is from somebody else")
        if stanza["type"] == "groupchat" and said.get(f"{{{SCE}}}to") != stanza["from"].bare:
            raise ValueError("the envelope is for another room")
        return envelope.find(f"{{{SCE}}}content")

    def envelope(self, body, to, sharing):
        envelope = ElementTree.Element(f"{{{SCE}}}envelope")
        content = ElementTree.SubElement(envelope, f"{{{SCE}}}content")
        if sharing is None:
            ElementTree.SubElement(content, "{jabber:client}body").text = body
        else:
            content.append(sharing)
        ElementTree.SubElement(envelope, f"{{{SCE}}}rpad").text = secrets.token_urlsafe(secrets.randbelow(150))
        ElementTree.SubElement(envelope, f"{{{SCE}}}time", stamp=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        ElementTree.SubElement(envelope, f"{{{SCE}}}from", jid=self.boundjid.bare)
        ElementTree.SubElement(envelope, f"{{{SCE}}}to", jid=to)
        return ElementTree.tostring(envelope, encoding="utf-8", xml_declaration=False)

    async def encrypt(self, to, body, kind, recipients, sharing=None):
        message = self.make_message(mto=JID(to), mtype=kind)
        if self.mode == "legacy":
            message["body"] = body
            sealed, problems = await self.omemo.encrypt_message(message, recipients)
        else:
            await self.omemo.refresh_device_lists(recipients)
            manager = await self.omemo.get_session_manager()
            envelopes = {OMEMO2: self.envelope(body, to, sharing)}
            bare = frozenset(jid.bare for jid in recipients)
            elements, problems = await manager.encrypt(bare, envelopes, backend_priority_order=[OMEMO2])
            sealed = message
            sealed.enable("store")
            for element in elements:
                sealed.append(twomemo.etree.serialize_message(element))
            sealed["eme"]["namespace"], sealed["eme"]["name"] = OMEMO2, "OMEMO"
        if sealed is None:
            raise RuntimeError(f"nothing to send: {problems}")
        sealed.send()

    async def enter(self, room, nick):
        await self.muc.join_muc_wait(JID(room), nick, maxstanzas=0, timeout=20)
        self.members[room] = set()
        for affiliation in ("owner", "admin", "member"):
            try:
                self.members[room].update(await self.muc.get_affiliation_list(JID(room), affiliation))
            except Exception:
                pass    # not every server shows every list to members

    async def obey(self, command):
        cmd, tag = command["cmd"], command.get("tag")
        if cmd == "send":
            await self.encrypt(command["to"], command["body"], "chat", {JID(command["to"])})
            emit(ev="sent", tag=tag)
        elif cmd == "gsend":
            room = command["room"]
            recipients = {JID(JID(member).bare) for member in self.members[room]}
            for nick in self.muc.get_roster(JID(room)):
                jid = self.muc.get_jid_property(JID(room), nick, "jid")
                if jid:
                    recipients.add(JID(JID(jid).bare))
            recipients.discard(JID(self.boundjid.bare))
            await self.encrypt(room, command["body"], "groupchat", recipients)
            emit(ev="sent", tag=tag)
        elif cmd == "file":
            to, path = command["to"], Path(command["path"])
            uri = await self.plugin["xep_0454"].upload_file(path)
            await self.encrypt(to, uri, "chat", {JID(to)}, sharing(path, uri) if self.mode == "omemo2" else None)
            emit(ev="sent", tag=tag)
        elif cmd == "join":
            await self.enter(command["room"], command["nick"])
            emit(ev="joined", tag=tag)
        elif cmd == "subscribe":
            self.send_presence(pto=JID(command["to"]), ptype="subscribe")
            emit(ev="ok", tag=tag)
        else:
            raise ValueError("unknown command " + cmd)


def sharing(path, uri):
    """A shared file with an encrypted source, for an envelope."""
    content = path.read_bytes()
    url, digits = uri.replace("aesgcm://", "https://").split("#")
    element = ElementTree.Element(SHARING + "file-sharing", disposition="attachment")
    file = ElementTree.SubElement(element, METADATA + "file")
    ElementTree.SubElement(file, METADATA + "name").text = path.name
    ElementTree.SubElement(file, METADATA + "size").text = str(len(content))
    ElementTree.SubElement(file, HASH, algo="sha-256").text = base64.b64encode(hashlib.sha256(content).digest()).decode()
    sources = ElementTree.SubElement(element, SHARING + "sources")
    source = ElementTree.SubElement(sources, SOURCE + "encrypted", cipher=AES)
    for name, part in (("key", digits[24:]), ("iv", digits[:24])):
        ElementTree.SubElement(source, SOURCE + name).text = base64.b64encode(bytes.fromhex(part)).decode()
    ElementTree.SubElement(ElementTree.SubElement(source, SHARING + "sources"), URL, target=url)
    return element


def shared_uri(content):
    """Where the file of an envelope's content is, and its key, as one URI."""
    source = content.find(f"{SHARING}file-sharing/{SHARING}sources/{SOURCE}encrypted")
    if source is None or source.get("cipher") != AES:
        return None
    iv, key = (base64.b64decode(source.findtext(SOURCE + name)).hex() for name in ("iv", "key"))
    url = source.find(f"{SHARING}sources/{URL}").get("target")
    return url.replace("https://", "aesgcm://") + f"#{iv}{key}"


async def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "ca", "mode", "files"):
        parser.add_argument("--" + option, required=True)
    arguments, _ = parser.parse_known_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    Plugin.file = File(arguments.state)
    jid = JID(arguments.jid)
    jid.resource = "slix" + secrets.token_hex(4)
    peer = Peer(jid, os.environ["OMEMO_PASSWORD"], arguments.ca, arguments.mode, arguments.files)
    peer.connect(arguments.host, 5222)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def one(command):
        try:
            await peer.obey(command)
        except Exception as error:
            emit(ev="error", tag=command.get("tag"), what=f"{type(error).__name__}: {error}")

    tasks = set()
    while line := await reader.readline():
        command = json.loads(line)
        if command["cmd"] == "quit":
            break
        task = asyncio.ensure_future(one(command))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await peer.disconnect(wait=1.0)
    emit(ev="end")


if __name__ == "__main__":
    asyncio.run(main())
