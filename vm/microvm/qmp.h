#ifndef VM_MICROVM_QMP_H
#define VM_MICROVM_QMP_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * QEMU's monitor protocol, from our side: commands, their answers, events.  QEMU may be in a
 * hostile guest's hands: a line is bounded, an answer that nobody asked for or one that does not
 * come ends the connection.
 */

struct qmp;

#define QMP_LINE_MAX (1 << 20)
#define QMP_LIMIT_MS 30000

/* Exactly once for each command, from the loop only.  ret: what the command returned, borrowed;
 * NULL with err: ERR_HOST and QEMU's words when it refused, ERR_GONE when the connection ended. */
typedef void qmp_reply_fn(const json_t *ret, const struct err *err, void *data);

struct qmp_handlers {
	void (*event)(const char *name, const json_t *values, void *data); /* may be NULL */
	/* QEMU ended, broke the protocol or is wedged; every command has failed before this.  Once,
	 * from the loop. */
	void (*closed)(const struct err *why, void *data);
};

/* Takes fd, a connected socket.  limit_ms: how long one answer may take.  Commands may follow at
 * once. */
struct qmp *qmp_new(sd_event *event, int fd, uint64_t limit_ms, const struct qmp_handlers *handlers,
	void *data);
/* QEMU has ended: tells of the events it sent before that.  Commands are forgotten, without an
 * answer.  qmp_free() it then, and not from inside. */
void qmp_drain(struct qmp *qmp);
/* No more callbacks, not even for commands that are open.  Also from inside a callback; NULL-safe.
 */
void qmp_free(struct qmp *qmp);

/* args is taken, NULL: none.  fn may be NULL. */
void qmp_command(struct qmp *qmp, const char *name, json_t *args, qmp_reply_fn *fn, void *data);
/* With a descriptor (for getfd, add-fd), which stays the caller's. */
void qmp_command_fd(
	struct qmp *qmp, const char *name, json_t *args, int fd, qmp_reply_fn *fn, void *data);

#endif
