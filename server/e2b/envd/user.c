#include "server/e2b/envd/user.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DESKTOP "user"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

bool envd_user_of(
	const char *name, const char *default_name, struct envd_user *ret_user, struct err *err)
{
	name = name && *name ? name : default_name ? default_name : DESKTOP;
	size_t len = strlen(name);
	if (len > ENVD_USER_MAX || *name == '-' || strspn(name, NAME_CHARACTERS) != len) {
		return err_set(err, ERR_ARGUMENT, "error looking up user '%.*s': no such user",
			ENVD_USER_MAX, name);
	}
	snprintf(ret_user->name, sizeof(ret_user->name), "%s", name);
	ret_user->is_desktop = strcmp(name, DESKTOP) == 0;
	return true;
}

bool envd_user_read(const char *authorization, const char *default_name, struct envd_user *ret_user,
	struct err *err)
{
	size_t len = 0;
	if (!authorization) {
		return envd_user_of(NULL, default_name, ret_user, err);
	}
	auto_free char *pair = strncasecmp(authorization, "Basic ", 6) == 0
				       ? base64_decode(authorization + 6, &len)
				       : NULL;
	char *colon = pair ? memchr(pair, ':', len) : NULL;
	if (!colon || memchr(pair, '\0', (size_t)(colon - pair))) {
		return err_set(err, ERR_ARGUMENT,
			"the header Authorization must be Basic with the name of a user and a colon");
	}
	*colon = '\0';
	return envd_user_of(pair, default_name, ret_user, err);
}

static void append_home(const struct envd_user *user, struct buf *to)
{
	if (strcmp(user->name, "root") == 0) {
		buf_printf(to, "/root");
	} else {
		buf_printf(to, "/home/%s", user->name);
	}
}

void envd_user_path(const struct envd_user *user, const char *path, struct buf *ret_path)
{
	path = path ? path : "";
	if (*path == '/') {
		buf_printf(ret_path, "%s", path);
		return;
	}
	append_home(user, ret_path);
	path += *path == '~' && (!path[1] || path[1] == '/');
	path += strspn(path, "/");
	if (*path) {
		buf_printf(ret_path, "/%s", path);
	}
}
