/* The fake agent's `wait`: it looks again after each change of its desktop.  It has one folder, /tmp,
 * and no ports. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>
#include <strings.h>

static bool matches(const struct msg_wait *args, const struct fake_window *window)
{
	return (!args->title || strstr(window->title, args->title)) &&
	       (!args->class || strcasecmp(window->class, args->class) == 0) &&
	       (!args->pid || window->pid == args->pid) &&
	       (!args->window || window->id == args->window);
}

static const struct fake_window *find(const struct fake_request *req)
{
	const struct fake_desktop *d = &req->fake->desktop;
	for (size_t i = d->n_windows; i-- > 0;) {
		if (matches(req->args, &d->windows[i])) {
			return &d->windows[i];
		}
	}
	return NULL;
}

/* What has happened; NULL: nothing yet. */
static const char *look(const struct fake_request *req)
{
	const struct msg_wait *args = req->args;
	struct msg_text_match ignored;
	switch ((enum wait_until)args->until) {
	case WAIT_CHANGE:
		return req->fake->desktop.frame_id > req->wait_from ? "The screen changed." : NULL;
	case WAIT_WINDOW:
		return find(req) ? "The window is open." : NULL;
	case WAIT_WINDOW_GONE:
		return find(req) ? NULL : "No open window matches.";
	case WAIT_PROCESS_EXIT:
		return find(req) ? NULL : "The process has exited, or never ran.";
	case WAIT_FILE:
		return strcmp(args->path, "/tmp") == 0 ? "The folder exists (0 bytes)." : NULL;
	case WAIT_TEXT:
		return fake_text_at(&req->fake->desktop, args->text, &ignored)
			       ? "The text is on the screen."
			       : NULL;
	case WAIT_SETTLED:
	case WAIT_PORT:
		break;
	}
	return NULL;
}

static void answer(struct fake_request *req, bool happened, const char *text)
{
	const struct msg_wait *args = req->args;
	const struct fake_window *window =
		happened && args->until == WAIT_WINDOW ? find(req) : NULL;
	struct msg_text_match match;
	json_auto_t *place = happened && args->until == WAIT_TEXT &&
					     fake_text_at(&req->fake->desktop, args->text, &match)
				     ? must(field_encode(msg_text_match_fields, &match))
				     : NULL;
	json_auto_t *described = window ? fake_window_json(&req->fake->desktop, window) : NULL;
	const struct msg_wait_answer said = {
		.happened = happened,
		.ms = fake_ms(req),
		.from = req->wait_from,
		.frame_id = req->fake->desktop.frame_id,
		.text = text,
		.window = described,
		.match = place,
	};
	fake_answer(req, &message_wait, &said);
}

static int on_quiet(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	answer(data, true, "The screen is quiet.");
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	static const char *const missing[] = {
		[WAIT_CHANGE] = "The screen has not changed.",
		[WAIT_SETTLED] = "The screen keeps changing.",
		[WAIT_WINDOW] = "No window matches.",
		[WAIT_WINDOW_GONE] = "The window is still open.",
		[WAIT_PROCESS_EXIT] = "The process is still running.",
		[WAIT_FILE] = "The file does not exist.",
		[WAIT_PORT] = "No program listens on the port.",
		[WAIT_TEXT] = "The text is not on the screen.",
	};
	struct fake_request *req = data;
	(void)source, (void)usec;
	answer(req, false, missing[((const struct msg_wait *)req->args)->until]);
	return 0;
}

void fake_wait_changed(struct fake_vm *fake)
{
	struct fake_request *req = TAILQ_FIRST(&fake->requests);
	while (req) {
		struct fake_request *next = TAILQ_NEXT(req, entry);
		const char *text = req->waits ? look(req) : NULL;
		if (text) {
			answer(req, true, text);
		}
		req = next;
	}
}

bool fake_wait(struct fake_request *req, struct err *err)
{
	const struct msg_wait *args = req->args;
	if (!wait_check(args, req->fake->desktop.frame, err)) {
		return false;
	}
	req->waits = true;
	req->wait_from = args->since ? args->since : req->fake->desktop.frame_id;
	const char *text = look(req);
	if (text) {
		answer(req, true, text);
	} else if (args->until == WAIT_SETTLED && args->quiet_ms <= args->timeout_ms) {
		fake_after(req, args->quiet_ms, on_quiet);
	} else {
		fake_after(req, args->timeout_ms, on_timeout);
	}
	return true;
}
