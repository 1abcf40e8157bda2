#ifndef VM_AGENT_PROCESS_PROCESS_IMPL_H
#define VM_AGENT_PROCESS_PROCESS_IMPL_H

#include "vm/agent/process/input_feed.h"
#include "vm/agent/process/output_log.h"
#include "vm/agent/process/process.h"
#include "vm/agent/process/task.h"
#include "vm/agent/process/terminal.h"

#include <signal.h>

#define PROCESS_SHOWN 200 /* bytes of texts in lists */

/* Shared by process.c (start, end, list) and process_output.c (what it prints). */

struct process_output {
	struct process *process;
	unsigned channel;
	int fd; /* -1: complete */
	sd_event_source *source;
	size_t left; /* bytes still to read after its end */
	uint8_t held[16384];
	size_t len; /* held, for readers that have not taken them yet */
	struct output_log log;
};

struct process {
	LIST_ENTRY(process) entry;
	LIST_HEAD(, process_reader) readers;
	struct process_reader *next_reader; /* of the notification in progress */
	struct agent *agent;
	struct task task;
	sd_event_source *child, *timer, *soon;
	struct process_output output[2];
	struct input_feed *input;         /* NULL: it has none, or it was closed */
	struct terminal *terminal;        /* NULL: pipes */
	char *tag, *command, *cwd, *note; /* tag, note: NULL if it has none */
	uint64_t started_us, ended_us;
	bool background, at_exit, exited, timed_out, over;
	bool other_user; /* see other_user.h */
	bool killed;     /* by process_kill(); it may not have ended yet */
	bool pressing;   /* a key of its terminal */
	siginfo_t end;
};

bool process_output_open(
	struct process *p, unsigned channel, int fd, struct err *err) NODISCARD; /* takes fd */
void process_output_close(struct process_output *out);
/* Reads what is there, if the readers have taken the rest. */
void process_output_pump(struct process_output *out);
/* After its exit: no more than its pipe holds now. */
void process_output_limit(struct process_output *out);
/* Tells the readers. */
void process_news(struct process *p);
/* It is over when it has exited, and its outputs are complete. */
void process_check_over(struct process *p);

#endif
