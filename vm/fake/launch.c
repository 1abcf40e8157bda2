/* The fake agent's applications, and its `launch`. */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/loop.h"
#include "base/nearest.h"

#include <string.h>

/* Two of them are for tests: one ends the agent, one never opens a window. */
static const struct application {
	const char *id, *name, *program, *title, *class;
} applications[] = {
	{ "editor", "Text Editor", "editor", "Untitled - Editor", "Editor" },
	{ "terminal", "Terminal", "terminal", "user@desktop: ~", "Terminal" },
	{ "crash", "Crash the agent", "crash", NULL, NULL },
	{ "hang", "Open no window", "hang", NULL, NULL },
};
#define LISTED 2
#define N_APPLICATIONS (sizeof(applications) / sizeof(applications[0]))

bool fake_applications(struct fake_request *req, struct err *err)
{
	json_auto_t *list = must(json_array());
	(void)err;
	for (size_t i = 0; i < LISTED; i++) {
		const struct application *a = &applications[i];
		const struct msg_application row = { a->id, a->name, NULL, a->program };
		json_array_append_new(list, must(field_encode(msg_application_fields, &row)));
	}
	fake_answer(req, &message_applications, &(struct msg_applications_answer){ list });
	return true;
}

static int on_dying(sd_event_source *source, void *data)
{
	struct fake_vm *fake = data;
	struct err why;
	(void)source;
	loop_drop(&fake->dying);
	err_set(&why, ERR_GONE, "its agent crashed");
	vm_has_died(&fake->vm, &why);
	return 0;
}

/* Everything is opened by the editor. */
static const char *name_of(const struct msg_launch *args)
{
	return args->application ? args->application : "editor";
}

static int on_window(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	const char *id = name_of(req->args);
	const struct application *a =
		strncmp(id, "editor", 6) == 0 ? &applications[0] : &applications[1];
	struct fake_desktop *desktop = &req->fake->desktop;
	(void)source;
	(void)usec;
	const struct fake_window *window = fake_desktop_open(desktop, a->title, a->class);
	fake_changed(req->fake);
	json_auto_t *json = fake_window_json(desktop, window);
	fake_answer(req, &message_launch,
		&(struct msg_launch_answer){ .pid = window->pid,
			.from = req->fake->desktop.frame_id - 1,
			.application = ((const struct msg_launch *)req->args)->application
					       ? NULL
					       : "editor",
			.window = json });
	return 0;
}

static int on_no_window(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	(void)source;
	(void)usec;
	fake_answer(req, &message_launch,
		&(struct msg_launch_answer){ .pid = ++req->fake->desktop.last_pid,
			.note = "The program runs, but it has not opened a window yet." });
	return 0;
}

bool fake_window_parse(const char *title, struct fake_window *ret_window)
{
	for (size_t i = 0; i < LISTED; i++) {
		if (strcmp(applications[i].title, title) == 0) {
			ret_window->title = applications[i].title;
			ret_window->class = applications[i].class;
			return true;
		}
	}
	return false;
}

static const struct application *application_find(const char *name)
{
	size_t len = strlen(name);
	if (len > 8 && strcmp(name + len - 8, ".desktop") == 0) {
		len -= 8;
	}
	for (size_t i = 0; i < N_APPLICATIONS; i++) {
		if (strlen(applications[i].id) == len &&
			strncmp(name, applications[i].id, len) == 0) {
			return &applications[i];
		}
	}
	return NULL;
}

bool fake_launch(struct fake_request *req, struct err *err)
{
	const struct msg_launch *args = req->args;
	if (!args->application && !args->uri) {
		return err_set(err, ERR_ARGUMENT, "'application' or 'uri' is required");
	}
	const struct application *a = application_find(name_of(args));
	if (!a) {
		static const char *const names[] = { "editor", "terminal", NULL };
		const char *near = nearest_name(args->application, names);
		return near ? err_set(err, ERR_NOT_FOUND,
				      "unknown application or program '%.100s'; did you mean "
				      "%s? Applications here are: editor, terminal",
				      args->application, near)
			    : err_set(err, ERR_NOT_FOUND,
				      "unknown application or program '%.100s'; applications "
				      "here are: editor, terminal",
				      args->application);
	}
	if (strcmp(a->id, "crash") == 0) {
		/* Deferred, because it would free this request's link. */
		req->fake->dying = loop_defer(req->fake->event, on_dying, req->fake);
	} else if (!a->title) {
		fake_after(req, args->timeout_ms, on_no_window);
	} else {
		fake_after(req, 5, on_window);
	}
	return true;
}
