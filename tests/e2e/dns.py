"""A name server for ejabberd, which insists on asking one: dns.py ADDRESS PORT NAME=ADDRESS…

It answers questions for A and for SRV of servers. The target of an SRV record is the address written as a name, which
the system's resolver takes without any file.
"""
import socket
import struct
import sys

S2S_PORT = 5269


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answer(query, hosts):
    position, labels = 12, []
    while query[position]:
        labels.append(query[position + 1:position + 1 + query[position]].decode().lower())
        position += query[position] + 1
    name = ".".join(labels)
    kind, = struct.unpack(">H", query[position + 1:position + 3])
    question = query[12:position + 5]
    prefix = "_xmpp-server._tcp."
    host = name[len(prefix):] if name.startswith(prefix) else name
    data = b""
    if host in hosts and name == host and kind == 1:
        data = socket.inet_aton(hosts[host])
    elif host in hosts and name != host and kind == 33:
        data = struct.pack(">HHH", 0, 0, S2S_PORT) + encode(hosts[host])
    record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if data else b""
    flags = 0x8580 | (0 if host in hosts else 3)
    return query[:2] + struct.pack(">HHHHH", flags, 1, bool(data), 0, 0) + question + record


def main():
    address, port, *names = sys.argv[1:]
    hosts = dict(name.split("=") for name in names)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    while True:
        query, peer = server.recvfrom(4096)
        server.sendto(answer(query, hosts), peer)


if __name__ == "__main__":
    main()
