/*
 * The first process of a microVM.  It completes the set-up of the VM, starts the agent as the
 * desktop's user in a separate PID namespace, and then reaps orphans, executes the agent's
 * privileged requests, and powers off the VM when the agent has exited for any reason.  The reason
 * is printed to the console, which the host records.
 */
#include "vm/agent/init/init.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/agent/core/options.h"
#include "vm/agent/core/virtio_port.h"
#include "vm/agent/init/cmdline.h"
#include "vm/agent/init/guest_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PORT_WAIT_MS 30000
#define GRACE_MS "60000" /* default of the command line */
#define LINK_FD 3
#define INIT_FD 4
#define ARGS_MAX (CMDLINE_ARGS + 24)
#define ENV_MAX 8

struct init {
	sd_event *event;
	struct cmdline cmdline;
	struct guest_user user;
	pid_t agent;
	int requests; /* our end of the socket pair */
	sd_event_source *receiving;
	int last; /* RB_*: how the VM ends */
};

/* ---- the command line ---- */

/* The agent checks its options again; here an error can still be reported. */
static bool read_options(struct init *init, struct err *err)
{
	auto_buf struct buf line = { 0 };
	struct options options;
	char *argv[CMDLINE_ARGS + 2] = { (char *)(uintptr_t) "vitrine-agent" };
	if (!file_read_path("/proc/cmdline", CMDLINE_MAX, NULL, &line, err) ||
		!cmdline_read(buf_text(&line), &init->cmdline, err)) {
		return false;
	}
	memcpy(argv + 1, init->cmdline.args, sizeof(init->cmdline.args));
	if (!options_parse(init->cmdline.n + 1, argv, &options, err)) {
		return err_while(err, "the kernel's command line");
	}
	log_set_level((enum log_level)options.log_level);
	options_done(&options);
	return true;
}

/* ---- the agent ---- */

struct arguments {
	const char *at[ARGS_MAX + 1];
	size_t n;
};

static void add(struct arguments *arguments, const char *word)
{
	if (arguments->n < ARGS_MAX) {
		arguments->at[arguments->n++] = word;
	}
}

/*
 * Repeats our own command line, which may start with a loader in our directory, without the last
 * argument, --init.
 */
static bool add_own_arguments(struct arguments *arguments, struct buf *own, struct err *err)
{
	if (!file_read_path("/proc/self/cmdline", CMDLINE_MAX, NULL, own, err)) {
		return false;
	}
	const char *at = buf_text(own), *end = at + own->len;
	for (const char *next; at < end; at = next) {
		next = at + strlen(at) + 1;
		if (next < end) {
			add(arguments, at);
		}
	}
	return arguments->n > 0 || err_set(err, ERR_HOST, "/proc/self/cmdline is empty");
}

static bool describe_agent(
	struct arguments *arguments, const struct init *init, struct buf *own, struct err *err)
{
	if (!add_own_arguments(arguments, own, err)) {
		return false;
	}
	/* The last of several equal options counts, so a command line cannot override this one. */
	add(arguments, "--grace");
	add(arguments, GRACE_MS);
	for (int i = 0; i < init->cmdline.n; i++) {
		add(arguments, init->cmdline.args[i]);
	}
	add(arguments, "--link-fd");
	add(arguments, "3");
	add(arguments, "--init-fd");
	add(arguments, "4");
	return true;
}

static void describe_user(
	const struct guest_user *user, struct buf env[ENV_MAX], const char *ret_env[ENV_MAX + 1])
{
	buf_printf(&env[0], "HOME=%s", user->home);
	buf_printf(&env[1], "USER=%s", user->name);
	buf_printf(&env[2], "LOGNAME=%s", user->name);
	buf_printf(&env[3], "SHELL=%s", user->shell);
	buf_printf(&env[4], "XDG_RUNTIME_DIR=/run/user/1000");
	for (int i = 0; i < 5; i++) {
		ret_env[i] = buf_text(&env[i]);
	}
	ret_env[5] = NULL;
}

static bool spawn_agent(struct init *init, int port, int requests, struct err *err)
{
	struct arguments arguments = { 0 };
	auto_buf struct buf own = { 0 };
	struct buf text[ENV_MAX] = { 0 };
	const char *env[ENV_MAX + 1];
	if (!describe_agent(&arguments, init, &own, err)) {
		return false;
	}
	describe_user(&init->user, text, env);
	struct spawn_fd fds[] = { { port, LINK_FD }, { requests, INIT_FD }, { 2, 2 } };
	struct spawn how = { .argv = arguments.at,
		.env = env,
		.cwd = init->user.home,
		.fds = fds,
		.n_fds = 3,
		.new_session = true,
		.own_processes = true,
		.uid = init->user.uid,
		.gid = init->user.gid };
	init->agent = spawn_start(&how, err);
	for (int i = 0; i < ENV_MAX; i++) {
		buf_done(&text[i]);
	}
	return init->agent > 0;
}

/* ---- events ---- */

static int on_privileged_request(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct init *init = data;
	struct privileged_request request;
	struct err err = { 0 }, ignored;
	(void)source;
	(void)events;
	bool done = privileged_request_receive(fd, &request, &err) &&
		    guest_setup_restored(&request, &err);
	bool gone = err.kind == ERR_GONE; /* the agent has exited, and SIGCHLD reports how */
	if (!done && !gone) {
		log_warning("%s", err.text);
	}
	if (gone || !privileged_request_reply(fd, request.number, done ? NULL : &err, &ignored)) {
		loop_drop(&init->receiving);
	}
	return 0;
}

/* True if the agent was one of them. */
static bool reap(struct init *init, int *ret_wstatus)
{
	int wstatus;
	pid_t pid;
	bool agent = false;
	while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0) {
		if (pid == init->agent) {
			agent = true;
			*ret_wstatus = wstatus;
		}
	}
	return agent;
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct init *init = data;
	int wstatus;
	(void)info;
	if (!reap(init, &wstatus)) {
		return 0;
	}
	if (WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGHUP) {
		init->last =
			/* reboot(2) in a PID namespace ends its first process this way */
			RB_AUTOBOOT;
	}
	if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0) {
		log_info("the agent has exited; powering off");
	} else {
		log_error("the agent %s; powering off", spawn_describe_end(wstatus));
	}
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static bool start(struct init *init, struct err *err)
{
	int pair[2];
	guest_setup_find_user(&init->user);
	if (!guest_setup_mount(&init->user, err) || !read_options(init, err) ||
		!guest_setup_names(err)) {
		return false;
	}
	auto_close int port = virtio_port_open(PORT_WAIT_MS, err);
	if (port < 0) {
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return err_errno(err, "cannot create a socket pair");
	}
	auto_close int theirs = pair[1];
	init->requests = pair[0];
	init->receiving =
		loop_add_io(init->event, init->requests, EPOLLIN, on_privileged_request, init);
	sd_event_add_signal(init->event, NULL, SIGCHLD, on_child, init);
	return spawn_agent(init, port, theirs, err);
}

int init_run(void)
{
	struct err err = { 0 };
	static struct init init = { .last = RB_POWER_OFF };
	if (getpid() != 1) {
		log_error("--init is for the first process of a microVM: it mounts file "
			  "systems and powers off the machine at its end");
		return 2;
	}
	umask(022);
	init.event = loop_new(&err);
	if (init.event && start(&init, &err)) {
		sd_event_loop(init.event);
	} else {
		log_error("the desktop cannot start: %s", err.text);
	}
	sync();
	reboot(init.last);
	return EXIT_FAILURE; /* then the kernel panics, which ends the VM, too */
}
