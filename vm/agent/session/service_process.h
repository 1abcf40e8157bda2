#ifndef VM_AGENT_SESSION_SERVICE_PROCESS_H
#define VM_AGENT_SESSION_SERVICE_PROCESS_H

#include "vm/agent/session/services.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/*
 * The process of one service: started with its output drained, watched, and how often it died.
 * What its states mean to the others is session.c's.
 */

enum service_state {
	SERVICE_DOWN,
	SERVICE_STARTING,
	SERVICE_UP,
	SERVICE_RESTING, /* died too often; started again after a pause */
	SERVICE_ABSENT,  /* cannot be started at all */
};

#define SERVICE_DEATHS_MAX 5 /* within 30 seconds */

struct service_process;

/* Fire from the loop. */
struct service_process_handlers {
	/* p->line is what it wrote on SERVICE_READY_FD, without the newline. */
	void (*line)(struct service_process *p);
	/* It is down, and p->died says why. */
	void (*died)(struct service_process *p);
	/* The pause is over; it is down. */
	void (*rested)(struct service_process *p);
};

struct service_process {
	sd_event *event; /* borrowed */
	const struct service *service;
	const struct service_process_handlers *handlers;
	void *data; /* the handlers' */
	enum service_state state;
	pid_t pid;
	sd_event_source *child, *ready;
	struct output_drain *output;
	char line[256]; /* what came on the ready pipe so far */
	size_t line_len;
	char *died; /* why, until it is back; owned */
	uint64_t deaths[SERVICE_DEATHS_MAX];
	bool was_up;  /* ever: what never was ends the desktop */
	int silent_s; /* it was ended because it had not answered for so long; 0: it was not */
	sd_event_source *rest;
	uint64_t rest_ms, rested_us; /* the last rest, and when it began */
};

/* service: a row of services[].  The handlers stay the caller's. */
void service_process_init(struct service_process *p, sd_event *event, const struct service *service,
	const struct service_process_handlers *handlers, void *data);
/* SERVICE_STARTING after this; false: SERVICE_ABSENT, and err says what is missing. */
bool service_process_start(
	struct service_process *p, const struct places *places, struct err *err) NODISCARD;
/* Kills it without telling. */
void service_process_stop(struct service_process *p);
/* Kills it because it has not answered for that long; died() fires later. */
void service_process_is_silent(struct service_process *p, int seconds);
/* Counts a death.  True: more than a mishap explains. */
bool service_process_dies_often(struct service_process *p);
/* SERVICE_RESTING for p->rest_ms, longer each time, unless it has run well for long. */
void service_process_rest(struct service_process *p);
/* Forgets why it died. */
void service_process_forgive(struct service_process *p);
void service_process_done(struct service_process *p);

#endif
