#ifndef VM_AGENT_PROCESS_PROCESS_H
#define VM_AGENT_PROCESS_PROCESS_H

#include "vm/agent/core/agent.h"
#include "vm/wire/messages_process.h"

/*
 * A process that the host has started, until some time after its end: its outputs, its stdin, its
 * end.  Any number of readers listen to it.  It is read no faster than the slowest of them takes the
 * bytes, and at any speed if it has none; the newest bytes are kept in any case.
 */
struct process;
struct process_reader;

struct process_reader_fns {
	/* Bytes of a channel.  Returns how many it took; the others are offered again after
	 * process_continue().  NULL: takes all. */
	size_t (*data)(struct process_reader *r, unsigned channel, const void *bytes, size_t len);
	/* Output was kept, or the process has ended.  May remove the reader, and no other. */
	void (*news)(struct process_reader *r);
	/* All bytes of its process_input() were written, or dropped (process_input_failed()).  May remove the reader.  NULL:
	 * ignored. */
	void (*input_taken)(struct process_reader *r);
};

/* The owner's memory, zeroed until it is added. */
struct process_reader {
	const struct process_reader_fns *fns;
	struct process *process; /* NULL: not added */
	LIST_ENTRY(process_reader) entry;
	size_t taken[2]; /* of the bytes offered, by channel */
	bool awaits_input;
};

struct process_how {
	const struct msg_exec *args;
	const char *tail; /* of the request */
	size_t tail_len;
};

/* NULL: it cannot be started.  No output is read before the next iteration of the loop. */
struct process *process_start(struct agent *agent, const struct process_how *how, struct err *err);
/* The newest with that pid; or, if pid is 0, the newest with that tag that runs, or else that has
 * ended. */
struct process *process_find(
	struct agent *agent, int64_t pid, const char *tag, struct err *err) NODISCARD;
/* Newest first; p NULL: the first. */
struct process *process_next(const struct agent *agent, const struct process *p);
void process_free_all(struct agent *agent);

void process_read(
	struct process *p, struct process_reader *r, const struct process_reader_fns *fns);
void process_read_end(struct process_reader *r); /* no effect if it was not added */
/* A reader can take bytes again. */
void process_continue(struct process *p);

/* r (may be NULL) is told when they are written.  False: it has no stdin, has closed it, or does not
 * read it. */
bool process_input(struct process *p, struct process_reader *r, const void *bytes, size_t len,
	struct err *err) NODISCARD;
size_t process_input_pending(const struct process *p); /* bytes */
/* It closed its stdin before it read everything. */
bool process_input_failed(const struct process *p);
/* At its terminal; the key is valid. */
void process_press(struct process *p, const char *key);
void process_input_end(struct process *p);
/* To its process group.  Has no effect on one that has exited. */
bool process_signal(struct process *p, int signal, struct err *err) NODISCARD;
void process_kill(struct process *p); /* with all its descendants */
bool process_resize(struct process *p, int columns, int rows, struct err *err) NODISCARD;

int64_t process_pid(const struct process *p);
bool process_is_over(const struct process *p);
struct msg_exec_answer process_end(const struct process *p); /* ms: so far, while it runs */
int64_t process_ended_ms(const struct process *p); /* since its end; 0: it runs */
void process_describe(const struct process *p, struct msg_process_row *ret);
const struct output_log *process_log(const struct process *p, unsigned channel);
struct terminal *process_terminal(const struct process *p, struct err *err); /* NULL: it has none */

#endif
