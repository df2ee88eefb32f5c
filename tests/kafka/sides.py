"""Who reads the scenario: real Debezium in a Connect worker, and what a side's topics hold."""

import json
import signal

import lab
import lab_kafka
import scenario
import topics


def converters(name, registry):
    if name == "avro":
        return {**registry.converter("key"), **registry.converter("value")}
    return {f"{side}.converter": "org.apache.kafka.connect.json.JsonConverter" for side in ("key", "value")}


class Side:
    """One of the two that read the scenario: connectors by the scenario's names, topics on a broker of their own, or, by a label
    before all names, on one that is shared."""

    def __init__(self, broker, registry, label=""):
        self.broker, self.registry, self.label = broker, registry, label
        self.avro = topics.Avro(registry)

    def check(self):
        """Fail when what writes has ended."""

    def decoder(self, name):
        if name == "avro":
            return self.avro
        return topics.json_plain if name == "plain" else topics.json_with_schema

    def topics_of(self, name):
        """Of a connector's rows, transactions and schema changes."""
        own = self.label + name
        return [t for t in self.broker.topics() if t == own or t.startswith(f"{own}.")]

    def read(self, name):
        """Every record that a connector wrote, decoded."""
        decode = self.decoder(name)
        return [Decoded(r, decode) for r in topics.read(self.broker, self.topics_of(name))]

    def wait_copied(self, rows, names=scenario.SETTINGS):
        """Until each connector has written that many rows of a first copy."""
        for name in names:
            def copied():
                self.check()
                tables = [t for t in self.topics_of(name) if t.startswith(f"{self.label}{name}.{scenario.DATABASE}.")]
                return sum(r.value is not None for r in topics.read(self.broker, tables)) >= rows
            lab.wait_for(f"{name}: {rows} rows copied", copied, 120, 0.2)

    def wait_mark(self, number, names=scenario.SETTINGS):
        """Until each connector has written the mark, so all before it."""
        for name in names:
            decode = self.decoder(name)

            def there():
                self.check()
                rows = [decode(r.value)[1] for r in topics.read(self.broker, [f"{self.label}{name}.{scenario.DATABASE}.dbo.mark"])]
                return any(row and row["op"] == "c" and row["after"]["id"] == number for row in rows)
            lab.wait_for(f"{name}: mark {number}", there, 120, 0.2)


class Decoded:
    """A record with schema and value of its key and value."""

    def __init__(self, record, decode):
        self.record = record
        self.topic, self.partition, self.offset = record.topic, record.partition, record.offset
        self.key_schema, self.key = decode(record.key)
        self.value_schema, self.value = decode(record.value)
        self.headers = record.headers


class Debezium(Side):
    """Debezium's connectors in one Connect worker."""

    def __init__(self, worker, server, registry, label=""):
        super().__init__(worker.broker, registry, label)
        self.worker, self.server = worker, server
        self.names = []  # of those that were started

    def start(self, names=scenario.SETTINGS):
        self.names = list(names)
        for name in names:
            self.worker.post(self.label + name, {**scenario.settings(self.server, self.broker, name, self.label),
                                                 **converters(name, self.registry)}, wait=False)
        for name in names:
            self.worker.wait_running(self.label + name)

    def check(self):
        for name in self.names:
            self.worker.check_running(self.label + name)

    def stop(self, names=scenario.SETTINGS):
        for name in names:
            self.worker.stop_connector(self.label + name)

    def go_on(self, names=scenario.SETTINGS):
        for name in names:
            self.worker.resume(self.label + name)


class Millrace(Side):
    """One millrace process a connector, of the given version's shapes."""

    def __init__(self, directory, broker, server, registry, version, label=""):
        super().__init__(broker, registry, label)
        self.directory, self.server, self.version = lab.fresh_dir(directory), server, version
        self.processes = {}

    def start(self, names=scenario.SETTINGS):
        worker = lab_kafka.write_properties(self.directory / "worker.properties", {
            "bootstrap.servers": self.broker.address, "group.id": f"{self.label}connect",
            **{f"{what}.storage.topic": f"{self.label}connect-{plural}"
               for what, plural in (("offset", "offsets"), ("config", "configs"), ("status", "status"))}})
        for name in names:
            path = self.directory / f"{name}.json"
            path.write_text(json.dumps({"name": self.label + name, "config": {
                **scenario.settings(self.server, self.broker, name, self.label), **converters(name, self.registry),
                "debezium.version": self.version}}))
            self.processes[name] = lab.Millrace(self.directory, worker, path, name=f"millrace-{name}")

    go_on = start

    def stop(self, names=None, number=signal.SIGTERM):
        for name in list(names or self.processes):
            self.processes.pop(name).stop(number)

    def check(self):
        for p in self.processes.values():
            assert p.is_running(), p.log()[-4000:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
