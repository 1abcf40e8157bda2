#ifndef VM_AGENT_MAIN_SHOT_H
#define VM_AGENT_MAIN_SHOT_H

#include "base/err.h"

/* For programs of the desktop: writes the screen of $DISPLAY, with the pointer, to a PNG file, in half
 * the time of scrot.  Without an agent, as the caller's user. */
bool shot_write(const char *path, struct err *err) NODISCARD;

#endif
