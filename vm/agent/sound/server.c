/*
 * Socket activation.  The agent listens where programs look for PulseAudio.  The first connection
 * starts the server, which inherits the listening socket and accepts it.  When the server exits,
 * because it is idle or was killed, the agent waits for the next connection.  Its configuration is
 * its command line: the image's own would look for devices.
 */
#include "vm/agent/sound/server.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/quote.h"
#include "base/spawn.h"
#include "vm/agent/init/reaper.h"
#include "vm/agent/process/output_drain.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PROGRAM "pulseaudio"
#define SOCKET_FD 3 /* of sd_listen_fds(3) */
#define BACKLOG 64
#define SOON_US 1000000                /* one that ends before has not started */
#define REAPER_PLACE (REAPER_KEPT - 1) /* session.c has the first ones */

/* Without real-time priority and shared memory, which a sandbox may refuse; samples are few. */
static const char *const argv[] = { "/bin/sh", "-c",
	"LISTEN_FDS=1 LISTEN_PID=$$ exec " PROGRAM " \"$@\"", PROGRAM, "-n", "--daemonize=no",
	"--use-pid-file=no", "--realtime=no", "--high-priority=no", "--disable-shm=yes",
	"--log-level=error", "--exit-idle-time=20", "-L",
	"module-null-sink sink_name=desktop rate=48000 channels=2 "
	"sink_properties=device.description=Desktop",
	"-L", "module-native-protocol-unix auth-anonymous=1 auth-cookie-enabled=0", NULL };

struct sound_server {
	sd_event *event;
	int fd;                     /* listens; -1: not yet */
	sd_event_source *connected; /* disabled while it runs */
	pid_t pid;                  /* 0: it does not run */
	sd_event_source *child;
	struct output_drain *output;
	uint64_t started_us;
};

/* ---- the process ---- */

/* Otherwise programs would wait for one that does not start. */
static void refuse_waiting(const struct sound_server *s)
{
	int fd;
	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		close(fd);
	}
}

static void set_down(struct sound_server *s)
{
	reaper_keep_running(REAPER_PLACE, 0);
	loop_drop(&s->child);
	output_drain_release(take_ptr(&s->output));
	s->pid = 0;
}

static void log_failure(const struct sound_server *s, const siginfo_t *info)
{
	auto_free char *output = output_drain_text(s->output);
	char quote[QUOTE_MAX];
	log_warning("the sound server %s; its output ended with %s",
		spawn_describe_end(spawn_wstatus(info)),
		quote_end(quote, output, strlen(output), 200));
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct sound_server *s = data;
	(void)source;
	if (info->si_code != CLD_EXITED || info->si_status != 0) {
		log_failure(s, info);
	}
	set_down(s);
	if (loop_now_us() - s->started_us < SOON_US) {
		refuse_waiting(s);
	}
	loop_enable(s->connected, true);
	return 0;
}

static bool start(struct sound_server *s, struct err *err)
{
	auto_close int output = -1;
	s->output = output_drain_open(s->event, &output);
	if (!s->output) {
		return err_errno(err, "cannot create a pipe");
	}
	struct spawn_fd fds[] = { { output, 1 }, { output, 2 }, { s->fd, SOCKET_FD } };
	struct spawn how = {
		.argv = argv, .fds = fds, .n_fds = 3, .new_session = true, .die_with_us = true
	};
	s->pid = spawn_start(&how, err);
	if (s->pid < 0) {
		set_down(s);
		return false;
	}
	s->started_us = loop_now_us();
	reaper_keep_running(REAPER_PLACE, s->pid);
	sd_event_add_child(s->event, &s->child, s->pid, WEXITED, on_end, s);
	return true;
}

static int on_connected(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct sound_server *s = data;
	struct err err;
	(void)fd, (void)events;
	if (start(s, &err)) {
		loop_enable(source, false);
	} else {
		log_warning("the sound server cannot be started: %s", err.text);
		refuse_waiting(s);
	}
	return 0;
}

/* ---- the socket ---- */

static bool is_installed(const char *name, const char *package, struct err *err)
{
	g_autofree char *path = g_find_program_in_path(name);
	return path || err_set(err, ERR_UNSUPPORTED,
			       "this desktop has no sound: install the Debian package %s in its "
			       "image, or on the server (namespace)",
			       package);
}

static bool make_directory(char *path, struct err *err)
{
	bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
	return made || err_errno(err, "cannot create %s", path);
}

static bool listen_at(struct sound_server *s, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char dir[sizeof(at.sun_path) - sizeof("/native")];
	int n = snprintf(dir, sizeof(dir), "%s/pulse", getenv("XDG_RUNTIME_DIR"));
	if (n < 0 || (size_t)n >= sizeof(dir)) {
		return err_set(err, ERR_ARGUMENT, "XDG_RUNTIME_DIR is too long for a socket");
	}
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/native", dir);
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !make_directory(dir, err)) {
		return err_errno(err, "cannot create a socket");
	}
	unlink(at.sun_path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0) {
		return err_errno(err, "cannot listen at %s", at.sun_path);
	}
	s->fd = take_fd(&fd);
	s->connected = loop_add_io(s->event, s->fd, EPOLLIN, on_connected, s);
	return true;
}

/* It may have been installed since the last time. */
bool sound_server_is_there(struct sound_server *s, struct err *err)
{
	return is_installed(PROGRAM, PROGRAM, err) &&
	       is_installed(SOUND_RECORDER, "pulseaudio-utils", err) &&
	       (s->fd >= 0 || listen_at(s, err));
}

struct sound_server *sound_server_new(sd_event *event)
{
	struct sound_server *s = must(calloc(1, sizeof(*s)));
	struct err err;
	s->event = event;
	s->fd = -1;
	if (!sound_server_is_there(s, &err)) {
		log_info("%s", err.text);
	}
	return s;
}

void sound_server_free(struct sound_server *s)
{
	if (!s) {
		return;
	}
	if (s->pid > 0) {
		siginfo_t info;
		kill(s->pid, SIGKILL);
		waitid(P_PID, (id_t)s->pid, &info,
			WEXITED); /* returns immediately: it was killed */
	}
	set_down(s);
	loop_drop(&s->connected);
	if (s->fd >= 0) {
		close(s->fd);
	}
	free(s);
}
