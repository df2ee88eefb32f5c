import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as maps, lists, strings, longs, booleans and null: what the judge's requests and answers are made of. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object read(String text) {
        return new Json(text).value();
    }

    private char next() {
        while (Character.isWhitespace(text.charAt(at))) at++;
        return text.charAt(at);
    }

    private Object value() {
        switch (next()) {
            case '{': return object();
            case '[': return list();
            case '"': return string();
            case 't': at += 4; return true;
            case 'f': at += 5; return false;
            case 'n': at += 4; return null;
            default: return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> found = new LinkedHashMap<>();
        at++;
        while (next() != '}') {
            if (text.charAt(at) == ',') { at++; next(); }
            String key = string();
            next();
            at++; // the colon
            found.put(key, value());
        }
        at++;
        return found;
    }

    private List<Object> list() {
        List<Object> found = new ArrayList<>();
        at++;
        while (next() != ']') {
            if (text.charAt(at) == ',') at++;
            found.add(value());
        }
        at++;
        return found;
    }

    private String string() {
        StringBuilder s = new StringBuilder();
        at++;
        for (char c; (c = text.charAt(at++)) != '"'; ) {
            if (c != '\\') { s.append(c); continue; }
            char e = text.charAt(at++);
            switch (e) {
                case 'n': s.append('\n'); break;
                case 't': s.append('\t'); break;
                case 'r': s.append('\r'); break;
                case 'b': s.append('\b'); break;
                case 'f': s.append('\f'); break;
                case 'u': s.append((char) Integer.parseInt(text.substring(at, at += 4), 16)); break;
                default: s.append(e);
            }
        }
        return s.toString();
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
        return Long.parseLong(text.substring(start, at));
    }

    static String write(Object o) {
        StringBuilder s = new StringBuilder();
        write(o, s);
        return s.toString();
    }

    private static void write(Object o, StringBuilder s) {
        if (o == null || o instanceof Boolean || o instanceof Number) {
            s.append(o);
        } else if (o instanceof Map<?, ?> map) {
            String between = "{";
            for (Map.Entry<?, ?> e : map.entrySet()) {
                s.append(between);
                write(e.getKey().toString(), s);
                s.append(':');
                write(e.getValue(), s);
                between = ",";
            }
            s.append(map.isEmpty() ? "{}" : "}");
        } else if (o instanceof List<?> list) {
            String between = "[";
            for (Object item : list) {
                s.append(between);
                write(item, s);
                between = ",";
            }
            s.append(list.isEmpty() ? "[]" : "]");
        } else {
            quote(o.toString(), s);
        }
    }

    private static void quote(String text, StringBuilder s) {
        s.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') s.append('\\').append(c);
            else if (c < ' ' || c > '~') s.append(String.format("\\u%04x", (int) c));
            else s.append(c);
        }
        s.append('"');
    }
}
