#ifndef VM_AGENT_INIT_GUEST_SETUP_H
#define VM_AGENT_INIT_GUEST_SETUP_H

#include "vm/agent/init/privileged_request.h"

#include <sys/types.h>

/* What the first process of a microVM does as root: file systems, names, the network's addresses,
 * and a privileged request. */

/* The desktop's user: uid 1000 of /etc/passwd, or what stands for it where there is none. */
struct guest_user {
	uid_t uid;
	gid_t gid;
	char name[64], home[256], shell[256];
};

/* Mounts what is not mounted yet and makes the directories a desktop needs. */
bool guest_setup_mount(const struct guest_user *user, struct err *err) NODISCARD;
void guest_setup_find_user(struct guest_user *ret_user);
/* Names and addresses as at a boot: hostname, /etc/hosts, machine-id, lo, eth0. */
bool guest_setup_names(struct err *err) NODISCARD;
/* A privileged request that has passed privileged_request_check(). */
bool guest_setup_restored(const struct privileged_request *request, struct err *err) NODISCARD;

#endif
