#ifndef VM_CONFINE_BWRAP_H
#define VM_CONFINE_BWRAP_H

#include "base/spawn.h"
#include "vm/confine/args.h"
#include "vm/confine/private_fs.h"
#include "vm/spec/spec.h"

/* The command line that creates a sandbox with namespaces.  It alone decides what is visible
 * inside. */

#define BWRAP_FDS_MAX 24
#define BWRAP_AGENT "/run/vitrine/vitrine-agent" /* the agent's path inside */
#define BWRAP_LINK_FD 3

/* A zeroed struct is an empty one. */
struct bwrap {
	struct args args; /* passed in a memory file, so /proc/1/cmdline reveals nothing */
	struct spawn_fd fds[BWRAP_FDS_MAX];
	size_t n_fds;
	struct private memory;
};

#define auto_bwrap __attribute__((cleanup(bwrap_done)))

void bwrap_done(struct bwrap *b); /* closes the descriptors it was given */

/* Adds everything that a desktop sees.  counted: a cgroup limits its memory, so programs may use
 * memory files.  agent_fd: the agent's binary, always taken. */
bool bwrap_describe(struct bwrap *b, const struct vm_limits *limits, bool counted, int agent_fd,
	struct err *err) NODISCARD;

/*
 * Runs a command in it.  link_fd becomes its descriptor 3 (-1: none), errors_fd its stderr.  `how`
 * supplies the user and the cgroup.  The process dies with this one, and everything in the sandbox
 * with it.
 */
pid_t bwrap_start(struct bwrap *b, const char *const *command, int link_fd, int errors_fd,
	const struct spawn *how, struct err *err) NODISCARD;

/* How the command in it ended, as waitpid() says it: bwrap passes a signal on as 128 and its
 * number.  end: bwrap's own. */
int bwrap_wstatus(const siginfo_t *end);

#endif
