"""Three servers on loopback that know each other: two of Prosody, one of ejabberd, from Debian's packages.

    capulet.example    Prosody    127.0.8.2
    montague.example   Prosody    127.0.8.3
    verona.example     ejabberd   127.0.8.4

Each keeps files too, at https://ADDRESS:5281/, and takes clients of the web at wss://ADDRESS:5281/xmpp-websocket.

All of it is in one folder, and ends with `stop`. No name server of the system, no /etc/hosts, no epmd.
"""
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROSODY = {"capulet.example": "127.0.8.2", "montague.example": "127.0.8.3"}
EJABBERD = {"verona.example": "127.0.8.4"}
ADDRESSES = {**PROSODY, **EJABBERD}
C2S, S2S, HTTPS = 5222, 5269, 5281
# A file beside the profile of a browser: at its next start the client loses its sessions.
FORGET = "forget"
DNS = ("127.0.8.5", 5353)


def password(user):
    return "of " + user


class Servers:
    def __init__(self, folder, users):
        """`users`: for each domain the names of its accounts."""
        self.folder, self.users = folder, users
        self.ca = os.path.join(folder, "certificates", "ca.pem")
        self.processes = []

    def start(self):
        self.make_certificates()
        for domain in PROSODY:
            self.start_prosody(domain)
        if "verona.example" in self.users:
            self.start_ejabberd("verona.example")
        for domain in self.users:
            self.wait_for(domain)

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes = []

    def files(self):
        """Everything that a server stored, logged or relayed."""
        for domain in self.users:
            for path in glob.glob(os.path.join(self.folder, domain, "**"), recursive=True):
                if os.path.isfile(path):
                    yield path

    def run(self, log, *command, **options):
        with open(log, "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True, **options)
        self.processes.append(process)
        return process

    def wait_for(self, domain):
        deadline = time.time() + 60
        for port in (C2S, S2S):
            while True:
                if any(process.poll() is not None for process in self.processes):
                    raise RuntimeError(f"a server ended by itself, see {self.folder}")
                try:
                    socket.create_connection((ADDRESSES[domain], port), 1).close()
                    break
                except OSError:
                    if time.time() > deadline:
                        raise RuntimeError(f"{domain} does not answer, see {self.folder}")
                    time.sleep(0.1)

    def make_certificates(self):
        folder = os.path.join(self.folder, "certificates")
        os.makedirs(folder)

        def openssl(*arguments, **options):
            subprocess.run(("openssl",) + arguments, check=True, capture_output=True, **options)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-days", "3650", "-subj", "/CN=e2e", "-keyout", f"{folder}/ca.key", "-out", self.ca)
        for domain, address in ADDRESSES.items():
            path = f"{folder}/{domain}"
            openssl("req", *key, "-subj", f"/CN={domain}", "-keyout", f"{path}.key", "-out", f"{path}.csr")
            with open(f"{path}.ext", "w") as file:
                file.write(f"subjectAltName=DNS:{domain},DNS:conference.{domain},IP:{address}\n"
                           "extendedKeyUsage=serverAuth,clientAuth\n")
            openssl("x509", "-req", "-in", f"{path}.csr", "-CA", self.ca, "-CAkey", f"{folder}/ca.key", "-CAcreateserial",
                    "-days", "3650", "-extfile", f"{path}.ext", "-out", f"{path}.crt")
            with open(f"{path}.pem", "w") as file:
                for part in ("crt", "key"):
                    file.write(open(f"{path}.{part}").read())

    def start_prosody(self, domain):
        folder = os.path.join(self.folder, domain)
        certificates = os.path.join(self.folder, "certificates")
        host = domain.replace(".", "%2e")
        accounts = os.path.join(folder, "data", host, "accounts")
        os.makedirs(accounts)
        os.makedirs(os.path.join(folder, "modules"))
        shutil.copy(os.path.join(HERE, "record.lua"), os.path.join(folder, "modules", "mod_e2e.lua"))
        for user in self.users[domain]:
            with open(os.path.join(accounts, user + ".dat"), "w") as file:
                file.write(f'return {{ ["password"] = "{password(user)}"; }};\n')
        routes = "".join(f'["{prefix}{name}"] = {{ "{address}", {S2S} }};'
                         for name, address in ADDRESSES.items() for prefix in ("", "conference."))
        config = os.path.join(folder, "prosody.cfg.lua")
        with open(config, "w") as file:
            file.write(f'''run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
plugin_paths = {{ "{folder}/modules" }}
interfaces = {{ "{PROSODY[domain]}" }}
local_interfaces = {{ "{PROSODY[domain]}" }}
c2s_ports = {{ {C2S} }}
s2s_ports = {{ {S2S} }}
c2s_direct_tls_ports = {{ 5223 }}
s2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{ {HTTPS} }}
https_interfaces = {{ "{PROSODY[domain]}" }}
https_ssl = {{ key = "{certificates}/{domain}.key"; certificate = "{certificates}/{domain}.crt" }}
use_ipv6 = false
modules_enabled = {{
  "roster"; "saslauth"; "tls"; "dialback"; "disco"; "ping"; "private"; "pep"; "carbons"; "mam"; "offline";
  "blocklist"; "csi_simple"; "smacks"; "websocket"; "e2e";
}}
modules_disabled = {{ "s2s_auth_dane_in" }}
e2e_routes = {{ {routes} }}
e2e_record = "{folder}/streams.log"
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
ssl = {{ cafile = "{self.ca}"; key = "{certificates}/{domain}.key"; certificate = "{certificates}/{domain}.crt" }}
archive_expires_after = "1w"
default_archive_policy = true
pep_max_items = 1000
limits = {{}}
smacks_hibernation_time = 2
log = {{ debug = "{folder}/prosody.log" }}
VirtualHost "{domain}"
  http_host = "{PROSODY[domain]}"
-- Profanity publishes with options only where a service of the server announces them.
Component "pubsub.{domain}" "pubsub"
Component "conference.{domain}" "muc"
  restrict_room_creation = false
  modules_enabled = {{ "muc_mam" }}
  muc_log_by_default = true
  muc_room_default_persistent = true
Component "upload.{domain}" "http_file_share"
  http_host = "{PROSODY[domain]}"
  http_external_url = "https://{PROSODY[domain]}:{HTTPS}/"
''')
        self.run(f"{folder}/output.log", "prosody", "-F", "--config", config)

    def start_ejabberd(self, domain):
        folder = os.path.join(self.folder, domain)
        os.makedirs(os.path.join(folder, "db"))
        address = EJABBERD[domain]
        names = [f"{prefix}{name}={at}" for name, at in ADDRESSES.items() for prefix in ("", "conference.")]
        self.run(f"{folder}/dns.log", sys.executable, os.path.join(HERE, "dns.py"), DNS[0], str(DNS[1]), *names)
        with open(f"{folder}/inetrc", "w") as file:
            file.write("{lookup, [file, dns]}.\n")
            for name, at in ADDRESSES.items():
                file.write(f'{{host, {{{at.replace(".", ",")}}}, ["{name}", "conference.{name}"]}}.\n')
            file.write('{hosts_file, ""}.\n{resolv_conf, ""}.\n')
            file.write(f'{{nameserver, {{{DNS[0].replace(".", ",")}}}, {DNS[1]}}}.\n')
        with open(f"{folder}/ejabberd.yml", "w") as file:
            file.write(f'''hosts: [{domain}]
loglevel: debug
certfiles: ["{self.folder}/certificates/{domain}.pem"]
ca_file: "{self.ca}"
listen:
  - {{port: {C2S}, ip: "{address}", module: ejabberd_c2s, max_stanza_size: 524288, starttls_required: true, access: c2s}}
  - {{port: {S2S}, ip: "{address}", module: ejabberd_s2s_in, max_stanza_size: 524288}}
  - {{port: {HTTPS}, ip: "{address}", module: ejabberd_http, tls: true, 
     request_handlers: {{/upload: mod_http_upload, /xmpp-websocket: ejabberd_http_ws}}}}
s2s_use_starttls: required
outgoing_s2s_port: {S2S}
outgoing_s2s_families: [ipv4]
auth_method: internal
access_rules: {{c2s: {{allow: all}}, local: {{allow: all}}, register: {{deny: all}}}}
modules:
  mod_adhoc: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_http_upload:
    put_url: "https://{address}:{HTTPS}/upload"
    docroot: "{folder}/upload"
    custom_headers: {{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET,HEAD,PUT,OPTIONS",
                     "Access-Control-Allow-Headers": "Content-Type"}}
  mod_mam: {{assume_mam_usage: true, default: always}}
  mod_muc: {{host: "conference.@HOST@", access: [allow], access_create: [allow], default_room_options: {{mam: true, persistent: true}}}}
  mod_offline: {{access_max_user_messages: 1000}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_pubsub: {{access_createnode: local, plugins: [flat, pep], max_items_node: 1000}}
  mod_roster: {{versioning: true}}
  mod_s2s_dialback: {{}}
  mod_stream_mgmt: {{resend_on_timeout: if_offline, resume_timeout: 2}}
''')
        accounts = "".join(f'ejabberd_auth:try_register(<<"{user}">>, <<"{domain}">>, <<"{password(user)}">>),'
                           for user in self.users[domain])
        log = f"{folder}/output.log"
        environment = dict(os.environ, ERL_INETRC=f"{folder}/inetrc", EJABBERD_CONFIG_PATH=f"{folder}/ejabberd.yml",
                           EJABBERD_LOG_PATH=f"{folder}/ejabberd.log",
                           ERL_LIBS=os.pathsep.join(glob.glob("/usr/lib/*-linux-gnu")))
        process = self.run(log, "erl", "-noinput", "+P", "250000", "-mnesia", "dir", f'"{folder}/db"', "-s", "ejabberd", "-eval",
                           f'timer:sleep(1000), {accounts} io:format("accounts are there~n").', cwd=folder, env=environment)
        deadline = time.time() + 60
        while "accounts are there" not in open(log, errors="replace").read():
            if process.poll() is not None or time.time() > deadline:
                raise RuntimeError(f"ejabberd does not start, see {folder}")
            time.sleep(0.2)
        # It opens its ports first and reads its certificates a little later.
        time.sleep(2)
