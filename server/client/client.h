#ifndef SERVER_CLIENT_CLIENT_H
#define SERVER_CLIENT_CLIENT_H

#include "base/buf.h"
#include "server/remote/frame.h"

#include <jansson.h>
#include <poll.h>

/*
 * The client of server/remote/remote.h, for `vitrine exec` and its like.  It finds the server by
 * --url or VITRINE_URL with VITRINE_TOKEN, or else by the sockets in the state directory.  Functions
 * block.
 */

struct remote_where {
	const char *url;       /* NULL: VITRINE_URL, or the sockets */
	const char *state_dir; /* of the sockets; NULL: the default one */
};
/* Takes "--url URL" and "--state-dir DIR" at argv[*at]; moves *at behind.  False: another option, or
 * the value is missing (err). */
bool remote_where_option(
	struct remote_where *where, int argc, char **argv, int *at, struct err *err) NODISCARD;
/* The sandboxes of all servers found, as GET /api/sandboxes returns them, each with "at": where it is.
 * NULL: no server answers. */
json_t *remote_sandboxes(const struct remote_where *where, struct err *err) NODISCARD;

/* The subcommands, each in its file.  argv[0] is the name.  Return the exit status. */
int client_exec(int argc, char **argv);
int client_shell(int argc, char **argv);
int client_cp(int argc, char **argv);
int client_ls(int argc, char **argv);

/* Prints "vitrine NAME: text"; returns 1. */
int client_fail(const char *name, const struct err *err);

struct remote_client;

/* Opens one operation of the sandbox: its id, or the beginning of it.  tail: bytes behind the
 * request.  op_args: taken. */
struct remote_client *remote_open(const struct remote_where *where, const char *sandbox,
	const char *op, json_t *op_args, const struct buf *tail, struct err *err) NODISCARD;
void remote_client_free(
	struct remote_client *c); /* ends the operation if it still runs; NULL-safe */

/* Queues a frame. */
void remote_say(struct remote_client *c, unsigned kind, const void *bytes, size_t len);
size_t remote_queued(const struct remote_client *c); /* bytes not yet written */

/* For poll(): what it waits for. */
struct pollfd remote_poll(const struct remote_client *c);
/* Reads and writes what is possible.  fn gets each frame, REMOTE_ANSWER and REMOTE_ERROR excepted.
 * False: it is over: *ret_answer is the answer (to be released), or err says why there is none. */
typedef void remote_heard_fn(unsigned kind, const uint8_t *bytes, size_t len, void *data);
bool remote_run(struct remote_client *c, remote_heard_fn *fn, void *data, json_t **ret_answer,
	struct err *err);
/* Waits for the answer; NULL: err. */
json_t *remote_await(
	struct remote_client *c, remote_heard_fn *fn, void *data, struct err *err) NODISCARD;

#endif
