"""millrace status and verify with Kafka between: state, lag and rows of a source and a sink; both ends compared."""

import json
import subprocess

import lab
import lab_kafka
from test_source import Pipeline


class Shop(Pipeline):
    """A source and a sink in processes of their own, and a database for the sink."""

    def __init__(self, broker, cluster):
        schemas = {"key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true"}
        super().__init__(broker, worker=schemas)
        self.cluster, self.database = cluster, f"status_{self.directory.name.replace('-', '_')}"
        self.target("postgres", f'drop database if exists "{self.database}"')
        self.target("postgres", f'create database "{self.database}"')
        self.sink_file = self.directory / "sink.json"
        self.sink_file.write_text(json.dumps({"name": f"{self.prefix}-sink", "config": {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "topics": self.topic,
            "connection.url": f"jdbc:postgresql://127.0.0.1:{cluster.port}/{self.database}", "connection.username": "postgres",
            "connection.password": "", "insert.mode": "upsert", "primary.key.mode": "record_key", "delete.enabled": "true",
            "schema.evolution": "basic", "collection.name.format": "dbo.${source.table}"}}))
        self.target(self.database, "create schema dbo")

    def target(self, database, sql):
        c = self.cluster.connect(database)
        try:
            with c.cursor() as q:
                q.execute(sql)
                return q.fetchall() if q.description else []
        finally:
            c.close()

    def start_sink(self):
        run = lab.Millrace(self.directory, "--plain", self.worker_file, self.sink_file, name=f"sink{len(self.runs)}")
        self.runs.append(run)
        return run

    def command(self, *arguments, files=None):
        files = files or (self.worker_file, self.source_file, self.sink_file)
        return subprocess.run([lab.build_dir() / "millrace", *arguments, *map(str, files)], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def status(self):
        done = self.command("status", "--json")
        assert done.returncode in (0, 1) and done.stderr == "", done.stderr
        found = json.loads(done.stdout)
        assert found["healthy"] == (done.returncode == 0)
        [source], [sink] = found["sources"], found["sinks"]
        return found["healthy"], source, sink


def test_status_tells_both_halves(broker, cluster):
    with Shop(broker, cluster) as p:
        p.sql("INSERT dbo.items VALUES (1, 10, NULL), (2, 20, NULL)")
        before = broker.topics()
        healthy, source, sink = p.status()
        assert not healthy and source["state"] == "not started" and source["position"] is None
        assert sink["state"] == "stopped" and sink["topics"] == [] and broker.topics() == before
        assert not p.target(p.database, "select 1 from pg_namespace where nspname = 'millrace'")

        run, writer = p.start(), p.start_sink()
        p.wait("the rows", lambda: p.target(p.database, "select to_regclass('dbo.items') is not null")[0][0]
               and p.target(p.database, "select count(*) from dbo.items") == [(2,)])
        p.wait("health", lambda: p.status()[0] and p.status()[2]["ahead"] == 0)
        p.target(p.database, "analyze dbo.items")
        healthy, source, sink = p.status()
        assert source["state"] == "streaming" and source["behind_s"] == 0 and source["source"]["captured"]
        assert source["tables"] == [{"table": "dbo.items", "state": "streaming", "chunks_done": source["tables"][0]["chunks_done"]}]
        assert sink["state"] == "running" and sink["members"] == 1 and sink["behind_s"] == 0
        [topic] = sink["topics"]
        assert topic["topic"] == p.topic and topic["partitions"] == 3 and topic["table"] == '"dbo"."items"'
        assert topic["rows"] == 2 and topic["last_write"]

        assert writer.stop() == 0
        p.sql("INSERT dbo.items VALUES (3, 30, NULL), (4, 40, NULL)")
        p.wait("the records", lambda: p.status()[2]["ahead"] >= 2)
        healthy, source, sink = p.status()
        assert not healthy and sink["state"] == "stopped" and sink["behind_s"] > 0 and sink["topics"][0]["ahead"] == sink["ahead"]
        shown = p.command("status")
        assert shown.returncode == 1 and "streaming" in shown.stdout and "records wait, the oldest was written" in shown.stdout, shown.stdout
        assert '"dbo"."items"' in shown.stdout and "all that is captured is in the topics" in shown.stdout

        assert run.stop() == 0
        p.sql("INSERT dbo.items VALUES (5, 50, NULL)")
        p.wait("the capture job", lambda: p.status()[1]["behind_s"] > 0)
        only = json.loads(p.command("status", "--json", f"--pipeline={p.prefix}-sink").stdout)
        assert only["sources"] == [] and len(only["sinks"]) == 1


def test_verify_compares_the_two_ends(broker, cluster):
    with Shop(broker, cluster) as p:
        p.sql("INSERT dbo.items VALUES (1, 10, N'a'), (2, 20, NULL)")
        p.start()
        p.start_sink()
        p.wait("the rows", lambda: p.target(p.database, "select to_regclass('dbo.items') is not null")[0][0]
               and p.target(p.database, "select count(*) from dbo.items") == [(2,)])
        for i in range(3, 60):
            p.sql(f"INSERT dbo.items VALUES ({i}, {i}, NULL)")
        equal = p.command("verify")
        assert equal.returncode == 0 and "dbo.items" in equal.stdout, equal.stdout + equal.stderr
        p.target(p.database, "update dbo.items set n = 11 where id = 1")
        p.target(p.database, "delete from dbo.items where id = 2")
        found = p.command("verify", "--json")
        assert found.returncode == 1, found.stderr
        r = json.loads(found.stdout)
        assert {(k["key"], k["kind"], k["settled"]) for k in r["keys"]} == {("id=1", "differs", True), ("id=2", "only_source", True)}, r
        assert not r["behind"]


def test_what_lacks_an_end_or_cant_be_done_is_said(broker, cluster):
    with Shop(broker, cluster) as p:
        lacks = p.command("verify", files=(p.worker_file, p.source_file))
        assert lacks.returncode == 2 and "none of the files has a sink" in lacks.stderr, lacks.stderr
        other = p.command("cutover", "--dry-run")
        assert other.returncode == 2 and "`check`, `status` and `verify` work" in other.stderr, other.stderr
        away = lab_kafka.write_properties(p.directory / "away.properties", {"bootstrap.servers": "127.0.0.1:1"})
        p.server.stop()
        shown = p.command("status", "--json", files=(away, p.source_file, p.sink_file))
        assert shown.returncode == 1
        found = json.loads(shown.stdout)
        assert found["sources"][0]["state"] == found["sinks"][0]["state"] == "unknown"
        assert found["sources"][0]["why"] and found["sinks"][0]["why"] and found["sources"][0]["source"]["error"]
