#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

/* An MCP client over pipes, as thin as one can be: it writes a line and waits for the line that
 * answers. */
struct session {
	pid_t pid; /* 0: none */
	int to, from;
	int64_t last_id;
	struct buf read;   /* the answer's line, and whatever came behind it */
	size_t answer_len; /* of the line, without its end */
	uint64_t sent_us, answered_us;
};

/* Runs an MCP server.  One that was started, or a zeroed one, needs session_stop(). */
bool session_start(struct session *s, const char *const *argv, struct err *err) NODISCARD;
/* The same with another stderr than ours. */
bool session_start_with(
	struct session *s, const char *const *argv, int errors, struct err *err) NODISCARD;
/* Says initialize and takes the answer. */
bool session_open(struct session *s, struct err *err) NODISCARD;
/* One request; params is JSON text.  The answer is in session_answer(). */
bool session_ask(
	struct session *s, const char *method, const char *params, struct err *err) NODISCARD;
/* tools/call, which must succeed; args is JSON text. */
bool session_call(struct session *s, const char *tool, const char *args, struct err *err) NODISCARD;
/* A command in the sandbox, as text. */
bool session_shell(struct session *s, const char *command, struct err *err) NODISCARD;

const char *session_answer(const struct session *s);
/* The base64 of the image in the last answer; NULL when there is none. */
const char *session_image(const struct session *s, size_t *ret_len);
double session_ms(
	const struct session *s); /* from sending the last request to holding all of its answer */
/* Closes its input and waits for its end; one that does not end within 10 s is killed. */
void session_stop(struct session *s);

/* Waits for a child's end, killing it first when it takes longer than ms. */
int session_reap(pid_t pid, int ms);

#endif
