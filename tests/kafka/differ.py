"""What two sides wrote, made alike where it must differ, and the differences that are left."""

import json

NOW = "<processing time>"


def times(block, names=("ts_ms", "ts_us", "ts_ns")):
    """A block without the clock's values; that there are any, or none, stays to be seen."""
    return {k: NOW if k in names and v is not None else v for k, v in block.items()}


def source(block):
    alike = {**block, "version": "<version>"}
    if block.get("snapshot") in (None, "false"):
        return alike
    return times({**alike, "commit_lsn": "<log's end>"})  # of a copy: the server's clock, and the log's end when it began


def value(v):
    if not isinstance(v, dict) or "source" not in v and "status" not in v:
        return v
    return times({**v, "source": source(v["source"])} if "source" in v else v)


def header(data):
    """A header's bytes: JSON's own where it is that."""
    try:
        return json.loads(data)
    except (TypeError, ValueError):
        return data and data.decode(errors="backslashreplace")


def record(decoded):
    return {"key": decoded.key, "key schema": decoded.key_schema, "value": value(decoded.value), "value schema": decoded.value_schema,
            "headers": [(k, header(v)) for k, v in decoded.headers], "has create time": decoded.record.has_create_time}


def history(data):
    """A record of the schema history: its time is of the moment, so is the log's end when a copy began."""
    entry = times(json.loads(data))
    if entry["position"].get("snapshot"):
        entry["position"]["commit_lsn"] = "<log's end>"
    return entry


def walk(a, b, path=""):
    """Paths at which two values differ, with both."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b) and set(a) == set(b):
            yield f"{path}: order {list(a)} and {list(b)}"
        for k in [*a, *(k for k in b if k not in a)]:
            if k not in a or k not in b:
                yield f"{path}.{k}: only {'second' if k not in a else 'first'}: {short(b[k] if k not in a else a[k])}"
            else:
                yield from walk(a[k], b[k], f"{path}.{k}")
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            yield f"{path}: {len(a)} and {len(b)} elements: {short(a)} and {short(b)}"
        for at, (x, y) in enumerate(zip(a, b)):
            yield from walk(x, y, f"{path}[{at}]")
    elif type(a) is not type(b) or a != b and not (a != a and b != b):
        yield f"{path}: {short(a)} and {short(b)}"


def short(v):
    text = repr(v)
    return text if len(text) < 160 else f"{text[:110]}…{text[-40:]}"


def by_partition(records):
    """Records by topic and partition, in order; those of a topic without keys, which go to any partition, under None, sorted."""
    keyless = {r.topic for r in records} - {r.topic for r in records if r.key is not None}
    found = {}
    for r in records:
        found.setdefault((r.topic, None if r.topic in keyless else r.partition), []).append(record(r))
    return {place: sorted(some, key=repr) if place[1] is None else some for place, some in found.items()}


def differences(first, second):
    """Of two sides' records, partition by partition in order."""
    a, b = by_partition(first), by_partition(second)
    for place in sorted(set(a) | set(b), key=repr):
        ones, others = a.get(place, []), b.get(place, [])
        name = f"{place[0]}/{place[1]}"
        if len(ones) != len(others):
            yield f"{name}: {len(ones)} and {len(others)} records"
        for at, (x, y) in enumerate(zip(ones, others)):
            yield from walk(x, y, f"{name}@{at}")
