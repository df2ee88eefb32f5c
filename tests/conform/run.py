#!/usr/bin/env python3
"""run.py: plain-text probes of what SQL Server promises, against any server that ODBC reaches.

    run.py 'Driver=…;Server=…;UID=…;PWD=…' [FILE…]      # no files: all *.txt beside this script

Each file gets a database of its own, dropped at the end (the login must be sysadmin, for CDC). A file's lines:

    == title                a probe begins; connections and tables of the ones before stay
    a> SELECT …             run on connection `a`, opened at its first use; indented lines continue it
    a>> UPDATE …            start it and go on: it must be waiting for another connection
    a<                      it must end now
    a?> SELECT …            ask again until the answer is the expected one (the capture job needs its time)
    = 1|NULL|0x0A           a row of the answer, the rows of all its results in order
    ~ 0x[0-9A-F]{20}\\|3     the same as a regular expression
    ! 208 Invalid object    an error: its number and a part of its text; what came before it stands before it
    * hello                 a message (PRINT, RAISERROR below 11) that has this text in it; none given: not looked at
    @b anna S3cret!         connection `b` is another login's, dropped at the end: opened at its first use

A statement without expectations must not fail. `{db}` is the database's name.
"""

import os
import pathlib
import re
import sys
import threading
import time

import pyodbc

PATIENCE_S = 30.0  # for answers that come later
pyodbc.pooling = False


def shown(value):
    if value is None:
        return "NULL"
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex().upper()
    return str(int(value)) if isinstance(value, bool) else str(value)


def errors_of(e):
    """The server's messages in a pyodbc error: "208 Invalid object name …" lines."""
    found = re.findall(r"\[SQL Server\](.*?) \((\d+)\)(?= \(SQL|;|$)", str(e.args[-1]), re.S)
    return [f"! {number} {text}" for text, number in found] or [f"! {e}"]


def messages_of(cursor):
    """The information that came with a result: PRINT's text."""
    return ["* " + re.sub(r"^(\[[^]]*\])+", "", text) for _, text in cursor.messages or []]


def ask(connection, sql):
    """The answer's rows, errors and messages as lines."""
    lines = []
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        while True:
            lines += messages_of(cursor)
            if cursor.description:
                lines += ["= " + "|".join(map(shown, row)) for row in cursor.fetchall()]
            if not cursor.nextset():
                return lines + messages_of(cursor)
    except pyodbc.Error as e:
        return lines + errors_of(e)
    finally:
        cursor.close()


def agrees(expected, line):
    kind, text = expected[0], expected[2:]
    if kind == "=":
        return line.rstrip() == expected.rstrip()
    if kind == "*":
        return line[:1] == "*" and text in line
    if kind == "~":
        return line[:1] == "=" and re.fullmatch(text, line[2:]) is not None
    number, _, part = text.partition(" ")
    return line.startswith(f"! {number} ") and part in line


class Step:
    """One statement with its expectations."""

    def __init__(self, line, connection, kind, sql):
        self.line, self.connection, self.kind, self.sql, self.expected = line, connection, kind, sql, []

    def is_met_by(self, lines):
        if not any(x.startswith("*") for x in self.expected):
            lines = [line for line in lines if not line.startswith("*")]
        if not self.expected:
            return not any(line.startswith("!") for line in lines)
        return len(lines) == len(self.expected) and all(map(agrees, self.expected, lines))


def parse(path):
    """[(title, [Step])]"""
    probes = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        command = re.match(r"(\w+)(\?>|>>|>|<)\s?(.*)", line)
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            probes.append((line[3:], []))
        elif line[0] == "@":
            probes[-1][1].append(Step(number, line[1:].split()[0], "@", " ".join(line.split()[1:])))
        elif line[0] in "=~!*":
            probes[-1][1][-1].expected.append(line)
        elif line[0] in " \t":
            probes[-1][1][-1].sql += "\n" + line
        elif command:
            probes[-1][1].append(Step(number, *command.groups()))
        else:
            raise SyntaxError(f"{path.name}:{number}: {line}")
    return probes


class File:
    """A file's run: its database and connections."""

    def __init__(self, dsn, path):
        self.dsn, self.path = dsn, path
        self.database = f"conform_{path.stem}_{os.getpid()}"
        self.connections, self.waiting, self.logins = {}, {}, {}
        self.asked = 0  # statements whose answer was looked at

    def __enter__(self):
        self.master = pyodbc.connect(self.dsn, autocommit=True)
        self.master.execute(f"CREATE DATABASE [{self.database}]")
        return self

    def __exit__(self, *_):
        for c in self.connections.values():
            c.close()
        self.master.execute("USE master")
        ask(self.master, f"ALTER DATABASE [{self.database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        ask(self.master, f"DROP DATABASE [{self.database}]")
        for login in {x.split()[0] for x in self.logins.values()}:
            ask(self.master, f"DROP LOGIN [{login}]")
        self.master.close()

    def dsn_of(self, **changes):
        """The connection string with other values of some keys."""
        parts = [p for p in self.dsn.split(";") if p and p.split("=")[0].strip().upper() not in changes]
        return ";".join(parts + [f"{key}={value}" for key, value in changes.items()])

    def connection(self, name):
        if name not in self.connections:
            user = {}
            if name in self.logins:
                user = dict(zip(("UID", "PWD"), self.logins[name].split()))
            self.connections[name] = pyodbc.connect(self.dsn_of(**user), autocommit=True)
            self.connections[name].execute(f"USE [{self.database}]")
        return self.connections[name]

    def close(self, name):
        if name in self.connections:
            self.connections.pop(name).close()

    def start(self, step, sql):
        answer = []
        connection = self.connection(step.connection)
        thread = threading.Thread(target=lambda: answer.extend(ask(connection, sql)), daemon=True)
        thread.start()
        thread.join(0.1)
        self.waiting[step.connection] = thread, answer
        return [] if thread.is_alive() else ["! 0 it didn't wait"] + answer

    def finish(self, step):
        thread, answer = self.waiting.pop(step.connection)
        thread.join(PATIENCE_S)
        return ["! 0 it still waits"] if thread.is_alive() else answer

    def lines(self, step):
        sql = step.sql.replace("{db}", self.database)
        if step.kind == ">>":
            return self.start(step, sql)
        if step.kind == "<":
            return self.finish(step)
        until = time.monotonic() + (PATIENCE_S if step.kind == "?>" else 0)
        while True:
            lines = ask(self.connection(step.connection), sql)
            if step.is_met_by(lines) or time.monotonic() >= until:
                return lines
            time.sleep(0.02)

    def failures(self):
        """Run all; a text for each statement that was answered otherwise."""
        for title, steps in parse(self.path):
            for step in steps:
                if step.kind == "@":
                    self.logins[step.connection] = step.sql.replace("{db}", self.database)
                    self.close(step.connection)
                    continue
                self.asked += bool(step.expected)
                step.expected = [x.replace("{db}", self.database) for x in step.expected]
                lines = self.lines(step)
                if not step.is_met_by(lines):
                    yield (f"{self.path.name}:{step.line}: {title}\n  {step.sql}\n" +
                           "".join(f"  wanted {x}\n" for x in step.expected) + "".join(f"  got    {x}\n" for x in lines))


def main(dsn, *names):
    here = pathlib.Path(__file__).parent
    paths = [pathlib.Path(n) for n in names] or sorted(here.glob("*.txt"))
    count = asked = 0
    for path in paths:
        with File(dsn, path) as f:
            for text in f.failures():
                count += 1
                print(text)
            asked += f.asked
    print(f"{len(paths)} files, {asked} probes, {count} answers differ")
    return 1 if count else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
