#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Google's protobuf library behind a pipe: what it reads in bytes that may be no message at all.

    protobuf_peer.py          one question a line in, one answer a line out

An empty line asks for the answers so far, so that questions can be sent in batches.
A question is KIND and the bytes in hexadecimal, KIND being legacy (SignalMessage, without version byte and MAC) or
omemo2 (OMEMOAuthenticatedMessage). The answer is "error", or the fields separated by spaces: numbers in decimal, bytes
in hexadecimal after an "x", "-" for what is absent. For omemo2 those of the outer message, "/", those of the inner one.
"""
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

UINT32, BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_UINT32, descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
# Every field is optional: which ones must be there is for the reader to say, not for the parser.
MESSAGES = {"Legacy": [BYTES, UINT32, UINT32, BYTES], "Outer": [BYTES, BYTES], "Inner": [UINT32, UINT32, BYTES, BYTES]}


def classes():
    file = descriptor_pb2.FileDescriptorProto(name="omemo.proto", package="omemo", syntax="proto2")
    for name, types in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, kind in enumerate(types, 1):
            message.field.add(name=f"f{number}", number=number, type=kind, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName("omemo." + name)) for name in MESSAGES}


def show(message, count):
    def one(name):
        if not message.HasField(name):
            return "-"
        value = getattr(message, name)
        return "x" + value.hex() if isinstance(value, bytes) else str(value)

    return " ".join(one(f"f{number}") for number in range(1, count + 1))


def main():
    known = classes()
    for line in sys.stdin:
        if line == "\n":  # an empty line asks for the answers so far
            sys.stdout.flush()
            continue
        kind, data = line.split(" ")
        data = bytes.fromhex(data)
        try:
            if kind == "legacy":
                answer = show(known["Legacy"].FromString(data), 4)
            else:
                outer = known["Outer"].FromString(data)
                answer = show(outer, 2) + " / " + show(known["Inner"].FromString(outer.f2), 4)
        except DecodeError:
            answer = "error"
        print(answer)


if __name__ == "__main__":
    main()
