"""SQLAlchemy makes a schema, reads it back by its reflection, and works with it: what an application's framework asks of the server
between the driver and the user, over two drivers."""

import datetime
import decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.dialects import mssql

import lab
from judged import DATABASE

URLS = {
    "ODBC Driver 18": "mssql+pyodbc://sa:{password}@127.0.0.1:{port}/{database}?driver=ODBC+Driver+18+for+SQL+Server"
                      "&Encrypt=yes&TrustServerCertificate=yes",
    "pymssql": "mssql+pymssql://sa:{password}@127.0.0.1:{port}/{database}",
}

schema = sa.MetaData()
person = sa.Table(
    "person", schema,
    sa.Column("id", sa.Integer, sa.Identity(start=10, increment=5), primary_key=True),
    sa.Column("name", sa.Unicode(50), nullable=False),
    sa.Column("email", sa.String(100)),
    sa.Column("born", sa.Date),
    sa.Column("balance", sa.Numeric(18, 4), server_default="0"),
    sa.Column("seen", mssql.DATETIMEOFFSET(3)),
    sa.Column("photo", sa.LargeBinary),
    sa.Column("twice", sa.Numeric(19, 4), sa.Computed("[balance]*(2)")),
    sa.CheckConstraint("balance >= 0", name="ck_balance"),
    sa.Index("ix_born", "born", "name"),
    sa.Index("ux_email", "email", unique=True, mssql_where=sa.text("email IS NOT NULL")),
)
purchase = sa.Table(
    "purchase", schema,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.SmallInteger, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("person.id", name="fk_person", ondelete="CASCADE")),
    schema="sales",
)


class Base(orm.DeclarativeBase):
    pass


class Person(Base):
    __table__ = person


@pytest.fixture(params=URLS, scope="module")
def engine(request, server):
    e = sa.create_engine(URLS[request.param].format(password=lab.PASSWORD, port=server.port, database=DATABASE))
    with e.begin() as c:
        if not sa.inspect(c).has_schema("sales"):
            c.execute(sa.text("create schema sales"))
    schema.drop_all(e)
    schema.create_all(e)
    yield e
    schema.drop_all(e)
    e.dispose()


def test_a_schema_is_read_back_as_it_was_made(engine):
    found = sa.inspect(engine)
    assert found.get_table_names() == ["person"] and found.get_table_names("sales") == ["purchase"]
    columns = {c["name"]: c for c in found.get_columns("person")}
    assert list(columns) == [c.name for c in person.columns]
    assert columns["id"]["identity"] == {"start": 10, "increment": 5} and not columns["id"]["nullable"]
    assert (columns["name"]["type"].length, columns["balance"]["type"].precision, columns["balance"]["type"].scale) == (50, 18, 4)
    assert columns["balance"]["default"] == "('0')" and columns["twice"]["computed"]["persisted"] is False
    assert found.get_pk_constraint("purchase", "sales")["constrained_columns"] == ["number", "line"]
    (key,) = found.get_foreign_keys("purchase", "sales")
    assert (key["name"], key["referred_table"], key["referred_columns"], key["options"]) == (
        "fk_person", "person", ["id"], {"ondelete": "CASCADE"})
    indexes = {i["name"]: i for i in found.get_indexes("person")}
    assert indexes["ix_born"]["column_names"] == ["born", "name"] and not indexes["ix_born"]["unique"]
    assert indexes["ux_email"]["unique"]
    assert indexes["ux_email"]["dialect_options"]["mssql_where"] == "([email] IS NOT NULL)"


def test_temporary_tables_are_reflected(engine):
    with engine.connect() as c:
        c.exec_driver_sql("create table #work(a int primary key, b nvarchar(10))")
        assert [x["name"] for x in sa.inspect(c).get_columns("#work")] == ["a", "b"]


def test_objects_come_back_as_they_were_stored(engine):
    seen = datetime.datetime(2024, 2, 29, 1, 2, 3, 123000, datetime.timezone(datetime.timedelta(hours=-3)))
    with orm.Session(engine) as s:
        people = [Person(name=f"n\u00e4me {i} \u65e5", born=datetime.date(2000, 2, 29), balance=decimal.Decimal("1.25"), seen=seen,
                         photo=b"\x00\x01") for i in range(30)]
        s.add_all(people)
        s.commit()
        assert [p.id for p in people] == list(range(10, 160, 5))
        first = s.scalars(sa.select(Person).order_by(Person.id).limit(1)).one()
        assert (first.name, first.born, first.balance, first.twice, first.seen, first.photo) == (
            "n\u00e4me 0 \u65e5", datetime.date(2000, 2, 29), decimal.Decimal("1.2500"), decimal.Decimal("2.5000"), seen, b"\x00\x01")
        assert s.scalars(sa.select(Person.id).order_by(Person.id).offset(5).limit(3)).all() == [35, 40, 45]
        changed = s.execute(sa.update(Person).where(Person.id < 20).values(balance=7).returning(Person.id, Person.balance)).all()
        assert sorted(changed) == [(10, decimal.Decimal("7.0000")), (15, decimal.Decimal("7.0000"))]
        s.rollback()


def test_constraints_speak_through_the_driver(engine):
    refused = [dict(name=None), dict(name="x", balance=-1)]
    for values in refused:
        with pytest.raises(exc.IntegrityError), engine.begin() as c:
            c.execute(sa.insert(person), values)
    with engine.begin() as c:
        c.execute(sa.insert(person), [dict(name="a", email=None), dict(name="b", email=None), dict(name="c", email="c@x")])
    with pytest.raises(exc.IntegrityError, match="ux_email"), engine.begin() as c:
        c.execute(sa.insert(person), dict(name="d", email="C@X"))


@pytest.mark.parametrize("level", ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_level_of_isolation_is_what_the_session_says(engine, level):
    with engine.connect().execution_options(isolation_level=level) as c:
        assert c.get_isolation_level() == level


def test_a_savepoint_keeps_what_came_before(engine):
    with orm.Session(engine) as s:
        s.add(Person(name="kept", email="kept@x"))
        s.flush()
        with pytest.raises(exc.IntegrityError), s.begin_nested():
            s.add(Person(name="lost", email="kept@x"))
            s.flush()
        s.commit()
        assert s.scalars(sa.select(Person.name).where(Person.email == "kept@x")).all() == ["kept"]
