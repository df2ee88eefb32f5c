"""A broker with TLS, SASL and ACLs: how a Connect user's properties get in, and what is said when they don't."""

import contextlib
import subprocess

import pytest
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

import lab
import lab_kafka
import topics
from conftest import LAB
from test_check import Checks, write_sink
from test_sink import Sink, key, row
from test_source import Pipeline

SECRET = "s3cret-Pa55"  # nothing of ours shows it
USERS = {"writer": SECRET, "stranger": "other-pw", "guest": "guest-pw", "reader": "third-pw", "blind": "fourth-pw"}


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def certificates(directory):
    """An authority, and the broker's key and certificate for 127.0.0.1 in one PEM file."""
    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}",
                "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker", "-keyout", directory / "broker.key", "-out", directory / "broker.csr")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", directory / "broker.csr", "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key", "-CAcreateserial",
            "-days", 2, "-extfile", directory / "names", "-out", directory / "broker.crt")
    (directory / "broker.pem").write_text((directory / "broker.key").read_text() + (directory / "broker.crt").read_text())


@pytest.fixture(scope="module")
def secured():
    """Plain text for the tests themselves (a super user), SASL over TLS for who is tested."""
    directory = lab.fresh_dir(LAB / "secured")
    certificates(directory)
    plain, safe, control = lab.free_port(), lab.free_port(), lab.free_port()
    logins = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    settings = {
        "controller.quorum.voters": f"1@127.0.0.1:{control}",
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{control},SASL_SSL://127.0.0.1:{safe}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{safe}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN", "ssl.keystore.type": "PEM", "ssl.keystore.location": directory / "broker.pem",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"org.apache.kafka.common.security.plain.PlainLoginModule required {logins};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:ANONYMOUS"}
    with lab_kafka.Broker(LAB / "secured" / "broker", settings=settings, port=plain) as b:
        b.safe, b.certificates = f"127.0.0.1:{safe}", directory
        allow(b, "writer", ResourceType.TOPIC, "source", AclOperation.ALL)
        allow(b, "writer", ResourceType.TOPIC, "sink", AclOperation.ALL)
        allow(b, "writer", ResourceType.GROUP, "connect-", AclOperation.ALL)
        allow(b, "writer", ResourceType.TRANSACTIONAL_ID, "group", AclOperation.ALL)
        yield b


def allow(broker, user, kind, prefix, operation):
    binding = AclBinding(kind, prefix, ResourcePatternType.PREFIXED, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
    admin = broker.admin()
    for made in admin.create_acls([binding]).values():
        made.result(30)


def login(broker, user="writer", password=SECRET, authority="ca"):
    """As in a worker's file."""
    return {"bootstrap.servers": broker.safe, "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": f'org.apache.kafka.common.security.plain.PlainLoginModule required username="{user}" password="{password}";',
            "ssl.truststore.type": "PEM", "ssl.truststore.location": broker.certificates / f"{authority}.pem"}


@contextlib.contextmanager
def pipeline(broker, **who):
    with Pipeline(broker, worker=login(broker, **who)) as p:
        p.sql("INSERT dbo.items VALUES (1, 10, NULL)")
        yield p, p.start()
        for run in p.runs:
            assert SECRET not in run.log() and "other-pw" not in run.log()


@contextlib.contextmanager
def rows(broker, cluster, name, **who):
    s = Sink(broker, cluster, lab.fresh_dir(LAB / name), 1)
    try:
        s.put([(key(1), row(1, "one"))])
        yield s, s.start(worker=login(broker, **who))
        for run in s.running:
            assert SECRET not in run.log() and "other-pw" not in run.log()
    finally:
        s.stop()


def refused(run, *words):
    """It ends by itself, with an error of these words, and hasn't tried without end."""
    assert run.wait(60) == 1, run.log()
    log = run.log()
    for word in words:
        assert word in log, log[-3000:]
    for again in ("pipeline_retry", "task_restarts", "sink_waits"):  # a source's, a sink's
        assert log.count(again) <= 3, log[-3000:]


def test_changes_go_to_a_secured_broker(secured):
    with pipeline(secured) as (p, run):
        p.wait("the copy", lambda: p.state() == {1: 10})
        p.sql("UPDATE dbo.items SET n = 11 WHERE id = 1")
        p.wait("the change", lambda: p.state() == {1: 11})
        assert run.stop() == 0


def test_rows_come_from_a_secured_broker(secured, cluster):
    with rows(secured, cluster, "secured-sink") as (s, run):
        s.await_rows([(1, "one")], process=run)
        assert run.stop() == 0


def test_a_wrong_password_is_named(secured):
    with pipeline(secured, password="other-pw") as (_, run):
        refused(run, "sasl.jaas.config")


def test_a_sink_s_wrong_password_is_named(secured, cluster):
    with rows(secured, cluster, "wrong-sink", password="other-pw") as (_, run):
        refused(run, "sasl.jaas.config")


def test_an_authority_that_is_not_the_broker_s_is_named(secured):
    with pipeline(secured, authority="other") as (_, run):
        refused(run, "ssl.")


def test_a_user_without_rights_is_told_which(secured):
    with pipeline(secured, user="stranger", password="other-pw") as (_, run):
        refused(run, "transactional.id")


def test_a_partition_whose_offset_is_not_told_is_named_by_check(secured, cluster):
    """The group may be read, the topic, which another user sees, may not: the broker says so of each partition."""
    allow(secured, "guest", ResourceType.GROUP, "connect-", AclOperation.READ)
    s = Sink(secured, cluster, lab.fresh_dir(LAB / "checked-sink"), 1)
    worker = lab_kafka.write_properties(s.directory / "worker.properties", login(secured))
    guest = login(secured, user="guest", password=USERS["guest"])["sasl.jaas.config"]
    c = Checks(worker, write_sink(s, **{"consumer.override.sasl.jaas.config": guest}))
    assert c.status == 1
    found = c.bad(s.topic, "kafka-group", f"{s.topic}-0")["found"]
    assert "the group's offset" in found and "Topic authorization failed" in found


def test_a_group_without_rights_is_named(secured, cluster):
    allow(secured, "stranger", ResourceType.TOPIC, "sink", AclOperation.READ)
    with rows(secured, cluster, "refused-sink", user="stranger", password="other-pw") as (s, run):
        refused(run, "READ on the group")
        assert s.rows("select 1 from TABLE") == []


def test_a_sink_s_authority_that_is_not_the_broker_s_is_named(secured, cluster):
    with rows(secured, cluster, "authority-sink", authority="other") as (s, run):
        refused(run, "certificate", "ssl.")
        assert s.rows("select 1 from TABLE") == []


def test_a_topic_without_the_right_to_read_it_is_named(secured, cluster):
    """The group takes the member in; only the topic is closed to it. With the right, the record comes."""
    allow(secured, "reader", ResourceType.GROUP, "connect-", AclOperation.READ)
    allow(secured, "reader", ResourceType.TOPIC, "sink", AclOperation.DESCRIBE)
    with rows(secured, cluster, "unread-sink", user="reader", password="third-pw") as (s, run):
        refused(run, s.topic, "READ")
        assert s.rows("select 1 from TABLE") == []
        allow(secured, "reader", ResourceType.TOPIC, "sink", AclOperation.READ)
        run = s.start(worker=login(secured, user="reader", password="third-pw"))
        s.await_rows([(1, "one")], process=run)


def test_a_topic_that_may_not_even_be_seen_is_named(secured, cluster):
    allow(secured, "blind", ResourceType.GROUP, "connect-", AclOperation.READ)
    with rows(secured, cluster, "unseen-sink", user="blind", password="fourth-pw") as (s, run):
        refused(run, s.topic, "DESCRIBE")
