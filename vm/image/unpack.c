/*
 * Unpacks with GNU tar, which creates links that lead outside only after everything else.  All data
 * passes through this process and is counted, and so are the names that tar reports, so that a
 * small archive cannot expand without limit.
 */
#include "vm/image/unpack.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PART ((size_t)1 << 20)
#define OUTPUT_MAX 2048
#define MEMORY_MAX ((uint64_t)2 << 30)

static const char *const tar_args[] = { "tar", "-x", "-v", "-p", "--numeric-owner", "--xattrs",
	"--xattrs-include=*", "--warning=no-timestamp", "--warning=no-xattr-write", "--anchored",
	"--exclude=dev/*", "--exclude=./dev/*", "--exclude=/dev/*", NULL };

static const struct {
	const char *magic, *name, *package;
	const char *const argv[4];
} compressions[] = {
	{ "\x1f\x8b", "gzip", "gzip", { "gzip", "-dc" } },
	{ "\xfd\x37zXZ", "xz", "xz-utils", { "xz", "-dc", "-M512MiB" } },
	{ "\x28\xb5\x2f\xfd", "zstd", "zstd", { "zstd", "-dcq" } },
	{ "BZh", "bzip2", "bzip2", { "bzip2", "-dc" } },
};
#define COMPRESSIONS (sizeof(compressions) / sizeof(*compressions))

struct flow {
	const struct unpack_limits *limits;
	pid_t tar, decompressor; /* 0: none */
	int in;                  /* the decompressed archive; borrowed if it is the file itself */
	int to, names, output;   /* tar's stdin, stdout and stderr; -1: closed */
	bool ready;              /* in is readable */
	uint64_t bytes, files;
	struct buf said; /* the start of its stderr */
};

/* ---- programs ---- */

static size_t find_compression(int tar)
{
	char bytes[8] = "";
	size_t i = 0;
	ssize_t n = pread(tar, bytes, sizeof(bytes) - 1, 0);
	while (i < COMPRESSIONS && (n <= 0 || strncmp(bytes, compressions[i].magic,
						      strlen(compressions[i].magic)) != 0)) {
		i++;
	}
	return i;
}

static pid_t start(const char *const *argv, const char *cwd, const struct spawn_fd fds[3],
	const struct unpack_limits *limits, struct err *err)
{
	const struct spawn_limit most[] = { { RLIMIT_FSIZE, limits->file },
		{ RLIMIT_AS, MEMORY_MAX } };
	return spawn_start(&(struct spawn){ .argv = argv,
				   .cwd = cwd,
				   .fds = fds,
				   .n_fds = 3,
				   .limits = most,
				   .n_limits = 2,
				   .die_with_us = true },
		err);
}

static bool start_decompressor(struct flow *flow, int tar, struct err *err)
{
	int ends[2];
	size_t which = find_compression(tar);
	lseek(tar, 0, SEEK_SET);
	if (which == COMPRESSIONS) {
		flow->in = fcntl(tar, F_DUPFD_CLOEXEC, 3);
		return flow->in >= 0 || err_errno(err, "cannot read the archive");
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	flow->in = ends[0];
	auto_close int out = ends[1];
	const struct spawn_fd fds[] = { { tar, 0 }, { out, 1 }, { STDERR_FILENO, 2 } };
	flow->decompressor = start(compressions[which].argv, NULL, fds, flow->limits, err);
	if (flow->decompressor < 0) {
		flow->decompressor = 0;
		return err->sys != ENOENT
			       ? false
			       : err_set(err, ERR_UNSUPPORTED,
					 "the archive is compressed with %s, which is not "
					 "installed: "
					 "apt-get install %s",
					 compressions[which].name, compressions[which].package);
	}
	return true;
}

static bool start_tar(struct flow *flow, int into, struct err *err)
{
	int in[2] = { -1, -1 }, names[2] = { -1, -1 }, output[2] = { -1, -1 };
	char cwd[40];
	snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", into);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(names, O_CLOEXEC) < 0 ||
		pipe2(output, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	auto_close int theirs = in[0], out = names[1], errors = output[1];
	flow->to = in[1];
	flow->names = names[0];
	flow->output = output[0];
	const struct spawn_fd fds[] = { { theirs, 0 }, { out, 1 }, { errors, 2 } };
	pid_t pid = start(tar_args, cwd, fds, flow->limits, err);
	flow->tar = pid > 0 ? pid : 0;
	return pid > 0;
}

/* ---- data ---- */

static void drop(int *fd)
{
	close(take_fd(fd));
}

static bool pass_on(struct flow *flow, struct err *err)
{
	ssize_t n = splice(flow->in, NULL, flow->to, NULL, PART, SPLICE_F_NONBLOCK);
	flow->ready = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return true;
	}
	if (n < 0 && errno != EPIPE) {
		return err_errno(err, "cannot read the archive");
	}
	if (n <= 0) {
		drop(&flow->to); /* the end; or tar has ended and will report why */
		return true;
	}
	flow->bytes += (uint64_t)n;
	return flow->bytes <= flow->limits->bytes ||
	       err_set(err, ERR_LIMIT, "the archive is larger than %llu MiB when unpacked",
		       (unsigned long long)(flow->limits->bytes >> 20));
}

static bool count_names(struct flow *flow, struct err *err)
{
	char bytes[65536];
	ssize_t n = read(flow->names, bytes, sizeof(bytes));
	if (n <= 0) {
		drop(&flow->names);
		return true;
	}
	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(bytes + n - at))); at++) {
		flow->files++; /* tar writes a line break in a name as
 */
	}
	return flow->files <= flow->limits->files ||
	       err_set(err, ERR_LIMIT, "the archive has more than %llu files",
		       (unsigned long long)flow->limits->files);
}

static void keep_output(struct flow *flow)
{
	char bytes[4096];
	ssize_t n = read(flow->output, bytes, sizeof(bytes));
	if (n <= 0) {
		drop(&flow->output);
	} else if (flow->said.len < OUTPUT_MAX) {
		buf_append(&flow->said, bytes, (size_t)n);
	}
}

static bool run(struct flow *flow, struct err *err)
{
	while (flow->to >= 0 || flow->names >= 0 || flow->output >= 0) {
		int end = flow->to < 0 ? -1 : flow->ready ? flow->to : flow->in;
		struct pollfd fds[] = { { end, flow->ready ? POLLOUT : POLLIN, 0 },
			{ flow->names, POLLIN, 0 }, { flow->output, POLLIN, 0 } };
		if (poll(fds, 3, -1) < 0 && errno != EINTR) {
			return err_errno(err, "cannot wait for tar");
		}
		if (fds[2].revents) {
			keep_output(flow);
		}
		if (fds[1].revents && !count_names(flow, err)) {
			return false;
		}
		if (fds[0].revents && flow->ready) {
			if (!pass_on(flow, err)) {
				return false;
			}
		} else if (fds[0].revents) {
			flow->ready = true;
		}
	}
	return true;
}

/* ---- end ---- */

static int end_of(pid_t pid)
{
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return status;
}

/* The first line that is more than a notice; "" if none. */
static void first_complaint(struct flow *flow, char *ret, size_t size)
{
	char *rest = NULL,
	     *line = flow->said.len ? strtok_r((char *)flow->said.data, "\n", &rest) : NULL;
	while (line && strstr(line, "Removing leading")) {
		line = strtok_r(NULL, "\n", &rest);
	}
	snprintf(ret, size, "%s", line ? line : "");
}

static bool judge(struct flow *flow, int tar, int decompressor, struct err *err)
{
	char why[300];
	first_complaint(flow, why, sizeof(why));
	if (WIFSIGNALED(tar) && WTERMSIG(tar) == SIGXFSZ) {
		return err_set(err, ERR_LIMIT, "a file in the archive is larger than %llu MiB",
			(unsigned long long)(flow->limits->file >> 20));
	}
	if (WIFEXITED(decompressor) && decompressor) { /* otherwise tar has ended first */
		return err_set(err, ERR_ARGUMENT,
			"cannot decompress the archive; it is truncated or damaged");
	}
	return tar == 0 || err_set(err, ERR_ARGUMENT, "cannot unpack the archive: %s",
				   why[0] ? why : spawn_describe_end(tar));
}

bool unpack_tar(int into, int tar, const struct unpack_limits *limits, struct err *err)
{
	struct flow flow = { .limits = limits, .in = -1, .to = -1, .names = -1, .output = -1 };
	bool good = start_decompressor(&flow, tar, err) && start_tar(&flow, into, err) &&
		    run(&flow, err);
	cleanup_close(&flow.in);
	cleanup_close(&flow.to);
	cleanup_close(&flow.names);
	cleanup_close(&flow.output);
	pid_t pids[] = { flow.tar, flow.decompressor };
	for (size_t i = 0; i < 2; i++) {
		if (!good && pids[i]) {
			kill(pids[i], SIGKILL);
		}
	}
	int status = end_of(flow.tar), other = end_of(flow.decompressor);
	good = good && judge(&flow, status, other, err);
	buf_done(&flow.said);
	return good;
}
