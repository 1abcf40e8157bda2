#include "vm/image/subids.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/userns.h"
#include "vm/image/run.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define SUBIDS_MAX ((size_t)1 << 20)
#define IDS 65536u /* as many as Debian's packages use */

/* For root: above the ranges of systems and systemd, and different from those of
 * vm/confine/host.c. */
#define ROOT_FIRST 0x77000000ul
#define ROOT_COUNT 0x1000000ul

struct range {
	unsigned long first, count;
};

/* In a container with few ids, root has only those in use; the files are read-only. */
static struct range roots_range(void)
{
	return userns_has_ids(ROOT_FIRST, ROOT_COUNT) ? (struct range){ ROOT_FIRST, ROOT_COUNT }
						      : (struct range){ 0, IDS };
}

/* The first range of a user that is large enough. */
static bool find_subids(const char *file, const struct passwd *account, struct range *ret)
{
	char number[16];
	auto_buf struct buf text = { 0 };
	struct err ignored;
	if (!file_read_path(file, SUBIDS_MAX, NULL, &text, &ignored)) {
		return false;
	}
	snprintf(number, sizeof(number), "%u", account->pw_uid);
	char *rest = NULL, *line = text.len ? strtok_r((char *)text.data, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		char who[64];
		struct range range;
		if (sscanf(line, "%63[^:]:%lu:%lu", who, &range.first, &range.count) == 3 &&
			range.count >= IDS &&
			(strcmp(who, account->pw_name) == 0 || strcmp(who, number) == 0)) {
			*ret = (struct range){ range.first, IDS };
			return true;
		}
	}
	return false;
}

static bool find_ranges(struct range *ret_uids, struct range *ret_gids, struct err *err)
{
	uid_t uid = geteuid();
	if (uid == 0) {
		*ret_uids = *ret_gids = roots_range();
		return true;
	}
	const struct passwd *account = getpwuid(uid);
	if (!account) {
		return err_set(err, ERR_UNSUPPORTED,
			"user id %u has no account and therefore no subordinate ids: build the "
			"image as root or with an account",
			uid);
	}
	return (find_subids("/etc/subuid", account, ret_uids) &&
		       find_subids("/etc/subgid", account, ret_gids)) ||
	       err_set(err, ERR_UNSUPPORTED,
		       "%s lacks 65536 subordinate ids in /etc/subuid and /etc/subgid, which "
		       "building an image requires. Run as root: usermod --add-subuids "
		       "200000-265535 --add-subgids 200000-265535 %s (or a range that is not in "
		       "use), or build the image as root",
		       account->pw_name, account->pw_name);
}

bool subids_check(struct err *err)
{
	struct range uids, gids;
	return find_ranges(&uids, &gids, err);
}

static bool map_as_root(pid_t pid, const char *file, const struct range *range, struct err *err)
{
	char path[64], line[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	int len = snprintf(line, sizeof(line), "0 %lu %lu\n", range->first, range->count);
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	return (fd >= 0 && write(fd, line, (size_t)len) == len) ||
	       err_errno(err, "cannot map ids for the build (%s)", file);
}

static bool map_as_user(pid_t pid, const char *program, const struct range *range, struct err *err)
{
	char who[16], first[24], count[24];
	const char *argv[] = { program, who, "0", first, count, NULL };
	snprintf(who, sizeof(who), "%d", pid);
	snprintf(first, sizeof(first), "%lu", range->first);
	snprintf(count, sizeof(count), "%lu", range->count);
	return run_program(&(struct run){ .argv = argv }, err) ||
	       err_while(err, "cannot map ids for the build");
}

bool subids_map(pid_t pid, struct err *err)
{
	struct range uids, gids;
	if (!find_ranges(&uids, &gids, err)) {
		return false;
	}
	return geteuid() == 0 ? map_as_root(pid, "uid_map", &uids, err) &&
					map_as_root(pid, "gid_map", &gids, err)
			      : map_as_user(pid, "newuidmap", &uids, err) &&
					map_as_user(pid, "newgidmap", &gids, err);
}
