/* Identifies a process by start time, boot and PID namespace.  The pidfd is opened before they are
 * compared, so the compared process is the one that is signalled. */
#include "vm/microvm/process_identity.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/file.h"
#include "vm/state/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#define FILE_NAME "process.json"

struct identity {
	int64_t pid, start; /* in ticks since boot */
	const char *boot, *namespace;
};

static const struct field fields[] = {
	FIELD_NUM(struct identity, pid, "its number", .required = true, .min = 2, .max = 1 << 30),
	FIELD_NUM(struct identity, start, "ticks", .required = true, .min = 0, .max = 9e15),
	FIELD_STR(struct identity, boot, "which", .required = true, .min = 1, .max = 60),
	FIELD_STR(struct identity, namespace, "of PIDs", .required = true, .min = 1, .max = 60),
	{ 0 },
};

/* The current boot and PID namespace. */
struct here {
	char boot[61], namespace[61];
};

static struct here here(void)
{
	struct here here = { "", "" };
	(void)file_read_text(
		AT_FDCWD, "/proc/sys/kernel/random/boot_id", here.boot, sizeof(here.boot));
	here.boot[strcspn(here.boot, "\n")] = '\0';
	ssize_t n = readlink("/proc/self/ns/pid", here.namespace, sizeof(here.namespace) - 1);
	here.namespace[n > 0 ? n : 0] = '\0';
	return here;
}

/* Field 22 of /proc/PID/stat; the second, in parentheses, may contain anything.  -1: exited, or a
 * zombie. */
static int64_t start_of(pid_t pid)
{
	char path[40], text[1024], state;
	long long start;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)file_read_text(AT_FDCWD, path, text, sizeof(text));
	const char *behind = strrchr(text, ')');
	if (!behind || sscanf(behind,
			       ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			       "%*d %*d %*d %lld",
			       &state, &start) != 2) {
		return -1;
	}
	return state == 'Z' || state == 'X' ? -1 : start;
}

bool process_note(const char *dir, pid_t pid, struct err *err)
{
	struct here at = here();
	struct identity identity = { pid, start_of(pid), at.boot, at.namespace };
	if (identity.start < 0) {
		return err_set(err, ERR_GONE, "process %d has ended", pid);
	}
	json_auto_t *json = field_encode(fields, &identity);
	return state_write_json(dir, FILE_NAME, json, err);
}

int process_find(const char *dir, pid_t *ret_pid)
{
	struct err err;
	struct identity identity;
	struct here at = here();
	json_auto_t *json = state_read_json(dir, FILE_NAME, &err);
	if (!json || !field_decode(fields, json, &identity, &err) ||
		strcmp(identity.boot, at.boot) != 0 ||
		strcmp(identity.namespace, at.namespace) != 0) {
		return -1;
	}
	auto_close int pidfd = pidfd_open((pid_t)identity.pid, 0);
	if (pidfd < 0 || start_of((pid_t)identity.pid) != identity.start) {
		return -1;
	}
	if (ret_pid) {
		*ret_pid = (pid_t)identity.pid;
	}
	return take_fd(&pidfd);
}

bool process_kill(const char *dir)
{
	auto_close int pidfd = process_find(dir, NULL);
	return pidfd >= 0 && pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

#define ARGUMENTS_MAX 16384

static bool has_name(pid_t pid, const char *words, size_t len)
{
	char path[40], text[ARGUMENTS_MAX];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	ssize_t n = file_read_text(AT_FDCWD, path, text, sizeof(text));
	return n > 0 && memmem(text, (size_t)n, words, len);
}

bool process_kill_named(const char *name)
{
	char words[100];
	int len = snprintf(words, sizeof(words), "-name%c%s", '\0', name) + 1;
	DIR *dir = opendir("/proc");
	bool killed = false;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 1 || !has_name(pid, words, (size_t)len)) {
			continue;
		}
		auto_close int pidfd = pidfd_open(pid, 0);
		/* Checked again, because the pidfd now prevents reuse of the number. */
		killed |= pidfd >= 0 && has_name(pid, words, (size_t)len) &&
			  pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
	}
	if (dir) {
		closedir(dir);
	}
	return killed;
}
