import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * A file of JSON lines, each written through at once so that a killed engine leaves what it had handed over. An event:
 * topic, key, value, headers, offset. A value schema stands in a line of its own before the first event that has it. What
 * happened to the engine: {"state": …}.
 */
final class EventFile {
    private static final ObjectMapper JSON = new ObjectMapper();
    private final JsonConverter plain = converter(false);
    private final JsonConverter withSchema = converter(true);
    private final Map<String, Schema> schemas = new HashMap<>();
    private final BufferedWriter out;

    EventFile(Path path) throws IOException {
        out = Files.newBufferedWriter(path, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static JsonConverter converter(boolean schemas) {
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", schemas, "converter.type", "value"));
        return converter;
    }

    synchronized void event(SourceRecord record) {
        String topic = record.topic();
        if (record.valueSchema() != null && schemas.put(topic, record.valueSchema()) != record.valueSchema()) {
            line("{\"topic\":" + text(topic) + ",\"schema\":" + json(withSchema, topic, record.valueSchema(), record.value())
                    + "}");
        }
        StringBuilder line = new StringBuilder("{\"topic\":").append(text(topic));
        line.append(",\"key\":").append(json(plain, topic, record.keySchema(), record.key()));
        line.append(",\"value\":").append(json(plain, topic, record.valueSchema(), record.value()));
        line.append(",\"headers\":{");
        String separator = "";
        for (Header header : record.headers()) {
            line.append(separator).append(text(header.key())).append(':');
            line.append(json(plain, topic, header.schema(), header.value()));
            separator = ",";
        }
        line.append("},\"partition\":").append(text(record.sourcePartition()));
        line.append(",\"offset\":").append(text(record.sourceOffset())).append('}');
        line(line.toString());
    }

    synchronized void state(String state, String message, Throwable error) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("state", state);
        line.put("message", message);
        StringBuilder causes = new StringBuilder();
        for (Throwable t = error; t != null; t = t.getCause()) {
            causes.append(causes.length() == 0 ? "" : " <- ").append(t);
        }
        line.put("error", error == null ? null : causes.toString());
        line(text(line));
    }

    private static String json(JsonConverter converter, String topic, Schema schema, Object value) {
        byte[] bytes = value == null ? null : converter.fromConnectData(topic, schema, value);
        return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
    }

    private static String text(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void line(String line) {
        try {
            out.write(line);
            out.write('\n');
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
