/* hierarchy_bytes.h - a hierarchyid's path ("/1/2.5/") back to SQL Server's bytes. Any thread. */
#ifndef CONVERT_HIERARCHY_BYTES_H
#define CONVERT_HIERARCHY_BYTES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Into the arena. false: not a path, or a number beyond ±281479271680000. */
bool hierarchy_bytes(Str path, Arena *a, Str *ret);

#endif
