"""bench/kafka's cases at a steady pace: how late a row is, and whether lag grows.

    latency/sink   500 records a second into a topic of 3 partitions; from produce() to the commit that PostgreSQL tells a listener of
    latency/both   200 one-row transactions a second in the source, the capture job without delay; from commit to commit, through the topic
    pace           10,000 changed rows a second (100 transactions of 100 rows), source to PostgreSQL through the topic, for MINUTES: the
                   process's own lag every 5 s

The first seconds of the latencies aren't counted: both sides join their group in them. Nor is the first round of latency/both: a broker
that has just been started compiles its code in it, and needs three times as long for a transaction.
"""

import contextlib
import json
import os
import re
import select
import statistics
import subprocess
import threading
import time

import bench
import lab
import topics

RECORDS_PER_S, CHANGES_PER_S, SECONDS, WARM_S = 500, 200, 30, 5
PACE_TRANSACTIONS, PACE_ROWS = 100, 100
JSON = "org.apache.kafka.connect.json.JsonConverter"
BEATS = """create table beats (id bigint primary key, sent_us bigint not null);
create function tell() returns trigger language plpgsql as $$ begin
    perform pg_notify('beats', string_agg(sent_us::text, ' ')) from fresh; return null; end $$;
create trigger tell after insert on beats referencing new table as fresh for each statement execute function tell()"""
UNITS = {"µs": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}


def percentiles(values_ms):
    cuts = statistics.quantiles(values_ms, n=1000, method="inclusive")
    return {"count": len(values_ms), "p50_ms": round(cuts[499], 1), "p95_ms": round(cuts[949], 1), "p99_ms": round(cuts[989], 1)}


def field(name, kind):
    return {"field": name, "type": kind, "optional": False}


def record(id_, sent_us):
    key = {"schema": {"type": "struct", "name": "beats.Key", "optional": False, "fields": [field("id", "int64")]}, "payload": {"id": id_}}
    value = {"schema": {"type": "struct", "name": "beats.Value", "optional": False,
                        "fields": [field("id", "int64"), field("sent_us", "int64")]}, "payload": {"id": id_, "sent_us": sent_us}}
    return json.dumps(key), json.dumps(value)


class Listener(threading.Thread):
    """Notifications as they come: milliseconds from each record's produce() on."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection, self.late_ms, self.is_over = connection, {}, False
        with connection.cursor() as q:
            q.execute("listen beats")

    def run(self):
        while not self.is_over:
            if not select.select([self.connection], [], [], 0.2)[0]:
                continue
            self.connection.poll()
            now_us = time.time_ns() // 1000
            for notice in self.connection.notifies:
                for sent in map(int, notice.payload.split()):
                    self.late_ms.setdefault(sent, (now_us - sent) / 1000)
            self.connection.notifies.clear()


def latency_sink(b, sides):
    for side in sides:
        for round_ in range(1, b.rounds + 1):
            topic, database = f"beats-{b.number()}", b.new_database()
            bench.say(f"latency/sink: round {round_}: {side.name}")
            b.broker.create_topic(topic)
            with contextlib.closing(b.pg.connect(database)) as c, c.cursor() as q:
                q.execute(BEATS)
                _, connector = b.sink_connector("x", topic, database)
                connector.update({"collection.name.format": "beats", "insert.mode": "upsert", "key.converter": JSON, "value.converter": JSON})
                for name in [n for n in connector if n.startswith(("key.converter.", "value.converter."))]:
                    del connector[name]
                listener = Listener(c)
                listener.start()
                with side.running((f"sink-{topic}", connector)):
                    sent = produce(b, topic, lambda: side.check([(f"sink-{topic}", connector)]))
                    lab.wait_for("the last record", lambda: len(listener.late_ms) >= len(sent), 60, 0.1)
                listener.is_over = True
                listener.join()
            counted = [listener.late_ms[s] for i, s in enumerate(sent) if i >= WARM_S * RECORDS_PER_S]
            b.pace({"case": "latency/sink", "who": side.name, "round": round_, **percentiles(counted)})
            b.drop_database(database)


def produce(b, topic, check):
    """Records at their times; when each was handed over, in µs."""
    producer = topics.Producer({"bootstrap.servers": b.broker.address, "linger.ms": 0, **topics.LOG})
    sent, begin = [], time.monotonic()
    for i in range(RECORDS_PER_S * (SECONDS + WARM_S)):
        left = begin + i / RECORDS_PER_S - time.monotonic()
        if left > 0:
            time.sleep(left)
        if i % RECORDS_PER_S == 0:
            check()
        at = time.time_ns() // 1000
        sent.append(at)
        key, value = record(i, at)
        producer.produce(topic, value, key)
        producer.poll(0)
    assert producer.flush(30) == 0
    return sent


@contextlib.contextmanager
def flowing(b, rows, arguments):
    """millrace from a source of its own, through a topic, into PostgreSQL; the copy is done. Gives the process and its summary's path."""
    former, number = b.source, b.number()
    summary = bench.LAB / f"summary-{number}.json"
    try:
        with b.new_source("pace", rows, True, arguments=arguments, directory=f"standin-{number}"):
            prefix, database = f"pace{number}", b.target()
            topic = f"{prefix}.bench.dbo.items"
            b.broker.create_topic(topic)
            side = b.millrace()
            with side.running(b.source_connector(prefix, "avro"), b.sink_connector(f"sink-{prefix}", topic, database),
                              arguments=("--summary-file", summary)) as process:
                lab.wait_for("the copy", lambda: b.value(database, "select count(*) from items") == rows, 600, 0.2)
                yield process, summary
            b.drop_database(database)
    finally:
        b.source = former


def load(b, rate, seconds, keys, sql):
    return subprocess.run([lab.build_dir() / "tds_client", "--port", str(b.source.port), "--database", "bench", "beat", str(rate), str(seconds),
                           str(keys), sql], env={**os.environ, "STANDIN_PASSWORD": lab.PASSWORD}, capture_output=True, text=True, check=True)


def latency_both(b, _):
    for round_ in range(b.rounds + 1):
        with flowing(b, 5000, ["--capture-at-once"]) as (process, summary):
            bench.say(f"latency/both: round {round_}")
            time.sleep(WARM_S)
            load(b, CHANGES_PER_S, SECONDS, 5000, bench.BEAT.format(name="items"))
            time.sleep(2)
            rss = lab.peak_rss_mib(process.pid)
        if round_ == 0:
            continue
        s = max(map(json.loads, summary.read_text().splitlines()), key=lambda line: line["latency_count"])  # the sink's
        b.pace({"case": "latency/both", "who": "millrace", "round": round_, "count": s["latency_count"], "p50_ms": s["p50_us"] / 1000,
                 "p95_ms": s["p95_us"] / 1000, "p99_ms": s["p99_us"] / 1000, "peak_rss_mib": round(rss, 1)})


def lags_ms(log):
    """The lag that the process tells every 5 s."""
    return [float(n) * UNITS[unit] for n, unit in re.findall(r"applied .*?lag ([\d.]+) (µs|ms|s|min|h)\b", log)]


def pace(b, _, minutes):
    rows = 100_000
    with flowing(b, rows, ["--capture-interval-ms", "100"]) as (process, _summary):
        bench.say(f"pace: {PACE_TRANSACTIONS * PACE_ROWS:,} rows a second for {minutes} min")
        before, cpu = len(lags_ms(process.log())), lab.proc_cpu_s(process.pid)
        load(b, PACE_TRANSACTIONS, minutes * 60, rows - PACE_ROWS,
             f"UPDATE dbo.items SET total = total + 1 WHERE id BETWEEN @n AND @n + {PACE_ROWS - 1}")
        seen, cpu = lags_ms(process.log())[before:], lab.proc_cpu_s(process.pid) - cpu
        rss = lab.peak_rss_mib(process.pid)
    fifth = max(1, len(seen) // 5)
    b.pace({"case": "pace", "who": "millrace", "minutes": minutes, "rows": minutes * 60 * PACE_TRANSACTIONS * PACE_ROWS,
             "lag_first_fifth_ms": round(statistics.median(seen[:fifth]), 1), "lag_last_fifth_ms": round(statistics.median(seen[-fifth:]), 1),
             "lag_max_ms": round(max(seen), 1), "cpu_percent": round(100 * cpu / (minutes * 60), 1), "peak_rss_mib": round(rss, 1)})
