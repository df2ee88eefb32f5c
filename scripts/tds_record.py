#!/usr/bin/env python3
"""tds_record: a proxy between SQL Server clients and a server that writes down what they say.

    scripts/tds_record.py --server 127.0.0.1:1433 [--listen 127.0.0.1:0] [--out FILE] [--json] [--name LABEL] [--summary FILE]

Each request is one paragraph: what it is, its text or its procedure with the parameters, and the answer's outcome (columns and
rows, messages, DONEs). --json writes one object a line instead. --summary writes, at the end (SIGINT, SIGTERM), each different
statement once, with its count and outcome: literals and values are left out of the comparison. The address that clients connect
to is printed first. Both ends are told that the other has no encryption, so that everything can be read: a client that insists
on TLS gives up. Passwords are not read. Needs Python 3 alone.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import tdswire  # noqa: E402

NOT_SUPPORTED = 2
KEEP_BYTES = 64 << 20  # of one message; longer ones are relayed and told by their length


# --- text -----------------------------------------------------------------------------------------------------------

def one_line(text, most=400):
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def parameter(p):
    text = f"{p['name'] or '?'} {p['type']} = {one_line(p['value'])}"
    return text + (" output" if p.get("output") else "") + (" default" if p.get("default") else "")


def describe(request):
    """The lines of a request."""
    kind = request["kind"]
    if kind == "batch":
        return ["batch", *("    " + line for line in request["text"].strip().splitlines())]
    if kind == "rpc":
        lines = []
        for c in request["calls"]:
            flags = "".join(f" {name}" for bit, name in ((1, "recompile"), (2, "no-metadata")) if c["flags"] & bit)
            lines += [f"rpc {c['procedure']}" + (f" ({c['by_id']})" if "by_id" in c else "") + flags]
            lines += ["    " + parameter(p) for p in c["parameters"]]
        return lines
    if kind == "bulk data":
        return [f"bulk data {request['rows']} rows of " + ", ".join(f"{c['name']} {c['type']}" for c in request["columns"])]
    details = " ".join(f"{k}={' '.join(v) if isinstance(v, list) else v}" for k, v in request.items()
                       if k not in ("kind", "reset") and v not in ("", False, []))
    return [f"{kind} {details}".rstrip()]


def outcome(answer):
    """One line of an answer."""
    if answer is None:
        return "no answer"
    parts = []
    for r in answer["results"]:
        parts.append(f"{len(r['columns'])} columns, {r['rows']} rows")
    for m in answer["messages"]:
        where = f" in {m['procedure']}" if m["procedure"] else ""
        what = "error" if m["error"] else "info"
        parts.append(f"{what} {m['number']}.{m['state']} class {m['class']} line {m['line']}{where}: {one_line(m['text'], 160)}")
    if "options" in answer:
        parts.append(" ".join(answer["options"]))
    if answer["env"]:
        parts.append("env " + ", ".join(answer["env"]))
    if "features" in answer:
        parts.append("features " + ", ".join(answer["features"]))
    if "return_status" in answer:
        parts.append(f"status {answer['return_status']}")
    for v in answer["return_values"]:
        parts.append(f"out {v['name']} {v['type']} = {one_line(v['value'])}")
    done = answer["done"]
    if done:
        counted = [f"{d['command']} {d['count']}" for d in done if "count" in d]
        bits = [name for bit, name in ((0x02, "error"), (0x20, "attention")) if any(d["status"] & bit for d in done)]
        parts.append(" ".join([f"{len(done)} done", *bits]) + (f" ({', '.join(counted)})" if counted else ""))
    if "bad" in answer:
        parts.append(f"NOT UNDERSTOOD: {answer['bad']}")
    return "; ".join(parts) or "nothing"


LITERAL = re.compile(r"N?'(?:[^']|'')*'|\b0x[0-9a-fA-F]*\b|(?<![\w@#$])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\b")


def plain(text):
    """A statement without its literals and spacing."""
    return " ".join(LITERAL.sub(lambda m: "N'…'" if m[0].startswith("N'") else "'…'" if m[0][0] == "'" else "0", text).split())


STATEMENT_FIRST = {"sp_executesql": (0, 1), "sp_prepare": (2, 1), "sp_prepexec": (2, 1), "sp_cursoropen": (1, None),
                   "sp_cursorprepare": (2, 1), "sp_cursorprepexec": (3, 2), "sp_prepexecrpc": (1, None)}


def statement(request):
    """What makes two requests the same for the summary: the list of its statements."""
    kind = request["kind"]
    if kind == "batch":
        return [f"batch: {plain(request['text'])}"]
    if kind == "rpc":
        return [call_statement(c) for c in request["calls"]]
    if kind == "login":
        return [f"login: TDS {request['tds_version']}, packet size {request['packet_size']}, flags {request['flags']}, "
                f"features {' '.join(request.get('features', [])) or 'none'}"]
    if kind == "prelogin":
        return [f"prelogin: {' '.join(o for o in request['options'] if not o.startswith('thread'))}"]
    if kind == "transaction":
        extra = " ".join(f"{k}={v}" for k, v in request.items() if k in ("isolation", "begin_anew") and v != "")
        return [f"transaction manager: {request['request']} {extra}".rstrip() + (" (named)" if request.get("name") else "")]
    if kind == "bulk data":
        return ["bulk data: " + ", ".join(c["type"] for c in request["columns"])]
    return [kind]


def call_statement(c):
    """The texts in full, the rest by type; whether called by name tells another way through the server."""
    name = c["procedure"].strip().lower().replace("[", "").replace("]", "")
    text_at, definitions_at = STATEMENT_FIRST.get(name.rpartition(".")[2], (None, None))
    shown = []
    for i, p in enumerate(c["parameters"]):
        if i in (text_at, definitions_at) and "text" in p:
            shown.append("N'" + plain(p["text"]) + "'")
        else:
            named = "" if name == "sp_executesql" or not p["name"] else p["name"] + " "
            shown.append(named + re.sub(r"\(\d+\)", "", p["type"]) + (" output" if p.get("output") else ""))
    flags = " no-metadata" if c["flags"] & 2 else ""
    return f"rpc{'' if 'by_id' in c else ' by name'}{flags}: {c['procedure']} {', '.join(shown)}".rstrip()


# --- what is written ------------------------------------------------------------------------------------------------

class Record:
    """The written record, and the sums; any thread."""

    def __init__(self, out, as_json, name):
        self.out, self.as_json, self.name, self.lock = out, as_json, name, threading.Lock()
        self.counts, self.outcomes = collections.Counter(), {}
        self.number = 0

    def add(self, connection, request, answer):
        with self.lock:
            self.number += 1
            for s in statement(request):
                self.counts[s] += 1
                self.outcomes.setdefault(s, set()).add(verdict(answer))
            if self.as_json:
                shown = {k: v for k, v in answer.items() if k != "types"} if answer else None
                named = {"client": self.name} if self.name else {}
                self.out.write(json.dumps({"n": self.number, "connection": connection, **named, **request, "answer": shown}) + "\n")
            else:
                head, *more = describe(request)
                reset = " reset" if request.get("reset") else ""
                label = f"{self.name} " if self.name else ""
                self.out.write(f"#{self.number} {label}connection {connection}{reset} {head}\n")
                self.out.writelines(line + "\n" for line in more)
                self.out.write(f"  -> {outcome(answer)}\n")
            self.out.flush()

    def summary(self, out):
        with self.lock:
            for s, n in self.counts.items():
                out.write(f"{n:6} × {s}\n         {'; '.join(sorted(self.outcomes[s]))}\n")


def verdict(answer):
    if answer is None:
        return "no answer"
    errors = [f"error {m['number']}: {one_line(m['text'], 120)}" for m in answer["messages"] if m["error"]]
    return ", ".join(errors) or ("NOT UNDERSTOOD: " + answer["bad"] if "bad" in answer else "ok")


# --- the proxy ------------------------------------------------------------------------------------------------------

def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


class Messages:
    """Packets of one direction put together."""

    def __init__(self):
        self.body, self.dropped, self.reset = bytearray(), 0, False

    def feed(self, header, body):
        """(type, body, status) when this packet ends a message."""
        kind, status = header[0], header[1]
        self.reset |= bool(status & 0x18)
        if len(self.body) + len(body) > KEEP_BYTES:
            self.dropped += len(body)
        else:
            self.body += body
        if not status & 1:
            return None
        message = kind, bytes(self.body), status, self.dropped, self.reset
        self.__init__()
        return message


class Connection:
    def __init__(self, number, client, address, record):
        self.number, self.client, self.record = number, client, record
        self.server = socket.create_connection(address, 10)
        self.server.settimeout(None)
        self.waiting, self.types = collections.deque(), ()
        self.lock = threading.Lock()
        for s in (self.client, self.server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        back = threading.Thread(target=self.relay, args=(self.server, self.client, self.answered), daemon=True)
        back.start()
        self.relay(self.client, self.server, self.asked)
        back.join()
        self.server.close()
        self.client.close()
        for request in self.waiting:
            self.record.add(self.number, request, None)

    def relay(self, source, target, see):
        messages = Messages()
        try:
            while (header := read_exactly(source, 8)) is not None:
                kind, size = header[0], struct.unpack(">H", header[2:4])[0]
                if kind not in tdswire.PACKETS:
                    raise tdswire.Bad(f"packet type {kind:#04x} (TLS from the start, or MARS)")
                body = read_exactly(source, size - 8)
                if body is None:
                    break
                ended = messages.feed(header, body)
                if ended and see(*ended) == "prelogin":
                    body = without_encryption(body)
                target.sendall(header + body)
        except OSError:
            pass
        except tdswire.Bad as e:
            print(f"tds_record: connection {self.number}: {e}", file=sys.stderr)
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def asked(self, kind, body, status, dropped, reset):
        request = {"kind": tdswire.PACKETS[kind]}
        if reset:
            request["reset"] = True
        if status & 2:
            request["given_up"] = True
        try:
            if dropped:
                request["too_long"] = len(body) + dropped
                request["kind"] = f"{request['kind']} of {request['too_long']} bytes"
            else:
                request.update(understood(kind, body))
        except (tdswire.Bad, struct.error) as e:
            request = {"kind": f"{request['kind']}, not understood", "why": str(e), "bytes": body[:200].hex()}
        with self.lock:
            if kind == 0x12 and "options" not in request:
                return None  # a TLS record of a handshake
            if not request.get("given_up"):
                self.waiting.append(request)
        return "prelogin" if kind == 0x12 else None

    def answered(self, kind, body, status, dropped, reset):
        with self.lock:
            request = self.waiting.popleft() if self.waiting else {"kind": "no request"}
        if request["kind"] == "prelogin":
            options = tdswire.prelogin(body)
            found = {"results": [], "messages": [], "done": [], "env": [], "return_values": [],
                     "options": [f"{tdswire.PRELOGIN.get(o, o)}={v.hex()}" for o, v in options.items()]}
            self.record.add(self.number, request, found)
            return "prelogin"
        found = tdswire.answer(body, columns=self.types)
        self.types = found.get("types", self.types)
        if dropped:
            found["bad"] = f"{len(body) + dropped} bytes: too long to read"
        self.record.add(self.number, request, found)
        if any(d["status"] & 0x20 for d in found["done"]):  # this message answers the attention, too
            with self.lock:
                at = next((i for i, r in enumerate(self.waiting) if r["kind"] == "attention"), None)
                attention = self.waiting[at] if at is not None else None
                if attention:
                    del self.waiting[at]
            if attention:
                self.record.add(self.number, attention, found)
        return None


def understood(kind, body):
    if kind == 0x01:
        return tdswire.batch(body)
    if kind == 0x03:
        return {"calls": tdswire.rpc(body)}
    if kind == 0x07:
        return tdswire.bulk(body)
    if kind == 0x0E:
        return tdswire.transaction(body)
    if kind == 0x10:
        return tdswire.login(body)
    if kind == 0x12 and body[:1] == b"\0":
        options = tdswire.prelogin(body)
        return {"options": [f"{tdswire.PRELOGIN.get(o, o)}={v.hex()}" for o, v in options.items() if o != 5]}
    return {}


def without_encryption(body):
    """A pre-login message, or its answer, that says there is no encryption."""
    at = 0
    while body[at] != 0xFF:
        if body[at] == 1:
            where = struct.unpack(">H", body[at + 1:at + 3])[0]
            return body[:where] + bytes([NOT_SUPPORTED]) + body[where + 1:]
        at += 5
    return body


class Proxy:
    """Listens until closed; for tests, usable with `with`."""

    def __init__(self, server, listen=("127.0.0.1", 0), out=sys.stdout, as_json=False, name=""):
        self.server, self.record = server, Record(out, as_json, name)
        self.socket = socket.create_server(listen)
        self.port = self.socket.getsockname()[1]
        self.threads = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        number = 0
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            number += 1
            try:
                connection = Connection(number, client, self.server, self.record)
            except OSError as e:
                print(f"tds_record: the server: {e}", file=sys.stderr)
                client.close()
                continue
            thread = threading.Thread(target=connection.run, daemon=True)
            thread.start()
            self.threads.append(thread)

    def close(self):
        """Stop listening and wait for the connections that are still open to end (5 s each at most)."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def address(text):
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--out", metavar="FILE", help="default: standard output")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--name", default="", help="a label for each request: the client, the phase")
    parser.add_argument("--summary", metavar="FILE", help="- is standard output")
    args = parser.parse_args()
    out = open(args.out, "w", encoding="utf-8") if args.out else sys.stdout
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    proxy = Proxy(args.server, args.listen, out, args.json, args.name)
    print(f"tds_record: listening on {args.listen[0]}:{proxy.port}", file=sys.stderr, flush=True)
    stop.wait()
    if args.summary:
        with (open(args.summary, "w", encoding="utf-8") if args.summary != "-" else os.fdopen(os.dup(1), "w")) as f:
            proxy.record.summary(f)


if __name__ == "__main__":
    main()
