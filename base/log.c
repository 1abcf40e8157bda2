/* One line on stderr.  Each line is one write, so that lines do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

const char *const log_level_names[] = { "error", "warning", "info", "debug", NULL };

static enum log_level most = LOG_LEVEL_WARNING;

void log_set_level(enum log_level level)
{
	most = level;
}

/* Appends text with control bytes as \xNN, up to the end of the line. */
static size_t escape(char *line, size_t len, const char *text)
{
	for (; *text && len + 5 < LOG_LINE_MAX; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f) {
			len += (size_t)snprintf(line + len, 5, "\\x%02x", c);
		} else {
			line[len++] = *text;
		}
	}
	return len;
}

static void put(enum log_level level, const char *fmt, va_list ap) PRINTF(2, 0);

static void put(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	if (level > most) {
		return;
	}
	vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = (size_t)snprintf(line, sizeof(line), "vitrine: %s: ", log_level_names[level]);
	len = escape(line, len, text);
	line[len++] = '\n';
	/* A full pipe drops the line: an unread log must not block the program. */
	ssize_t ignored = write(STDERR_FILENO, line, len);
	(void)ignored;
}

#define LEVEL(name, level) \
	void log_##name(const char *fmt, ...) \
	{ \
		va_list ap; \
		va_start(ap, fmt); \
		put(level, fmt, ap); \
		va_end(ap); \
	}

LEVEL(error, LOG_LEVEL_ERROR)
LEVEL(warning, LOG_LEVEL_WARNING)
LEVEL(info, LOG_LEVEL_INFO)
LEVEL(debug, LOG_LEVEL_DEBUG)
