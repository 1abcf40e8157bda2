/*
 * Starts the rows of services.c and keeps them running.  A service is down, starting or up; every
 * sign of life (a line on its ready pipe, a property on the root window) leads to advance(), which
 * starts what has become possible and says what has been reached.  There is no order of steps
 * beside that function.
 */
#include "vm/agent/session/session.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/quote.h"
#include "base/spawn.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/init/reaper.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/session/autostart.h"
#include "vm/agent/session/services.h"
#include "vm/agent/x11/capture.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/windows.h"

#include <X11/Xatom.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATHS_MAX 5
#define DEATHS_WITHIN_US (30 * 1000000ull)
/* What died more often rests before it is started again, longer each time, unless it has run well
 * for long. */
#define REST_MS 2000
#define REST_MAX_MS 60000
#define WELL_US (600 * 1000000ull)
#define PANEL_WAIT_MS 2000  /* a desktop whose panel does not show up is ready all the same */
#define BACKGROUND 0x2f4858 /* calm, and neither black nor white: what did not paint is seen */

enum state { DOWN, STARTING, UP, RESTING, ABSENT };
_Static_assert(SERVICES <= REAPER_KEPT, "the reaper must know them all");

struct running {
	struct session *session;
	const struct service *service;
	enum state state;
	pid_t pid;
	sd_event_source *child, *ready;
	struct output_drain *output;
	char line[256]; /* what came on the ready pipe so far */
	size_t line_len;
	char *died; /* why, until it is back */
	uint64_t deaths[DEATHS_MAX];
	bool was_up; /* ever: what never was ends the desktop */
	sd_event_source *rest;
	uint64_t rest_ms, rested_us; /* the last rest, and when it began */
};

struct session {
	const struct agent *agent;
	const struct session_handlers *handlers;
	void *data;
	struct places places;
	struct running all[SERVICES];
	sd_event_source *panel_timer;
	bool ready, was_ready, autostarted, given_up;
};

static void advance(struct session *s);

static uint64_t age_ms(const struct session *s)
{
	return (loop_now_us() - s->agent->started_us) / 1000;
}

static void tell_stage(struct session *s, const char *stage)
{
	uint64_t ms = age_ms(s);
	log_info("%s is up after %" PRIu64 " ms", stage, ms);
	if (!s->ready) {
		s->handlers->stage(stage, ms, s->data);
	}
}

/* ---- ends ---- */

static void give_up(struct session *s, const char *text)
{
	if (!s->given_up) {
		s->given_up = true;
		s->handlers->failed(text, s->data);
	}
}

static int place_of(const struct running *r)
{
	return (int)(r - r->session->all);
}

static void set_down(struct running *r)
{
	reaper_keep_running(place_of(r), 0);
	loop_drop(&r->child);
	loop_drop(&r->ready);
	output_drain_release(take_ptr(&r->output));
	r->pid = 0;
	r->line_len = 0;
	r->state = DOWN;
}

/* Without its X server a program is as good as dead; its own end is awaited by nobody then. */
static void stop(struct running *r)
{
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		siginfo_t info;
		waitid(P_PID, (id_t)r->pid, &info, WEXITED); /* at once: it was killed */
	}
	if (r->state != ABSENT && r->state != RESTING) {
		set_down(r);
	}
}

/* True when it died more often than a mishap explains. */
static bool count_death(struct running *r)
{
	uint64_t now = loop_now_us(), oldest = r->deaths[0];
	memmove(r->deaths, r->deaths + 1, sizeof(r->deaths) - sizeof(*r->deaths));
	r->deaths[DEATHS_MAX - 1] = now;
	return oldest && now - oldest < DEATHS_WITHIN_US;
}

static void note_death(struct running *r, int wstatus)
{
	auto_free char *output = output_drain_text(r->output);
	char quote[QUOTE_MAX];
	const char *how = spawn_describe_end(wstatus);
	const char *last = strrchr(output, '\n');
	last = last ? last + 1 : output;
	bool told = *last && WIFEXITED(wstatus); /* who was killed had no time for last words */
	struct err why;                          /* keeps it UTF-8 */
	err_set(&why, ERR_HOST, "it %s%s%s", how, told ? "; its output ended with " : "",
		told ? quote_end(quote, last, strlen(last), 200) : "");
	log_warning("the %s died: %s", r->service->what, why.text);
	free(r->died);
	r->died = must(strdup(why.text));
}

/* The session bus looks up who it runs as, and says "Memory allocation failure" when that is
 * nobody. */
static bool has_account(uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *row = NULL;
	while (file && (row = fgetpwent(file)) && row->pw_uid != uid) {
	}
	if (file) {
		fclose(file);
	}
	return row != NULL;
}

static bool died_of_no_account(const struct running *r)
{
	return r == &r->session->all[SERVICE_BUS] && !r->was_up && !has_account(getuid());
}

static void give_up_without_account(struct session *s)
{
	char text[300];
	unsigned uid = getuid();
	snprintf(text, sizeof(text),
		"the desktop runs as user id %u, which is not in /etc/passwd, so its session bus "
		"cannot start; add a line there, such as "
		"'user:x:%u:%u::/home/user:/bin/bash'",
		uid, uid, getgid());
	give_up(s, text);
}

static void display_gone(struct session *s)
{
	s->handlers->display_gone(s->data);
	for (int i = 0; i < SERVICES; i++) {
		if (s->all[i].service->on_display) {
			stop(&s->all[i]);
			free(take_ptr(&s->all[i].died)); /* of this, and not worth a word */
		}
	}
}

static int on_rested(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct running *r = data;
	loop_drop(&r->rest);
	r->state = DOWN;
	advance(r->session);
	return 0;
}

/* Work must not be lost for a part that a faulty program, or a user, brings down again and again.
 */
static void rest(struct running *r)
{
	struct session *s = r->session;
	uint64_t now = loop_now_us(), longer = 2 * r->rest_ms;
	bool anew = !r->rest_ms || now - r->rested_us > WELL_US;
	r->rest_ms = anew ? REST_MS : longer < REST_MAX_MS ? longer : REST_MAX_MS;
	r->rested_us = now;
	memset(r->deaths, 0, sizeof(r->deaths));
	r->state = RESTING;
	r->rest = loop_after_ms(s->agent->event, r->rest_ms, on_rested, r);
	s->handlers->resting(r->service->what, r->died, r->rest_ms, s->data);
}

static void died_too_often(struct running *r)
{
	auto_buf struct buf text = { 0 };
	if (!r->service->required || r->was_up) {
		rest(r);
		return;
	}
	buf_printf(&text, "the %s died more than %d times within 30 seconds; the last time %s",
		r->service->what, DEATHS_MAX, r->died);
	give_up(r->session, buf_text(&text));
}

static int on_death(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct running *r = data;
	struct session *s = r->session;
	note_death(r, info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status & 0x7f);
	set_down(r);
	if (r == &s->all[SERVICE_X]) {
		display_gone(s);
	}
	if (died_of_no_account(r)) {
		give_up_without_account(s);
	} else if (count_death(r)) {
		died_too_often(r);
	}
	advance(s);
	return 0;
}

void session_on_display_lost(struct session *s)
{
	struct running *x = &s->all[SERVICE_X];
	s->handlers->display_gone(s->data);
	if (x->pid > 0) {
		kill(x->pid, SIGKILL); /* its death does the rest */
	}
}

/* ---- signs of life ---- */

static void set_up(struct running *r)
{
	if (r->state == STARTING) {
		r->state = UP;
		r->was_up = true;
		tell_stage(r->session, r->service->stage);
		advance(r->session);
	}
}

/* A terminal's preset font of 6x13 pixels is hard to read, for models as for people. */
static const char resources[] = "Xft.dpi: 96\nXft.antialias: 1\nXft.hinting: 1\n"
				"XTerm*faceName: monospace\nXTerm*faceSize: 11\n";

/* The screen as it is before any program has drawn on it. */
static void prepare_root(struct display *d)
{
	Display *x = display_x(d);
	XSetWindowBackground(x, display_root(d), BACKGROUND);
	XClearWindow(x, display_root(d));
	XChangeProperty(x, display_root(d), XA_RESOURCE_MANAGER, XA_STRING, 8, PropModeReplace,
		(const unsigned char *)resources, sizeof(resources) - 1);
}

static void x_server_is_up(struct running *r)
{
	struct session *s = r->session;
	struct err err = { 0 };
	if (strspn(r->line, "0123456789") != strlen(r->line) || strlen(r->line) > 8) {
		return give_up(s, "the X server did not say the number of its display");
	}
	snprintf(s->places.display, sizeof(s->places.display), ":%.8s", r->line);
	environment_set("DISPLAY", s->places.display);
	if (!s->handlers->display_up(s->places.display, &err, s->data)) {
		log_warning("%s", err.text);
		kill(r->pid, SIGKILL);
		return;
	}
	prepare_root(s->agent->display);
	set_up(r);
}

static void on_line(struct running *r)
{
	if (r == &r->session->all[SERVICE_X]) {
		x_server_is_up(r);
	} else {
		set_up(r);
	}
}

/* The line may come in pieces; the pipe is closed once it is there. */
static int on_ready_pipe(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)events;
	struct running *r = data;
	ssize_t n = read(fd, r->line + r->line_len, sizeof(r->line) - 1 - r->line_len);
	if (n <= 0) {
		loop_drop(&r->ready); /* it died, or will be noticed to be silent */
		return 0;
	}
	r->line_len += (size_t)n;
	r->line[r->line_len] = '\0';
	char *end = strchr(r->line, '\n');
	if (end) {
		*end = '\0';
		loop_drop(&r->ready);
		on_line(r);
	}
	return 0;
}

void session_on_x_event(struct session *s, const XEvent *event)
{
	struct running *wm = &s->all[SERVICE_WM], *panel = &s->all[SERVICE_PANEL];
	struct display *d = s->agent->display;
	bool shown = event->type == MapNotify; /* a frame, and with it the window inside */
	if (!d || event->xany.window != display_root(d) ||
		(!shown && event->type != PropertyNotify)) {
		return;
	}
	if (wm->state == STARTING && windows_are_managed(d)) {
		set_up(wm);
	}
	if (panel->state == STARTING && wm->state == UP && s->agent->display &&
		windows_has_dock(d)) {
		set_up(panel);
	}
}

/* ---- starting ---- */

static bool open_ready_pipe(struct running *r, int *ret_theirs, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot make a pipe");
	}
	r->ready = loop_add_io(r->session->agent->event, ends[0], EPOLLIN, on_ready_pipe, r);
	sd_event_source_set_io_fd_own(r->ready, true);
	*ret_theirs = ends[1];
	return true;
}

static bool spawn(struct running *r, struct err *err)
{
	const char *argv[SERVICE_ARGS];
	auto_close int output = -1, ready = -1;
	service_argv(r->service, &r->session->places, argv);
	r->output = output_drain_open(r->session->agent->event, &output);
	if (!r->output || (r->service->says_ready && !open_ready_pipe(r, &ready, err))) {
		return err_errno(err, "cannot make a pipe");
	}
	struct spawn_fd fds[] = { { output, 1 }, { output, 2 }, { ready, SERVICE_READY_FD } };
	struct spawn how = { .argv = argv,
		.fds = fds,
		.n_fds = r->service->says_ready ? 3 : 2,
		.new_session = true,
		.die_with_us = true };
	r->pid = spawn_start(&how, err);
	return r->pid > 0;
}

static void cannot_start(struct running *r, const struct err *why)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "the %s could not be started: %s%s%s", r->service->what, why->text,
		why->sys == ENOENT ? "; install the Debian package " : "",
		why->sys == ENOENT ? r->service->package : "");
	set_down(r);
	r->state = ABSENT;
	if (r->service->required) {
		give_up(r->session, buf_text(&text));
	} else {
		log_warning("%s", buf_text(&text));
	}
}

static void start(struct running *r)
{
	struct err err = { 0 };
	if (r == &r->session->all[SERVICE_WM]) {
		windows_forget_manager(r->session->agent->display);
	}
	if (!spawn(r, &err)) {
		cannot_start(r, &err);
		return;
	}
	r->state = STARTING;
	reaper_keep_running(place_of(r), r->pid);
	sd_event_add_child(r->session->agent->event, &r->child, r->pid, WEXITED, on_death, r);
}

/* ---- what has been reached ---- */

static bool capture_whole(struct session *s, struct err *err)
{
	struct image image;
	struct rect all = { 0, 0, s->agent->screen.width, s->agent->screen.height };
	struct capture *capture = capture_new(s->agent->display, err);
	bool captured = capture && capture_grab(capture, all, (struct point){ 0 }, &image, err);
	capture_free(capture);
	return captured;
}

/*
 * Nothing is ready before a picture of it could be taken.  For another host a small part does: in a
 * clone, whatever is touched is copied, and a whole one costs half the time until it is ready.
 */
static bool capture_first_frame(struct session *s)
{
	struct err err;
	bool captured =
		s->was_ready ? act_queue_can_look(s->agent->acts, &err) : capture_whole(s, &err);
	if (!captured && !display_is_lost(s->agent->display)) {
		err_while(&err, "the screen cannot be captured");
		give_up(s, err.text);
	}
	return captured;
}

static void tell_ready(struct session *s)
{
	if (!capture_first_frame(s)) {
		return; /* the display is being lost: its end starts everything again */
	}
	tell_stage(s, "first-frame");
	s->ready = s->was_ready = true;
	loop_drop(&s->panel_timer);
	s->handlers->ready(age_ms(s), s->data);
}

static void tell_restarted(struct session *s)
{
	for (int i = 0; i < SERVICES; i++) {
		struct running *r = &s->all[i];
		if (r->died && r->state == UP) {
			s->handlers->restarted(r->service->what, r->died, s->data);
			free(take_ptr(&r->died));
		}
	}
}

static int on_panel_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct session *s = data;
	log_warning("the panel has not shown up; the desktop goes on without it");
	s->all[SERVICE_PANEL].state = UP;
	advance(s);
	return 0;
}

/* A connection that is gone counts before the end of the X server is noticed. */
static bool can_start(const struct running *r)
{
	const struct session *s = r->session;
	int needs = r->service->needs;
	return (needs < 0 || s->all[needs].state == UP) &&
	       (!r->service->on_display ||
		       (s->agent->display && !display_is_lost(s->agent->display)));
}

static void advance(struct session *s)
{
	bool complete = true;
	for (int i = 0; i < SERVICES && !s->given_up; i++) {
		struct running *r = &s->all[i];
		if (r->state == DOWN && can_start(r)) {
			start(r);
		}
		complete = complete && (r->state == UP || r->state == ABSENT ||
					       (r->state == RESTING && !r->service->required));
	}
	if (s->given_up) {
		return;
	}
	if (s->all[SERVICE_WM].state == UP && !s->autostarted) {
		s->autostarted = true;
		autostart_run(s->agent->event, AUTOSTART_FILE);
	}
	if (s->all[SERVICE_WM].state == UP && s->all[SERVICE_PANEL].state == STARTING &&
		!s->panel_timer) {
		s->panel_timer = loop_after_ms(s->agent->event, PANEL_WAIT_MS, on_panel_late, s);
	}
	if (complete) {
		loop_drop(&s->panel_timer);
		if (!s->ready) {
			tell_ready(s);
		}
		tell_restarted(s);
	}
}

struct session *session_new(
	const struct agent *agent, const struct session_handlers *handlers, void *data)
{
	struct session *s = must(calloc(1, sizeof(*s)));
	s->agent = agent;
	s->handlers = handlers;
	s->data = data;
	places_init(&s->places, agent->screen, PANEL_FILE);
	for (int i = 0; i < SERVICES; i++) {
		s->all[i].session = s;
		s->all[i].service = &services[i];
	}
	return s;
}

void session_start(struct session *s)
{
	struct err err = { 0 };
	if (!places_write(&s->places, &err)) {
		return give_up(s, err.text);
	}
	environment_set("DBUS_SESSION_BUS_ADDRESS", s->places.bus);
	advance(s);
}

void session_restored(struct session *s)
{
	s->ready = false;
	for (int i = 0; i < SERVICES; i++) {
		free(take_ptr(&s->all[i].died)); /* in another host's time */
		if (s->all[i].state == UP) {
			tell_stage(s, s->all[i].service->stage);
		}
	}
	advance(s);
}

bool session_is_managed(const struct session *s)
{
	return s->all[SERVICE_WM].state == UP;
}

const char *session_rfb_path(const struct session *s)
{
	return s->places.rfb;
}

void session_free(struct session *s)
{
	if (!s) {
		return;
	}
	for (int i = SERVICES - 1; i >= 0; i--) {
		stop(&s->all[i]);
		loop_drop(&s->all[i].rest);
		free(s->all[i].died);
	}
	loop_drop(&s->panel_timer);
	places_remove(&s->places);
	free(s);
}
