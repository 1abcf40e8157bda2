#include "server/e2b/core/note.h"

#include "base/loop.h"
#include "server/activity/activity.h"

#include <string.h>

/* Not tools of the server: they are only what a record refers to. */
#define NOTED(which, called, text, what) \
	{ \
		which, called, \
		{ \
			.name = "e2b", .title = text, .toolset = "shell", .hints = what \
		} \
	}
static const struct noted {
	const char *method, *path;
	struct tool tool;
} noted[] = {
	NOTED("POST", "/process.Process/Start", "Run a command (E2B)", 0),
	NOTED("POST", "/process.Process/SendInput", "Send input to a process (E2B)", 0),
	NOTED("POST", "/process.Process/SendSignal", "Signal a process (E2B)", 0),
	NOTED("GET", "/files", "Read a file (E2B)", TOOL_READS_ONLY),
	NOTED("POST", "/files", "Write a file (E2B)", 0),
	NOTED("POST", "/filesystem.Filesystem/MakeDir", "Make a directory (E2B)", 0),
	NOTED("POST", "/filesystem.Filesystem/Move", "Move a file (E2B)", 0),
	NOTED("POST", "/filesystem.Filesystem/Remove", "Remove a file (E2B)", 0),
	NOTED("POST", "/execute", "Run code (E2B)", 0),
};

void e2b_note_begin(struct e2b_request *r)
{
	bool is_ours = r->port == E2B_ENVD_PORT || r->port == E2B_CODE_PORT;
	r->began_us = loop_now_us();
	for (size_t i = 0; is_ours && i < sizeof(noted) / sizeof(*noted); i++) {
		if (strcmp(noted[i].path, http_path(r->x)) == 0 &&
			strcmp(noted[i].method, http_method(r->x)) == 0) {
			r->note = &noted[i].tool;
		}
	}
}

void e2b_note_end(struct e2b_request *r)
{
	struct err why;
	if (!r->note || !r->e2b->activity || vm_state(r->vm) >= VM_STOPPING) {
		return;
	}
	err_set(&why, ERR_HOST, "it was refused with status %d", r->refused);
	activity_add(r->e2b->activity, &(struct activity_record){
					       .principal = r->owner,
					       .vm = r->vm,
					       .tool = r->note,
					       .summary = r->refused ? why.text : "",
					       .why = r->refused ? &why : NULL,
					       .took_us = loop_now_us() - r->began_us,
				       });
}
