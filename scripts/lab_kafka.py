"""lab_kafka: Kafka's broker, a schema registry and Kafka Connect as throw-away servers on loopback, beside lab.py's.

Each class starts one JVM under a directory of its own and ends it by its process id; `with` ends it however the block ends.
The jars come by scripts/kafka. Heaps are small unless told otherwise: a test's machine holds all of them at once.
"""

import json
import logging
import pathlib
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

import lab

PARTS = lab.ROOT / "build" / "kafka"
DEBEZIUM = ("2.7.3.Final", "3.0.7.Final")
SINK = "3.0.7.Final"
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")  # soon up, little memory; for measurements give G1
QUIET = logging.getLogger("millrace.librdkafka")  # a broker that isn't up yet is no news
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False
LOG4J = """log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
log4j.logger.org.reflections=ERROR
"""


def java(name, directory, jars, main, arguments=(), heap="256m", options=SMALL, properties=None, **popen):
    """Start a JVM; its output is in directory/NAME.log."""
    log4j = pathlib.Path(directory) / "log4j.properties"
    log4j.write_text(LOG4J)
    defines = {"log4j.configuration": f"file:{log4j}", **(properties or {})}
    return lab.Process(name, ["java", f"-Xmx{heap}", *options, *(f"-D{k}={v}" for k, v in defines.items()),
                              "-cp", jars, main, *arguments], directory, **popen)


def write_properties(path, properties):
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    return path


def alive(process, check):
    """For lab.wait_for: check(), and an end of the wait as soon as the process has ended."""
    def live():
        assert process.is_running(), f"{process.name} ended:\n{process.log()[-4000:]}"
        return check()
    return live


def http(method, url, body=None, timeout=30):
    """One request with JSON both ways; the answer. An HTTP error is raised with the server's own words."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", "Accept": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read()
    except urllib.error.HTTPError as e:
        raise HttpError(e.code, f"{method} {url}: {e.code} {e.read().decode(errors='replace')[:2000]}") from None
    return json.loads(text) if text else None


class HttpError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Broker:
    """One Kafka broker: KRaft, or (`zookeeper=True`) beside a ZooKeeper of its own. stop() and start() keep its data and its
    port. Topics aren't made by themselves; settings change or add properties."""

    def __init__(self, directory, zookeeper=False, settings=None, heap="384m", options=SMALL, port=None):
        self.directory = lab.fresh_dir(directory)
        self.port, self.control = port or lab.free_port(), lab.free_port()
        self.zookeeper, self.heap, self.options = zookeeper, heap, options
        self.process = self.keeper = None
        self._had = []  # topics when it was last stopped
        self.properties = write_properties(self.directory / "server.properties", {**self._settings(), **(settings or {})})
        if not zookeeper:
            self._format()
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _settings(self):
        common = {
            "log.dirs": self.directory / "data", "num.partitions": 3, "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 3, "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1, "transaction.state.log.num.partitions": 3,
            "group.initial.rebalance.delay.ms": 0, "auto.create.topics.enable": "false", "message.max.bytes": 10485760,
            "advertised.listeners": f"PLAINTEXT://{self.address}"}
        if self.zookeeper:
            return {**common, "broker.id": 1, "zookeeper.connect": f"127.0.0.1:{self.control}",
                    "zookeeper.session.timeout.ms": 1500,  # a killed broker's id is free again before the next one wants it
                    "listeners": f"PLAINTEXT://{self.address}"}
        return {**common, "process.roles": "broker,controller", "node.id": 1,
                "controller.quorum.voters": f"1@127.0.0.1:{self.control}", "controller.listener.names": "CONTROLLER",
                "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.control}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name": "PLAINTEXT"}

    def _format(self):
        done = subprocess.run(
            ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{PARTS}/broker/*", "kafka.tools.StorageTool", "format", "-t",
             "bWlsbHJhY2UtdGVzdC0xMQ", "-c", self.properties], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    def start(self):
        if self.zookeeper and not self.keeper:
            config = write_properties(self.directory / "zookeeper.properties", {
                "dataDir": self.directory / "zookeeper", "clientPort": self.control, "clientPortAddress": "127.0.0.1",
                "admin.enableServer": "false", "maxClientCnxns": 0, "tickTime": 250, "4lw.commands.whitelist": "dump"})
            self.keeper = java("zookeeper", self.directory, f"{PARTS}/broker/*",
                               "org.apache.zookeeper.server.quorum.QuorumPeerMain", [config], "128m")
            lab.wait_for("ZooKeeper", alive(self.keeper, lambda: not socket.create_connection(("127.0.0.1", self.control)).close()))
        if self.zookeeper:
            lab.wait_for("the end of a killed broker's session", lambda: b"/brokers/ids/" not in self._sessions())
        self.process = java("broker", self.directory, f"{PARTS}/broker/*", "kafka.Kafka", [self.properties], self.heap, self.options)
        lab.wait_for("the broker", alive(self.process, self._knows_all), 60)

    def _sessions(self):
        """ZooKeeper's, with what lives as long as they do. One that has just begun to listen may never answer."""
        with socket.create_connection(("127.0.0.1", self.control), timeout=2) as s:
            s.sendall(b"dump")
            return b"".join(iter(lambda: s.recv(65536), b""))

    def _knows_all(self):
        """It answers before it has learned its topics again."""
        metadata = self.admin().list_topics(timeout=1)
        return metadata.brokers and set(self._had) <= set(metadata.topics)

    def admin(self):
        return AdminClient({"bootstrap.servers": self.address, "logger": QUIET})

    def create_topic(self, name, partitions=3, **config):
        """Make a topic; __ in a setting's name stands for a dot."""
        topic = NewTopic(name, partitions, 1, config={k.replace("__", "."): str(v) for k, v in config.items()})
        admin = self.admin()  # lives as long as what it was asked for
        for made in admin.create_topics([topic]).values():
            made.result(30)

    def delete_topic(self, name):
        admin = self.admin()
        for gone in admin.delete_topics([name]).values():
            gone.result(30)

    def set_topic(self, name, **config):
        """Change settings of a topic; __ stands for a dot."""
        admin = self.admin()
        entries = [ConfigEntry(k.replace("__", "."), str(v), incremental_operation=AlterConfigOpType.SET) for k, v in config.items()]
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(30)

    def topics(self):
        """Names of topics, without Kafka's own."""
        return sorted(t for t in self.admin().list_topics(timeout=10).topics if not t.startswith("__"))

    def cpu_s(self):
        return lab.proc_cpu_s(self.process.pid)

    def stop(self, kill=False):
        if self.process.is_running():
            self._had = self.topics()
        self.process.stop(signal.SIGKILL if kill else signal.SIGTERM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()
        if self.keeper:
            self.keeper.stop()


class Registry:
    """Apicurio's schema registry. stop() and start() keep its schemas, ids and port. `url` speaks Confluent's API."""

    def __init__(self, directory, heap="256m", options=SMALL):
        self.directory = lab.fresh_dir(directory)
        self.port, self.heap, self.options = lab.free_port(), heap, options
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.base}/apis/ccompat/v7"
        self.process = None
        self.start()

    def start(self):
        registry = PARTS / "registry"
        self.process = java(
            "registry", self.directory, f"{registry}/apicurio-registry-app-2.6.13.Final-runner.jar:{registry}/lib/*",
            "io.quarkus.runner.GeneratedMain", heap=self.heap, options=self.options, cwd=self.directory,
            env={"REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{self.directory}/data;WRITE_DELAY=0"},  # a kill loses nothing
            properties={"quarkus.http.host": "127.0.0.1", "quarkus.http.port": self.port,
                        "quarkus.thread-pool.max-threads": 1})  # two who register a schema at once: 409 for one, which ends a connector

    def wait_up(self):
        """It takes the longest of all to start: start it first, wait last."""
        lab.wait_for("the registry", alive(self.process, lambda: http("GET", f"{self.url}/subjects") is not None), 120, 0.1)
        return self

    def subjects(self):
        return sorted(http("GET", f"{self.url}/subjects"))

    def schema(self, schema_id):
        """A schema's text by the id that a record's bytes carry."""
        return http("GET", f"{self.url}/schemas/ids/{schema_id}")["schema"]

    def converter(self, side):
        """Settings of Apicurio's Avro converter (side: key or value) that give Confluent's wire format."""
        return {f"{side}.converter": "io.apicurio.registry.utils.converter.AvroConverter",
                f"{side}.converter.apicurio.registry.url": f"{self.base}/apis/registry/v2",
                f"{side}.converter.apicurio.registry.as-confluent": "true",
                f"{side}.converter.apicurio.registry.use-id": "contentId",
                f"{side}.converter.apicurio.registry.headers.enabled": "false",
                f"{side}.converter.apicurio.registry.auto-register": "true",
                f"{side}.converter.apicurio.registry.find-latest": "true"}

    def stop(self, kill=False):
        self.process.stop(signal.SIGKILL if kill else signal.SIGTERM)

    def __enter__(self):
        return self.wait_up()

    def __exit__(self, *_):
        self.stop()


class ConnectWorker:
    """A Connect worker with one version of Debezium's source, Debezium's JDBC sink and Apicurio's converter. Its topics of
    offsets, configurations and states are named after `group`, so a worker started again with it goes on."""

    def __init__(self, directory, broker, debezium=DEBEZIUM[0], group="connect", settings=None, heap="512m", options=SMALL):
        self.directory = lab.fresh_dir(directory)
        self.broker, self.debezium, self.group = broker, debezium, group
        self.port, self.heap, self.options = lab.free_port(), heap, options
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        json_converter = "org.apache.kafka.connect.json.JsonConverter"
        self.properties = write_properties(self.directory / "worker.properties", {
            "bootstrap.servers": broker.address, "group.id": group, "listeners": self.url,
            "offset.storage.topic": f"{group}-offsets", "offset.storage.partitions": 1, "offset.storage.replication.factor": 1,
            "config.storage.topic": f"{group}-configs", "config.storage.replication.factor": 1,
            "status.storage.topic": f"{group}-status", "status.storage.partitions": 1, "status.storage.replication.factor": 1,
            "offset.flush.interval.ms": 1000, "scheduled.rebalance.max.delay.ms": 0, "plugin.discovery": "hybrid_warn",
            "connector.client.config.override.policy": "All", "key.converter": json_converter, "value.converter": json_converter,
            "plugin.path": f"{PARTS}/source-{debezium},{PARTS}/sink-{SINK},{PARTS}/converter", **(settings or {})})
        self.start()

    def start(self):
        self.process = java("connect", self.directory, f"{PARTS}/worker/*", "org.apache.kafka.connect.cli.ConnectDistributed",
                            [self.properties], self.heap, self.options)

    def wait_up(self):
        lab.wait_for("the Connect worker", alive(self.process, lambda: http("GET", f"{self.url}/connectors") is not None), 120, 0.1)
        return self

    def post(self, name, properties, wait=True):
        """Make or change a connector; waits until it and its tasks run."""
        properties = {k: str(v) for k, v in properties.items()}
        lab.wait_for(f"{name} taken", alive(self.process, lambda: self._put(name, properties)), 60, 0.2)
        if wait:
            self.wait_running(name)

    def _put(self, name, properties):
        try:
            return http("PUT", f"{self.url}/connectors/{name}/config", properties) is not None
        except HttpError as e:
            assert e.status in (404, 409), e  # 409: a rebalance is under way
            raise

    def status(self, name):
        return http("GET", f"{self.url}/connectors/{name}/status")

    def check_running(self, name):
        """Whether it and its tasks run; with its trace, an error where one of them has failed."""
        status = self.status(name)
        tasks = status["tasks"]
        for part in (status["connector"], *tasks):
            assert part["state"] != "FAILED", f"{name} failed: {part.get('trace', '')[:3000]}"
        return tasks and all(t["state"] == "RUNNING" for t in tasks)

    def wait_running(self, name, seconds=90):
        lab.wait_for(f"{name} running", alive(self.process, lambda: self.check_running(name)), seconds, 0.1)

    def stop_connector(self, name):
        """Its tasks end, offsets stay."""
        http("PUT", f"{self.url}/connectors/{name}/stop")
        lab.wait_for(f"{name} stopped", alive(self.process, lambda: self.status(name)["connector"]["state"] == "STOPPED"
                                              and not self.status(name)["tasks"]), 60, 0.1)

    def resume(self, name):
        http("PUT", f"{self.url}/connectors/{name}/resume")
        self.wait_running(name)

    def delete(self, name):
        http("DELETE", f"{self.url}/connectors/{name}")
        lab.wait_for(f"{name} gone", alive(self.process, lambda: name not in http("GET", f"{self.url}/connectors")), 60, 0.1)

    def offsets(self, name):
        """[{"partition": …, "offset": …}], as Connect's REST interface gives them."""
        return http("GET", f"{self.url}/connectors/{name}/offsets")["offsets"]

    def cpu_s(self):
        return lab.proc_cpu_s(self.process.pid)

    def stop(self, kill=False):
        self.process.stop(signal.SIGKILL if kill else signal.SIGTERM)

    def __enter__(self):
        return self.wait_up()

    def __exit__(self, *_):
        self.stop()
