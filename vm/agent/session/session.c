/*
 * Starts the rows of services.c and keeps them running.  Each event (a line on a ready pipe, a
 * property on the root window, an exit) calls session_advance(), which starts what has become possible and
 * reports what has been reached.  No other function decides the order.
 */
#include "vm/agent/session/session_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/elements/elements.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/session/autostart.h"
#include "vm/agent/x11/capture.h"
#include "vm/agent/x11/connect.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/windows.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A started X server accepts clients, unless one of them prevents it. */
#define ANSWER_S 10
#define PANEL_WAIT_MS 2000  /* a desktop whose panel does not appear is ready nevertheless */
#define BACKGROUND 0x2f4858 /* neither black nor white, so that unpainted areas are visible */

static uint64_t age_ms(const struct session *s)
{
	return (loop_now_us() - s->agent->started_us) / 1000;
}

static void notify_stage(struct session *s, const char *stage)
{
	uint64_t ms = age_ms(s);
	log_info("%s is up after %" PRIu64 " ms", stage, ms);
	if (!s->ready) {
		s->handlers->stage(stage, ms, s->data);
	}
}

/* ---- the X server has exited ---- */

static void stop_connecting(struct session *s)
{
	connect_cancel(take_ptr(&s->connect));
	loop_drop(&s->answer_timer);
}

void session_display_gone(struct session *s)
{
	stop_connecting(s);
	s->announced = false;
	s->handlers->display_gone(s->data);
	for (int i = 0; i < SERVICES; i++) {
		if (s->all[i].service->on_display) {
			service_process_stop(&s->all[i]);
			/* this was the cause of its exit: not reported */
			service_process_forgive(&s->all[i]);
		}
	}
}

static void on_rested(struct service_process *p)
{
	session_advance(p->data);
}

void session_on_display_lost(struct session *s)
{
	struct service_process *x = &s->all[SERVICE_X];
	s->handlers->display_gone(s->data);
	if (x->pid > 0) {
		kill(x->pid, SIGKILL); /* its exit causes the rest */
	}
}

/* ---- services that are up ---- */

static void set_up(struct service_process *p)
{
	if (p->state == SERVICE_STARTING) {
		p->state = SERVICE_UP;
		p->was_up = true;
		notify_stage(p->data, p->service->stage);
		session_advance(p->data);
	}
}

/* The screen before any program has drawn on it. */
static void prepare_root(struct display *d)
{
	Display *x = display_x(d);
	XSetWindowBackground(x, display_root(d), BACKGROUND);
	XClearWindow(x, display_root(d));
}

static void on_connected(struct connections made, void *data)
{
	struct session *s = data;
	struct service_process *x = &s->all[SERVICE_X];
	struct err err = { 0 };
	s->connect = NULL;
	loop_drop(&s->answer_timer);
	if (!s->handlers->display_up(&made, &err, s->data)) {
		log_warning("%s", err.text);
		kill(x->pid, SIGKILL);
		return;
	}
	session_paths_close_vnc(&s->paths);
	prepare_root(s->agent->display);
	set_up(x);
}

/* The attempt to connect ends with the server. */
static int on_answer_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct session *s = data;
	loop_drop(&s->answer_timer);
	service_process_is_silent(&s->all[SERVICE_X], ANSWER_S);
	return 0;
}

static void x_server_has_started(struct service_process *p)
{
	struct session *s = p->data;
	if (strspn(p->line, "0123456789") != strlen(p->line) || strlen(p->line) > 8) {
		return session_give_up(s, "the X server did not report the number of its display");
	}
	snprintf(s->paths.display, sizeof(s->paths.display), ":%.8s", p->line);
	environment_set("DISPLAY", s->paths.display);
	s->connect = connect_start(s->agent->event, s->paths.display, on_connected, s);
	s->answer_timer = loop_after_ms(s->agent->event, ANSWER_S * 1000, on_answer_late, s);
}

static void on_line(struct service_process *p)
{
	if (p->service == &services[SERVICE_X]) {
		x_server_has_started(p);
	} else {
		set_up(p);
	}
}

void session_on_x_event(struct session *s, const XEvent *event)
{
	struct service_process *wm = &s->all[SERVICE_WM], *panel = &s->all[SERVICE_PANEL];
	struct display *d = s->agent->display;
	bool shown = event->type == MapNotify; /* a frame, and with it the window inside */
	if (!d || event->xany.window != display_root(d) ||
		(!shown && event->type != PropertyNotify)) {
		return;
	}
	if (wm->state == SERVICE_STARTING && windows_are_managed(d)) {
		set_up(wm);
	}
	if (panel->state == SERVICE_STARTING && wm->state == SERVICE_UP && s->agent->display &&
		windows_has_dock(d)) {
		set_up(panel);
	}
}

/* ---- starting ---- */

static void start(struct service_process *p)
{
	struct session *s = p->data;
	struct err err;
	if (p == &s->all[SERVICE_WM]) {
		windows_forget_manager(s->agent->display);
	}
	if (service_process_start(p, &s->paths, &err)) {
		return;
	}
	if (p->service->required) {
		session_give_up(s, err.text);
	} else {
		log_warning("%s", err.text);
	}
}

/* ---- progress ---- */

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
 * The desktop is ready only after a frame could be captured; what changes from then on is known.
 * For a new host a small part is sufficient: in a clone, touched memory is copied, and capturing all
 * of it takes half of the time until it is ready.
 */
static bool capture_first_frame(struct session *s)
{
	struct err err;
	bool captured = (s->was_ready || capture_whole(s, &err)) &&
			act_queue_can_look(s->agent->acts, &err);
	if (!captured && !display_is_lost(s->agent->display)) {
		err_while(&err, "the screen cannot be captured");
		session_give_up(s, err.text);
	}
	return captured;
}

static void notify_ready(struct session *s)
{
	if (!capture_first_frame(s)) {
		return; /* the display is being lost: its end restarts everything */
	}
	notify_stage(s, "first-frame");
	s->ready = s->was_ready = true;
	loop_drop(&s->panel_timer);
	s->handlers->ready(age_ms(s), s->data);
}

static void notify_restarted(struct session *s)
{
	for (int i = 0; i < SERVICES; i++) {
		struct service_process *p = &s->all[i];
		if (p->died && p->state == SERVICE_UP) {
			s->handlers->restarted(p->service->what, p->died, s->data);
			service_process_forgive(p);
		}
	}
}

static int on_panel_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct session *s = data;
	log_warning("the panel has not appeared; the desktop continues without it");
	s->all[SERVICE_PANEL].state = SERVICE_UP;
	session_advance(s);
	return 0;
}

static bool is_up(const struct session *s, int service)
{
	return s->all[service].state == SERVICE_UP;
}

static bool is_missing(const struct session *s, int service)
{
	return s->all[service].state == SERVICE_ABSENT || s->all[service].state == SERVICE_RESTING;
}

static void on_offered(void *data)
{
	struct session *s = data;
	s->offered = true;
	session_advance(s);
}

/* First by the display: a program of Qt 5 that finds the name alone loses the bus. */
static void offer_elements(struct session *s)
{
	if (!is_up(s, SERVICE_A11Y) || !s->agent->display || display_is_lost(s->agent->display)) {
		return;
	}
	if (!s->announced) {
		s->announced = true;
		a11y_bus_announce(s->paths.a11y, s->agent->display);
	}
	if (is_up(s, SERVICE_BUS) && !s->offering) {
		s->offering = true;
		s->offered = !a11y_bus_offer(
			s->agent->elements->bus, s->paths.bus, s->paths.a11y, on_offered, s);
	}
}

/* Programs may start. */
static bool is_elements_settled(const struct session *s)
{
	return s->offered || is_missing(s, SERVICE_A11Y) || is_missing(s, SERVICE_BUS);
}

/* A lost connection counts before the end of the X server is detected. */
static bool can_start(const struct service_process *p)
{
	const struct session *s = p->data;
	int needs = p->service->needs;
	return (needs < 0 || s->all[needs].state == SERVICE_UP) &&
	       (!p->service->on_display ||
		       (s->agent->display && !display_is_lost(s->agent->display)));
}

void session_advance(struct session *s)
{
	bool complete = true;
	for (int i = 0; i < SERVICES && !s->given_up; i++) {
		struct service_process *p = &s->all[i];
		if (p->state == SERVICE_DOWN && can_start(p)) {
			start(p);
		}
		complete =
			complete && (p->state == SERVICE_UP || p->state == SERVICE_ABSENT ||
					    (p->state == SERVICE_RESTING && !p->service->required));
	}
	if (s->given_up) {
		return;
	}
	offer_elements(s);
	complete = complete && is_elements_settled(s);
	if (s->all[SERVICE_WM].state == SERVICE_UP && is_elements_settled(s) && !s->autostarted) {
		s->autostarted = true;
		autostart_run(s->agent->event, AUTOSTART_FILE);
	}
	if (s->all[SERVICE_WM].state == SERVICE_UP &&
		s->all[SERVICE_PANEL].state == SERVICE_STARTING && !s->panel_timer) {
		s->panel_timer = loop_after_ms(s->agent->event, PANEL_WAIT_MS, on_panel_late, s);
	}
	if (complete) {
		loop_drop(&s->panel_timer);
		if (!s->ready) {
			notify_ready(s);
		}
		notify_restarted(s);
	}
}

static const struct service_process_handlers process_handlers = {
	.line = on_line,
	.died = session_on_died,
	.rested = on_rested,
};

struct session *session_new(
	const struct agent *agent, const struct session_handlers *handlers, void *data)
{
	struct session *s = must(calloc(1, sizeof(*s)));
	s->agent = agent;
	s->handlers = handlers;
	s->data = data;
	session_paths_init(&s->paths, agent->screen, agent->scale, PANEL_FILE);
	for (int i = 0; i < SERVICES; i++) {
		service_process_init(&s->all[i], agent->event, &services[i], &process_handlers, s);
	}
	return s;
}

/* Qt that follows a change of Xft.dpi (6.4) does not find what is clicked any more. */
static void set_qt_scale(const struct session *s)
{
	char factor[16];
	snprintf(factor, sizeof(factor), "%d.%02d", s->agent->scale / 100, s->agent->scale % 100);
	environment_set("QT_SCALE_FACTOR", factor);
}

void session_start(struct session *s)
{
	struct err err = { 0 };
	if (!session_paths_write(&s->paths, &err)) {
		return session_give_up(s, err.text);
	}
	environment_set("DBUS_SESSION_BUS_ADDRESS", s->paths.bus);
	environment_set("QT_FONT_DPI", "96");
	set_qt_scale(s);
	session_advance(s);
}

void session_restored(struct session *s)
{
	s->ready = false;
	for (int i = 0; i < SERVICES; i++) {
		service_process_forgive(&s->all[i]); /* it exited during an earlier host's time */
		if (s->all[i].state == SERVICE_UP) {
			notify_stage(s, s->all[i].service->stage);
		}
	}
	session_advance(s);
}

bool session_is_managed(const struct session *s)
{
	return s->all[SERVICE_WM].state == SERVICE_UP;
}

/* Not one that no sandbox may have: with that the X server may not start. */
void session_resized(struct session *s)
{
	session_paths_scale(&s->paths, s->agent->scale);
	set_qt_scale(s);
	if (geometry_is_screen(s->agent->screen)) {
		session_paths_size(&s->paths, s->agent->screen);
	}
}

void session_free(struct session *s)
{
	if (!s) {
		return;
	}
	stop_connecting(s);
	for (int i = SERVICES - 1; i >= 0; i--) {
		service_process_done(&s->all[i]);
	}
	loop_drop(&s->panel_timer);
	session_paths_remove(&s->paths);
	free(s);
}
