#ifndef SERVER_E2B_ENVD_USER_H
#define SERVER_E2B_ENVD_USER_H

#include "base/buf.h"

/* The users of a sandbox as envd's callers name them. */

#define ENVD_USER_MAX 32

struct envd_user {
	char name[ENVD_USER_MAX + 1];
	bool is_desktop; /* the one that the desktop runs as */
};

/* name NULL or "": the default one, or if that is NULL, the desktop's.  False: no user can have this
 * name. */
bool envd_user_of(const char *name, const char *default_name, struct envd_user *ret_user,
	struct err *err) NODISCARD;
/* authorization: the header's value, Basic with the name before the colon; NULL: absent. */
bool envd_user_read(const char *authorization, const char *default_name, struct envd_user *ret_user,
	struct err *err) NODISCARD;
/* The path from this user's home: "", "~", "~/x" and relative paths. */
void envd_user_path(const struct envd_user *user, const char *path, struct buf *ret_path);

#endif
