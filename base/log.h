#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

extern const char *const log_level_names[]; /* "error", "warning", "info", "debug", NULL */

void log_set_level(enum log_level level); /* initially LOG_LEVEL_WARNING */

/* Writes one line to stderr: "vitrine: warning: sandbox=… text".  Control bytes are escaped, so
 * untrusted text stays on one line. */
void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warning(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

#endif
