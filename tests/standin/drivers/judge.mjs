// The judge's driver for tedious: one JSON request a line in, one answer a line out. Values have the forms of canonical.py.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(process.env.JUDGE_MODULES + '/');
const { Connection, Request, TYPES, ISOLATION_LEVEL } = require('tedious');

let connection;
let messages = [];

// --- values

const pad = (n, width) => String(n).padStart(width, '0');
const day = (d) => `${pad(d.getUTCFullYear(), 4)}-${pad(d.getUTCMonth() + 1, 2)}-${pad(d.getUTCDate(), 2)}`;

function clock(d) {
    const delta = Math.round((d.nanosecondsDelta ?? d.nanosecondDelta ?? 0) * 1e7); // the digits after the milliseconds
    return `${pad(d.getUTCHours(), 2)}:${pad(d.getUTCMinutes(), 2)}:${pad(d.getUTCSeconds(), 2)}.` +
        `${pad(d.getUTCMilliseconds(), 3)}${pad(delta, 4)}`;
}

function float(value, isReal) {
    const b = Buffer.alloc(isReal ? 4 : 8);
    if (isReal) b.writeFloatBE(value);
    else b.writeDoubleBE(value);
    return b.toString('hex');
}

// tedious gives decimals and money as JavaScript numbers: all the digits it has, with the declared scale.
function cell(value, column) {
    if (value === null) return null;
    const type = typeName(column);
    switch (type) {
        case 'bit': return value ? '1' : '0';
        case 'decimal': case 'numeric': return Number(value).toFixed(column.scale);
        case 'money': case 'smallmoney': return Number(value).toFixed(4);
        case 'float': return float(value, false);
        case 'real': return float(value, true);
        case 'date': return day(value);
        case 'time': return clock(value);
        case 'datetime': case 'datetime2': case 'smalldatetime': return `${day(value)} ${clock(value)}`;
        case 'datetimeoffset': return `${day(value)} ${clock(value)} +00:00`; // tedious drops the offset
        default:
            if (Buffer.isBuffer(value)) return value.toString('hex');
            if (value instanceof Date) return `${day(value)} ${clock(value)}`;
            return String(value);
    }
}

const NAMES = {
    Null: 'null', TinyInt: 'tinyint', SmallInt: 'smallint', Int: 'int', BigInt: 'bigint', Bit: 'bit', Real: 'real', Float: 'float',
    Money: 'money', SmallMoney: 'smallmoney', DateTime: 'datetime', SmallDateTime: 'smalldatetime', UniqueIdentifier: 'uniqueidentifier',
    Decimal: 'decimal', DecimalN: 'decimal', Numeric: 'numeric', NumericN: 'numeric', Date: 'date', Time: 'time', DateTime2: 'datetime2',
    DateTimeOffset: 'datetimeoffset', VarChar: 'varchar', Char: 'char', NVarChar: 'nvarchar', NChar: 'nchar', VarBinary: 'varbinary',
    Binary: 'binary', Text: 'text', NText: 'ntext', Image: 'image', Xml: 'xml', UDT: 'udt', Variant: 'sql_variant',
};
const SIZED = {
    IntN: { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' }, BitN: { 1: 'bit' }, FloatN: { 4: 'real', 8: 'float' },
    MoneyN: { 4: 'smallmoney', 8: 'money' }, DateTimeN: { 4: 'smalldatetime', 8: 'datetime' },
};
const typeName = (c) => SIZED[c.type.name]?.[c.dataLength] ?? NAMES[c.type.name] ?? c.type.name;

const describe = (c) => ({
    name: c.colName, type: typeName(c), length: c.dataLength ?? null, precision: c.precision ?? null, scale: c.scale ?? null,
    nullable: c.flags & 1, identity: !!(c.flags & 0x10),
});

const TYPE_OF = {
    bit: TYPES.Bit, tinyint: TYPES.TinyInt, smallint: TYPES.SmallInt, int: TYPES.Int, bigint: TYPES.BigInt, decimal: TYPES.Decimal,
    numeric: TYPES.Numeric, money: TYPES.Money, smallmoney: TYPES.SmallMoney, float: TYPES.Float, real: TYPES.Real, date: TYPES.Date,
    time: TYPES.Time, datetime: TYPES.DateTime, datetime2: TYPES.DateTime2, smalldatetime: TYPES.SmallDateTime,
    datetimeoffset: TYPES.DateTimeOffset, uniqueidentifier: TYPES.UniqueIdentifier, char: TYPES.Char, varchar: TYPES.VarChar,
    text: TYPES.Text, nchar: TYPES.NChar, nvarchar: TYPES.NVarChar, ntext: TYPES.NText, xml: TYPES.NVarChar, sysname: TYPES.NVarChar,
    binary: TYPES.Binary, varbinary: TYPES.VarBinary, image: TYPES.Image, rowversion: TYPES.Binary, timestamp: TYPES.Binary,
};

function moment(text) {
    const [, date, time, fraction, zone] = /^(?:(\d{4}-\d\d-\d\d) ?)?(?:(\d\d:\d\d:\d\d)\.(\d{7}))?(?: ([-+]\d\d:\d\d))?$/.exec(text);
    const d = new Date(`${date ?? '1970-01-01'}T${time ?? '00:00:00'}.${(fraction ?? '000').slice(0, 3)}${zone ?? 'Z'}`);
    if (fraction) d.nanosecondDelta = Number(fraction.slice(3)) / 1e7;
    return d;
}

function fromCanonical(type, value) {
    if (value === null) return null;
    switch (type) {
        case 'bit': return value === '1';
        case 'tinyint': case 'smallint': case 'int': case 'decimal': case 'numeric': case 'money': case 'smallmoney': return Number(value);
        case 'bigint': return BigInt(value);
        case 'float': return Buffer.from(value, 'hex').readDoubleBE();
        case 'real': return Buffer.from(value, 'hex').readFloatBE();
        case 'date': case 'time': case 'datetime': case 'datetime2': case 'smalldatetime': case 'datetimeoffset': return moment(value);
        case 'binary': case 'varbinary': case 'image': case 'rowversion': case 'timestamp': return Buffer.from(value, 'hex');
        default: return value;
    }
}

function options(p) {
    const o = {};
    if (['decimal', 'numeric'].includes(p.type)) Object.assign(o, { precision: p.precision, scale: p.scale });
    else if (['time', 'datetime2', 'datetimeoffset'].includes(p.type)) o.scale = p.scale;
    else if (p.length && !['text', 'ntext', 'image'].includes(p.type)) o.length = p.length === -1 ? Infinity : p.length;
    return o;
}

// --- requests

const complaint = (e) => !e ? null : { number: e.number ?? null, state: e.state ?? null, class: e.class ?? null, text: e.message,
    line: e.lineNumber ?? null, procedure: e.procName ?? null, code: e.code ?? null };

// A Request whose results are gathered; start hands it to the connection.
function gather(sql, start, then = () => ({})) {
    return new Promise((resolve) => {
        const found = { sets: [], counts: [], messages: [], error: null, outputs: [], status: null };
        messages = found.messages;
        const errors = [];
        const request = new Request(sql, (e) => {
            const all = e?.errors ?? (e ? [e] : errors);
            found.error = complaint(all[0]);
            resolve({ ...found, ...then(request) });
        });
        request.on('columnMetadata', (columns) => found.sets.push({ columns: columns.map(describe), rows: [] }));
        request.on('row', (columns) => found.sets.at(-1).rows.push(columns.map((c) => cell(c.value, c.metadata))));
        for (const event of ['done', 'doneInProc']) request.on(event, (n) => { if (n !== undefined) found.counts.push(n); });
        request.on('returnValue', (name, value, metadata) => found.outputs.push(cell(value, metadata)));
        request.on('doneProc', (n, more, status) => { found.status = status; });
        start(request);
    });
}

function withMarkers(sql) {
    let n = 0;
    return sql.replace(/\?/g, () => `@p${n++}`);
}

function add(request, params) {
    params.forEach((p, i) => {
        const how = p.output ? 'addOutputParameter' : 'addParameter';
        request[how](p.name?.replace('@', '') || `p${i}`, TYPE_OF[p.type], fromCanonical(p.type, p.value), options(p));
    });
}

async function run(r) {
    const params = r.params ?? [];
    if (!params.length) return gather(r.sql, (q) => connection.execSqlBatch(q));
    return gather(withMarkers(r.sql), (q) => { add(q, params); connection.execSql(q); });
}

async function prepared(r) {
    const results = [];
    const first = r.runs[0];
    await new Promise((resolve) => {
        let found, at = 0, isEnding = false;
        // The callback is called once for each: prepare, every execute, unprepare.
        const request = new Request(withMarkers(r.sql), (e) => {
            if (isEnding) return resolve();
            if (found) { found.error = complaint(e); results.push(found); } else if (e) {
                results.push({ error: complaint(e) });
                return resolve();
            }
            if (at > 0) next();
        });
        const next = () => {
            if (at === r.runs.length) {
                isEnding = true;
                connection.unprepare(request);
                return;
            }
            found = { sets: [], counts: [], messages: [], error: null };
            request.error = undefined; // of the run before
            const values = Object.fromEntries(r.runs[at++].map((p, i) => [`p${i}`, fromCanonical(p.type, p.value)]));
            connection.execute(request, values);
        };
        first.forEach((p, i) => request.addParameter(`p${i}`, TYPE_OF[p.type], null, options(p)));
        request.on('prepared', next);
        request.on('columnMetadata', (columns) => found?.sets.push({ columns: columns.map(describe), rows: [] }));
        request.on('row', (columns) => found.sets.at(-1).rows.push(columns.map((c) => cell(c.value, c.metadata))));
        for (const event of ['done', 'doneInProc']) request.on(event, (n) => { if (found && n !== undefined) found.counts.push(n); });
        connection.prepare(request);
    });
    return { results };
}

const call = (r) => gather(r.procedure, (q) => { add(q, r.params ?? []); connection.callProcedure(q); });

async function cancel(r) {
    return gather(r.sql, (q) => {
        if (r.how === 'timeout') q.setTimeout(1000);
        connection.execSqlBatch(q);
        if (r.how !== 'timeout') setTimeout(() => connection.cancel(), 300);
    });
}

const done = (start) => new Promise((resolve) => start((e) => resolve({ error: complaint(e) })));

function transaction(r) {
    const level = { 1: ISOLATION_LEVEL.READ_UNCOMMITTED, 2: ISOLATION_LEVEL.READ_COMMITTED, 4: ISOLATION_LEVEL.REPEATABLE_READ,
        8: ISOLATION_LEVEL.SERIALIZABLE, 4096: ISOLATION_LEVEL.SNAPSHOT }[r.isolation];
    switch (r.what) {
        case 'begin': return done((f) => connection.beginTransaction(f, r.name ?? '', level));
        case 'commit': return done((f) => connection.commitTransaction(f));
        case 'rollback': return done((f) => connection.rollbackTransaction(f));
        case 'save': return done((f) => connection.saveTransaction(f, r.name));
        default: return done((f) => connection.rollbackTransaction(f, r.name));
    }
}

function bulk(r) {
    return new Promise((resolve) => {
        const load = connection.newBulkLoad(r.table, { keepNulls: true }, (e, count) => resolve({ count, error: complaint(e) }));
        for (const c of r.columns) load.addColumn(c.name, TYPE_OF[c.type], { ...options(c), nullable: true });
        connection.execBulkLoad(load, r.rows.map((row) => row.map((v, i) => fromCanonical(r.columns[i].type, v))));
    });
}

function connect(r) {
    connection?.close();
    connection = new Connection({
        server: '127.0.0.1',
        authentication: { type: 'default', options: { userName: r.user, password: r.password } },
        options: { port: r.port, database: r.database, encrypt: r.encrypt === 'true', trustServerCertificate: true, connectTimeout: 15000,
            requestTimeout: 60000, ...r.properties },
    });
    connection.on('infoMessage', (m) => messages.push({ number: m.number, state: m.state, class: m.class, text: m.message,
        line: m.lineNumber, procedure: m.procName }));
    connection.on('error', () => {});
    return done((f) => connection.connect(f));
}

const reset = () => done((f) => connection.reset(f));
const close = () => new Promise((resolve) => { connection.on('end', () => resolve({})); connection.close(); });
const ACTIONS = { connect, run, prepared, call, cancel, transaction, bulk, reset, close };

async function answer(request) {
    try {
        return await ACTIONS[request.do](request);
    } catch (e) { // tedious refuses some values before it sends them
        return { error: { number: null, text: e.message, code: e.code ?? e.name } };
    }
}

for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
process.exit(0);
