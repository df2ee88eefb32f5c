import com.microsoft.sqlserver.jdbc.ISQLServerBulkData;
import com.microsoft.sqlserver.jdbc.SQLServerBulkCopy;
import com.microsoft.sqlserver.jdbc.SQLServerBulkCopyOptions;
import com.microsoft.sqlserver.jdbc.SQLServerError;
import com.microsoft.sqlserver.jdbc.SQLServerException;
import com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement;
import com.microsoft.sqlserver.jdbc.SQLServerWarning;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The judge's driver for Microsoft's JDBC driver: one JSON request a line in, one answer a line out. Values have the forms of
 * canonical.py. A SQL error is an answer; anything else ends the program.
 */
public final class Judge {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSSS");
    private static final DateTimeFormatter MOMENT = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSSS");

    private Connection connection;
    private final Map<String, Savepoint> savepoints = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Judge judge = new Judge();
        for (String line; (line = in.readLine()) != null; ) {
            @SuppressWarnings("unchecked")
            Map<String, Object> request = (Map<String, Object>) Json.read(line);
            Map<String, Object> answer;
            try {
                answer = judge.answer(request);
            } catch (SQLException e) {
                answer = new LinkedHashMap<>();
                answer.put("error", error(e));
            }
            out.println(Json.write(answer));
        }
    }

    private Map<String, Object> answer(Map<String, Object> r) throws Exception {
        switch ((String) r.get("do")) {
            case "connect": return connect(r);
            case "run": return run(r);
            case "prepared": return prepared(r);
            case "batch": return batch(r);
            case "describe": return describe(r);
            case "metadata": return metadata(r);
            case "cursor": return cursor(r);
            case "call": return call(r);
            case "bulk": return bulk(r);
            case "cancel": return cancel(r);
            case "transaction": return transaction(r);
            case "close": connection.close(); return new LinkedHashMap<>();
            default: throw new IllegalArgumentException("do: " + r.get("do"));
        }
    }

    private Map<String, Object> connect(Map<String, Object> r) throws SQLException {
        Properties p = new Properties();
        p.setProperty("user", (String) r.get("user"));
        p.setProperty("password", (String) r.get("password"));
        p.setProperty("databaseName", (String) r.get("database"));
        p.setProperty("encrypt", (String) r.get("encrypt"));
        p.setProperty("trustServerCertificate", "true");
        p.setProperty("loginTimeout", "15");
        for (Map.Entry<String, Object> e : map(r.get("properties")).entrySet()) p.setProperty(e.getKey(), (String) e.getValue());
        if (connection != null) connection.close();
        connection = DriverManager.getConnection("jdbc:sqlserver://127.0.0.1:" + r.get("port"), p);
        DatabaseMetaData m = connection.getMetaData();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("product", m.getDatabaseProductName());
        found.put("version", m.getDatabaseProductVersion());
        return found;
    }

    // --- statements and their results

    private Map<String, Object> run(Map<String, Object> r) throws SQLException {
        List<Object> params = list(r.get("params"));
        if (params.isEmpty()) {
            try (Statement s = connection.createStatement()) {
                return results(s, () -> s.execute((String) r.get("sql")));
            }
        }
        try (PreparedStatement s = connection.prepareStatement((String) r.get("sql"))) {
            bind(s, params);
            return results(s, s::execute);
        }
    }

    /** The same prepared statement, once for each list of parameters. */
    private Map<String, Object> prepared(Map<String, Object> r) throws SQLException {
        List<Object> results = new ArrayList<>();
        try (PreparedStatement s = connection.prepareStatement((String) r.get("sql"))) {
            for (Object params : list(r.get("runs"))) {
                bind(s, list(params));
                results.add(results(s, s::execute));
            }
        }
        return Map.of("results", results);
    }

    private Map<String, Object> batch(Map<String, Object> r) throws SQLException {
        List<Object> counts = new ArrayList<>();
        try (PreparedStatement s = connection.prepareStatement((String) r.get("sql"))) {
            for (Object params : list(r.get("runs"))) {
                bind(s, list(params));
                s.addBatch();
            }
            for (int n : s.executeBatch()) counts.add(n);
        }
        return Map.of("counts", counts);
    }

    private interface Execution {
        boolean go() throws SQLException;
    }

    /** Every result set and count in order, the messages, and the error that ended it. */
    private Map<String, Object> results(Statement s, Execution execution) {
        List<Object> sets = new ArrayList<>(), counts = new ArrayList<>(), messages = new ArrayList<>();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("sets", sets);
        found.put("counts", counts);
        found.put("messages", messages);
        found.put("error", null);
        try {
            for (boolean hasSet = execution.go(); ; hasSet = s.getMoreResults()) {
                take(s.getWarnings(), messages);
                s.clearWarnings();
                if (hasSet) sets.add(set(s.getResultSet()));
                else if (s.getUpdateCount() == -1) break;
                else counts.add(s.getUpdateCount());
            }
        } catch (SQLException e) {
            found.put("error", error(e));
        }
        return found;
    }

    private static Map<String, Object> set(ResultSet r) throws SQLException {
        Map<String, Object> found = new LinkedHashMap<>();
        List<Object> rows = new ArrayList<>();
        found.put("columns", columns(r.getMetaData()));
        while (r.next()) rows.add(row(r));
        found.put("rows", rows);
        return found;
    }

    private static List<Object> columns(ResultSetMetaData m) throws SQLException {
        List<Object> columns = new ArrayList<>();
        for (int i = 1; i <= m.getColumnCount(); i++) {
            Map<String, Object> c = new LinkedHashMap<>();
            c.put("name", m.getColumnLabel(i));
            c.put("type", m.getColumnTypeName(i));
            c.put("precision", m.getPrecision(i));
            c.put("scale", m.getScale(i));
            c.put("nullable", m.isNullable(i));
            c.put("identity", m.isAutoIncrement(i));
            c.put("jdbc", m.getColumnType(i));
            columns.add(c);
        }
        return columns;
    }

    private static List<Object> row(ResultSet r) throws SQLException {
        List<Object> row = new ArrayList<>();
        ResultSetMetaData m = r.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++) row.add(cell(r, i, m.getColumnTypeName(i)));
        return row;
    }

    private static Object cell(ResultSet r, int i, String type) throws SQLException {
        if (r.getObject(i) == null) return null;
        switch (type.replace(" identity", "")) {
            case "bit": return r.getBoolean(i) ? "1" : "0";
            case "tinyint": case "smallint": case "int": case "bigint": return Long.toString(r.getLong(i));
            case "decimal": case "numeric": case "money": case "smallmoney": return r.getBigDecimal(i).toPlainString();
            case "float": return String.format("%016x", Double.doubleToLongBits(r.getDouble(i)));
            case "real": return String.format("%08x", Float.floatToIntBits(r.getFloat(i)));
            case "date": return r.getObject(i, LocalDate.class).toString();
            case "time": return r.getObject(i, LocalTime.class).format(CLOCK);
            case "datetime": case "datetime2": case "smalldatetime": return r.getObject(i, LocalDateTime.class).format(MOMENT);
            case "datetimeoffset": return zoned(r.getObject(i, OffsetDateTime.class));
            case "binary": case "varbinary": case "image": case "timestamp": case "geometry": case "geography": case "hierarchyid":
            case "udt":
                return HexFormat.of().formatHex(r.getBytes(i));
            case "sql_variant": return variant(r.getObject(i));
            case "uniqueidentifier": return r.getString(i).toUpperCase();
            default: return r.getString(i);
        }
    }

    private static String zoned(OffsetDateTime t) {
        String zone = t.getOffset().equals(ZoneOffset.UTC) ? "+00:00" : t.getOffset().toString();
        return t.toLocalDateTime().format(MOMENT) + " " + zone;
    }

    private static Object variant(Object o) {
        if (o instanceof byte[] b) return HexFormat.of().formatHex(b);
        if (o instanceof Double d) return String.format("%016x", Double.doubleToLongBits(d));
        if (o instanceof Float f) return String.format("%08x", Float.floatToIntBits(f));
        if (o instanceof BigDecimal d) return d.toPlainString();
        if (o instanceof Boolean b) return b ? "1" : "0";
        if (o instanceof java.sql.Timestamp t) return t.toLocalDateTime().format(MOMENT);
        return o.toString();
    }

    // --- parameters

    private static void bind(PreparedStatement statement, List<Object> params) throws SQLException {
        SQLServerPreparedStatement s = (SQLServerPreparedStatement) statement;
        for (int i = 1; i <= params.size(); i++) {
            Map<String, Object> p = map(params.get(i - 1));
            String v = (String) p.get("value"), type = (String) p.get("type");
            int precision = number(p.get("precision")), scale = number(p.get("scale"));
            if (v == null) {
                s.setNull(i, jdbcType(type));
                continue;
            }
            switch (type) {
                case "bit": s.setBoolean(i, v.equals("1")); break;
                case "tinyint": s.setShort(i, Short.parseShort(v)); break;
                case "smallint": s.setShort(i, Short.parseShort(v)); break;
                case "int": s.setInt(i, Integer.parseInt(v)); break;
                case "bigint": s.setLong(i, Long.parseLong(v)); break;
                case "decimal": case "numeric": s.setBigDecimal(i, new BigDecimal(v), precision, scale); break;
                case "money": s.setMoney(i, new BigDecimal(v)); break;
                case "smallmoney": s.setSmallMoney(i, new BigDecimal(v)); break;
                case "float": s.setDouble(i, Double.longBitsToDouble(Long.parseUnsignedLong(v, 16))); break;
                case "real": s.setFloat(i, Float.intBitsToFloat(Integer.parseUnsignedInt(v, 16))); break;
                case "date": s.setObject(i, LocalDate.parse(v), Types.DATE); break;
                case "time": s.setObject(i, LocalTime.parse(v), Types.TIME, scale); break;
                case "datetime": s.setDateTime(i, java.sql.Timestamp.valueOf(LocalDateTime.parse(v, MOMENT))); break;
                case "smalldatetime": s.setSmallDateTime(i, java.sql.Timestamp.valueOf(LocalDateTime.parse(v, MOMENT))); break;
                case "datetime2": s.setObject(i, LocalDateTime.parse(v, MOMENT), Types.TIMESTAMP, scale); break;
                case "datetimeoffset": s.setObject(i, offset(v), Types.TIMESTAMP_WITH_TIMEZONE, scale); break;
                case "uniqueidentifier": s.setUniqueIdentifier(i, v); break;
                case "binary": case "varbinary": case "image": case "timestamp": case "rowversion":
                    s.setBytes(i, HexFormat.of().parseHex(v)); break;
                case "char": case "varchar": case "text": s.setString(i, v); break;
                case "xml": { java.sql.SQLXML x = s.getConnection().createSQLXML(); x.setString(v); s.setSQLXML(i, x); break; }
                default: s.setNString(i, v);
            }
        }
    }

    private static OffsetDateTime offset(String v) {
        LocalDateTime local = LocalDateTime.parse(v.substring(0, v.lastIndexOf(' ')), MOMENT);
        return OffsetDateTime.of(local, ZoneOffset.of(v.substring(v.lastIndexOf(' ') + 1)));
    }

    private static int jdbcType(String type) {
        switch (type) {
            case "bit": return Types.BIT;
            case "tinyint": return Types.TINYINT;
            case "smallint": return Types.SMALLINT;
            case "int": return Types.INTEGER;
            case "bigint": return Types.BIGINT;
            case "decimal": case "numeric": return Types.DECIMAL;
            case "money": return microsoft.sql.Types.MONEY;
            case "smallmoney": return microsoft.sql.Types.SMALLMONEY;
            case "float": return Types.DOUBLE;
            case "real": return Types.REAL;
            case "date": return Types.DATE;
            case "time": return Types.TIME;
            case "datetime": return microsoft.sql.Types.DATETIME;
            case "smalldatetime": return microsoft.sql.Types.SMALLDATETIME;
            case "datetime2": return Types.TIMESTAMP;
            case "datetimeoffset": return microsoft.sql.Types.DATETIMEOFFSET;
            case "uniqueidentifier": return microsoft.sql.Types.GUID;
            case "binary": case "varbinary": case "image": case "timestamp": case "rowversion": return Types.VARBINARY;
            case "char": case "varchar": case "text": return Types.VARCHAR;
            case "xml": return Types.SQLXML;
            default: return Types.NVARCHAR;
        }
    }

    // --- metadata

    private Map<String, Object> describe(Map<String, Object> r) throws SQLException {
        Map<String, Object> found = new LinkedHashMap<>();
        try (PreparedStatement s = connection.prepareStatement((String) r.get("sql"))) {
            ResultSetMetaData m = s.getMetaData();
            found.put("columns", m == null ? null : columns(m));
            ParameterMetaData p = s.getParameterMetaData();
            List<Object> parameters = new ArrayList<>();
            for (int i = 1; i <= p.getParameterCount(); i++) {
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("type", p.getParameterTypeName(i));
                one.put("precision", p.getPrecision(i));
                one.put("scale", p.getScale(i));
                parameters.add(one);
            }
            found.put("parameters", parameters);
        }
        return found;
    }

    private Map<String, Object> metadata(Map<String, Object> r) throws SQLException {
        DatabaseMetaData m = connection.getMetaData();
        String[] a = list(r.get("arguments")).toArray(new String[4]);
        try (ResultSet s = metadata(m, (String) r.get("call"), a)) {
            List<Object> names = new ArrayList<>(), rows = new ArrayList<>();
            for (int i = 1; i <= s.getMetaData().getColumnCount(); i++) names.add(s.getMetaData().getColumnLabel(i));
            while (s.next()) {
                List<Object> row = new ArrayList<>();
                for (int i = 1; i <= names.size(); i++) row.add(s.getString(i));
                rows.add(row);
            }
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("names", names);
            found.put("rows", rows);
            return found;
        }
    }

    private static ResultSet metadata(DatabaseMetaData m, String call, String[] a) throws SQLException {
        switch (call) {
            case "getColumns": return m.getColumns(a[0], a[1], a[2], a[3]);
            case "getTables": return m.getTables(a[0], a[1], a[2], a[3] == null ? null : new String[] {a[3]});
            case "getPrimaryKeys": return m.getPrimaryKeys(a[0], a[1], a[2]);
            case "getIndexInfo": return m.getIndexInfo(a[0], a[1], a[2], false, true);
            case "getImportedKeys": return m.getImportedKeys(a[0], a[1], a[2]);
            case "getExportedKeys": return m.getExportedKeys(a[0], a[1], a[2]);
            case "getBestRowIdentifier": return m.getBestRowIdentifier(a[0], a[1], a[2], DatabaseMetaData.bestRowSession, true);
            case "getVersionColumns": return m.getVersionColumns(a[0], a[1], a[2]);
            case "getColumnPrivileges": return m.getColumnPrivileges(a[0], a[1], a[2], a[3]);
            case "getTablePrivileges": return m.getTablePrivileges(a[0], a[1], a[2]);
            case "getProcedures": return m.getProcedures(a[0], a[1], a[2]);
            case "getProcedureColumns": return m.getProcedureColumns(a[0], a[1], a[2], a[3]);
            case "getFunctions": return m.getFunctions(a[0], a[1], a[2]);
            case "getTypeInfo": return m.getTypeInfo();
            case "getSchemas": return m.getSchemas();
            case "getCatalogs": return m.getCatalogs();
            case "getTableTypes": return m.getTableTypes();
            default: throw new IllegalArgumentException(call);
        }
    }

    // --- cursors, procedures, bulk copy, cancelling, transactions

    private Map<String, Object> cursor(Map<String, Object> r) throws SQLException {
        int type;
        switch ((String) r.get("kind")) {
            case "static": type = ResultSet.TYPE_SCROLL_INSENSITIVE; break;
            case "keyset": type = ResultSet.TYPE_SCROLL_SENSITIVE; break;
            case "dynamic": type = 1006; break; // SQLServerResultSet.TYPE_SS_SCROLL_DYNAMIC
            case "server forward": type = 2004; break; // SQLServerResultSet.TYPE_SS_SERVER_CURSOR_FORWARD_ONLY
            default: type = ResultSet.TYPE_FORWARD_ONLY;
        }
        boolean isUpdate = "update".equals(r.get("concurrency"));
        List<Object> rows = new ArrayList<>();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("rows", rows);
        try (PreparedStatement s = connection.prepareStatement((String) r.get("sql"), type,
                isUpdate ? ResultSet.CONCUR_UPDATABLE : ResultSet.CONCUR_READ_ONLY)) {
            bind(s, list(r.get("params")));
            if (r.get("fetch_size") != null) s.setFetchSize(number(r.get("fetch_size")));
            try (ResultSet set = s.executeQuery()) {
                found.put("columns", columns(set.getMetaData()));
                for (Object move : list(r.get("moves"))) rows.add(move(set, list(move)) ? row(set) : null);
                if (list(r.get("moves")).isEmpty()) while (set.next()) rows.add(row(set));
                if (isUpdate) {
                    set.updateString(number(r.get("column")), (String) r.get("value"));
                    set.updateRow();
                }
            }
        }
        return found;
    }

    private static boolean move(ResultSet s, List<Object> move) throws SQLException {
        switch ((String) move.get(0)) {
            case "next": return s.next();
            case "prior": return s.previous();
            case "first": return s.first();
            case "last": return s.last();
            case "absolute": return s.absolute(number(move.get(1)));
            default: return s.relative(number(move.get(1)));
        }
    }

    private Map<String, Object> call(Map<String, Object> r) throws SQLException {
        List<Object> params = list(r.get("params")), outputs = new ArrayList<>();
        try (CallableStatement s = connection.prepareCall((String) r.get("sql"))) {
            for (int i = 1; i <= params.size(); i++) {
                Map<String, Object> p = map(params.get(i - 1));
                if (Boolean.TRUE.equals(p.get("output"))) s.registerOutParameter(i, jdbcType((String) p.get("type")), number(p.get("scale")));
                if (p.get("value") != null) s.setString(i, (String) p.get("value"));
            }
            Map<String, Object> found = results(s, s::execute);
            for (int i = 1; i <= params.size(); i++) {
                if (Boolean.TRUE.equals(map(params.get(i - 1)).get("output"))) outputs.add(s.getString(i));
            }
            found.put("outputs", outputs);
            return found;
        }
    }

    /** SQLServerBulkCopy from a result set of another connection's temporary rows would do; here from rows in memory. */
    private Map<String, Object> bulk(Map<String, Object> r) throws SQLException {
        SQLServerBulkCopyOptions options = new SQLServerBulkCopyOptions();
        options.setBatchSize(number(r.get("batch")));
        options.setTableLock(Boolean.TRUE.equals(r.get("table_lock")));
        options.setKeepIdentity(Boolean.TRUE.equals(r.get("keep_identity")));
        try (SQLServerBulkCopy copy = new SQLServerBulkCopy(connection)) {
            copy.setBulkCopyOptions(options);
            copy.setDestinationTableName((String) r.get("table"));
            Rows rows = new Rows(list(r.get("columns")), list(r.get("rows")));
            for (Object c : list(r.get("columns"))) copy.addColumnMapping((String) map(c).get("name"), (String) map(c).get("name"));
            copy.writeToServer(rows);
        }
        return new LinkedHashMap<>();
    }

    @SuppressWarnings("serial")
    private static final class Rows implements ISQLServerBulkData {
        private final List<Object> columns, rows;
        private int at = -1;

        Rows(List<Object> columns, List<Object> rows) {
            this.columns = columns;
            this.rows = rows;
        }

        private Map<String, Object> column(int i) { return map(columns.get(i - 1)); }

        public java.util.Set<Integer> getColumnOrdinals() {
            java.util.Set<Integer> found = new java.util.TreeSet<>();
            for (int i = 1; i <= columns.size(); i++) found.add(i);
            return found;
        }
        public String getColumnName(int i) { return (String) column(i).get("name"); }
        public int getColumnType(int i) { return jdbcType((String) column(i).get("type")); }
        public int getPrecision(int i) {
            int length = number(column(i).get("length"));
            return length == -1 ? 2147483647 : length > 0 ? length : number(column(i).get("precision"));
        }
        public int getScale(int i) { return number(column(i).get("scale")); }
        public boolean next() { return ++at < rows.size(); }
        public Object[] getRowData() {
            List<Object> row = list(rows.get(at));
            Object[] found = new Object[row.size()];
            for (int i = 0; i < found.length; i++) found[i] = value((String) column(i + 1).get("type"), (String) row.get(i));
            return found;
        }
        private static Object value(String type, String v) {
            if (v == null) return null;
            switch (type) {
                case "float": return Double.longBitsToDouble(Long.parseUnsignedLong(v, 16));
                case "real": return Float.intBitsToFloat(Integer.parseUnsignedInt(v, 16));
                case "bit": return v.equals("1");
                case "int": return Integer.parseInt(v);
                case "bigint": return Long.parseLong(v);
                case "tinyint": case "smallint": return Short.parseShort(v);
                case "decimal": case "numeric": case "money": case "smallmoney": return new BigDecimal(v);
                case "binary": case "varbinary": case "image": return HexFormat.of().parseHex(v);
                case "date": return java.sql.Date.valueOf(v);
                case "datetime2": case "datetime": case "smalldatetime": return java.sql.Timestamp.valueOf(v);
                default: return v;
            }
        }
    }

    private Map<String, Object> cancel(Map<String, Object> r) throws Exception {
        try (Statement s = connection.createStatement()) {
            Thread canceller = null;
            if ("timeout".equals(r.get("how"))) {
                s.setQueryTimeout(1);
            } else {
                canceller = new Thread(() -> {
                    try {
                        Thread.sleep(300);
                        s.cancel();
                    } catch (SQLException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
                canceller.start();
            }
            Map<String, Object> found = results(s, () -> s.execute((String) r.get("sql")));
            if (canceller != null) canceller.join();
            return found;
        }
    }

    private Map<String, Object> transaction(Map<String, Object> r) throws SQLException {
        String name = (String) r.get("name");
        switch ((String) r.get("what")) {
            case "begin":
                connection.setAutoCommit(false);
                if (r.get("isolation") != null) connection.setTransactionIsolation(number(r.get("isolation")));
                break;
            case "commit": connection.commit(); connection.setAutoCommit(true); break;
            case "rollback": connection.rollback(); connection.setAutoCommit(true); break;
            case "save": savepoints.put(name, connection.setSavepoint(name)); break;
            default: connection.rollback(savepoints.get(name));
        }
        return new LinkedHashMap<>();
    }

    // --- messages

    private static Map<String, Object> error(SQLException e) {
        Map<String, Object> found = new LinkedHashMap<>();
        SQLServerError s = e instanceof SQLServerException x ? x.getSQLServerError() : null;
        found.put("number", e.getErrorCode());
        found.put("sqlstate", e.getSQLState());
        found.put("text", s != null ? s.getErrorMessage() : e.getMessage());
        if (s != null) {
            found.put("state", s.getErrorState());
            found.put("class", s.getErrorSeverity());
            found.put("line", s.getLineNumber());
            found.put("procedure", s.getProcedureName());
        }
        return found;
    }

    private static void take(SQLWarning w, List<Object> messages) {
        for (; w != null; w = w.getNextWarning()) {
            Map<String, Object> m = new LinkedHashMap<>();
            m.put("number", w.getErrorCode());
            m.put("text", w.getMessage());
            if (w instanceof SQLServerWarning s && s.getSQLServerError() != null) {
                m.put("state", s.getSQLServerError().getErrorState());
                m.put("class", s.getSQLServerError().getErrorSeverity());
                m.put("line", s.getSQLServerError().getLineNumber());
                m.put("procedure", s.getSQLServerError().getProcedureName());
            }
            messages.add(m);
        }
    }

    // --- JSON's types

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object o) {
        return o == null ? Map.of() : (Map<String, Object>) o;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Object o) {
        return o == null ? List.of() : (List<Object>) o;
    }

    private static int number(Object o) {
        return o == null ? 0 : ((Long) o).intValue();
    }
}
