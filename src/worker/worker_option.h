/* worker_option.h - properties of the worker itself: what connect-standalone takes in its first file. Static
 * data. */
#ifndef WORKER_WORKER_OPTION_H
#define WORKER_WORKER_OPTION_H

#include "config/option.h"

OptionTable worker_option_table(void);

#endif
