#ifndef VM_AGENT_X11_WINDOW_STATE_H
#define VM_AGENT_X11_WINDOW_STATE_H

#include "vm/agent/x11/windows.h"
#include "vm/wire/messages_windows.h"

/* A window's state, and requests to the window manager (EWMH), which answers when it likes. */

/* Fills in state and desktop.  Inside a trap. */
void window_state_read(struct display *d, Window id, struct window_info *info);

void window_ask_focus(struct display *d, Window id);
void window_ask_state(struct display *d, Window id, enum window_state state);
/* In screen pixels, without the frame; NULL: as it is. */
void window_ask_place(
	struct display *d, Window id, const struct point *at, const struct size *size);
/* A program that does not support WM_DELETE_WINDOW is ended. */
void window_ask_close(struct display *d, Window id);

#endif
