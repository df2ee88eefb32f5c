#include "worker/worker_option.h"

#define NO_BROKER "there is no broker between source and sink: nothing is encoded or stored on the way"
#define IN_TARGET "positions are stored in the target database, with the rows"

static const OptionDef defs[] = {
    OPTION_STATUS_ROW(
        OPTION_REFUSED, OPTION_HIGH, "bootstrap.servers", OPTION_LIST,
        "without it source and sink are joined directly; with it `millrace run` puts Kafka between them",
        .help = "Kafka brokers; their presence chooses the Kafka transport."),
    {.key = "log.level",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "info",
     .values = (const char *const[]){"debug", "info", "warn", "error", NULL},
     .help = "The least level of log lines that are written."},
    OPTION_NO_SENSE_ROW("config.providers", OPTION_LIST, "the providers env and file are always there",
                        .help = "Names of the providers that ${provider:…} may use."),
    OPTION_NO_SENSE_ROW("config.providers.*", OPTION_STRING, "the providers env and file are always there",
                        .help = "Classes and parameters of providers."),
    OPTION_NO_SENSE_ROW("key.converter", OPTION_CLASS, NO_BROKER, .help = "Converter of keys."),
    OPTION_NO_SENSE_ROW("key.converter.*", OPTION_STRING, NO_BROKER,
                        .help = "Parameters of the keys' converter."),
    OPTION_NO_SENSE_ROW("value.converter", OPTION_CLASS, NO_BROKER, .help = "Converter of values."),
    OPTION_NO_SENSE_ROW("value.converter.*", OPTION_STRING, NO_BROKER,
                        .help = "Parameters of the values' converter."),
    OPTION_NO_SENSE_ROW("header.converter", OPTION_CLASS, NO_BROKER, .help = "Converter of headers."),
    OPTION_NO_SENSE_ROW("offset.storage.file.filename", OPTION_STRING, IN_TARGET,
                        .help = "Where connect-standalone keeps offsets."),
    OPTION_NO_SENSE_ROW("offset.flush.interval.ms", OPTION_DURATION, IN_TARGET,
                        .help = "How often offsets are stored."),
    OPTION_NO_SENSE_ROW("offset.flush.timeout.ms", OPTION_DURATION, IN_TARGET,
                        .help = "How long storing offsets may take."),
    OPTION_NO_SENSE_ROW("plugin.path", OPTION_LIST, "connectors are built in",
                        .help = "Where Java connectors are looked for."),
    OPTION_NO_SENSE_ROW("plugin.discovery", OPTION_STRING, "connectors are built in",
                        .help = "How Java connectors are looked for."),
    OPTION_STATUS_ROW(OPTION_NOT_YET, OPTION_MEDIUM, "listeners", OPTION_LIST, "the REST API isn't there yet",
                      .help = "Addresses of the REST API."),
    OPTION_STATUS_ROW(OPTION_NOT_YET, OPTION_LOW, "rest.*", OPTION_STRING, "the REST API isn't there yet",
                      .help = "The REST API's addresses."),
    OPTION_NO_SENSE_ROW("producer.*", OPTION_STRING, NO_BROKER, .is_secret = true,
                        .help = "Kafka producers."),
    OPTION_NO_SENSE_ROW("consumer.*", OPTION_STRING, NO_BROKER, .is_secret = true,
                        .help = "Kafka consumers."),
    OPTION_NO_SENSE_ROW("admin.*", OPTION_STRING, NO_BROKER, .is_secret = true,
                        .help = "Kafka's administration client."),
};

OptionTable worker_option_table(void) {
    return (OptionTable){defs, sizeof defs / sizeof *defs};
}
