#ifndef VM_AGENT_LAUNCH_DEFAULT_APPLICATION_H
#define VM_AGENT_LAUNCH_DEFAULT_APPLICATION_H

#include "base/err.h"

/*
 * The application that opens a file or a URL by default, as the desktop's file manager would choose
 * it (XDG: shared-mime-info's names of files, mimeapps.list, mimeinfo.cache).
 */

/*
 * target: a URL, or the path of a file or a directory, which may be relative to the home directory.
 * Returns the id of a desktop file, to g_free().  ERR_NOT_FOUND: there is no such file, or no
 * application for its type, which the error names.
 */
char *default_application(const char *target, struct err *err) NODISCARD;

#endif
