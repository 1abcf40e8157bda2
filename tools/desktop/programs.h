#ifndef TOOLS_DESKTOP_PROGRAMS_H
#define TOOLS_DESKTOP_PROGRAMS_H

#include "tools/call/call.h"

/* Launches the desktop's web browser with that page (NULL: its start page), and answers the call as
 * the tool `launch` does, with a screenshot. url lives as long as the call. */
void programs_browse(struct call *call, const char *sandbox, const char *url);

#endif
