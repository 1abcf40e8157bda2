/* Errors of the file system, with advice. */

#include "vm/state/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *advice(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return "free disk space, or set another --state-dir";
	case EACCES:
	case EPERM:
	case EROFS:
		return "set another one with --state-dir";
	case EFBIG:
		return "raise the limit on file sizes (ulimit -f)";
	case EMFILE:
		return "raise the limit on open files (ulimit -n)";
	default:
		return NULL;
	}
}

bool state_errno(struct err *err, const char *fmt, ...)
{
	int sys = errno;
	char what[300];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	const char *then = advice(sys);
	err_set(err, ERR_HOST, "%s: %s%s%s", what, strerror(sys), then ? "; " : "",
		then ? then : "");
	err->sys = sys;
	return false;
}
