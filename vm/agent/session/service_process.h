#ifndef VM_AGENT_SESSION_SERVICE_PROCESS_H
#define VM_AGENT_SESSION_SERVICE_PROCESS_H

#include "vm/agent/session/services.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/*
 * The process of one service: started with its output drained, watched, and counted when it exits.
 * session.c decides what its states mean for other services.
 */

enum service_state {
	SERVICE_DOWN,
	SERVICE_STARTING,
	SERVICE_UP,
	SERVICE_RESTING, /* exited too often; restarted after a delay */
	SERVICE_ABSENT,  /* cannot be started */
};

#define SERVICE_DEATHS_MAX 5 /* within 30 seconds */

struct service_process;

/* Called from the loop. */
struct service_process_handlers {
	/* p->line is what it wrote to SERVICE_READY_FD, without the newline. */
	void (*line)(struct service_process *p);
	/* It has exited; p->died is the reason. */
	void (*died)(struct service_process *p);
	/* The delay is over; it is still down. */
	void (*rested)(struct service_process *p);
};

struct service_process {
	sd_event *event; /* borrowed */
	const struct service *service;
	const struct service_process_handlers *handlers;
	void *data; /* of the handlers */
	enum service_state state;
	pid_t pid;
	sd_event_source *child, *ready;
	struct output_drain *output;
	char line[256]; /* received from the ready pipe so far */
	size_t line_len;
	char *died; /* the reason, until it is up again; owned */
	uint64_t deaths[SERVICE_DEATHS_MAX];
	bool was_up;  /* ever: one that was never up fails the desktop */
	int silent_s; /* it was killed because it had not responded for so long; 0: it was not */
	sd_event_source *rest;
	uint64_t rest_ms, rested_us; /* the last delay, and its start */
};

/* service: a row of services[].  The caller keeps the handlers. */
void service_process_init(struct service_process *p, sd_event *event, const struct service *service,
	const struct service_process_handlers *handlers, void *data);
/* SERVICE_STARTING after this; false: SERVICE_ABSENT, and err says what is missing. */
bool service_process_start(
	struct service_process *p, const struct session_paths *paths, struct err *err) NODISCARD;
/* Kills it without a callback. */
void service_process_stop(struct service_process *p);
/* Kills it because it has not responded for that long; died() is called later. */
void service_process_is_silent(struct service_process *p, int seconds);
/* Counts an exit.  True: too often. */
bool service_process_dies_often(struct service_process *p);
/* SERVICE_RESTING for p->rest_ms, longer each time, unless it has been up for long. */
void service_process_rest(struct service_process *p);
/* Clears the reason of its exit. */
void service_process_forgive(struct service_process *p);
void service_process_done(struct service_process *p);

#endif
