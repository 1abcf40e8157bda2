/*
 * Waiting for a listening TCP port.  The kernel reports no event for a new listening socket, so the
 * table of sockets is read at intervals.
 */
#include "base/loop.h"
#include "vm/agent/wait/wait.h"

#include <stdio.h>

#define INTERVAL_MS 50
#define LISTENING 0x0a /* TCP_LISTEN in the table */
#define LINE_MAX_BYTES 512

/* "  0: 0100007F:1F90 00000000:0000 0A ...": an address of 8 or 32 hexadecimal digits. */
static bool is_in(const char *table, unsigned port)
{
	FILE *file = fopen(table, "re");
	char line[LINE_MAX_BYTES];
	bool found = false;
	while (file && !found && fgets(line, sizeof(line), file)) {
		unsigned local, state;
		found = sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) ==
				2 &&
			state == LISTENING && local == port;
	}
	if (file) {
		fclose(file);
	}
	return found;
}

static int on_interval(sd_event_source *source, uint64_t usec, void *data)
{
	struct wait *w = data;
	(void)source, (void)usec;
	loop_drop(&w->source);
	w->kind->check(w);
	return 0;
}

static void check(struct wait *w)
{
	unsigned port = (unsigned)w->args->port;
	if (is_in("/proc/self/net/tcp", port) || is_in("/proc/self/net/tcp6", port)) {
		wait_happened(w, NULL, "A program listens on port %u (looked for every %d ms).",
			port, INTERVAL_MS);
		return;
	}
	w->source = loop_after_ms(w->agent->event, INTERVAL_MS, on_interval, w);
}

static void missing(struct wait *w, struct buf *out)
{
	buf_printf(out, "No program listens on port %lld.", (long long)w->args->port);
}

const struct wait_kind wait_port = { .check = check, .missing = missing };
