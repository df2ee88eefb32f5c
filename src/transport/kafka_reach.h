/* kafka_reach.h - whether a cluster can be reached at all. Any thread. */
#ifndef TRANSPORT_KAFKA_REACH_H
#define TRANSPORT_KAFKA_REACH_H

#include <stdbool.h>

#include "config/option.h"
#include "transport/kafka_config.h"

/* Whether one of a client's bootstrap servers takes a connection; it is closed at once. Takes about a second
 * at most. Also true where that can't be told: none is named, a name can't be looked up. */
bool kafka_reach_any(const Options *o, KafkaRole role);

#endif
