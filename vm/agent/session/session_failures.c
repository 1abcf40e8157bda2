/* What follows from the exit of a service: another start, a pause, or the end. */
#include "vm/agent/session/session_impl.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

void session_give_up(struct session *s, const char *text)
{
	if (!s->given_up) {
		s->given_up = true;
		s->handlers->failed(text, s->data);
	}
}

/* The session bus looks up its user, and reports "Memory allocation failure" if the account does
 * not exist. */
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

static bool died_of_no_account(const struct service_process *p)
{
	return p->service == &services[SERVICE_BUS] && !p->was_up && !has_account(getuid());
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
	session_give_up(s, text);
}

/* Avoids losing work to a service that a faulty program, or a user, makes exit repeatedly. */
static void rest(struct service_process *p)
{
	struct session *s = p->data;
	service_process_rest(p);
	s->handlers->resting(p->service->what, p->died, p->rest_ms, s->data);
}

static void died_too_often(struct service_process *p)
{
	auto_buf struct buf text = { 0 };
	if (!p->service->required || p->was_up) {
		rest(p);
		return;
	}
	if (p->silent_s) {
		buf_printf(&text, "the %s failed: %s", p->service->what, p->died);
	} else {
		buf_printf(&text,
			"the %s failed more than %d times within 30 seconds; the last time %s",
			p->service->what, SERVICE_DEATHS_MAX, p->died);
	}
	session_give_up(p->data, buf_text(&text));
}

void session_on_died(struct service_process *p)
{
	struct session *s = p->data;
	if (p == &s->all[SERVICE_X]) {
		session_display_gone(s);
	}
	if (p == &s->all[SERVICE_BUS]) {
		s->offering = s->offered = false;
	}
	if (died_of_no_account(p)) {
		give_up_without_account(s);
	} else if (service_process_dies_often(p) || p->silent_s) {
		died_too_often(p);
	}
	session_advance(s);
}
