#ifndef VM_AGENT_INIT_GUEST_SETUP_H
#define VM_AGENT_INIT_GUEST_SETUP_H

#include "vm/agent/init/privileged_request.h"

#include <sys/types.h>

/* The root operations of a microVM's first process: file systems, names, network addresses, and the
 * privileged request. */

/* The desktop's user: uid 1000 of /etc/passwd, or a default. */
struct guest_user {
	uid_t uid;
	gid_t gid;
	char name[64], home[256], shell[256];
};

/* Mounts what is not mounted and creates the directories of a desktop. */
bool guest_setup_mount(const struct guest_user *user, struct err *err) NODISCARD;
void guest_setup_find_user(struct guest_user *ret_user);
/* Names and addresses at boot: hostname, /etc/hosts, machine-id, lo, eth0. */
bool guest_setup_names(struct err *err) NODISCARD;
/* Executes a request that has passed privileged_request_check(). */
bool guest_setup_restored(const struct privileged_request *request, struct err *err) NODISCARD;

#endif
