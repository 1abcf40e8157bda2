/*
 * Java and LibreOffice are identified by the class of the focused window or one of its ancestors,
 * which their toolkits set.  QtWebEngine is a library in a program of any name, so its process is
 * examined.
 */
#include "vm/agent/x11/program.h"

#include "base/cleanup.h"

#include <X11/Xutil.h>
#include <X11/extensions/XRes.h>
#include <stdio.h>
#include <string.h>

#define CLIMB_MAX 8         /* maximum depth of a focused window in its top-level window */
#define MAPS_MAX (4u << 20) /* bytes of a process's list of mappings that are examined */
#define PATH_END_MAX 8192   /* a line of it */

static const struct {
	const char *class_begins;
	enum program program;
} classes[] = {
	{ "FocusProxy", PROGRAM_HALVES }, /* where AWT keeps the focus, in every frame */
	{ "libreoffice", PROGRAM_LATE },
	{ "soffice", PROGRAM_LATE },
};

static enum program program_of_class(struct display *d, Window window)
{
	XClassHint hint = { 0 };
	enum program program = PROGRAM_RIGHT;
	if (!XGetClassHint(display_x(d), window, &hint)) {
		return program;
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const char *begins = classes[i].class_begins;
		if (hint.res_class && strncasecmp(hint.res_class, begins, strlen(begins)) == 0) {
			program = classes[i].program;
		}
	}
	XFree(hint.res_name);
	XFree(hint.res_class);
	return program;
}

/* As the X server got it from the kernel; -1: unknown. */
static pid_t pid_of(struct display *d, Window window)
{
	XResClientIdSpec spec = { window, XRES_CLIENT_ID_PID_MASK };
	XResClientIdValue *values = NULL;
	long n = 0;
	pid_t pid = -1;
	int event, error;
	if (!XResQueryExtension(display_x(d), &event, &error) ||
		XResQueryClientIds(display_x(d), 1, &spec, &n, &values) != Success) {
		return -1;
	}
	for (long i = 0; i < n; i++) {
		if (XResGetClientIdType(&values[i]) == XRES_CLIENT_ID_PID) {
			pid = XResGetClientPid(&values[i]);
		}
	}
	XResClientIdsDestroy(n, values);
	return pid;
}

static bool has_loaded(pid_t pid, const char *library)
{
	char path[40], line[PATH_END_MAX];
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *maps = pid > 0 ? fopen(path, "re") : NULL;
	bool found = false;
	size_t seen = 0;
	while (maps && !found && seen < MAPS_MAX && fgets(line, sizeof(line), maps)) {
		seen += strlen(line);
		found = strstr(line, library);
	}
	if (maps) {
		fclose(maps);
	}
	return found;
}

bool program_has_gtk3(struct display *d)
{
	struct err ignored;
	display_trap(d);
	Window focus = display_focus(d);
	pid_t pid = focus > PointerRoot ? pid_of(d, focus) : -1;
	bool has = has_loaded(pid, "/libgtk-3.so") && !has_loaded(pid, "/libQt5Gui.so") &&
		   !has_loaded(pid, "/libQt6Gui.so") && !has_loaded(pid, "/libjvm.so");
	return display_untrap(d, &ignored) && has;
}

enum program program_focused(struct display *d)
{
	enum program program = PROGRAM_RIGHT;
	struct err ignored;
	display_trap(d);
	Window focus = display_focus(d), window = focus;
	for (int i = 0; i < CLIMB_MAX && window > PointerRoot && program == PROGRAM_RIGHT; i++) {
		program = program_of_class(d, window);
		window = display_parent(d, window);
	}
	if (focus > PointerRoot && program == PROGRAM_RIGHT &&
		has_loaded(pid_of(d, focus), "/libQt5WebEngineCore.so")) {
		program = PROGRAM_WRONG;
	}
	/* A window that has just closed belongs to no program. */
	return display_untrap(d, &ignored) ? program : PROGRAM_RIGHT;
}
