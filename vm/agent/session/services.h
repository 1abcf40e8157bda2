#ifndef VM_AGENT_SESSION_SERVICES_H
#define VM_AGENT_SESSION_SERVICES_H

#include "base/err.h"
#include "vm/wire/geometry.h"

/* The desktop's programs, one row each; session.c starts and supervises them. */

enum { SERVICE_X, SERVICE_BUS, SERVICE_A11Y, SERVICE_WM, SERVICE_PANEL, SERVICES };

#define SERVICE_ARGS 32
#define SERVICE_READY_FD 3 /* where reports_ready services write */

/* Files and names shared by the programs. */
struct session_paths {
	/* in the run-time directory */
	char bus[128], a11y[128], vnc[128], wm_config[128], panel_config[128];
	char geometry[16], dpi[8];
	char display[16]; /* ":0"; "" until the X server has chosen a number */
	char panel_line[256];
	const char *panel[SERVICE_ARGS]; /* the image's replacement of the row's; or empty */
};

struct service {
	const char *what, *stage; /* its names in events (vm/wire/messages.h) */
	const char *file;         /* it cannot be started without this; NULL: none */
	const char *package;      /* the Debian package with argv[0] and the file */
	bool required;            /* without it there is no desktop */
	bool on_display;          /* exits with the X server */
	int needs;                /* the row that must be up before; -1: none */
	bool reports_ready; /* writes a line to SERVICE_READY_FD; others are detected on the display */
	const char *variable;           /* "K=V", for its environment alone; or NULL */
	const char *argv[SERVICE_ARGS]; /* "@bus" and similar are placeholders, see services.c */
};

extern const struct service services[SERVICES];

/* Its first line is the image's panel. */
#define PANEL_FILE "/etc/vitrine/panel"

/* ret_paths must not move: it points into itself. */
void session_paths_init(
	struct session_paths *ret_paths, struct size screen, int scale, const char *panel_file);
/* The size of the X server's screen, and its scale in percent, from its next start on. */
void session_paths_size(struct session_paths *paths, struct size screen);
void session_paths_scale(struct session_paths *paths, int scale);
/* Writes the configuration of the window manager and the panel. */
bool session_paths_write(const struct session_paths *paths, struct err *err) NODISCARD;
void session_paths_remove(const struct session_paths *paths);
/* Once the X server is up: no program can connect to its VNC server any more. */
void session_paths_close_vnc(const struct session_paths *paths);

/* The row's arguments for these places; the strings belong to the row or the places. */
void service_argv(const struct service *service, const struct session_paths *paths,
	const char *ret_argv[SERVICE_ARGS]);

#endif
