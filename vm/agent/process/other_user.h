#ifndef VM_AGENT_PROCESS_OTHER_USER_H
#define VM_AGENT_PROCESS_OTHER_USER_H

#include "base/err.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/* Programs as another user of the sandbox, by sudo without a password.  That exists in microVMs
 * only: in namespaces nothing can gain privileges. */

/* Whether it is another user than ours.  *ret_other is false for NULL. */
bool other_user_check(const char *user, bool *ret_other, struct err *err) NODISCARD;
/* argv and the variables behind sudo, which drops the environment; to free().  cwd: entered as that
 * user; NULL: ours. */
const char **other_user_arguments(const char *user, const char *cwd, const char *const *argv,
	const char *const *more) NODISCARD;
/* Sends a signal to a process group of another user; no result. */
void other_user_signal(sd_event *event, pid_t group, int signal);

#endif
