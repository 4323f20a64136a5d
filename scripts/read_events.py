"""Reads TensorBoard event files of a run folder by TensorFlow's documented formats, without TensorFlow.

Prints `STEP TAG VALUE` for each scalar and fails on a record whose checks do not fit.
"""

import pathlib
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's check value


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    position = 0
    while position < len(data):
        header = data[position:position + 8]
        (length,) = struct.unpack("<Q", header)
        (header_check,) = struct.unpack("<I", data[position + 8:position + 12])
        assert header_check == masked(header), "a record's length does not fit its check"
        body = data[position + 12:position + 12 + length]
        (body_check,) = struct.unpack("<I", data[position + 12 + length:position + 16 + length])
        assert len(body) == length and body_check == masked(body), "a record does not fit its check"
        yield body
        position += 16 + length


def fields(data):
    """Field number and value of each field of a protocol buffer message."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            (value,) = struct.unpack("<d" if kind == 1 else "<f", data[position:position + size])
            position += size
        else:
            assert kind == 2, f"wire type {kind}"
            size = varint()
            value = data[position:position + size]
            position += size
        yield key >> 3, value


for path in sorted(pathlib.Path(sys.argv[1]).glob("events.out.tfevents.*")):
    for record in records(path.read_bytes()):
        event = list(fields(record))
        step = dict(event).get(2, 0)
        for number, value in event:
            if number == 3:
                print(step, "version", value.decode())
            if number == 5:
                for _, scalar in fields(value):
                    content = dict(fields(scalar))
                    print(step, content[1].decode(), f"{content[2]:.6g}")
