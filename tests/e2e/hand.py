"""A hand in somebody's account: publishes what no client would. A slixmpp client without OMEMO.

    hand.py JID ADDRESS CA      (OMEMO_PASSWORD; a list of actions as JSON, the first line of standard input)

    ["publish", NODE, ITEM, XML, {OPTION: VALUE, …}]     ["list", NODE, NUMBER, XML]    NUMBER items without names
    ["say", JID, TEXT]      unencrypted                  ["appear", SECONDS]            takes no messages
    ["stay"]                prints "online", then "message" for each new encrypted text, until standard input ends
    ["read", NODE]          prints the items as XML, a line each
    ["access", NODE]        prints who may read it
    ["widen", NODE]         makes room for 1,000 items
    ["make", ROOM, [JID, …]]   a room that shows its members' addresses, for these members alone
"""
import asyncio
import json
import os
import sys
from xml.etree import ElementTree

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath


async def widen(pubsub, own, node):
    form = (await pubsub.get_node_config(own, node))["pubsub_owner"]["configure"]["form"]
    values = {name: field["value"] for name, field in form.get_fields().items()}
    values["pubsub#max_items"] = "1000"
    form["type"] = "submit"
    form.set_values(values)
    await pubsub.set_node_config(own, node, config=form)


async def stay(client):
    def take(stanza):
        # What is older was for somebody else who was here.
        is_new = stanza.xml.find("{urn:xmpp:delay}delay") is None
        if is_new and stanza.xml.find("{*}encrypted//{*}payload") is not None:
            print("message", flush=True)

    client.register_handler(Callback("everything", MatchXPath(f"{{{client.default_ns}}}message"), take))
    client.send_presence(ppriority=0)
    # Servers do one thing after the other: when this is answered, they know that somebody is here.
    await client.plugin["xep_0030"].get_info(client.boundjid.domain)
    print("online", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def make(client, room, members):
    muc = client.plugin["xep_0045"]
    await muc.join_muc_wait(JID(room), "hand", maxstanzas=0, timeout=20)
    form = client.plugin["xep_0004"].make_form(ftype="submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/muc#roomconfig")
    form.add_field(var="muc#roomconfig_membersonly", value="1")
    form.add_field(var="muc#roomconfig_whois", value="anyone")
    await muc.set_room_config(JID(room), form)
    for member in members:
        await muc.set_affiliation(JID(room), jid=JID(member), affiliation="member")


async def act(client, action):
    pubsub, own = client.plugin["xep_0060"], JID(client.boundjid.bare)
    kind, *rest = action
    if kind == "publish":
        node, item, xml, options = rest
        form = client.plugin["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        for name, value in options.items():
            form.add_field(var="pubsub#" + name, value=value)
        payload = ElementTree.fromstring(xml)
        try:
            await pubsub.publish(own, node, id=item, payload=payload, options=form)
        except IqError as error:
            if error.condition != "conflict":
                raise
            # The node is there with other options: those stay.
            await pubsub.publish(own, node, id=item, payload=payload)
    elif kind == "list":
        node, number, xml = rest
        await widen(pubsub, own, node)
        for start in range(0, number, 50):
            payloads = [ElementTree.fromstring(xml) for _ in range(start, min(start + 50, number))]
            await asyncio.gather(*(pubsub.publish(own, node, payload=payload) for payload in payloads))
    elif kind == "widen":
        await widen(pubsub, own, rest[0])
    elif kind == "say":
        client.send_message(mto=JID(rest[0]), mbody=rest[1], mtype="chat")
    elif kind == "appear":
        client.send_presence(ppriority=-1)
        await asyncio.sleep(rest[0])
    elif kind == "make":
        await make(client, *rest)
    elif kind == "stay":
        await stay(client)
    elif kind == "access":
        form = (await pubsub.get_node_config(own, rest[0]))["pubsub_owner"]["configure"]["form"]
        print(form.get_fields()["pubsub#access_model"]["value"])
    elif kind == "read":
        items = await pubsub.get_items(own, rest[0])
        for item in items["pubsub"]["items"]["substanzas"]:
            print(ElementTree.tostring(item.xml).decode().replace("\n", " "))
    else:
        raise ValueError(kind)


async def main():
    jid, host, ca = sys.argv[1:]
    client = ClientXMPP(jid + "/hand", os.environ["OMEMO_PASSWORD"])
    client.enable_direct_tls = False
    client.ca_certs = ca
    for number in ("0004", "0030", "0045", "0060"):
        client.register_plugin("xep_" + number)
    begun = asyncio.get_running_loop().create_future()
    client.add_event_handler("session_start", lambda _: begun.done() or begun.set_result(None))
    client.connect(host, 5222)
    await asyncio.wait_for(begun, 20)
    for action in json.loads(sys.stdin.readline()):
        await act(client, action)
    await client.disconnect(wait=1.0)


if __name__ == "__main__":
    asyncio.run(main())
