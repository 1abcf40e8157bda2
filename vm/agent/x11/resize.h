#ifndef VM_AGENT_X11_RESIZE_H
#define VM_AGENT_X11_RESIZE_H

#include "vm/agent/x11/display.h"

/* Gives the screen another size (RandR), which display_size() returns afterwards, and this number of
 * dots per inch.  ERR_STATE: the X server does not take it, and the screen is as before. */
bool resize_display(struct display *d, struct size size, int dpi, struct err *err) NODISCARD;

#endif
