import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs embedded Debezium engines for the tests; one JVM holds any number of them, told by lines on stdin:
 *
 * <pre>
 * start NAME PROPERTIES EVENTS [GATE]   an engine with that properties file; EVENTS gets its lines (see {@link Run})
 * open NAME                             lets an engine go on that stopped at its gate
 * stop NAME                             closes it as a user would
 * quit                                  closes all and ends; so does the end of stdin
 * </pre>
 *
 * What became of a command is told in the engine's own file.
 */
public final class Harness {
    private Harness() {
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Run> runs = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null && !line.equals("quit"); ) {
            String[] words = line.split("\t");
            switch (words[0]) {
                case "start" -> runs.put(words[1], Run.start(words[1], Path.of(words[2]), Path.of(words[3]),
                        words.length > 4 ? Long.parseLong(words[4]) : Long.MAX_VALUE));
                case "open" -> runs.get(words[1]).open();
                case "stop" -> runs.remove(words[1]).stop();
                default -> throw new IllegalArgumentException("harness: unknown command: " + line);
            }
        }
        for (Run run : runs.values()) {
            run.open();
            run.stop();
        }
        for (Run run : runs.values()) {
            run.join();
        }
        System.exit(0);
    }
}
