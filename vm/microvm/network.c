/* Starts a vitrine-net and reaps it.  Nothing refers to it, because it ends with its socket. */
#include "vm/microvm/network.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/confine/host.h"
#include "vm/microvm/qemu.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define FILES_MAX 1000        /* connections of the VM */
#define BINARY_MAX (64 << 20) /* which bwrap writes into its root */

static int on_end(sd_event_source *source, const siginfo_t *end, void *data)
{
	const char *id = data;
	if (end->si_code == CLD_EXITED && end->si_status != 0) {
		log_warning("sandbox=%s lost its network (vitrine-net exited with status %d)", id,
			end->si_status);
	}
	sd_event_source_set_floating(source, false); /* the last reference */
	return 0;
}

static void reap_later(sd_event *event, pid_t child, const char *id)
{
	sd_event_source *source;
	char *copy = must(strdup(id));
	if (sd_event_add_child(event, &source, child, WEXITED, on_end, copy) < 0) {
		abort(); /* out of memory, or SIGCHLD is not blocked: a programming error */
	}
	sd_event_source_set_destroy_callback(source, free);
	sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
}

int uplink_start(
	sd_event *event, const char *id, int errors_fd, const struct spawn *how, struct err *err)
{
	int ends[2];
	const struct spawn_limit limits[] = {
		{ RLIMIT_NOFILE, FILES_MAX },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, BINARY_MAX },
	};
	struct spawn own = *how;
	own.limits = limits;
	own.n_limits = sizeof(limits) / sizeof(limits[0]);
	auto_close int program = host_open_net(err);
	if (program < 0 || !host_pick_user(&own.uid, err)) {
		return -1;
	}
	own.gid = own.uid;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err_errno(err, "cannot create a socket");
		return -1;
	}
	auto_close int ours = ends[0], its = ends[1];
	pid_t child = qemu_start_net(program, its, errors_fd, &own, err);
	if (child < 0) {
		return -1;
	}
	reap_later(event, child, id);
	return take_fd(&ours);
}
