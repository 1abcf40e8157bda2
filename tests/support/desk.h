#ifndef TESTS_SUPPORT_DESK_H
#define TESTS_SUPPORT_DESK_H

/*
 * A desktop of the test's own: Xvnc on a display it picks, openbox, and whatever programs are
 * started on it; and the agent's act operation run on it without a link.  Defines the request_*
 * functions that vm/agent/core/request.c has otherwise.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/display.h"
#include "vm/wire/action.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DESK_CHILDREN 8
#define DESK_PATIENCE_US 20000000 /* before a test gives up waiting; no measure of anything */

struct desk {
	struct agent agent;
	char dir[64], name[16];
	pid_t children[DESK_CHILDREN];
	int n_children;
	pid_t server; /* of the children, Xvnc */
	char *env[8]; /* of the programs on it */
	int lost;     /* how often the display was lost */
	uint64_t changes;
};

struct request {
	struct desk *desk;
	bool answered;
	json_t *result;
	struct err err;
	uint8_t *tail;
	size_t tail_len;
	void (*cancel)(void *data);
	void *cancel_data;
	json_t *json;
};

/* ---- programs ---- */

pid_t desk_spawn_fds(
	struct desk *desk, const char *const *argv, const struct spawn_fd *fds, size_t n);

#define desk_spawn(desk, ...) \
	desk_spawn_fds(desk, (const char *const[]){ __VA_ARGS__, NULL }, NULL, 0)

void desk_end_child(struct desk *desk, pid_t pid);

/* Runs a program to its end. */
#define desk_run(desk, ...) \
	do { \
		pid_t pid_ = desk_spawn(desk, __VA_ARGS__); \
		int status_ = -1; \
		waitpid(pid_, &status_, 0); \
		(desk)->n_children--; \
		cr_assert_eq(status_, 0, "%s failed", (const char *[]){ __VA_ARGS__ }[0]); \
	} while (0)

/* ---- the loop ---- */

/* Runs the loop until cond holds; fails the test when it never does. */
#define desk_until(desk, cond) \
	do { \
		uint64_t end_ = loop_now_us() + DESK_PATIENCE_US; \
		while (!(cond)) { \
			cr_assert_lt(loop_now_us(), end_, "never came: %s", #cond); \
			sd_event_run((desk)->agent.event, 10000); \
		} \
	} while (0)

void desk_for_ms(struct desk *desk, unsigned ms);

/* ---- start and stop ---- */

void desk_start_server(struct desk *desk, const char *size);

void desk_open_display(struct desk *desk);

void desk_start(struct desk *desk, const char *size, bool window_manager);

void desk_stop(struct desk *desk);

/* ---- files ---- */

void desk_path(struct desk *desk, const char *name, char ret_path[128]);

bool desk_file_is(struct desk *desk, const char *name, const char *want);

/* Waits until the file has been quiet, or says `want`; then it must. */
void desk_expect_file(struct desk *desk, const char *name, const char *want);

/* ---- acts ---- */

void desk_begin(struct desk *desk, struct request *req, json_t *args);

void desk_finish(struct request *req);

void desk_done(struct request *req);

/* Runs {actions, observe} (JSON with ' for ") to its answer. */
json_t *desk_json(const char *text);

void desk_act(struct desk *desk, struct request *req, const char *json);

/* The same, which must go well; forgets the answer. */
void desk_do(struct desk *desk, const char *json);

int64_t desk_type(struct desk *desk, const char *text);

#endif
