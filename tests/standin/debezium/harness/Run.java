import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * One embedded engine and the file its lines go to. A gate at N stops the consumer after the Nth row event of this run, in
 * the middle of a batch: the file has the event, the offset store doesn't know of the batch yet.
 */
final class Run implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> {
    private final EventFile events;
    private final long gate;
    private final CountDownLatch opened = new CountDownLatch(1);
    private long rows;
    private DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
    private Thread thread;

    private Run(EventFile events, long gate) {
        this.events = events;
        this.gate = gate;
    }

    static Run start(String name, Path propertiesPath, Path eventsPath, long gate) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(propertiesPath)) {
            properties.load(reader);
        }
        Run run = new Run(new EventFile(eventsPath), gate);
        run.engine = DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                .using(properties)
                .using(run.new Callback())
                .using((success, message, error) -> run.events.state(success ? "completed" : "failed", message, error))
                .notifying(run)
                .build();
        run.thread = new Thread(run.engine, "engine-" + name);
        run.thread.start();
        return run;
    }

    void open() {
        opened.countDown();
    }

    /** Closes the engine from a thread of its own: close() waits for the consumer, which may stand at its gate. */
    void stop() {
        new Thread(() -> {
            try {
                engine.close();
                thread.join();
                events.state("stopped", null, null);
            } catch (IOException | InterruptedException | RuntimeException e) {
                events.state("stop failed", e.toString(), e);
            }
        }, "stop").start();
    }

    void join() throws InterruptedException {
        thread.join(20_000);
    }

    @Override
    public void handleBatch(List<RecordChangeEvent<SourceRecord>> batch,
            DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer) throws InterruptedException {
        for (RecordChangeEvent<SourceRecord> event : batch) {
            SourceRecord row = event.record();
            events.event(row);
            committer.markProcessed(event);
            boolean isRow = row.value() instanceof Struct value && value.schema().field("op") != null;
            if (isRow && ++rows == gate) {
                events.state("gate", null, null);
                opened.await();
            }
        }
        committer.markBatchFinished();
    }

    private final class Callback implements DebeziumEngine.ConnectorCallback {
        @Override
        public void taskStarted() {
            events.state("started", null, null);
        }
    }
}
