#ifndef VM_AGENT_ELEMENTS_TARGET_H
#define VM_AGENT_ELEMENTS_TARGET_H

#include "vm/agent/x11/windows.h"

/* The windows whose elements are wanted, as the X server knows them: they say which program is
 * asked, and where its windows really are. */

#define TARGET_WINDOWS_MAX 30

struct target_window {
	uint32_t number;
	struct rect rect; /* in screen pixels, without the frame */
	char title[256];
};

struct target {
	pid_t pid;
	char title[256]; /* of the window that was named, or is active */
	bool only;       /* that window only; it is windows[0] */
	size_t n;
	struct target_window windows[TARGET_WINDOWS_MAX]; /* of the program */
};

/* number: 0: the active window's program. */
bool target_find(
	struct display *d, uint32_t number, struct target *ret_target, struct err *err) NODISCARD;

/* The window that a program calls by this title and place (in screen pixels); NULL: none, such as a
 * menu's. */
const struct target_window *target_match(
	const struct target *target, const char *title, const struct rect *place);

#endif
