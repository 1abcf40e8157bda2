/* Checks the machine before an image is built, so that missing requirements are reported first. */
#include "vm/image/host.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "vm/image/isolation.h"
#include "vm/image/subids.h"
#include "vm/image/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define APT_DIR "/etc/apt/"

/* ---- programs ---- */

static const struct {
	const char *name, *package;
	bool as_user; /* required for ordinary users only */
} programs[] = {
	{ "mmdebstrap", "mmdebstrap" },
	{ "mkfs.erofs", "erofs-utils" },
	{ "apt-get", "apt" },
	{ "dpkg-deb", "dpkg" },
	{ "tar", "tar" },
	{ "xz", "xz-utils" },
	{ "newuidmap", "uidmap", true },
};

static bool is_installed(const char *name)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
		"/usr/bin", "/sbin", "/bin" };
	char path[100];
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (access(path, X_OK) == 0) {
			return true;
		}
	}
	return false;
}

static bool check_programs(struct err *err)
{
	auto_buf struct buf missing = { 0 }, packages = { 0 };
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (is_installed(programs[i].name) || (programs[i].as_user && geteuid() == 0)) {
			continue;
		}
		buf_printf(&missing, "%s%s", missing.len ? ", " : "", programs[i].name);
		buf_printf(&packages, " %s", programs[i].package);
	}
	return !missing.len ||
	       err_set(err, ERR_UNSUPPORTED, "building an image requires %s: apt-get install%s",
		       buf_text(&missing), buf_text(&packages));
}

/* ---- disk space ---- */

static bool check_room(const char *path, int64_t mib, const char *why, struct err *err)
{
	struct statvfs fs;
	auto_free char *there = must(strdup(path));
	while (statvfs(there, &fs) < 0) { /* not created yet */
		char *slash = strrchr(there, '/');
		if (!slash || errno != ENOENT) {
			return true;
		}
		*(slash == there ? slash + 1 : slash) = '\0';
	}
	int64_t room = (int64_t)(fs.f_bavail * fs.f_frsize >> 20);
	return room >= mib || err_set(err, ERR_LIMIT,
				      "%s has %lld MiB free, and %s may need %lld MiB: free "
				      "disk space",
				      there, (long long)room, why, (long long)mib);
}

bool build_host_check(const char *images, int64_t disk_mib, struct err *err)
{
	/* The unpacked files exist in addition to the image. */
	return check_programs(err) && subids_check(err) &&
	       check_room(images, 2 * disk_mib, "an image and its unpacked files", err);
}

/* ---- apt ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && strcmp(name + n - m, end) == 0;
}

static int is_source(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_with(entry->d_name, ".list") || ends_with(entry->d_name, ".sources"));
}

static void add_source(json_t *list, const char *path)
{
	if (access(path, R_OK) == 0) {
		json_array_append_new(list, json_string(path));
	}
}

json_t *build_host_sources(struct err *err)
{
	json_auto_t *list = json_array();
	struct dirent **entries = NULL;
	add_source(list, APT_DIR "sources.list");
	int n = scandir(APT_DIR "sources.list.d", &entries, is_source, alphasort);
	for (int i = 0; i < n; i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, APT_DIR "sources.list.d/%s", entries[i]->d_name);
		add_source(list, buf_text(&path));
		free(entries[i]);
	}
	free(entries);
	if (json_array_size(list) == 0) {
		err_set(err, ERR_UNSUPPORTED,
			"this machine has no package sources (" APT_DIR "sources.list), which "
			"building an image requires");
		return NULL;
	}
	return json_incref(list);
}

static const char *const local_options[] = { "Acquire::http::Proxy", "Acquire::https::Proxy",
	"Acquire::ftp::Proxy", "Acquire::http::Pipeline-Depth", "Acquire::Check-Valid-Until",
	"Acquire::Check-Date", "Acquire::Retries", "Acquire::ForceIPv4", "Acquire::ForceIPv6",
	"Acquire::https::CaInfo" };

static bool is_local(const char *line)
{
	for (size_t i = 0; i < sizeof(local_options) / sizeof(*local_options); i++) {
		if (strncasecmp(line, local_options[i], strlen(local_options[i])) == 0) {
			return true;
		}
	}
	return false;
}

json_t *build_host_aptopts(void)
{
	struct err ignored;
	auto_buf struct buf text = { 0 };
	json_t *list = json_array();
	static const char *const argv[] = { "apt-config", "dump", "--no-empty", NULL };
	if (!run_program(&(struct run){ .argv = argv, .out = &text }, &ignored) || !text.len) {
		return list;
	}
	char *rest = NULL, *line = strtok_r((char *)text.data, "\n", &rest);
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		if (is_local(line)) {
			json_array_append_new(list, json_string(line));
		}
	}
	return list;
}
