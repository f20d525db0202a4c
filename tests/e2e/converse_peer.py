"""A peer on Converse.js, unmodified, in a headless Chromium: the commands and events of slix_peer.py.

OMEMO_E2E_CONVERSE names the folder `dist` of the npm package. This program gives Chromium a page with Converse, whose user is
converse_user.js, a plugin of it: they talk over a WebSocket. Converse announces both versions of OMEMO, and writes in the
newest one that a device announces: the other side chooses the version.

* Everything that Converse keeps is in Chromium's profile, by the page's origin: the origin has a name, and so stays the same
  when this program listens somewhere else.
* Chromium is shown no other host than the server, whose certificate it takes as it is.
"""
import argparse
import asyncio
import base64
import json
import os
import secrets
import signal
import sys
import tempfile

from aiohttp import WSMsgType, web

import servers

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><link rel="stylesheet" href="/dist/converse.min.css">
<script type="module" src="/dist/converse.min.js"></script><script type="module" src="/user.js"></script>
</head><body></body></html>"""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
         "--disable-extensions", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
         "--ignore-certificate-errors", "--enable-logging=stderr"]
# Where a second device of its own speaks OMEMO 2 and the contact does not, the contact gets these in OMEMO 2 without a key.
QUIET = {"send_chat_markers": [], "send_chat_state_notifications": False}


def emit(**event):
    print(json.dumps(event), flush=True)


class Converse:
    def __init__(self, arguments):
        self.state, self.files = os.path.abspath(arguments.state), arguments.files
        self.told = os.path.join(self.state, "told")
        user = arguments.jid.split("@")[0]
        self.origin = user + ".localhost"
        self.config = {"jid": arguments.jid, "password": os.environ["OMEMO_PASSWORD"],
                       "websocket": f"wss://{arguments.host}:{servers.HTTPS}/xmpp-websocket",
                       "settings": QUIET if arguments.mode == "legacy" else {}}
        self.page, self.chromium = None, None
        # Chromium's socket is there, whose path may not be long.
        self.short = tempfile.TemporaryDirectory()
        self.bye = asyncio.Event()

    async def open(self):
        os.makedirs(self.state, exist_ok=True)
        # What is to be forgotten cannot be taken out of the profile by others.
        mark = os.path.join(self.state, servers.FORGET)
        if os.path.exists(mark):
            os.remove(mark)
            self.config["forget"] = True
        app = web.Application()
        app.router.add_get("/", lambda _: web.Response(text=PAGE, content_type="text/html"))
        app.router.add_get("/user.js", lambda _: web.FileResponse(os.path.join(HERE, "converse_user.js")))
        app.router.add_get("/user", self.talk)
        app.router.add_static("/dist", os.environ["OMEMO_E2E_CONVERSE"])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port = runner.addresses[0]
        rules = f"MAP {self.origin} 127.0.0.1:{port}, MAP * ~NOTFOUND, EXCLUDE 127.*"
        self.chromium = await asyncio.create_subprocess_exec(
            "chromium", *FLAGS, f"--user-data-dir={self.state}/profile", f"--host-resolver-rules={rules}",
            f"http://{self.origin}/", stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr,
            env=dict(os.environ, HOME=self.state, TMPDIR=self.short.name))

    async def talk(self, request):
        """The page is here: events come from it."""
        self.page = web.WebSocketResponse(max_msg_size=1 << 26)
        await self.page.prepare(request)
        told = open(self.told).read().splitlines() if os.path.exists(self.told) else []
        await self.page.send_json(dict(self.config, told=told))
        async for message in self.page:
            if message.type == WSMsgType.TEXT:
                self.take(json.loads(message.data))
        return self.page

    def take(self, event):
        if event["ev"] == "bye":
            self.bye.set()
            return
        if key := event.pop("key", None):
            with open(self.told, "a") as file:
                file.write(key + "\n")
        if event["ev"] == "file":
            os.makedirs(self.files, exist_ok=True)
            path = os.path.join(self.files, secrets.token_hex(8))
            with open(path, "wb") as file:
                file.write(base64.b64decode(event.pop("content")))
            event["path"] = path
        emit(**event)

    async def obey(self, command):
        if command["cmd"] == "file":
            with open(command["path"], "rb") as file:
                command |= {"content": base64.b64encode(file.read()).decode(), "name": os.path.basename(command["path"])}
        await self.page.send_json(command)

    async def close(self):
        """Converse writes a little later to what it keeps: it says when that is done."""
        if self.page and not self.page.closed:
            await self.page.send_json({"cmd": "quit"})
            try:
                await asyncio.wait_for(self.bye.wait(), 10)
            except asyncio.TimeoutError:
                pass
        self.chromium.send_signal(signal.SIGTERM)
        await self.chromium.wait()
        self.short.cleanup()


async def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "mode", "files"):
        parser.add_argument("--" + option, required=True)
    converse = Converse(parser.parse_known_args()[0])
    await converse.open()
    reader = asyncio.StreamReader(limit=1 << 26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.ensure_future(converse.chromium.wait())
    while True:
        line = asyncio.ensure_future(reader.readline())
        await asyncio.wait({line, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            emit(ev="error", what="Chromium ended by itself")
            return 1
        command = json.loads(line.result() or '{"cmd": "quit"}')
        if command["cmd"] == "quit":
            break
        await converse.obey(command)
    await converse.close()
    emit(ev="end")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
