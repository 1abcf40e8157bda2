#ifndef VM_MICROVM_QMP_H
#define VM_MICROVM_QMP_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * QEMU's monitor protocol, client side: commands, replies, events.  A hostile guest may control
 * QEMU: lines are bounded, and an unexpected or missing reply ends the connection.
 */

struct qmp;

#define QMP_LINE_MAX (1 << 20)
#define QMP_LIMIT_MS 30000

/* Called exactly once per command, from the loop only.  ret: the command's result, borrowed; NULL
 * with err: ERR_HOST with QEMU's message if it refused, ERR_GONE if the connection ended. */
typedef void qmp_reply_fn(const json_t *ret, const struct err *err, void *data);

struct qmp_handlers {
	void (*event)(const char *name, const json_t *values, void *data); /* may be NULL */
	/* QEMU exited, violated the protocol or does not respond; all commands have failed before.
	 * Called once, from the loop. */
	void (*closed)(const struct err *why, void *data);
};

/* Takes fd, a connected socket.  limit_ms: maximum time of a reply.  Commands may be sent
 * immediately. */
struct qmp *qmp_new(sd_event *event, int fd, uint64_t limit_ms, const struct qmp_handlers *handlers,
	void *data);
/* QEMU has exited: reports the events it sent before.  Pending commands are dropped without a
 * callback.  Call qmp_free() next, not from inside. */
void qmp_drain(struct qmp *qmp);
/* No more callbacks, even for pending commands.  Also from inside a callback; NULL-safe. */
void qmp_free(struct qmp *qmp);

/* Takes args, NULL: none.  fn may be NULL. */
void qmp_command(struct qmp *qmp, const char *name, json_t *args, qmp_reply_fn *fn, void *data);
/* With a descriptor (for getfd, add-fd), which stays the caller's. */
void qmp_command_fd(
	struct qmp *qmp, const char *name, json_t *args, int fd, qmp_reply_fn *fn, void *data);

#endif
