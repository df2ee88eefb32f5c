/*
 * check_report.h - findings as a person or a program reads them. Pure: text from findings; any thread.
 */
#ifndef CLI_CHECK_REPORT_H
#define CLI_CHECK_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "connector/finding.h"

/* An aligned table, wrapped to `columns` (0 = not at all); a cure stands on lines of its own, unwrapped, so
 * that it can be copied. Then a line that counts. shows_all: else what is ok is counted only. */
void check_report_table(const Findings *f, int columns, bool is_coloured, bool shows_all, Buf *out);
/* One object, with "connector" before all else unless it is NULL:
 * {"checks":[{"check","severity","found","cure"}…],"errors":n,"warnings":n,"ok":bool}. */
void check_report_json(const Findings *f, const char *connector, Buf *out);

#endif
