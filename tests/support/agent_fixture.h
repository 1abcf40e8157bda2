#ifndef TESTS_SUPPORT_AGENT_FIXTURE_H
#define TESTS_SUPPORT_AGENT_FIXTURE_H

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

#define FIXTURE_CHILDREN 8
#define FIXTURE_PATIENCE_US 120000000 /* before a test gives up waiting; no measure of anything */

struct agent_fixture {
	struct agent agent;
	char dir[64], name[16];
	pid_t children[FIXTURE_CHILDREN];
	int n_children;
	pid_t server, window_manager; /* of the children: Xvnc, and openbox or 0 */
	char *env[8];                 /* of the programs on it */
	int lost;                     /* how often the display was lost */
	uint64_t changes;
};

struct request {
	struct agent_fixture *fixture;
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

pid_t agent_fixture_spawn_fds(struct agent_fixture *fixture, const char *const *argv,
	const struct spawn_fd *fds, size_t n);

#define agent_fixture_spawn(fixture, ...) \
	agent_fixture_spawn_fds(fixture, (const char *const[]){ __VA_ARGS__, NULL }, NULL, 0)

void agent_fixture_end_child(struct agent_fixture *fixture, pid_t pid);

/* Runs a program to its end. */
#define agent_fixture_run(fixture, ...) \
	do { \
		pid_t pid_ = agent_fixture_spawn(fixture, __VA_ARGS__); \
		int status_ = -1; \
		waitpid(pid_, &status_, 0); \
		(fixture)->n_children--; \
		cr_assert_eq(status_, 0, "%s failed", (const char *[]){ __VA_ARGS__ }[0]); \
	} while (0)

/* ---- the loop ---- */

/* Runs the loop until cond holds; fails the test when it never does. */
#define agent_fixture_until(fixture, cond) \
	do { \
		uint64_t end_ = loop_now_us() + FIXTURE_PATIENCE_US; \
		while (!(cond)) { \
			cr_assert_lt(loop_now_us(), end_, "never came: %s", #cond); \
			sd_event_run((fixture)->agent.event, 10000); \
		} \
	} while (0)

void agent_fixture_for_ms(struct agent_fixture *fixture, unsigned ms);

/* ---- start and stop ---- */

void agent_fixture_start_server(struct agent_fixture *fixture, const char *size);

void agent_fixture_open_display(struct agent_fixture *fixture);

void agent_fixture_start(struct agent_fixture *fixture, const char *size, bool window_manager);

void agent_fixture_stop(struct agent_fixture *fixture);

/* ---- files ---- */

void agent_fixture_path(struct agent_fixture *fixture, const char *name, char ret_path[128]);

bool agent_fixture_file_is(struct agent_fixture *fixture, const char *name, const char *want);

/* Waits until the file has been quiet, or says `want`; then it must. */
void agent_fixture_expect_file(struct agent_fixture *fixture, const char *name, const char *want);

/* ---- acts ---- */

void agent_fixture_begin(struct agent_fixture *fixture, struct request *req, json_t *args);

void agent_fixture_finish(struct request *req);

void agent_fixture_done(struct request *req);

/* Runs {actions, observe} (JSON with ' for ") to its answer. */
json_t *agent_fixture_json(const char *text);

void agent_fixture_act(struct agent_fixture *fixture, struct request *req, const char *json);

/* The same, which must go well; forgets the answer. */
void agent_fixture_do(struct agent_fixture *fixture, const char *json);

int64_t agent_fixture_type(struct agent_fixture *fixture, const char *text);

#endif
