"""Debezium's JDBC sink and millrace's, each from Debezium's topics and from millrace's: the rows in PostgreSQL are the same. And both
in turns on one connector: each goes on from the group's offsets.

The scenario is streamed by both sources into one broker; each sink then carries each source's topics into a database of its own, by the
same connector's file. What the JVM's own pair of them makes is what the three others are held to. Differences that are left on purpose are
in DIFFERENCES and in docs/compatibility.md.
"""

import contextlib
import itertools
import json
import re
import threading
import time
from decimal import Decimal

import pytest
from confluent_kafka import Consumer, TopicPartition

import lab
import lab_kafka
import scenario
import sides
import topics
from conftest import LAB
from test_same import play
from test_sink import ENVELOPE, key, with_schema

VERSION = lab_kafka.DEBEZIUM[1]
FORMATS = ["schemas", "avro"]  # of scenario.SETTINGS: JSON with schemas, and Avro
KEYLESS = "dbo.journal"  # needs another mode at Debezium's sink
SOURCES = {"debezium": "dbz", "millrace": "mil"}  # and the label of its topics
COMBINATIONS = [(source, sink) for source in SOURCES for sink in ("jdbc", "millrace")]
JVM = ("debezium", "jdbc")
# What differs on purpose from the JVM's pair: who brings it, and how it shows. docs/compatibility.md tells why.
numbers = itertools.count(1)
DIFFERENCES = {
    "filled before the second capture instance": ("source", r"^dbo_customers \('1',\) points: 'None' and '5'$"),
    "Julian calendar before 1582, offsets": ("source", r" an_offset: '0001-12-30 00:00:00\+00 BC' and '0001-01-01 00:00:00\+00'$"),
    "datetime2(7) past 64 bits of nanoseconds wraps": ("source", r" datetime2_7: '1(754|816)-.*' and 'None'$"),
    "days that Java's calendar leaves out": ("source", r" a_date: '1582-10-20' and '1582-10-10'$"),
    "the last 50 ns of a day are the next one": ("sink", r" time7: '00:00:00' and '23:59:59.999999'$"),
    "the last 50 ns of 9999 are in 10000": ("sink", r" an_offset: '10000-01-01 00:00:00\+00' and '9999-12-31 23:59:59.999999\+00'$"),
}
BEFORE_YEAR_1 = "0000-12-30T00:00:00Z"  # what Debezium makes of year 1; no datetimeoffset, so refused by millrace's sink


@pytest.fixture(scope="module")
def jvm(broker):
    """A Connect worker for all sinks and Debezium's source."""
    with lab_kafka.ConnectWorker(LAB / "connect-sinks", broker, VERSION, "connect-sinks", {"offset.flush.interval.ms": 200}) as w:
        yield w


def sink_config(cluster, database, names, **more):
    """A sink's properties, for both: tables are named by the topic's last two parts."""
    return {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": ",".join(names),
        "connection.url": f"jdbc:postgresql://127.0.0.1:{cluster.port}/{database}", "connection.username": "postgres",
        "connection.password": "none", "insert.mode": "upsert", "primary.key.mode": "record_key", "delete.enabled": "true",
        "schema.evolution": "basic", "quote.identifiers": "true", "consumer.override.auto.offset.reset": "earliest",
        "transforms": "route", "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": r"[^.]+\.[^.]+\.(.*)", "transforms.route.replacement": "$1", **more}


def make_database(cluster, name):
    with contextlib.closing(cluster.connect("postgres")) as c, c.cursor() as q:
        q.execute(f'create database "{name}"')


def start_millrace(broker, directory, name, config):
    worker = lab_kafka.write_properties(directory / "sink-worker.properties", {"bootstrap.servers": broker.address})
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"name": name, "config": config}))
    return lab.Millrace(directory, "--plain", worker, path, name=f"millrace-{name}")


def committed(broker, name, places):
    """Where a sink's group stands, of (topic, partition)s."""
    c = Consumer({"bootstrap.servers": broker.address, "group.id": f"connect-{name}", **{"logger": lab_kafka.QUIET}})
    try:
        return {(p.topic, p.partition): p.offset for p in c.committed([TopicPartition(*place) for place in places], 20)}
    finally:
        c.close()


@pytest.fixture(scope="module")
def targets(broker, registry, jvm, cluster):
    """{format: {(source, sink): database}} after all of the scenario."""
    directory = lab.fresh_dir(LAB / "sinks")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.Standin(directory / "standin"))
        debezium = sides.Debezium(jvm, server, registry, SOURCES["debezium"])
        millrace = stack.enter_context(sides.Millrace(directory / "source", broker, server, registry, VERSION[:3], SOURCES["millrace"]))
        play(server, (debezium, millrace), FORMATS)
        scenario.run(server, *scenario.insert_every(range(200, 200 + scenario.ROWS)),  # each case of each type stays in a row
                     "INSERT INTO sales.[order lines] VALUES (7, N'groß', NULL, 3)")
        scenario.mark(server, 200)
        for side in (debezium, millrace):
            side.wait_mark(200, FORMATS)
        debezium.stop(FORMATS)
        millrace.stop()
        yield carry(stack, directory, {"debezium": debezium, "millrace": millrace}, jvm, cluster)


def carry(stack, directory, sources, worker, cluster):
    """All combinations at once, to their topics' ends."""
    found, waited = {f: {} for f in FORMATS}, []
    for form in FORMATS:
        for source, sink in COMBINATIONS:
            side, name = sources[source], f"sink_{source}_{sink}_{form}"
            names = [t for t in side.topics_of(form) if f".{scenario.DATABASE}." in t and not t.endswith(KEYLESS)]
            make_database(cluster, name)
            config = {**sink_config(cluster, name, names), **sides.converters(form, side.registry), "errors.tolerance": "all",
                      "errors.deadletterqueue.topic.name": f"{name}-dead", "errors.deadletterqueue.topic.replication.factor": "1"}
            if sink == "jdbc":
                worker.post(name, config, wait=False)
                check = lambda name=name: worker.wait_running(name, 1)  # noqa: E731
            else:
                process = stack.enter_context(start_millrace(worker.broker, directory, name, config))
                check = lambda process=process: is_up(process)  # noqa: E731
            ends = {(r.topic, r.partition): r.offset + 1 for r in topics.read(worker.broker, names)}
            waited.append((name, check, ends))
            found[form][(source, sink)] = name
    for name, check, ends in waited:
        wait_carried(worker.broker, name, ends, check)
    return found


def is_up(process):
    assert process.is_running(), process.log()[-3000:]


def wait_carried(broker, name, ends, check):
    def there():
        check()
        at = committed(broker, name, ends)
        return all(at[place] >= end for place, end in ends.items())
    try:
        lab.wait_for(f"{name} at its topics' ends", there, 90, 0.2)
    except TimeoutError as e:
        at = committed(broker, name, ends)
        raise AssertionError(f"{e}: {[(p, at[p], end) for p, end in ends.items() if at[p] < end]}") from None


def shown(cluster, database):
    """{table: {key: {column: text}}}; numbers as such: the sinks give decimals other scales."""
    found = {}
    with contextlib.closing(cluster.connect(database)) as c, c.cursor() as q:
        q.execute("set timezone = 'UTC'; set extra_float_digits = 1")
        q.execute("select relname, array_agg(attname order by attnum), array_agg(atttypid::regtype::text order by attnum), "
                  "(select array_agg(k.attname::text order by k.attnum) from pg_index i join pg_attribute k on k.attrelid = c.oid and k.attnum = any(i.indkey) "
                  "where i.indrelid = c.oid and i.indisprimary) from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped "
                  "where relkind = 'r' and relnamespace = 'public'::regnamespace group by c.oid, relname")
        for table, columns, kinds, primary in q.fetchall():
            q.execute(f'select {", ".join(chr(34) + n + chr(34) + "::text" for n in columns)} from "{table}"')
            rows = [{n: Decimal(v) if k == "numeric" and v is not None else v for n, k, v in zip(columns, kinds, r)} for r in q.fetchall()]
            found[table] = {tuple(r[k] for k in primary): r for r in rows}
    return found


def differences(ones, others):
    for table in sorted(set(ones) | set(others)):
        if table not in ones or table not in others:
            yield f"{table}: only {'second' if table not in ones else 'first'}"
            continue
        a, b = ones[table], others[table]
        for k in sorted(set(a) ^ set(b)):
            yield f"{table} {k}: only {'second' if k not in a else 'first'}"
        for k in sorted(set(a) & set(b)):
            for column in sorted(set(a[k]) | set(b[k])):
                x, y = a[k].get(column, "no column"), b[k].get(column, "no column")
                if x != y:
                    yield f"{table} {k} {column}: {str(x)[:60]!r} and {str(y)[:60]!r}"


def known(combination, difference):
    """Of the differences that are meant, those that this one shows; and only where what differs is ours."""
    ours = {side for side, who in zip(("source", "sink"), combination) if who == "millrace"}
    return [what for what, (side, pattern) in DIFFERENCES.items() if side in ours and re.search(pattern, difference)]


def refused(broker, registry, form, database):
    """Values of a sink's dead letters."""
    decode = topics.Avro(registry) if form == "avro" else topics.json_with_schema
    dead = f"{database}-dead"
    return [decode(r.value)[1] for r in topics.read(broker, [dead])] if dead in broker.topics() else []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("combination", COMBINATIONS[1:], ids="-".join)
def test_rows_are_those_of_debezium_through_its_own_sink(targets, broker, registry, cluster, form, combination):
    jvms, ours = shown(cluster, targets[form][JVM]), shown(cluster, targets[form][combination])
    assert len(jvms) == len(scenario.TABLES) - 1 and min(map(len, jvms.values())) > 0 and len(jvms["dbo_every"]) > scenario.ROWS
    assert refused(broker, registry, form, targets[form][JVM]) == []
    letters = refused(broker, registry, form, targets[form][combination])
    assert all(e["after"]["an_offset"] == BEFORE_YEAR_1 for e in letters)
    assert bool(letters) == (combination == ("debezium", "millrace"))
    if letters:  # rows whose last state was refused are as they were before
        for k in [k for k, r in jvms["dbo_every"].items() if str(r["an_offset"]).endswith(" BC")]:
            assert int(k[0]) in {e["after"]["id"] for e in letters}
            del jvms["dbo_every"][k]
            ours["dbo_every"].pop(k, None)
    found = list(differences(jvms, ours))
    left = [d for d in found if not known(combination, d)]
    assert not left, "\n".join(left)
    sides_of = {side for side, who in zip(("source", "sink"), combination) if who == "millrace"}
    assert {what for d in found for what in known(combination, d)} == {what for what, (side, _) in DIFFERENCES.items() if side in sides_of}


class Turns:
    """A connector that either sink may run, from a topic that somebody fills all the while. Records are inserts, updates and deletes of
    some keys (upsert), or rows without a key in the target, where one that comes twice shows (insert)."""

    def __init__(self, broker, worker, cluster, mode):
        self.broker, self.worker, self.cluster, self.mode = broker, worker, cluster, mode
        self.name = f"turns_{mode}_{next(numbers)}"
        self.directory = lab.fresh_dir(LAB / self.name)
        self.topic = f"{self.name}.shop.t"
        self.places = [(self.topic, 0), (self.topic, 1)]
        broker.create_topic(self.topic, len(self.places))
        make_database(cluster, self.name)
        keyed = {} if mode == "upsert" else {"insert.mode": "insert", "primary.key.mode": "none", "delete.enabled": "false"}
        self.config = {**sink_config(cluster, self.name, [self.topic]), **sides.converters("schemas", None),
                       "consumer.override.session.timeout.ms": "6000", **keyed}
        self.count, self.rows, self.is_fed = 0, {}, True
        self.is_posted, self.process = False, None
        self.feeder = threading.Thread(target=self._feed)
        self.feeder.start()

    def _feed(self):
        while self.is_fed:
            topics.produce(self.broker, [self._record(i) for i in range(self.count, self.count + 50)])
            self.count += 50
            time.sleep(0.05)

    def _record(self, n):
        i = n if self.mode == "insert" else n * 7 % 40
        had = {"id": i, "name": self.rows[i]} if i in self.rows else None
        op = "c" if not had else "d" if n % 5 == 0 else "u"
        has = None if op == "d" else {"id": i, "name": f"n{n}"}
        if has:
            self.rows[i] = has["name"]
        else:
            del self.rows[i]
        source = {"name": "s", "db": "d", "schema": "dbo", "table": "t", "snapshot": "false", "ts_ms": 1000, "event_serial_no": 1,
                  "commit_lsn": f"00000001:{n:08x}:0001", "change_lsn": f"00000001:{n:08x}:0001"}
        value = {"before": had, "after": has, "op": op, "ts_ms": 0, "source": source}
        return self.topic, i % 2, key(i), with_schema(ENVELOPE, value), None

    def sql(self, text):
        with contextlib.closing(self.cluster.connect(self.name)) as c, c.cursor() as q:
            q.execute(text)
            return q.fetchall()

    def newest(self):
        """The number of the newest record that is in the table."""
        there = self.sql("select to_regclass('t') is not null")[0][0]
        return self.sql("select coalesce(max(substr(name, 2)::int), -1) from t")[0][0] if there else -1

    def start(self, who):
        if who == "millrace":
            self.process = start_millrace(self.broker, self.directory, self.name, self.config)
        elif self.is_posted:
            self.worker.resume(self.name)
        else:
            self.worker.post(self.name, self.config)
            self.is_posted = True

    def stop(self, who):
        if who == "millrace":
            assert self.process.stop() == 0, self.process.log()[-3000:]
        else:
            self.worker.stop_connector(self.name)

    def stands(self):
        """Where the group stands: records before, of both partitions."""
        return sum(max(at, 0) for at in committed(self.broker, self.name, self.places).values())

    def wait_moves(self, who, by=200):
        """Until the newest row is one of that many records further than all that there was."""
        since = self.count
        lab.wait_for(f"{self.name}: {who} goes on", lambda: self.newest() >= since + by, 90, 0.05)

    def wait_end(self):
        self.is_fed = False
        self.feeder.join()
        ends = {(r.topic, r.partition): r.offset + 1 for r in topics.read(self.broker, [self.topic])}
        wait_carried(self.broker, self.name, ends, lambda: is_up(self.process))

    def close(self):
        self.is_fed = False
        self.feeder.join()
        if self.process and self.process.is_running():
            self.process.kill()


@pytest.mark.parametrize("mode", ["upsert", "insert"])
def test_sinks_take_turns_in_mid_topic(broker, jvm, cluster, mode):
    """Ours commits what it has written, so that the other neither repeats nor leaves out. Debezium's leaves the group behind even when it
    is stopped: that is repeated, which a key hides and a table without one shows."""
    with contextlib.closing(Turns(broker, jvm, cluster, mode)) as turns:
        repeats = 0
        for who in ("jdbc", "millrace", "jdbc", "millrace"):
            turns.start(who)
            turns.wait_moves(who)
            turns.stop(who)
            stands = turns.stands()
            lab.wait_for("more records", lambda: 0 < stands < turns.count)  # noqa: B023
            if mode == "insert":
                [(count, written)] = turns.sql("select count(*), count(distinct id) from t")
                ahead = written - stands
                assert ahead == 0 or who == "jdbc" and ahead > 0
                assert count == written + repeats
                repeats += ahead
        turns.start("millrace")
        turns.wait_end()
        assert dict(turns.sql("select id, name from t")) == turns.rows
        assert turns.sql("select count(*) from t") == [(len(turns.rows) + repeats,)]


def test_a_killed_worker_loses_nothing(broker, jvm, cluster):
    """What the JVM's sink wrote and hadn't committed comes again: a key hides that, a table without one shows it. The file's last
    test: the worker stays away."""
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(contextlib.closing(Turns(broker, jvm, cluster, mode))) for mode in ("upsert", "insert")]
        for turns in both:
            turns.start("jdbc")
        for turns in both:
            turns.wait_moves("jdbc")
        jvm.stop(kill=True)
        for turns in both:
            turns.start("millrace")
        for turns in both:
            turns.wait_moves("millrace")
            turns.wait_end()
        keyed, keyless = both
        assert dict(keyed.sql("select id, name from t")) == keyed.rows
        assert dict(keyless.sql("select id, name from t")) == keyless.rows
