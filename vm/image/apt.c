/*
 * This machine's apt with lists of a build's own.  All of its settings but
 * for where it writes are this machine's.
 */
#include "base/cleanup.h"
#include "vm/image/host.h"
#include "vm/image/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- lists of a build's own ---- */

static const char settings[] = "Dir::State \"%s/apt/state\";\n"
			       "Dir::State::status \"/dev/null\";\n"
			       "Dir::Cache \"%s/apt/cache\";\n"
			       "Dir::Log \"%s/apt\";\n"
			       "APT::Sandbox::User \"root\";\n"; /* may not become another here */

static bool make_folders(const char *work, struct err *err)
{
	static const char *const folders[] = { "apt", "apt/state", "apt/state/lists",
		"apt/state/lists/partial", "apt/cache", "apt/cache/archives",
		"apt/cache/archives/partial" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s/%s", work, folders[i]);
		if (mkdir(buf_text(&path), 0755) < 0) {
			return err_errno(err, "cannot make the directory '%s'", buf_text(&path));
		}
	}
	return true;
}

bool host_read_lists(const char *work, struct err *err)
{
	static const char *const argv[] = { "apt-get", "update", "-q", NULL };
	auto_buf struct buf path = { 0 };
	if (!make_folders(work, err)) {
		return false;
	}
	buf_printf(&path, "%s/apt/apt.conf", work);
	FILE *file = fopen(buf_text(&path), "wex");
	bool written = file && fprintf(file, settings, work, work, work) > 0;
	if ((file && fclose(file) != 0) || !written) {
		return err_errno(err, "cannot write '%s'", buf_text(&path));
	}
	setenv("APT_CONFIG", buf_text(&path), 1);
	return run_program(&(struct run){ .argv = argv }, err) ||
	       err_while(err, "cannot read the lists of packages");
}
