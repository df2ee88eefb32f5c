"""rawtds: a TDS 7.4 client that sends what a test says, and tells an answer's tokens one by one. No TLS."""

import socket
import struct

import tdswire

BATCH, RPC, ATTENTION, BULK, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 6, 7, 14, 16, 18
END, IGNORE, RESET, RESET_KEEP = 1, 2, 8, 16


class Trace(tdswire.Answer):
    """The tokens of an answer in their order, as short texts."""

    def read(self):
        self.trace = []
        found = super().read()
        assert "bad" not in found, found
        return self.trace

    def metadata(self):
        super().metadata()
        self.trace.append("COLMETADATA " + " ".join(c["name"] for c in self.found["results"][-1]["columns"]))

    def values(self, nulls):
        super().values(nulls)
        self.trace.append("ROW")

    def done(self):
        super().done()
        d = self.found["done"][-1]
        words = {1: "more", 2: "error", 4: "inxact", 0x10: f"count={d.get('count')}", 0x20: "attention", 0x80: "inbatch"}
        self.trace.append(" ".join([d["token"], d["command"], *[w for bit, w in words.items() if d["status"] & bit]]))

    def status(self):
        super().status()
        self.trace.append(f"RETURNSTATUS {self.found['return_status']}")

    def value(self):
        super().value()
        v = self.found["return_values"][-1]
        self.trace.append(f"RETURNVALUE {v['name']}={v['value']}")

    def message(self):
        super().message()
        m = self.found["messages"][-1]
        self.trace.append(f"{'ERROR' if m['error'] else 'INFO'} {m['number']} {m['class']} {m['state']}")

    def env(self):
        super().env()
        self.trace.append("ENV " + self.found["env"][-1])

    def login_ack(self):
        super().login_ack()
        self.trace.append("LOGINACK")

    def features(self):
        super().features()
        self.trace.append("FEATUREEXTACK " + " ".join(self.found["features"]))


def utf16(text):
    return text.encode("utf-16-le")


def hidden(password):
    return bytes((b << 4 & 0xF0 | b >> 4) ^ 0xA5 for b in utf16(password))


def login7(user="sa", password="", database="", version=0x74000004, packet_size=4096, flags=(0xE0, 0x03, 0, 0), features=b"",
           language=""):
    fields = {36: utf16("box"), 40: utf16(user), 44: hidden(password), 48: utf16("raw"), 64: utf16(language), 68: utf16(database)}
    head, tail = bytearray(94), b""
    struct.pack_into("<II", head, 4, version, packet_size)
    head[24:28] = bytes(flags)
    for at, data in fields.items():
        struct.pack_into("<HH", head, at, 94 + len(tail), len(data) // 2)
        tail += data
    if features:
        head[27] |= 0x10
        struct.pack_into("<HH", head, 56, 94 + len(tail), 4)
        tail += struct.pack("<I", 94 + len(tail) + 4) + features + b"\xff"
    struct.pack_into("<I", head, 0, 94 + len(tail))
    return bytes(head) + tail


def headers(descriptor=0):
    return struct.pack("<IIHQI", 22, 18, 2, descriptor, 1)


def int_param(name, value, status=0):
    return bytes([len(name)]) + utf16(name) + bytes([status]) + b"\x26\x04" + (b"\0" if value is None else struct.pack("<Bi", 4, value))


def text_param(name, value, status=0):
    data = utf16(value)
    return (bytes([len(name)]) + utf16(name) + bytes([status]) + b"\xe7" + struct.pack("<H", 8000) + b"\x09\x04\xd0\x00\x34" +
            struct.pack("<H", len(data)) + data)


def call(procedure, *params, options=0):
    """A procedure's name or its id, then parameters."""
    name = struct.pack("<HH", 0xFFFF, procedure) if isinstance(procedure, int) else struct.pack("<H", len(procedure)) + utf16(procedure)
    return name + struct.pack("<H", options) + b"".join(params)


class Client:
    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.descriptor = 0
        self.columns = ()

    def packet(self, kind, body=b"", status=END):
        self.socket.sendall(struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body)

    def take(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise ConnectionError("the server hung up")
            data += piece
        return data

    def message(self):
        """The next answer's body."""
        body = b""
        while True:
            _, status, length, _, _, _ = struct.unpack(">BBHHBB", self.take(8))
            body += self.take(length - 8)
            if status & END:
                return body

    def answer(self):
        body = self.message()
        trace = Trace(body, False, self.columns)
        tokens = trace.read()
        self.columns = trace.columns
        for i, env in enumerate(trace.found["env"]):
            if env == "begin":
                at = body.index(b"\xe3\x0b\x00\x08\x08") + 5
                self.descriptor = struct.unpack_from("<Q", body, at)[0]
            if env in ("commit", "rollback") and "begin" not in trace.found["env"][i:]:
                self.descriptor = 0
        return tokens

    def is_closed(self):
        try:
            self.take(1)
        except ConnectionError:
            return True
        return False

    def prelogin(self, encryption=2):
        self.packet(PRELOGIN, b"\0\0\x0b\0\6\1\0\x11\0\1\xff" + bytes(6) + bytes([encryption]))
        return self.message()

    def login(self, **options):
        self.prelogin()
        self.packet(LOGIN, login7(**options))
        return self.answer()

    def batch(self, text, status=END, descriptor=None):
        self.packet(BATCH, headers(self.descriptor if descriptor is None else descriptor) + utf16(text), status)
        return self.answer()

    def rpc(self, *calls, status=END, separator=b"\xff"):
        self.packet(RPC, headers(self.descriptor) + separator.join(calls), status)
        return self.answer()

    def transaction(self, body, descriptor=None):
        self.packet(TRANSACTION, headers(self.descriptor if descriptor is None else descriptor) + body)
        return self.answer()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
