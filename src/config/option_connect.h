/* option_connect.h - Connect's own properties of every connector: name, tasks.max, converters, transforms,
 * errors. */
#ifndef CONFIG_OPTION_CONNECT_H
#define CONFIG_OPTION_CONNECT_H

#include "config/option.h"

/* For options_parse_tables, after the connector's own table. Static data; any thread. */
OptionTable option_connect_table(void);
/* What debezium.version may be, the oldest first; NULL-terminated. */
extern const char *const option_connect_versions[];

#endif
