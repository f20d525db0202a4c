"""The user of Gajim, as a plugin of it: reads commands from standard input, and prints events."""
import json
import os
import time

from gajim.common import app, ged
from gajim.common.structs import OutgoingMessage
from gajim.plugins import GajimPlugin
from gi.repository import GLib
from nbxmpp.protocol import JID

LEGACY = "eu.siacs.conversations.axolotl"
ACCOUNT = "e2e"


def emit(**event):
    os.write(1, json.dumps(event).encode() + b"\n")


def soon(what, seconds=20):
    """Calls `what` again and again, until it says that it is done."""
    deadline = time.time() + seconds
    GLib.timeout_add(100, lambda: not what(time.time() > deadline))


# Gajim takes the first name of a module for its plugin, by the alphabet.
class A(GajimPlugin):
    def init(self):
        self.buffer = b""
        self.config_dialog = None
        self.events_handlers = {
            "signed-in": (ged.POSTGUI, self.signed_in),
            "message-received": (ged.POSTGUI, self.received),
            "gc-message-received": (ged.POSTGUI, self.received),
            "mam-message-received": (ged.POSTGUI, self.received),
            "message-not-sent": (ged.POSTGUI, lambda event: emit(ev="notice", what=event.error)),
        }

    @property
    def client(self):
        return app.get_client(ACCOUNT)

    @property
    def omemo(self):
        return self.client.get_module("OMEMO")

    def signed_in(self, _event):
        own = self.omemo.backend.own_device
        asked = []

        def answered(task):
            try:
                bundle = task.finish()
            except Exception:
                bundle = None
            if bundle is None:
                return asked.clear()
            emit(ev="ready", device_id=own)
            GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.read)

        def is_published(_late):
            if self.omemo.backend.is_own_device_published and not asked:
                asked.append(own)
                jid = self.client.get_own_jid().bare
                self.client.connection.get_module("OMEMO").request_bundle(jid, own, callback=answered)
            return False

        soon(is_published)

    def read(self, _file, _condition):
        if not (new := os.read(0, 65536)):
            app.app.start_shutdown()
            return False
        *lines, self.buffer = (self.buffer + new).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if command["cmd"] == "quit":
                emit(ev="end")
                app.app.start_shutdown()
                return False
            self.obey(**command)
        return True

    def obey(self, cmd, tag, to=None, body=None, room=None, nick=None):
        if cmd == "send":
            self.write(JID.from_string(to), body, tag, "chat")
        elif cmd == "gsend":
            self.write(JID.from_string(room), body, tag, "groupchat")
        elif cmd == "join":
            self.join(JID.from_string(room), nick, tag)
        elif cmd == "subscribe":
            presence = self.client.get_module("Presence")
            presence.subscribe(to, auto_auth=True)
            presence.subscribed(to)
            emit(ev="ok", tag=tag)
        else:
            emit(ev="error", tag=tag, what="Gajim is not driven to do that")

    def write(self, jid, body, tag, kind):
        contact = self.client.get_module("Contacts").add_contact(jid, groupchat=kind == "groupchat")
        contact.settings.set("encryption", "OMEMO")
        backend, bare = self.omemo.backend, str(jid)
        if kind == "chat" and not backend.get_devices(bare, without_self=True):
            # So does its window.
            self.omemo.request_devicelist(bare)

        def is_done(late):
            to = [bare] if kind == "chat" else list(backend.get_muc_members(bare))
            for each in to:
                self.omemo.are_keys_missing(each)
            known = all(backend.get_devices(each, without_self=True) and not backend.devices_without_sessions(each)
                        for each in to)
            if not known and not late:
                return False
            message = OutgoingMessage(account=ACCOUNT, contact=contact, message=body, type_=kind)
            self.client.send_message(message)
            encrypted = message.stanza and message.stanza.getTag("encrypted")
            if encrypted:
                keys = [int(key.getAttr("rid")) for key in encrypted.getTag("header").getTags("key")]
                emit(ev="sent", tag=tag, keys=keys)
            else:
                emit(ev="error", tag=tag, what="Gajim encrypted it for nobody")
            return True

        soon(is_done, 5)

    def join(self, room, nick, tag):
        self.client.get_module("MUC").join(room, nick)
        contact = self.client.get_module("Contacts").get_contact(room, groupchat=True)

        def is_done(late):
            if contact.is_joined:
                emit(ev="joined", tag=tag)
            elif late:
                emit(ev="error", tag=tag, what="the room was not entered")
            return contact.is_joined or late

        soon(is_done)

    def received(self, event):
        if not event.msgtxt:
            return
        properties = event.properties
        sender = str(getattr(event, "fjid", None) or event.jid)
        if properties.is_carbon_message and properties.carbon.is_sent:
            sender = self.client.get_own_jid().bare
        is_encrypted = event.additional_data.get_value("encrypted", "name") == "OMEMO"
        emit(ev="msg" if is_encrypted else "plain", body=event.msgtxt, ns=LEGACY if is_encrypted else None,
             type="groupchat" if properties.type.is_groupchat else "chat", **{"from": sender})
