import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** Kafka's and Debezium's own transforms, asked in the same way as transform_probe.c: a line of JSON in, a line out. */
public class TransformJudge {
    static final ObjectMapper JSON = new ObjectMapper();

    record Stage(Transformation<SinkRecord> transform, Predicate<SinkRecord> predicate, boolean negate) {}

    // ---- from JSON ----

    static Schema schema(JsonNode j) {
        String type = j.isTextual() ? j.asText() : j.get("t").asText();
        boolean optional = type.endsWith("?") || j.path("opt").asBoolean();
        if (type.endsWith("?")) type = type.substring(0, type.length() - 1);
        Schema.Type t = Schema.Type.valueOf(type.toUpperCase());
        SchemaBuilder b = switch (t) {
            case ARRAY -> SchemaBuilder.array(schema(j.get("e")));
            case MAP -> SchemaBuilder.map(schema(j.get("k")), schema(j.get("e")));
            default -> new SchemaBuilder(t);
        };
        if (j.has("n")) b.name(j.get("n").asText());
        if (j.has("v")) b.version(j.get("v").asInt());
        if (j.has("doc")) b.doc(j.get("doc").asText());
        j.path("p").fields().forEachRemaining(e -> b.parameter(e.getKey(), e.getValue().asText()));
        for (JsonNode f : j.path("f")) b.field(f.get(0).asText(), schema(f.get(1)));
        if (optional) b.optional();
        if (j.has("def")) b.defaultValue(value(b, j.get("def")));
        return b.build();
    }

    static byte[] hex(String s) {
        byte[] ret = new byte[s.length() / 2];
        for (int i = 0; i < ret.length; i++) ret[i] = (byte) Integer.parseInt(s.substring(2 * i, 2 * i + 2), 16);
        return ret;
    }

    static int scale(Schema s) {
        return Integer.parseInt(s.parameters().get(Decimal.SCALE_FIELD));
    }

    static double floating(JsonNode j) {
        if (!j.isTextual()) return j.asDouble();
        return j.asText().equals("nan") ? Double.NaN : j.asText().startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }

    static Object value(Schema s, JsonNode j) {
        if (j == null || j.isNull() || j.isMissingNode()) return null;
        if (s == null) return j.asText();
        String name = s.name() == null ? "" : s.name();
        switch (s.type()) {
            case INT8: return (byte) j.asInt();
            case INT16: return (short) j.asInt();
            case INT32:
                if (name.equals(Date.LOGICAL_NAME)) return Date.toLogical(s, j.asInt());
                if (name.equals(Time.LOGICAL_NAME)) return Time.toLogical(s, j.asInt());
                return j.asInt();
            case INT64: return name.equals(Timestamp.LOGICAL_NAME) ? Timestamp.toLogical(s, j.asLong()) : (Object) j.asLong();
            case FLOAT32: return (float) floating(j);
            case FLOAT64: return floating(j);
            case BOOLEAN: return j.asBoolean();
            case STRING: return j.asText();
            case BYTES: {
                byte[] bytes = hex(j.asText());
                return name.equals(Decimal.LOGICAL_NAME) ? new BigDecimal(new BigInteger(bytes), scale(s)) : (Object) bytes;
            }
            case ARRAY: {
                List<Object> list = new ArrayList<>();
                for (JsonNode one : j) list.add(value(s.valueSchema(), one));
                return list;
            }
            case MAP: {
                Map<Object, Object> map = new LinkedHashMap<>();
                for (JsonNode pair : j) map.put(value(s.keySchema(), pair.get(0)), value(s.valueSchema(), pair.get(1)));
                return map;
            }
            default: {
                Struct struct = new Struct(s);
                for (Field f : s.fields()) struct.put(f, value(f.schema(), j.get(f.name())));
                return struct;
            }
        }
    }

    static Schema schemaOf(JsonNode j, String key) {
        return j.hasNonNull(key) ? schema(j.get(key)) : null;
    }

    static SinkRecord record(JsonNode j) {
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode h : j.path("headers")) {
            Schema s = h.get(1).isNull() ? null : schema(h.get(1));
            headers.add(h.get(0).asText(), value(s, h.get(2)), s);
        }
        Schema key = schemaOf(j, "key_schema"), value = schemaOf(j, "value_schema");
        return new SinkRecord(j.get("topic").asText(), j.get("partition").asInt(), key, value(key, j.get("key")), value, value(value, j.get("value")),
                j.get("offset").asLong(), j.has("timestamp") ? j.get("timestamp").asLong() : null, TimestampType.CREATE_TIME, headers);
    }

    // ---- to JSON ----

    static JsonNode text(byte[] bytes) {
        StringBuilder b = new StringBuilder();
        for (byte x : bytes) b.append(String.format("%02x", x));
        return JSON.getNodeFactory().textNode(b.toString());
    }

    static JsonNode floatingJson(double d) {
        if (Double.isNaN(d)) return JSON.getNodeFactory().textNode("nan");
        if (Double.isInfinite(d)) return JSON.getNodeFactory().textNode(d < 0 ? "-inf" : "inf");
        return JSON.getNodeFactory().numberNode(d);
    }

    static JsonNode json(Schema s, Object v) {
        var f = JSON.getNodeFactory();
        if (v == null) {
            if (s != null && !s.isOptional()) throw new IllegalStateException("null of a required schema");
            return f.nullNode();
        }
        if (s == null) return f.textNode(v.toString());
        switch (s.type()) {
            case INT32:
                if (v instanceof java.util.Date d)
                    return f.numberNode(Date.LOGICAL_NAME.equals(s.name()) ? Date.fromLogical(s, d) : Time.fromLogical(s, d));
                return f.numberNode((Integer) v);
            case INT64: return f.numberNode(v instanceof java.util.Date d ? Timestamp.fromLogical(s, d) : (Long) v);
            case INT8: return f.numberNode((Byte) v);
            case INT16: return f.numberNode((Short) v);
            case FLOAT32: return floatingJson((Float) v);
            case FLOAT64: return floatingJson((Double) v);
            case BOOLEAN: return f.booleanNode((Boolean) v);
            case STRING: return f.textNode((String) v);
            case BYTES:
                if (v instanceof BigDecimal d) return text(Decimal.fromLogical(s, d));
                return text(v instanceof ByteBuffer b ? b.array() : (byte[]) v);
            case ARRAY: {
                ArrayNode a = JSON.createArrayNode();
                for (Object one : (List<?>) v) a.add(json(s.valueSchema(), one));
                return a;
            }
            case MAP: {
                ArrayNode a = JSON.createArrayNode();
                ((Map<?, ?>) v).forEach((key, value) -> a.addArray().add(json(s.keySchema(), key)).add(json(s.valueSchema(), value)));
                return a;
            }
            default: {
                Struct struct = (Struct) v;
                struct.validate();
                if (!struct.schema().equals(s)) throw new IllegalStateException("a struct of another schema");
                ObjectNode o = JSON.createObjectNode();
                for (Field field : s.fields()) o.set(field.name(), json(field.schema(), struct.getWithoutDefault(field.name())));
                return o;
            }
        }
    }

    static JsonNode json(Schema s) {
        ObjectNode o = JSON.createObjectNode();
        String type = s.type().getName() + (s.isOptional() ? "?" : "");
        o.put("t", type);
        if (s.name() != null) o.put("n", s.name());
        if (s.version() != null) o.put("v", s.version());
        if (s.doc() != null) o.put("doc", s.doc());
        if (s.defaultValue() != null) o.set("def", json(s, s.defaultValue()));
        if (s.parameters() != null && !s.parameters().isEmpty()) s.parameters().forEach(o.putObject("p")::put);
        if (s.type() == Schema.Type.MAP) o.set("k", json(s.keySchema()));
        if (s.type() == Schema.Type.MAP || s.type() == Schema.Type.ARRAY) o.set("e", json(s.valueSchema()));
        if (s.type() == Schema.Type.STRUCT) {
            ArrayNode fields = o.putArray("f");
            for (Field f : s.fields()) fields.addArray().add(f.name()).add(json(f.schema()));
        }
        return o.size() > 1 ? o : JSON.getNodeFactory().textNode(type);
    }

    static ObjectNode json(SinkRecord r) {
        ObjectNode o = JSON.createObjectNode();
        o.put("topic", r.topic());
        if (r.keySchema() != null) o.set("key_schema", json(r.keySchema()));
        if (r.key() != null) o.set("key", json(r.keySchema(), r.key()));
        if (r.valueSchema() != null) o.set("value_schema", json(r.valueSchema()));
        if (r.value() != null) o.set("value", json(r.valueSchema(), r.value()));
        if (r.timestamp() != null) o.put("timestamp", r.timestamp());
        o.put("partition", r.kafkaPartition());
        o.put("offset", r.kafkaOffset());
        if (!r.headers().isEmpty()) {
            ArrayNode headers = o.putArray("headers");
            for (Header h : r.headers()) headers.addArray().add(h.key()).add(h.schema() == null ? null : json(h.schema())).add(json(h.schema(), h.value()));
        }
        return o;
    }

    // ---- chains ----

    static Map<String, Object> under(Map<String, String> props, String prefix, String... own) {
        Map<String, Object> ret = new HashMap<>();
        props.forEach((k, v) -> { if (k.startsWith(prefix)) ret.put(k.substring(prefix.length()), v); });
        for (String k : own) ret.remove(k);
        return ret;
    }

    @SuppressWarnings("unchecked")
    static <T> T instance(String name) throws Exception {
        return (T) Class.forName(name).getDeclaredConstructor().newInstance();
    }

    static List<Stage> chain(JsonNode in) throws Exception {
        Map<String, String> props = new HashMap<>();
        in.get("props").fields().forEachRemaining(e -> props.put(e.getKey(), e.getValue().asText()));
        List<Stage> ret = new ArrayList<>();
        for (String alias : props.get("transforms").split(",")) {
            String prefix = "transforms." + alias + ".";
            Transformation<SinkRecord> t = instance(props.get(prefix + "type"));
            t.configure(under(props, prefix, "type", "predicate", "negate"));
            Predicate<SinkRecord> p = null;
            String name = props.get(prefix + "predicate");
            if (name != null) {
                p = instance(props.get("predicates." + name + ".type"));
                p.configure(under(props, "predicates." + name + ".", "type"));
            }
            ret.add(new Stage(t, p, Boolean.parseBoolean(props.getOrDefault(prefix + "negate", "false"))));
        }
        return ret;
    }

    static JsonNode run(List<Stage> chain, JsonNode in) {
        try {
            SinkRecord r = record(in);
            for (Stage s : chain) {
                if (s.predicate() != null && s.predicate().test(r) == s.negate()) continue;
                r = s.transform().apply(r);
                if (r == null) return JSON.getNodeFactory().nullNode();
            }
            return json(r);
        } catch (RuntimeException e) {
            return JSON.createObjectNode().put("error", e.toString());
        }
    }

    static ObjectNode answer(JsonNode in) {
        ObjectNode out = JSON.createObjectNode();
        try {
            List<Stage> chain = chain(in);
            ArrayNode records = out.putArray("records");
            for (JsonNode r : in.get("records")) records.add(run(chain, r));
            return out;
        } catch (Exception e) {
            return JSON.createObjectNode().put("config_error", e.toString());
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader reader = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = reader.readLine()) != null; ) out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        out.flush();
    }
}
