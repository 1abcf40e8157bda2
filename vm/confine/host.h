#ifndef VM_CONFINE_HOST_H
#define VM_CONFINE_HOST_H

#include "base/buf.h"
#include "vm/spec/spec.h"

#include <sys/types.h>

/* What the namespace backend requires of the host, and advice if it is missing. */

/* bwrap and the programs of a desktop; ERR_UNSUPPORTED names the first missing one and its
 * package. */
bool host_has_programs(struct err *err) NODISCARD;

/* The agent's binary: config->agent, or in this program's directory, or in the libexec directory.
 * -1 if not found. */
int host_open_agent(const struct vm_config *config, struct err *err) NODISCARD;

/* vitrine-net's binary, in this program's directory or in the libexec directory; -1 if not
 * found. */
int host_open_net(struct err *err) NODISCARD;

/* The same for vitrine-remote's. */
int host_open_remote(struct err *err) NODISCARD;

/* As root: an unused user id, a different one each time.  Otherwise 0: ours. */
bool host_pick_user(uid_t *ret_uid, struct err *err) NODISCARD;

/* A file that the recipe `minimal` adds to an image, by its path there; -1 if not found. */
int host_open_recipe_file(const char *path);

/* Advice about an error of bwrap; NULL if unknown. */
const char *host_advice(const char *output);

/* Appends the advice about output, if any, to err.  Returns false. */
bool host_advise(const char *output, struct err *err);

/* Appends what can be read to output, which stays short; false: the end. */
bool host_read_output(int fd, struct buf *output);

/* Waits a few seconds for a process that must exit with 0, and collects output from errors_fd. */
bool host_await(pid_t pid, int errors_fd, struct buf *output, struct err *err) NODISCARD;

#endif
