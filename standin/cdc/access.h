/*
 * access.h - who may see the changes of a capture instance: db_owner, or members of the gating role, if there
 * is one, that may read the source's captured columns. The session's thread, catalog pinned.
 */
#ifndef STANDIN_CDC_ACCESS_H
#define STANDIN_CDC_ACCESS_H

#include <stdbool.h>

#include "standin/capture/instance.h"
#include "standin/exec/proc.h"

bool access_may_read(Session *s, const Database *d, const Instance *instance);

#endif
