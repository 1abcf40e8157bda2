#include "server/remote/directory.h"

#include "base/cleanup.h"
#include "vm/state/state.h"

#include <stdio.h>
#include <string.h>

char *remote_directory(const char *state_dir, struct err *err)
{
	auto_free char *dir = state_dir ? must(strdup(state_dir)) : state_default_dir(err);
	char *path;
	return dir && asprintf(&path, "%s/servers", dir) >= 0 ? path : NULL;
}
