"""A peer on Gajim and its OMEMO plugin: the commands and events of slix_peer.py.

Gajim runs on a screen that nobody sees (Xvfb), with a folder of its own. Its user is gajim_user.py, a second plugin.
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MANIFEST = {"name": "The user", "short_name": "gajim_user", "description": "Types", "authors": ["omemo"], "homepage": "",
            "config_dialog": False, "version": "1.0", "platforms": ["linux"], "requirements": ["gajim>=1.5.0"]}


def make_profile(folder, jid, password, host, certificate):
    """What the wizard for new accounts would write, and the server's certificate as one that was accepted."""
    user, domain = jid.split("@")
    plugin = os.path.join(folder, "plugins", "gajim_user")
    os.makedirs(plugin)
    shutil.copy(os.path.join(HERE, "gajim_user.py"), os.path.join(plugin, "__init__.py"))
    with open(os.path.join(plugin, "plugin-manifest.json"), "w") as file:
        json.dump(MANIFEST, file)
    os.makedirs(os.path.join(folder, "cert_store"))
    shutil.copy(certificate, os.path.join(folder, "cert_store", "server"))
    app = {"use_keyring": False, "check_for_update": False, "plugins_auto_update": False, "plugins_update_check": False,
           "show_notifications": False}
    account = {"name": user, "hostname": domain, "password": password, "savepass": True, "active": True,
               "use_custom_host": True, "custom_host": host, "custom_port": 5222, "custom_type": "START TLS"}
    base = sqlite3.connect(os.path.join(folder, "settings.sqlite"))
    base.execute("create table settings (name text unique, settings text)")
    base.execute("create table account_settings (account text unique, settings text)")
    rows = {"app": app, "soundevents": {}, "status_presets": {}, "proxies": {},
            "workspaces": {"e2e": {"name": "e2e", "color": "rgb(0, 0, 0)", "chats": []}},
            "plugins": {name: {"active": True} for name in ("omemo", "gajim_user")}}
    base.executemany("insert into settings values (?, ?)", [(name, json.dumps(value)) for name, value in rows.items()])
    base.execute("insert into account_settings values ('e2e', ?)",
                 (json.dumps({"account": account, "contact": {}, "group_chat": {}}),))
    base.execute("pragma user_version = 5")
    base.commit()
    base.close()


def main():
    parser = argparse.ArgumentParser()
    for option in ("jid", "host", "state", "ca"):
        parser.add_argument("--" + option, required=True)
    arguments, _ = parser.parse_known_args()
    if not os.path.exists(arguments.state):
        domain = arguments.jid.split("@")[1]
        make_profile(arguments.state, arguments.jid, os.environ["OMEMO_PASSWORD"], arguments.host,
                     os.path.join(os.path.dirname(arguments.ca), domain + ".crt"))
    read, write = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
                              pass_fds=[write], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    os.close(write)
    try:
        number = os.read(read, 16).decode().strip()
        environment = dict(os.environ, DISPLAY=":" + number, HOME=arguments.state, GDK_BACKEND="x11", NO_AT_BRIDGE="1",
                           GTK_THEME="Adwaita", GSETTINGS_BACKEND="memory",
                           XDG_RUNTIME_DIR=arguments.state, LANG="C.UTF-8", LC_ALL="C.UTF-8")
        # Gajim refuses to be root: it is shown another number.
        disguise = [] if os.geteuid() else ["unshare", "--user", "--map-user=1000"]
        return subprocess.call(disguise + ["dbus-run-session", "--", "gajim", "--separate", "--config-path", arguments.state],
                               env=environment)
    finally:
        screen.terminate()
        screen.wait()


if __name__ == "__main__":
    sys.exit(main())
