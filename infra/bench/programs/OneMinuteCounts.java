import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndFailExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Kafka Streams: its own windowed count on one thread, in RocksDB with a changelog, as its documentation has it.
 *
 * <p>Arguments and output are those of {@code task.py}. The counts are durable when the offsets of every input record
 * are committed: Kafka Streams writes its changelog before that.
 */
public final class OneMinuteCounts {
  private static final byte[] NOTHING = new byte[0];

  private static long counted = 0;
  private static long nextLine = 1;
  private static volatile boolean complete = false;

  /** The fields the count needs; the reader skips the rest. */
  public static final class Event {
    public String type;
    public long time;
    @JsonProperty("object_author") public String author;
    public List<String> targets;

    String receiver() {
      return targets == null ? author : targets.get(0);
    }
  }

  /** Counts what has been counted, behind nothing and before the next record; asks for a last commit at the end. */
  private static final class Meter implements FixedKeyProcessor<String, byte[], byte[]> {
    private final long expected;
    private FixedKeyProcessorContext<String, byte[]> context;

    Meter(long expected) {
      this.expected = expected;
    }

    @Override
    public void init(FixedKeyProcessorContext<String, byte[]> given) {
      context = given;
      context.schedule(
          Duration.ofMillis(50),
          PunctuationType.WALL_CLOCK_TIME,
          now -> {
            if (complete) {
              context.commit();
            }
          });
    }

    @Override
    public void process(FixedKeyRecord<String, byte[]> record) {
      context.forward(record);
      counted++;
      if (counted >= nextLine) {
        say("at");
        nextLine = counted + Math.max(1, expected / 100);
      }
      if (counted >= expected) {
        complete = true;
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> task = new HashMap<>();
    for (String argument : arguments) {
      String[] parts = argument.split("=", 2);
      task.put(parts[0], parts[1]);
    }
    StreamsBuilder builder = new StreamsBuilder();
    count(builder, task);
    try (KafkaStreams streams = new KafkaStreams(builder.build(), settings(task))) {
      streams.setUncaughtExceptionHandler(
          error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
          });
      streams.start();
      while (!complete) {
        Thread.sleep(20);
      }
      awaitCommit(task);
      say("done");
      write(streams, Path.of(task.get("result")));
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
  }

  private static void count(StreamsBuilder builder, Map<String, String> task) {
    long expected = Long.parseLong(task.get("expected"));
    KStream<String, Event> events =
        builder.stream(
            task.get("topic"),
            Consumed.with(Serdes.String(), json())
                .withTimestampExtractor((record, before) -> ((Event) record.value()).time));
    KStream<String, Event> received = events.filter((key, event) -> event.receiver() != null);
    KStream<String, byte[]> keyed;
    if (Boolean.parseBoolean(task.get("shuffle"))) {
      keyed =
          received
              .map((key, event) -> new KeyValue<>(event.receiver(), NOTHING))
              .repartition(
                  Repartitioned.<String, byte[]>as("receiver")
                      .withKeySerde(Serdes.String())
                      .withValueSerde(Serdes.ByteArray())
                      .withNumberOfPartitions(Integer.parseInt(task.get("partitions"))));
    } else {
      keyed = received.mapValues(event -> NOTHING);
    }
    keyed
        .processValues(() -> new Meter(expected))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofHours(1)))
        .count(
            Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("counts")
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long()));
  }

  private static Properties settings(Map<String, String> task) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, task.get("name"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.get("broker"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, task.get("folder"));
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    settings.put(
        StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndFailExceptionHandler.class);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    return settings;
  }

  private static Serde<Event> json() {
    ObjectReader reader =
        new ObjectMapper()
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
            .readerFor(Event.class);
    return Serdes.serdeFrom(
        (topic, event) -> {
          throw new UnsupportedOperationException("events are only read");
        },
        (topic, bytes) -> {
          try {
            return reader.readValue(bytes);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }

  /** Waits until the group has committed the end of everything it reads. */
  private static void awaitCommit(Map<String, String> task) throws Exception {
    List<String> topics =
        Boolean.parseBoolean(task.get("shuffle"))
            ? List.of(task.get("topic"), task.get("name") + "-receiver-repartition")
            : List.of(task.get("topic"));
    Map<TopicPartition, OffsetSpec> latest =
        topics.stream()
            .flatMap(
                topic ->
                    IntStream.range(0, Integer.parseInt(task.get("partitions")))
                        .mapToObj(partition -> new TopicPartition(topic, partition)))
            .collect(Collectors.toMap(place -> place, place -> OffsetSpec.latest()));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", task.get("broker")))) {
      var ends = admin.listOffsets(latest).all().get();
      boolean committed = false;
      while (!committed) {
        Map<TopicPartition, OffsetAndMetadata> offsets =
            admin.listConsumerGroupOffsets(task.get("name")).partitionsToOffsetAndMetadata().get();
        committed =
            ends.entrySet().stream()
                .allMatch(
                    end -> {
                      OffsetAndMetadata at = offsets.get(end.getKey());
                      return (at == null ? 0 : at.offset()) >= end.getValue().offset();
                    });
        Thread.sleep(committed ? 0 : 10);
      }
    }
  }

  private static void write(KafkaStreams streams, Path result) throws IOException {
    var store =
        streams.store(
            StoreQueryParameters.fromNameAndType("counts", QueryableStoreTypes.<String, Long>windowStore()));
    try (var windows = store.all();
        var file = new PrintWriter(Files.newBufferedWriter(result, StandardCharsets.UTF_8))) {
      windows.forEachRemaining(
          window ->
              file.print(window.key.key() + "\t" + window.key.window().start() + "\t" + window.value + "\n"));
    }
  }

  private static void say(String what) {
    System.out.printf(Locale.ROOT, "BENCH %s %d %.6f%n", what, counted, System.nanoTime() / 1e9);
    System.out.flush();
  }
}
