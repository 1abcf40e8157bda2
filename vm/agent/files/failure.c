#include "vm/agent/files/failure.h"

#include "base/cleanup.h"
#include "vm/agent/files/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 240

static enum err_kind kind_of(int sys)
{
	switch (sys) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EISDIR:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case EINVAL:
	case ENXIO:
		return ERR_ARGUMENT;
	case EEXIST:
	case ENOTEMPTY:
	case EBUSY:
	case ETXTBSY:
		return ERR_STATE;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EMLINK:
		return ERR_LIMIT;
	case ENOTSUP:
	case ENOSYS:
		return ERR_UNSUPPORTED;
	default:
		return ERR_HOST;
	}
}

/* What to do, where it is not obvious. */
static const char *advice(int sys)
{
	return sys == ENOSPC || sys == EDQUOT ? "; remove files that are not needed"
	       : sys == ELOOP ? "; the links lead in a circle, or to a descriptor of a process"
			      : "";
}

char *file_quoted(const char *path)
{
	auto_free char *shown = path_shown(path);
	struct buf out = { 0 };
	size_t len = strlen(shown), skip = len > SHOWN_MAX ? len - SHOWN_MAX : 0;
	buf_printf(&out, "'%s%s'", skip ? "..." : "", shown + skip);
	for (char *at = (char *)out.data; *at; at++) {
		*at = iscntrl((unsigned char)*at) ? '?' : *at;
	}
	return (char *)out.data;
}

bool file_failed(struct err *err, const char *verb, const char *path)
{
	int sys = errno;
	auto_free char *quoted = file_quoted(path);
	char text[80];
	const char *name = strerrorname_np(sys);
	snprintf(text, sizeof(text), "%s", strerror(sys));
	text[0] = (char)tolower((unsigned char)text[0]);
	err_set(err, kind_of(sys), "cannot %s %s: %s (%s)%s", verb, quoted, text, name ? name : "?",
		advice(sys));
	err->sys = sys;
	return false;
}

bool file_refused(struct err *err, enum err_kind kind, const char *path, const char *why)
{
	auto_free char *quoted = file_quoted(path);
	return err_set(err, kind, "%s %s", quoted, why);
}
