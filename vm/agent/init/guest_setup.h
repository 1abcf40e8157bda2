#ifndef VM_AGENT_INIT_GUEST_SETUP_H
#define VM_AGENT_INIT_GUEST_SETUP_H

#include "vm/agent/init/privileged_request.h"

#include <sys/types.h>

/* What the first process of a microVM does as root: file systems, names, the network's addresses,
 * and an errand. */

/* The desktop's user: uid 1000 of /etc/passwd, or what stands for it where there is none. */
struct machine_user {
	uid_t uid;
	gid_t gid;
	char name[64], home[256], shell[256];
};

/* Mounts what is not mounted yet and makes the directories a desktop needs. */
bool machine_mount(const struct machine_user *user, struct err *err) NODISCARD;
void machine_find_user(struct machine_user *ret_user);
/* Names and addresses as at a boot: hostname, /etc/hosts, machine-id, lo, eth0. */
bool machine_set_up(struct err *err) NODISCARD;
/* An errand that has passed errand_check(). */
bool machine_renew(const struct errand *errand, struct err *err) NODISCARD;

#endif
