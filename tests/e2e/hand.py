"""A hand in somebody's account: publishes what no client would. A slixmpp client without OMEMO.

    hand.py JID ADDRESS CA      (OMEMO_PASSWORD; a list of actions as JSON on standard input)

    ["publish", NODE, ITEM, XML, {OPTION: VALUE, …}]     ["list", NODE, NUMBER, XML]    NUMBER items without names
    ["say", JID, TEXT]      unencrypted                  ["stay", SECONDS]              takes messages meanwhile
    ["appear", SECONDS]     takes none
    ["read", NODE]          prints the items as XML, a line each
    ["widen", NODE]         makes room for 1,000 items
"""
import asyncio
import json
import os
import sys
from xml.etree import ElementTree

from slixmpp import JID, ClientXMPP


async def widen(pubsub, own, node):
    form = (await pubsub.get_node_config(own, node))["pubsub_owner"]["configure"]["form"]
    values = {name: field["value"] for name, field in form.get_fields().items()}
    values["pubsub#max_items"] = "1000"
    form["type"] = "submit"
    form.set_values(values)
    await pubsub.set_node_config(own, node, config=form)


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
        except Exception:
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
    elif kind in ("stay", "appear"):
        client.send_presence(ppriority=0 if kind == "stay" else -1)
        await asyncio.sleep(rest[0])
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
    for number in ("0004", "0030", "0060"):
        client.register_plugin("xep_" + number)
    begun = asyncio.get_running_loop().create_future()
    client.add_event_handler("session_start", lambda _: begun.done() or begun.set_result(None))
    client.connect(host, 5222)
    await asyncio.wait_for(begun, 20)
    for action in json.load(sys.stdin):
        await act(client, action)
    await client.disconnect(wait=1.0)


if __name__ == "__main__":
    asyncio.run(main())
