/*
 * Checks that a head can be parsed in one way only: lines end in CR LF, names end at their colon,
 * there is no NUL and no other control character (RFC 9112, 2.2 and 5.1).  An ambiguous head lets a
 * client hide one request from a proxy inside another.
 *
 * libmicrohttpd before 1.0 accepts ambiguous heads.  It parses a head in place and replaces line
 * ends by NULs: two for CR LF, one for a bare LF.  Each line must therefore begin two bytes after
 * the end of the previous one, and the last one must end two before the end of the head.  (A NUL
 * right before a bare LF looks like CR LF; what precedes it is read as if it was.)  A line that was
 * continued on the next one has been moved, and is therefore refused.  From 1.0 on,
 * MHD_OPTION_STRICT_FOR_CLIENT does this.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"

#include <string.h>

static const char token_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "!#$%&'*+-.^_`|~";

static bool is_text(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Called before libmicrohttpd changes it; extends to the space before the version. */
void *http_on_target(void *http, const char *target, struct MHD_Connection *mhd)
{
	struct http_conn *conn =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	(void)http;
	free(conn->target);
	conn->target = must(strdup(target));
	conn->target_end =
		is_text(target) && !strpbrk(target, " \t") ? target + strlen(target) : NULL;
	return NULL;
}

struct lines {
	const char *next; /* where the next one must begin */
	bool good, adjacent;
};

static enum MHD_Result look_at(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct lines *lines = data;
	(void)kind;
	value = value ? value : "";
	lines->good =
		lines->good && *name && strspn(name, token_chars) == strlen(name) && is_text(value);
	lines->adjacent = lines->adjacent && name == lines->next;
	lines->next = value + strlen(value) + 2;
	return MHD_YES;
}

static bool hides_line_ends(void)
{
	return strncmp(MHD_get_version(), "0.", 2) == 0;
}

bool http_head_is_clean(const struct http_conn *conn, const char *method, const char *version)
{
	struct lines lines = {
		.next = version + strlen(version) + 2, .good = true, .adjacent = true
	};
	MHD_get_connection_values(conn->mhd, MHD_HEADER_KIND, look_at, &lines);
	if (!lines.good || !conn->target_end || !hides_line_ends()) {
		return lines.good && conn->target_end;
	}
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return size && lines.adjacent && conn->target_end + 1 == version &&
	       lines.next + 2 == method + size->header_size;
}
