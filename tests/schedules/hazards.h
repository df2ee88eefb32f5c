/* hazards.h - every hazard by name: a shape in which it comes about often. Run before the drawn schedules. */
#ifndef SCHEDULES_HAZARDS_H
#define SCHEDULES_HAZARDS_H

#include "sim.h"

/* NULL behind the last. */
const SimShape *hazard_at(size_t i);
const SimShape *hazard_named(const char *name);

#endif
