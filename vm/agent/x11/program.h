#ifndef VM_AGENT_X11_PROGRAM_H
#define VM_AGENT_X11_PROGRAM_H

#include "vm/agent/x11/display.h"

/*
 * Toolkits that make something else of a character above U+FFFF when it is the meaning of one key,
 * as other characters are.  What is not known as one of them counts as right.
 */
enum program {
	PROGRAM_RIGHT,
	PROGRAM_HALVES, /* Java AWT: takes 16 bits of a key, but the two halves (UTF-16) of two */
	PROGRAM_LATE,   /* LibreOffice: it overtakes the keys that came before and wait */
	PROGRAM_WRONG,  /* QtWebEngine 5: takes 16 bits of a key, and no halves */
};

/* The one whose window has the focus.  Several round trips, and reads a file of /proc. */
enum program program_focused(struct display *d);

#endif
