#ifndef VM_CONFINE_CGROUP_H
#define VM_CONFINE_CGROUP_H

#include "vm/spec/spec.h"

/*
 * Limits by control groups (version 2), where this process was given a part of the tree to manage
 * ("delegated"). `dir` is always the directory of that part; a test may give any directory.
 */

/* The directory of this process's own group; free() it.  NULL where there is no cgroup v2. */
char *cgroup_own_dir(struct err *err);

/*
 * Makes dir ready: moves this process into a leaf of its own (a group with children must not hold
 * processes) and turns the controllers on.  Fails, having undone what it did, where the group is
 * not ours to manage.
 */
bool cgroup_prepare(const char *dir, struct err *err) NODISCARD;

/* Whether systemd has marked the group as delegated: others it changes as it likes.  The manager of
 * a user marks none. */
bool cgroup_is_delegated(const char *dir);

/* The prepared directory where this process manages one, which systemd may have given for the
 * asking (vm/confine/scope.h); NULL and why where it does not.  Found out once, which may take 5 s. */
const char *cgroup_delegated(struct err *err);

/* Whether groups below it get equal shares of the processors. */
bool cgroup_shares_cpu(const char *dir);

/* A leaf with limits on memory, processes and, where limits->cpus is set and the controller is
 * there, processors; returns it opened, for struct spawn.cgroup_fd.  -1 on failure. */
int cgroup_make(const char *dir, const char *name, const struct vm_limits *limits,
	struct err *err) NODISCARD;

/* Kills what is left in it and removes it, and those of before that were not empty yet. */
void cgroup_remove(const char *dir, const char *name);

#endif
