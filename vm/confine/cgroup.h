#ifndef VM_CONFINE_CGROUP_H
#define VM_CONFINE_CGROUP_H

#include "vm/spec/spec.h"

/*
 * Limits with cgroups (version 2), if a part of the tree was delegated to this process.  `dir` is
 * always the directory of that part; tests may use any directory.
 */

/* The directory of this process's group, to free().  NULL if cgroup v2 is not available. */
char *cgroup_own_dir(struct err *err);

/*
 * Prepares dir: moves this process into a leaf (a group with children must not have processes) and
 * enables the controllers.  If the group is not delegated, fails and undoes its changes.
 */
bool cgroup_prepare(const char *dir, struct err *err) NODISCARD;

/* Whether systemd has marked the group as delegated; it changes other groups as it likes.  A user's
 * manager marks none. */
bool cgroup_is_delegated(const char *dir);

/* The prepared directory, which systemd may have delegated on request (vm/confine/scope.h); NULL
 * with err if there is none.  Determined once, which may take 5 s. */
const char *cgroup_delegated(struct err *err);

/* Whether groups below it get equal shares of CPU time. */
bool cgroup_shares_cpu(const char *dir);

/* Creates a leaf with limits on memory, processes and, if limits->cpus is set and the controller
 * exists, CPU time.  Returns it opened, for struct spawn.cgroup_fd; -1 on failure. */
int cgroup_make(const char *dir, const char *name, const struct vm_limits *limits,
	struct err *err) NODISCARD;

/* The same below cgroup_delegated().  *ret_dir: that directory, to free(), for cgroup_remove().  If there
 * is none, *ret_fd is -1 and *ret_dir NULL. */
bool cgroup_make_delegated(const char *name, const struct vm_limits *limits, int *ret_fd,
	char **ret_dir, struct err *err) NODISCARD;

/* Kills its remaining processes and removes it, and earlier ones that were not empty yet. */
void cgroup_remove(const char *dir, const char *name);

#endif
