#ifndef BENCH_REPORT_FILE_H
#define BENCH_REPORT_FILE_H

#include "base/err.h"

#include <jansson.h>

/* Adds rows to the report that another bench left in the file, if one did. */
bool report_append(const char *path, json_t *rows, struct err *err) NODISCARD;

#endif
