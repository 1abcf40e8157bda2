/*
 * "Without memory": all programs of a sandbox are ended, and its files stay.  Its kernel continues, with
 * another boot id; the agent starts the desktop again.  The writable layer is in the guest's memory, so a
 * boot would lose the files.
 */
#include "server/e2b/control/call.h"

#include "vm/guest/guest.h"

#include <signal.h>

#define TIME_MS 60000

/* The shell is not among the processes that it ends, but its parents are. */
static const char script[] = "cat /proc/sys/kernel/random/uuid > /run/vitrine-boot-id && "
			     "mount --bind /run/vitrine-boot-id /proc/sys/kernel/random/boot_id && "
			     "kill -9 -1";

static void on_restarted(const struct guest_exec *res, const struct err *err, void *data)
{
	struct control_call *c = data;
	struct err why;
	bool ended = !err && (res->exited ? res->status == 0 : res->status == SIGKILL);
	if (!err && !ended) {
		err_set(&why, ERR_HOST, "the programs of the sandbox could not be ended: %.200s",
			res->err.head);
	}
	c->then(c, err ? err : ended ? NULL : &why);
}

void control_restart(struct control_call *c, struct vm *vm,
	void (*then)(struct control_call *c, const struct err *err))
{
	const struct guest_command how = {
		.command = script, .user = "root", .timeout_ms = TIME_MS
	};
	c->vm = vm;
	c->then = then;
	guest_run(vm_guest(vm), &how, on_restarted, c);
}
