/*
 * The desktop's programs and their configuration: one row per program, and the two configuration
 * files that are written for them.
 */
#include "vm/agent/session/services.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/desktop/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Placeholders for arguments that are not known at compile time. */
#define PATH_BUS "@bus"
#define PATH_A11Y "@a11y"
#define PATH_VNC "@vnc"
#define PATH_WM "@wm"
#define PATH_PANEL "@panel"
#define PATH_GEOMETRY "@geometry"
#define PATH_DPI "@dpi"
#define PATH_DISPLAY "@display" /* omitted while there is no display */

#define A11Y_CONFIG "/usr/share/defaults/at-spi2/accessibility.conf"

const struct service services[SERVICES] = {
	[SERVICE_X] = {
		.what = "X server",
		.stage = "x-server",
		.package = "tigervnc-standalone-server",
		.required = true,
		.needs = -1,
		.reports_ready = true,
		/*
		 * -s 0: no screen saver, because a blanked screen is useless.  Its own VNC server is
		 * not used, for vm/agent/stream serves viewers; but TigerVNC 1.15 (Debian 13) does
		 * not start without a socket for it, which session_paths_close_vnc() removes.
		 */
		.argv = { "Xvnc", PATH_DISPLAY, "-displayfd", "3", "-geometry", PATH_GEOMETRY, "-depth",
			"24", "-dpi", PATH_DPI, "-rfbport", "-1", "-rfbunixpath", PATH_VNC, "-SecurityTypes", "None",
			"-nolisten", "tcp", "-noreset", "-s", "0", NULL },
	},
	[SERVICE_BUS] = {
		.what = "session bus",
		.stage = "session-bus",
		.package = "dbus",
		.needs = -1,
		.reports_ready = true,
		.argv = { "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", PATH_BUS,
			"--print-address=3", NULL },
	},
	/* Instead of at-spi-bus-launcher, see vm/agent/elements/bus.h. */
	[SERVICE_A11Y] = {
		.what = "accessibility bus",
		.stage = "accessibility-bus",
		.file = A11Y_CONFIG,
		.package = "at-spi2-core",
		.needs = -1,
		.reports_ready = true,
		.argv = { "dbus-daemon", "--config-file", A11Y_CONFIG, "--nofork", "--nopidfile",
			"--address", PATH_A11Y, "--print-address=3", NULL },
	},
	[SERVICE_WM] = {
		.what = "window manager",
		.stage = "window-manager",
		.package = "openbox",
		.required = true,
		.on_display = true,
		.needs = SERVICE_X,
		/* It would read 6,000 lines of compose sequences at each change of the keymap: 10 ms of
		 * processor time, and many times that in an emulated machine. */
		.variable = "XCOMPOSEFILE=/dev/null",
		.argv = { "openbox", "--sm-disable", "--config-file", PATH_WM, NULL },
	},
	[SERVICE_PANEL] = {
		.what = "panel",
		.stage = "panel",
		.package = "tint2",
		.on_display = true,
		/* started in parallel, it finds no desktops and sleeps for a second */
		.needs = SERVICE_WM,
		.argv = { "tint2", "-c", PATH_PANEL, NULL },
	},
};

void service_argv(const struct service *service, const struct session_paths *paths,
	const char *ret_argv[SERVICE_ARGS])
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ PATH_BUS, paths->bus },
		{ PATH_A11Y, paths->a11y },
		{ PATH_VNC, paths->vnc },
		{ PATH_WM, paths->wm_config },
		{ PATH_PANEL, paths->panel_config },
		{ PATH_GEOMETRY, paths->geometry },
		{ PATH_DPI, paths->dpi },
		{ PATH_DISPLAY, paths->display },
	};
	size_t n = 0;
	bool other = service == &services[SERVICE_PANEL] && paths->panel[0];
	for (const char *const *arg = other ? paths->panel : service->argv; *arg; arg++) {
		const char *value = *arg;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
			value = strcmp(*arg, known[i].name) == 0 ? known[i].value : value;
		}
		if (*value) {
			ret_argv[n++] = value;
		}
	}
	ret_argv[n] = NULL;
}

static void read_panel(struct session_paths *paths, const char *file)
{
	FILE *from = fopen(file, "re");
	char *rest = NULL;
	size_t n = 0;
	if (from && fgets(paths->panel_line, sizeof(paths->panel_line), from)) {
		for (char *word = strtok_r(paths->panel_line, " \t\n", &rest);
			word && n < SERVICE_ARGS - 1; word = strtok_r(NULL, " \t\n", &rest)) {
			paths->panel[n++] = word;
		}
	}
	if (from) {
		fclose(from);
	}
}

void session_paths_init(
	struct session_paths *paths, struct size screen, int scale, const char *panel_file)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	*paths = (struct session_paths){ 0 };
	snprintf(paths->bus, sizeof(paths->bus), "unix:path=%.90s/bus", dir);
	snprintf(paths->a11y, sizeof(paths->a11y), "unix:path=%.90s/a11y-bus", dir);
	snprintf(paths->vnc, sizeof(paths->vnc), "%.90s/vnc.sock", dir);
	snprintf(paths->wm_config, sizeof(paths->wm_config), "%.90s/openbox.xml", dir);
	snprintf(paths->panel_config, sizeof(paths->panel_config), "%.90s/tint2rc", dir);
	session_paths_size(paths, screen);
	session_paths_scale(paths, scale);
	read_panel(paths, panel_file);
}

void session_paths_size(struct session_paths *paths, struct size screen)
{
	snprintf(paths->geometry, sizeof(paths->geometry), "%dx%d", screen.width, screen.height);
}

void session_paths_scale(struct session_paths *paths, int scale)
{
	snprintf(paths->dpi, sizeof(paths->dpi), "%d", scale_dpi(scale));
}

/* ---- configuration files ---- */

#define BIND(context, button, action, what) \
	"<context name='" context "'><mousebind button='" button "' action='" action "'>" what \
	"</mousebind></context>\n"
#define EDGE(context, edge) \
	BIND(context, "Left", "Drag", "<action name='Resize'><edge>" edge "</edge></action>")
#define DO(name) "<action name='" name "'/>"

/*
 * A click focuses and raises; a new window gets the focus.  Only alt+tab and alt+F4 are reserved,
 * and no modifier + mouse button: all other input must reach its window.  Nothing is bound in the
 * context Frame, because that would take the button from the program inside.  The desktop has the
 * window manager's own list of windows as its menu, which needs no file.
 */
/* clang-format off */
static const char wm_config[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<openbox_config xmlns='http://openbox.org/3.4/rc'>\n"
	"<focus><focusNew>yes</focusNew><focusLast>yes</focusLast>"
	"<followMouse>no</followMouse><raiseOnFocus>no</raiseOnFocus></focus>\n"
	"<placement><policy>Smart</policy><center>yes</center></placement>\n"
	"<theme><name>Clearlooks</name><titleLayout>NLIMC</titleLayout><keepBorder>yes</keepBorder>"
	"<animateIconify>no</animateIconify></theme>\n"
	"<desktops><number>1</number><popupTime>0</popupTime></desktops>\n"
	"<resize><drawContents>yes</drawContents><popupShow>Never</popupShow></resize>\n"
	"<keyboard>\n"
	"<keybind key='A-F4'>" DO("Close") "</keybind>\n"
	"<keybind key='A-Tab'>" DO("NextWindow") "</keybind>\n"
	"<keybind key='A-S-Tab'>" DO("PreviousWindow") "</keybind>\n"
	"</keyboard>\n"
	"<mouse><dragThreshold>1</dragThreshold><doubleClickTime>400</doubleClickTime>\n"
	BIND("Client", "Left", "Press", DO("Focus") DO("Raise"))
	BIND("Client", "Middle", "Press", DO("Focus") DO("Raise"))
	BIND("Client", "Right", "Press", DO("Focus") DO("Raise"))
	BIND("Root", "Right", "Press",
		"<action name='ShowMenu'><menu>client-list-combined-menu</menu></action>")
	BIND("Titlebar", "Left", "Press", DO("Focus") DO("Raise"))
	BIND("Titlebar", "Left", "Drag", DO("Move"))
	BIND("Titlebar", "Left", "DoubleClick", DO("ToggleMaximize"))
	BIND("Close", "Left", "Click", DO("Close"))
	BIND("Maximize", "Left", "Click", DO("ToggleMaximize"))
	BIND("Iconify", "Left", "Click", DO("Iconify"))
	EDGE("Top", "top") EDGE("Bottom", "bottom") EDGE("Left", "left") EDGE("Right", "right")
	EDGE("TLCorner", "topleft") EDGE("TRCorner", "topright")
	EDGE("BLCorner", "bottomleft") EDGE("BRCorner", "bottomright")
	"</mouse></openbox_config>\n";
/* clang-format on */

/* The clock shows minutes: seconds would change the screen permanently. */
static const char panel_config[] =
	"rounded = 0\nborder_width = 0\nbackground_color = #20262e 100\nborder_color = #20262e "
	"100\n"
	"rounded = 3\nborder_width = 0\nbackground_color = #333c47 100\nborder_color = #333c47 "
	"100\n"
	"rounded = 3\nborder_width = 0\nbackground_color = #4a5867 100\nborder_color = #4a5867 "
	"100\n"
	"panel_items = TSC\npanel_position = bottom center horizontal\npanel_size = 100% 28\n"
	"panel_layer = top\npanel_background_id = 1\nwm_menu = 0\nstrut_policy = follow_size\n"
	"mouse_effects = 0\ntaskbar_mode = single_desktop\ntaskbar_padding = 3 2 3\n"
	"taskbar_name = 0\ntask_text = 1\ntask_icon = 1\ntask_maximum_size = 220 24\n"
	"task_padding = 6 2\ntask_font = sans 9\ntask_font_color = #d8dee6 100\n"
	"task_active_font_color = #ffffff 100\ntask_background_id = 2\ntask_active_background_id = "
	"3\n"
	"task_tooltip = 0\nmouse_left = toggle_iconify\nmouse_middle = none\nmouse_right = none\n"
	"urgent_nb_of_blink = 1\nsystray_padding = 4 2 4\nsystray_icon_size = 18\n"
	"time1_format = %H:%M\ntime1_font = sans 9\nclock_font_color = #d8dee6 100\n"
	"clock_padding = 8 0\nclock_background_id = 0\n";

static bool write_file(const char *path, const char *text, struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(text);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		return err_errno(err, "cannot write %s", path);
	}
	return true;
}

bool session_paths_write(const struct session_paths *paths, struct err *err)
{
	return write_file(paths->wm_config, wm_config, err) &&
	       write_file(paths->panel_config, panel_config, err);
}

void session_paths_close_vnc(const struct session_paths *paths)
{
	if (unlink(paths->vnc) < 0 && errno != ENOENT) {
		log_warning("cannot remove %s: %s", paths->vnc, strerror(errno));
	}
}

void session_paths_remove(const struct session_paths *paths)
{
	char socket[64];
	const char *const all[] = { paths->vnc, paths->bus + strlen("unix:path="),
		paths->a11y + strlen("unix:path="), paths->wm_config, paths->panel_config, socket };
	snprintf(socket, sizeof(socket), "/tmp/.X11-unix/X%s",
		paths->display[0] ? paths->display + 1 : "none");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (unlink(all[i]) < 0 && errno != ENOENT) {
			continue; /* not ours: nothing is lost */
		}
	}
}
