"""bench/kafka: rows a second through topics, millrace beside the JVM stack, in one run on the same broker, data and PostgreSQL.

    make bench-kafka                                  every case, 1,000,000 rows, two rounds
    make bench-kafka CASES="sink/new" ROWS=200000     a part
    make bench-kafka WHO=jvm ROUNDS=3                 one side alone

    source/avro, source/json   the stand-in's table, first copy, into a topic of 3 partitions, acks=all
    limit                      the same topic by a bare librdkafka consumer (bench/kafka_limit.c)
    sink/new, sink/update      a topic of Debezium's into PostgreSQL, tasks.max=3, batches of 3,000
    sink/update-room           only when named: as sink/update, of a table made with fillfactor=50 (for both sides)
    both                       source and sink at once: table to topic to PostgreSQL, Avro
    latency/sink, latency/both, pace    only when named: kafka_pace.py says what they are (MINUTES=60 for pace)

The JVM stack: Kafka Connect with Debezium's SQL Server source and JDBC sink and Apicurio's Avro converter, its producer and queues
set for throughput (linger.ms=10, batches of 20,480). One worker serves all rounds, so all but the first are warm; its start isn't in
the times, millrace's is. So a case has two rates: over the whole time, and from the first row on, which leaves out both sides' start and the
joining of the sink's group. CPU and peak memory are the process's. Everything runs on the same cores, PostgreSQL is stock.
build/bench-kafka/results.jsonl gets a line a case, side and round.
"""

import argparse
import contextlib
import io
import itertools
import json
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import time

import fastavro

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "kafka")]

import bench  # noqa: E402
import kafka_pace  # noqa: E402
import lab  # noqa: E402
import lab_kafka  # noqa: E402
import topics  # noqa: E402

LAB = ROOT / "build" / "bench-kafka"
WARM = ("-Xms1g", "-XX:+UseG1GC", "-Xshare:auto")
TARGET = """create table items (id integer primary key, name text not null, note text, total numeric(12, 2) not null,
    price numeric(19, 4) not null, at timestamp(6) not null, is_open boolean not null, item_uid text not null)"""
JSON = "org.apache.kafka.connect.json.JsonConverter"
numbers = itertools.count(1)


class Jvm:
    """Kafka Connect as users run it: warm compilers, a large heap."""
    name = "jvm"

    def __init__(self, lab_):
        self.lab = lab_
        self.worker = lab_kafka.ConnectWorker(LAB / "connect", lab_.broker, lab_kafka.DEBEZIUM[1], heap="2g", options=WARM)
        self.worker.wait_up()

    @contextlib.contextmanager
    def running(self, *connectors):
        """Connectors that run; gives what reads their process's CPU and memory."""
        for name, config in connectors:
            config = {**config, "producer.override.linger.ms": "10", "producer.override.batch.size": "262144",
                      "max.batch.size": "20480", "max.queue.size": "81920"} if "topic.prefix" in config else config
            if "connection.url" in config:
                config = {**config, "connection.url": f"jdbc:postgresql://127.0.0.1:{self.lab.pg.port}/{config['connection.url'].rsplit('/', 1)[1]}?reWriteBatchedInserts=true",
                          "connection.username": "postgres", "connection.password": "none"}
            self.worker.post(name, config, wait=False)
        yield self.worker.process
        for name, _ in connectors:
            self.worker.delete(name)

    def check(self, connectors):
        for name, _ in connectors:
            try:
                status = self.worker.status(name)
            except lab_kafka.HttpError as e:
                if e.status == 404:  # it was posted a moment ago
                    continue
                raise
            failed = [t["trace"] for t in status["tasks"] if t["state"] == "FAILED"]
            assert not failed, failed[0][:3000]

    def close(self):
        self.worker.stop()


class Millrace:
    """A process for each run: worker's properties and the connectors' files, as a user gives them."""
    name = "millrace"

    def __init__(self, lab_):
        self.lab, self.process = lab_, None

    @contextlib.contextmanager
    def running(self, *connectors, arguments=()):
        worker = lab_kafka.write_properties(LAB / "worker.properties", {
            "bootstrap.servers": self.lab.broker.address, "offset.storage.topic": "millrace-offsets",
            "config.storage.topic": "millrace-configs", "status.storage.topic": "millrace-status",
            "group.id": "millrace", "key.converter": JSON, "value.converter": JSON})
        files = []
        for name, config in connectors:
            files.append(LAB / f"{name}.json")
            files[-1].write_text(json.dumps({"name": name, "config": config}))
        self.process = lab.Millrace(LAB, *arguments, worker, *files, name=f"millrace-{next(numbers)}")
        try:
            yield self.process
        finally:
            status = self.process.stop()
        assert status == 0, self.process.log()[-3000:]

    def check(self, connectors):
        assert self.process.is_running(), self.process.log()[-3000:]


class KafkaBench(bench.Bench):
    def __init__(self, rows, rounds):
        super().__init__(rows, rounds)
        self.broker = self.registry = self._jvm = None
        self.results, self.paces = [], []

    def jvm(self):
        """The one worker: a topic of Debezium's is wanted whoever is measured."""
        self._jvm = self._jvm or Jvm(self)
        return self._jvm

    def close(self):
        if self._jvm:
            self._jvm.close()

    def target(self, fillfactor=100):
        """A database with the table: several tasks of Debezium's sink can't make it, they run into each other."""
        database = self.new_database()
        with contextlib.closing(self.pg.connect(database)) as c, c.cursor() as q:
            q.execute(f"{TARGET} with (fillfactor = {fillfactor})")
        return database

    # ---- connectors ----

    def converters(self, kind):
        if kind == "avro":
            return {**self.registry.converter("key"), **self.registry.converter("value")}
        return {"key.converter": JSON, "value.converter": JSON,
                "key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false"}

    def source_connector(self, prefix, kind):
        return f"source-{prefix}", {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": prefix,
            "database.hostname": "127.0.0.1", "database.port": str(self.source.port), "database.user": "sa",
            "database.password": lab.PASSWORD, "database.names": "bench", "database.encrypt": "false",
            "table.include.list": "dbo.items", "schema.history.internal.kafka.bootstrap.servers": self.broker.address,
            "schema.history.internal.kafka.topic": f"history-{prefix}", "producer.override.acks": "all",
            "topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3", "snapshot.mode": "initial",
            **self.converters(kind)}

    def sink_connector(self, name, topic, database):
        return name, {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "3", "topics": topic,
            "connection.url": self.uri(database), "insert.mode": "upsert", "primary.key.mode": "record_key", "delete.enabled": "true",
            "schema.evolution": "none", "collection.name.format": "items", "batch.size": "3000",
            "consumer.override.max.poll.records": "3000", "consumer.override.auto.offset.reset": "earliest", **self.converters("avro")}

    # ---- measuring ----

    def measure(self, case, side, round_, connectors, begun, done, seconds=1800):
        """Run connectors until done(); one line of results. begun(): the first row is there."""
        bench.say(f"{case}: round {round_}: {side.name}")
        others = {"pg": self.pg, "broker": self.broker, "source": self.source}
        before = {k: lab.proc_cpu_s(p.process.pid) for k, p in others.items() if p}
        begin = time.monotonic()
        own = lab.proc_cpu_s(side.worker.process.pid) if side.name == "jvm" else 0.0
        with side.running(*connectors) as process:
            def until(seen):
                def check():
                    side.check(connectors)
                    return seen()
                lab.wait_for(f"{case} by {side.name}", check, seconds, 0.05)
                return time.monotonic() - begin
            first, took = until(begun), until(done)
            cpu, rss = lab.proc_cpu_s(process.pid) - own, lab.peak_rss_mib(process.pid)
        after = {f"{k}_cpu_s": lab.proc_cpu_s(p.process.pid) - before[k] for k, p in others.items() if p}
        self.add(case, side.name, round_, took, cpu, rss, {"first_s": round(first, 3), "from_first_rows_per_s": round(self.rows / (took - first)), **after})

    def add(self, case, who, round_, seconds, cpu, rss, others):
        million = self.rows / 1e6
        result = {"case": case, "who": who, "round": round_, "rows": self.rows, "seconds": round(seconds, 3),
                  "rows_per_s": round(self.rows / seconds), "cpu_s_per_million": round(cpu / million, 2), "peak_rss_mib": round(rss, 1),
                  **{k.replace("_cpu_s", "_cpu_s_per_million"): round(v / million, 2) for k, v in others.items()}}
        self.results.append(result)
        self.write(result)

    @staticmethod
    def write(result):
        with open(LAB / "results.jsonl", "a") as out:
            out.write(json.dumps(result) + "\n")

    def pace(self, result):
        self.paces.append(result)
        self.write(result)

    @staticmethod
    def number():
        return next(numbers)

    def millrace(self):
        return Millrace(self)

    def holds(self, topic, count):
        """Whether the topic has that many records by now; asks for offsets alone."""
        def check():
            c = topics.consumer(self.broker)
            try:
                return sum(end - first for first, end in (c.get_watermark_offsets(p, timeout=20) for p in topics.partitions_of(c, topic))) >= count
            except Exception:
                return False  # the topic isn't there yet
            finally:
                c.close()
        return check

    def applied(self, database, topic, changed):
        """Whether each partition's last row is in the target: partitions are carried in order."""
        last = self.last_records(topic)
        where = self.where(last, changed)
        return lambda: self.value(database, f"select count(*) from items where {where}") == len(last)

    def begun(self, database, topic, changed):
        """Whether a partition's first row is in the target."""
        where = self.where(self.first_records(topic), changed)
        return lambda: self.value(database, f"select exists(select 1 from items where {where})")

    def where(self, records, changed):
        """The rows of these records, once they are changed where that is awaited."""
        decode = topics.Avro(self.registry)
        ids = ", ".join(str(decode(record.key)[1]["id"]) for record in records)
        return f"id in ({ids})" + (" and note like 'changed%'" if changed else "")

    def first_records(self, topic):
        c = topics.consumer(self.broker)
        try:
            found = []
            for part in topics.partitions_of(c, topic):
                part.offset, end = c.get_watermark_offsets(part, timeout=20)
                c.assign([part] if end > part.offset else [])
                message = c.poll(5) if end > part.offset else None
                if message is not None and not message.error():
                    found.append(topics.Record(topic, part.partition, message.offset(), message.key(), message.value(), [], 0, True))
            return found
        finally:
            c.close()

    def last_records(self, topic):
        c = topics.consumer(self.broker)
        try:
            found = []
            for part in topics.partitions_of(c, topic):
                first, end = c.get_watermark_offsets(part, timeout=20)
                for back in range(1, 10) if end > first else ():  # a transaction's mark may be the last
                    part.offset = end - back
                    c.assign([part])
                    message = c.poll(1)
                    if message is not None and not message.error():
                        found.append(topics.Record(topic, part.partition, message.offset(), message.key(), message.value(), [], 0, True))
                        break
            return found
        finally:
            c.close()

    # ---- cases ----

    def case_source(self, sides, kind):
        for round_ in range(1, self.rounds + 1):
            for side in sides:
                prefix = f"{kind}{side.name}{next(numbers)}"
                self.measure(f"source/{kind}", side, round_, [self.source_connector(prefix, kind)],
                             self.holds(f"{prefix}.bench.dbo.items", 1), self.holds(f"{prefix}.bench.dbo.items", self.rows))

    def topic(self):
        """A topic of Debezium's first copy, made once."""
        name = "made.bench.dbo.items"
        if name not in self.broker.topics():
            bench.say("making a topic with Debezium")
            with self.jvm().running(self.source_connector("made", "avro")):
                lab.wait_for("the topic", self.holds(name, self.rows), 1800, 0.5)
        return name

    def updates(self):
        """The same rows as updates: each record's row before, and the row with a new note and totals after."""
        name = "updates.bench.dbo.items"
        if name in self.broker.topics():
            return name
        made = self.topic()
        bench.say("making a topic of updates")
        self.broker.create_topic(name)
        decode = topics.Avro(self.registry)
        producer = topics.Producer({"bootstrap.servers": self.broker.address, "linger.ms": 20, **topics.LOG})
        for record in topics.read(self.broker, [made], 600):
            _, schema = decode.parsed(struct.unpack(">bI", record.value[:5])[1])
            row = decode(record.value)[1]
            row.update(op="u", before=row["after"], after={**row["after"], "note": f"changed {row['after']['id']}"})
            row["source"]["snapshot"] = "false"
            out = io.BytesIO()
            out.write(record.value[:5])
            fastavro.schemaless_writer(out, schema, row)
            while True:
                try:
                    producer.produce(name, out.getvalue(), record.key, record.partition)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(120) == 0
        return name

    def case_limit(self, _):
        topic = self.topic()
        for round_ in range(1, self.rounds + 1):
            done = subprocess.run([lab.build_dir() / "kafka_limit", self.broker.address, topic], capture_output=True, text=True, check=True)
            r = json.loads(done.stdout)
            assert r["rows"] == self.rows, r
            self.add("limit", "librdkafka", round_, r["seconds"], r["cpu_s"], r["peak_rss_mib"], {})

    def case_sink(self, sides, case, changed, fillfactor=100):
        topic = self.topic()
        updates = self.updates() if changed else None
        for round_ in range(1, self.rounds + 1):
            for side in sides:
                database, number = self.target(fillfactor), next(numbers)
                new = [self.sink_connector(f"sink-{number}", topic, database)]
                done = self.applied(database, topic, False)
                if not changed:
                    self.measure(case, side, round_, new, self.begun(database, topic, False), done)
                else:
                    with side.running(*new):
                        lab.wait_for("the rows", done, 1800, 0.1)
                    connector = self.sink_connector(f"sink-u{number}", updates, database)
                    self.measure(case, side, round_, [connector], self.begun(database, updates, True),
                                 self.applied(database, updates, True))
                assert self.value(database, "select count(*) from items") == self.rows
                self.drop_database(database)

    def case_both(self, sides):
        for round_ in range(1, self.rounds + 1):
            for side in sides:
                database, number = self.target(), next(numbers)
                prefix = f"both{side.name}{number}"
                topic = f"{prefix}.bench.dbo.items"
                self.broker.create_topic(topic)
                self.measure("both", side, round_,
                             [self.source_connector(prefix, "avro"), self.sink_connector(f"sink-{prefix}", topic, database)],
                             lambda: self.value(database, "select exists(select 1 from items)"),
                             lambda: self.value(database, f"select count(*) from items where id > {self.rows - 1000}") == 1000
                             and self.value(database, "select count(*) from items") == self.rows)
                self.drop_database(database)


CASES = {
    "source/avro": lambda b, sides: b.case_source(sides, "avro"),
    "source/json": lambda b, sides: b.case_source(sides, "json"),
    "limit": lambda b, sides: b.case_limit(sides),
    "sink/new": lambda b, sides: b.case_sink(sides, "sink/new", False),
    "sink/update": lambda b, sides: b.case_sink(sides, "sink/update", True),
    "sink/update-room": lambda b, sides: b.case_sink(sides, "sink/update-room", True, fillfactor=50),
    "both": lambda b, sides: b.case_both(sides),
    "latency/sink": kafka_pace.latency_sink,
    "latency/both": kafka_pace.latency_both,
    "pace": lambda b, sides: kafka_pace.pace(b, sides, b.minutes),
}
ONLY_WHEN_NAMED = ("sink/update-room", "latency/sink", "latency/both", "pace")
SIDES = {"jvm": KafkaBench.jvm, "millrace": Millrace}


def show(results):
    """Medians of each case and side as Markdown, and what millrace has of the JVM's."""
    found = {}
    for r in results:
        found.setdefault((r["case"], r["who"]), []).append(r)
    keys = ["rows_per_s", "from_first_rows_per_s", "cpu_s_per_million", "pg_cpu_s_per_million", "broker_cpu_s_per_million", "source_cpu_s_per_million", "peak_rss_mib"]
    print("| case | who | rows/s | from the first row on | CPU s per 1M | PostgreSQL | broker | source | peak MiB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (case, who), some in found.items():
        values = [statistics.median(r[k] for r in some) if k in some[0] else None for k in keys]
        print(f"| `{case}` | {who} | " + " | ".join("" if v is None else f"{v:,.0f}" if i in (0, 1, 6) else f"{v:.2f}" for i, v in enumerate(values)) + " |")
    for case in dict.fromkeys(case for case, _ in found):
        if (case, "jvm") in found and (case, "millrace") in found:
            of = {w: [statistics.median(r[k] for r in found[case, w]) for k in keys[:3]] for w in SIDES}
            print(f"{case}: {of['millrace'][0] / of['jvm'][0]:.1f} × the rows/s, {of['millrace'][1] / of['jvm'][1]:.1f} × from the first row on, "
                  f"1/{of['jvm'][2] / max(of['millrace'][2], 0.01):.1f} of the CPU")


def show_paces(paces):
    for p in paces:
        print(", ".join(f"{k} {v}" for k, v in p.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=" ".join(c for c in CASES if c not in ONLY_WHEN_NAMED), help="names, separated by blanks")
    parser.add_argument("--who", default=" ".join(SIDES), help="jvm, millrace or both")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=int, default=60, help="of pace")
    args = parser.parse_args()
    wanted, who = re.split(r"[ ,]+", args.cases.strip()), re.split(r"[ ,]+", args.who.strip())
    for name, known in [*((c, CASES) for c in wanted), *((w, SIDES) for w in who)]:
        if name not in known:
            parser.error(f"no {name}; there are {', '.join(known)}")
    lab.fresh_dir(LAB)
    b = KafkaBench(args.rows, args.rounds)
    b.minutes = args.minutes
    failed = []
    bench.LAB = LAB
    with contextlib.ExitStack() as stack:
        b.broker = stack.enter_context(lab_kafka.Broker(LAB / "broker", heap="1g", options=WARM[1:]))
        b.registry = stack.enter_context(lab_kafka.Registry(LAB / "registry", heap="512m", options=WARM[1:]))
        b.pg = stack.enter_context(lab.Postgres(LAB / "pg", database="limit"))
        stack.enter_context(b.new_source("source", b.rows, loaded=True))
        stack.callback(b.close)
        sides = [SIDES[w](b) for w in who]
        for case in wanted:
            try:
                CASES[case](b, sides)
            except Exception as e:  # the other cases' figures aren't lost for it
                failed.append(case)
                print(f"\n{case}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
            b.close_connections()
    bench.say("")
    print()
    show(b.results)
    show_paces(b.paces)
    return f"failed: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())
