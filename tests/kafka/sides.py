"""Who reads the scenario: real Debezium in a Connect worker, and what a side's topics hold."""

import lab
import scenario
import topics


def converters(name, registry):
    if name == "avro":
        return {**registry.converter("key"), **registry.converter("value")}
    json = "org.apache.kafka.connect.json.JsonConverter"
    return {"key.converter": json, "value.converter": json}


class Side:
    """One of the two that read the scenario: connectors by the scenario's names, topics on a broker of their own."""

    def __init__(self, broker, registry):
        self.broker, self.registry = broker, registry
        self.avro = topics.Avro(registry)

    def decoder(self, name):
        if name == "avro":
            return self.avro
        return topics.json_plain if name == "plain" else topics.json_with_schema

    def topics_of(self, name):
        """Of a connector's rows, transactions and schema changes."""
        return [t for t in self.broker.topics() if t == name or t.startswith(f"{name}.")]

    def read(self, name):
        """Every record that a connector wrote, decoded."""
        decode = self.decoder(name)
        return [Decoded(r, decode) for r in topics.read(self.broker, self.topics_of(name))]

    def wait_copied(self, rows, names=scenario.SETTINGS):
        """Until each connector has written that many rows of a first copy."""
        for name in names:
            def copied():
                tables = [t for t in self.topics_of(name) if t.startswith(f"{name}.{scenario.DATABASE}.")]
                return sum(r.value is not None for r in topics.read(self.broker, tables)) >= rows
            lab.wait_for(f"{name}: {rows} rows copied", copied, 120, 0.2)

    def wait_mark(self, number, names=scenario.SETTINGS):
        """Until each connector has written the mark, so all before it."""
        for name in names:
            decode = self.decoder(name)

            def there():
                rows = [decode(r.value)[1] for r in topics.read(self.broker, [f"{name}.{scenario.DATABASE}.dbo.mark"])]
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

    def __init__(self, worker, server, registry):
        super().__init__(worker.broker, registry)
        self.worker, self.server = worker, server

    def start(self, names=scenario.SETTINGS):
        for name in names:
            self.worker.post(name, {**scenario.settings(self.server, self.broker, name), **converters(name, self.registry)}, wait=False)
        for name in names:
            self.worker.wait_running(name)

    def stop(self, names=scenario.SETTINGS):
        for name in names:
            self.worker.stop_connector(name)
