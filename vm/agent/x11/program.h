#ifndef VM_AGENT_X11_PROGRAM_H
#define VM_AGENT_X11_PROGRAM_H

#include "vm/agent/x11/display.h"

/*
 * Toolkits that misinterpret a character above U+FFFF as the keysym of one key.  Unknown ones count
 * as correct.
 */
enum program {
	PROGRAM_RIGHT,
	PROGRAM_HALVES, /* Java AWT: takes 16 bits of a key, but combines two surrogates (UTF-16) */
	PROGRAM_LATE,   /* LibreOffice: it overtakes earlier keys that wait */
	PROGRAM_WRONG,  /* QtWebEngine 5: takes 16 bits of a key, and no surrogates */
};

/* Whether the process of the focused window has loaded GTK 3, as Firefox and Chromium do, and no
 * toolkit that has input methods of its own.  Several round trips, and reads a file of /proc. */
bool program_has_gtk3(struct display *d);

/* That of the focused window.  Several round trips, and reads a file of /proc. */
enum program program_focused(struct display *d);

#endif
