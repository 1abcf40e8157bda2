#ifndef VM_CONFINE_HOST_H
#define VM_CONFINE_HOST_H

#include "base/buf.h"
#include "vm/spec/spec.h"

#include <sys/types.h>

/* What the namespace backend must find on the host, and what to tell people when it does not. */

/* bwrap and the programs of a desktop; ERR_UNSUPPORTED names the first that is missing and its
 * package. */
bool host_has_programs(struct err *err) NODISCARD;

/* The agent's binary: config->agent, or beside this program, or in the libexec directory.  -1 when
 * it is nowhere. */
int host_open_agent(const struct vm_config *config, struct err *err) NODISCARD;

/* vitrine-net's binary, beside this program or in the libexec directory; -1 when it is nowhere. */
int host_open_net(struct err *err) NODISCARD;

/* As root: a user id that nobody has, another one each time.  Otherwise 0: ours. */
bool host_pick_user(uid_t *ret_uid, struct err *err) NODISCARD;

/* What to do about an error of bwrap's; NULL when we have no idea. */
const char *host_advice(const char *words);

/* Waits a few seconds for a process that must exit with 0; collects what comes from errors_fd
 * meanwhile. */
bool host_await(pid_t pid, int errors_fd, struct buf *words, struct err *err) NODISCARD;

#endif
