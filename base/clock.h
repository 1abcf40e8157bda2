#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* CLOCK_REALTIME, since 1970, for users and files. */
static inline int64_t clock_wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A time of clock_wall_ms() in UTC, as RFC 3339 has it: "2026-11-30T23:40:00.000Z". */
#define CLOCK_TEXT_SIZE 40
static inline void clock_write(int64_t ms, char ret_text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	size_t len = strftime(ret_text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(ret_text + len, CLOCK_TEXT_SIZE - len, ".%03dZ", (int)(ms % 1000));
}

#endif
