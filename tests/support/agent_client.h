#ifndef TESTS_SUPPORT_AGENT_CLIENT_H
#define TESTS_SUPPORT_AGENT_CLIENT_H

/* The host's end of a real vitrine-agent, for tests: start it, ask it, hear its events, see it end.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CLIENT_PATIENCE_MS 120000 /* a bound for a broken agent, not a measure */

#define CLIENT_OWN_HOME "VITRINE_TEST_OWN_HOME" /* a home without files of the session */

struct client {
	sd_event *event;
	struct link *link;
	pid_t pid;
	int spare;      /* a duplicate of our end, for another host; or -1 */
	char dir[64];   /* its run-time directory */
	char home[80];  /* the same, unless CLIENT_OWN_HOME is set */
	json_t *events; /* all that came, oldest first */
	bool closed;
	sd_event_source *child;
	bool ended;
	siginfo_t end;
};

struct answer {
	bool came;
	json_t *result; /* NULL: err */
	struct err err;
	struct buf tail;
};

extern const struct link_handlers client_handlers;

int client_too_late(sd_event_source *source, uint64_t usec, void *data);

/* Runs the loop until the condition holds; false when it never does. */
#define client_until(c, condition) \
	__extension__({ \
		bool late_ = false; \
		sd_event_source *timer_ = \
			loop_after_ms((c)->event, CLIENT_PATIENCE_MS, client_too_late, &late_); \
		while (!(condition) && !late_) { \
			sd_event_run((c)->event, UINT64_MAX); \
		} \
		loop_drop(&timer_); \
		!late_; \
	})

/* more: further arguments and a NULL; the environment may be added to by setenv() before.  fd: one
 * that the agent gets as number 4, and a spare of our end is kept then; or -1. */
void client_start_with(struct client *c, const char *const *more, int fd);

void client_start(struct client *c, const char *const *more);

/* The first event of that name from index `from` on, or NULL. */
const json_t *client_find(const struct client *c, const char *name, size_t from);

const json_t *client_expect(struct client *c, const char *name, size_t from);

void client_start_ready(struct client *c);

void client_on_reply(const struct link_msg *msg, const struct err *err, void *data);

uint32_t client_ask(struct client *c, const char *op, json_t *args, struct answer *a);

void client_call(struct client *c, const char *op, json_t *args, struct answer *a);

void answer_done(struct answer *a);

/* ---- exec ---- */

struct shell {
	struct answer answer;
	struct buf out, err;
	int started;  /* pid, once it runs */
	bool stalled; /* takes bytes, gives no credit back */
};

/* One that reads input. */
uint32_t shell_open(struct client *c, const char *command, struct shell *sh);

/* As the arguments say; tail: of the request. */
uint32_t shell_start(struct client *c, const struct msg_exec *args, const void *tail,
	size_t tail_len, struct shell *sh);
/* A further connection to a process. */
uint32_t shell_attach(struct client *c, int pid, struct shell *sh);

uint32_t shell_ask(
	struct client *c, const char *command, const char *cwd, int timeout_ms, struct shell *sh);

void shell_wait(struct client *c, struct shell *sh);

void shell_run(struct client *c, const char *command, struct shell *sh);

/* Runs it; its standard output must be this. */
void shell_expect(struct client *c, const char *command, const char *want);

json_int_t shell_number(const struct shell *sh, const char *key);

void shell_done(struct shell *sh);

/* ---- the end ---- */

/* Hangs up; the agent must end by itself, well. */
void client_stop(struct client *c);

bool process_is_alive(pid_t pid);

/* Living processes whose environment names the test's run-time directory; ret_pid: one whose
 * command, or its line with arguments, begins with name. */
int client_count_processes(const struct client *c, const char *name, pid_t *ret_pid);

pid_t client_pid_of(const struct client *c, const char *name);

/* What was killed may take a moment to go. */
bool process_ends(pid_t pid);

#endif
