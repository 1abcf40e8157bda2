#include "server/client/client.h"

#include "base/cleanup.h"
#include "vm/wire/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* vitrine cp SANDBOX:PATH FILE, and back.  "-" is stdin or stdout. */

#define QUEUED_MAX (1u << 20)
#define SHOW_MS 100

struct copy {
	struct remote_client *c;
	int fd;
	int64_t done, total; /* bytes; total 0: unknown */
	int64_t shown_ms;
	bool shows;
	struct err err; /* of our file */
};

/* ---- progress ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show(struct copy *copy, bool last)
{
	int64_t now = now_ms();
	if (!copy->shows || (!last && now - copy->shown_ms < SHOW_MS)) {
		return;
	}
	copy->shown_ms = now;
	double mib = (double)copy->done / (1 << 20);
	if (copy->total > 0) {
		int done = (int)(30 * copy->done / copy->total);
		fprintf(stderr, "\r[%-30.*s] %3d %%  %.1f MiB", done < 30 ? done : 30,
			"##############################", (int)(100 * copy->done / copy->total),
			mib);
	} else {
		fprintf(stderr, "\r%.1f MiB", mib);
	}
	fprintf(stderr, last ? "\n" : "");
}

/* ---- from the sandbox ---- */

static void note_size(struct copy *copy, const uint8_t *bytes, size_t len)
{
	json_auto_t *json = json_loadb((const char *)bytes, len, 0, NULL);
	const json_t *entry = json_object_get(json_object_get(json, "args"), "entry");
	copy->total = json_integer_value(json_object_get(entry, "size"));
}

static void on_bytes(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct copy *copy = data;
	if (kind == REMOTE_MESSAGE) {
		note_size(copy, bytes, len);
	}
	for (size_t at = 0; kind == FILE_BYTES && at < len && copy->err.kind == ERR_NONE;) {
		ssize_t n = write(copy->fd, bytes + at, len - at);
		if (n < 0 && errno != EINTR) {
			err_errno(&copy->err, "cannot write");
			return;
		}
		at += n > 0 ? (size_t)n : 0;
		copy->done += n > 0 ? n : 0;
	}
	show(copy, false);
}

static bool await_download(struct copy *copy, struct err *err)
{
	json_t *answer;
	while (remote_run(copy->c, on_bytes, copy, &answer, err)) {
		struct pollfd fd = remote_poll(copy->c);
		if (copy->err.kind != ERR_NONE) {
			*err = copy->err;
			return false;
		}
		poll(&fd, 1, -1);
	}
	bool good = answer && copy->err.kind == ERR_NONE;
	if (answer && !good) {
		*err = copy->err;
	}
	json_decref(answer);
	return good;
}

/* The unfinished file, for the handler of signals; "": none. */
static char unfinished[PATH_MAX + 40];

static void on_signal(int number)
{
	unlink(unfinished);
	signal(number, SIG_DFL);
	raise(number);
}

/* A file appears under its name, with the mode of the one it replaces, when it is complete. */
static bool open_beside(
	struct copy *copy, const char *file, const struct stat *old, struct err *err)
{
	snprintf(unfinished, sizeof(unfinished), "%s.part-%d", file, getpid());
	copy->fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (copy->fd < 0) {
		err_errno(err, "cannot create %s", unfinished);
		unfinished[0] = '\0';
		return false;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	return !old || fchmod(copy->fd, old->st_mode & 07777) == 0 ||
	       err_errno(err, "cannot set the mode of %s", unfinished);
}

static bool put_in_place(const char *file, bool good, struct err *err)
{
	if (good && rename(unfinished, file) < 0) {
		good = err_errno(err, "cannot rename %s to %s", unfinished, file);
	}
	if (!good) {
		unlink(unfinished);
	}
	unfinished[0] = '\0';
	return good;
}

/* Devices, pipes and stdout are written as they are; links are followed. */
static bool open_target(struct copy *copy, const char *file, struct err *err)
{
	struct stat st;
	bool exists = stat(file, &st) == 0;
	if (strcmp(file, "-") == 0) {
		copy->fd = STDOUT_FILENO;
	} else if (exists && !S_ISREG(st.st_mode)) {
		copy->fd = open(file, O_WRONLY | O_CLOEXEC);
	} else {
		return open_beside(copy, file, exists ? &st : NULL, err);
	}
	return copy->fd >= 0 || err_errno(err, "cannot write %s", file);
}

static bool download(struct copy *copy, const struct remote_where *where, const char *sandbox,
	const char *path, const char *file, struct err *err)
{
	auto_free char *real = realpath(file, NULL);
	const char *target = real && strcmp(file, "-") != 0 ? real : file;
	copy->c = remote_open(
		where, sandbox, "file_read", json_pack("{s:s}", "path", path), NULL, err);
	bool good = copy->c && open_target(copy, target, err) && await_download(copy, err);
	if (copy->fd > STDERR_FILENO) {
		close(copy->fd);
	}
	return *unfinished ? put_in_place(target, good, err) : good;
}

/* ---- to the sandbox ---- */

static bool send_more(struct copy *copy, bool *reads, struct err *err)
{
	uint8_t bytes[65536];
	while (*reads && remote_queued(copy->c) < QUEUED_MAX) {
		ssize_t n = read(copy->fd, bytes, sizeof(bytes));
		if (n < 0) {
			return errno == EINTR || err_errno(err, "cannot read");
		}
		if (n == 0) {
			*reads = false;
			remote_say(copy->c, REMOTE_END, NULL, 0);
			return true;
		}
		remote_say(copy->c, FILE_BYTES, bytes, (size_t)n);
		copy->done += n;
		show(copy, false);
	}
	return true;
}

static bool upload(struct copy *copy, const struct remote_where *where, const char *sandbox,
	const char *path, const char *file, struct err *err)
{
	struct stat st = { 0 };
	bool in = strcmp(file, "-") == 0, reads = true;
	copy->fd = in ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (copy->fd < 0 || fstat(copy->fd, &st) < 0) {
		return err_errno(err, "cannot read %s", file);
	}
	if (S_ISDIR(st.st_mode)) {
		return err_set(err, ERR_ARGUMENT,
			"%s is a directory; pipe an archive instead: tar c DIR | vitrine exec SANDBOX "
			"-- tar x",
			file);
	}
	copy->total = S_ISREG(st.st_mode) ? st.st_size : 0;
	json_t *args = json_pack("{s:s, s:b}", "path", path, "parents", true);
	if (S_ISREG(st.st_mode)) {
		json_object_set_new(args, "mode", json_integer(st.st_mode & 0777));
	}
	copy->c = remote_open(where, sandbox, "file_write", args, NULL, err);
	json_t *answer = NULL;
	if (!copy->c || !send_more(copy, &reads, err)) {
		return false;
	}
	while (remote_run(copy->c, NULL, NULL, &answer, err)) {
		if (!send_more(copy, &reads, err)) {
			return false;
		}
		struct pollfd fd = remote_poll(copy->c);
		poll(&fd, 1, -1);
	}
	json_decref(answer);
	return answer;
}

/* "SANDBOX:PATH" split at the colon; false: a local file, as with "./a:b". */
static bool split(char *text, char **ret_path)
{
	char *colon = strchr(text, ':'), *slash = strchr(text, '/');
	if (!colon || (slash && slash < colon)) {
		return false;
	}
	*colon = '\0';
	*ret_path = colon + 1;
	return true;
}

/* The name of the other file, for a target that is a directory or ends in a slash. */
static void add_name(struct buf *target, const char *source)
{
	struct stat st;
	const char *slash = strrchr(source, '/');
	if (target->data[target->len - 1] == '/' ||
		(stat(buf_text(target), &st) == 0 && S_ISDIR(st.st_mode))) {
		buf_printf(target, "/%s", slash ? slash + 1 : source);
	}
}

int client_cp(int argc, char **argv)
{
	struct remote_where where = { 0 };
	struct copy copy = { .shows = isatty(STDERR_FILENO) };
	struct err err;
	int at = 1;
	while (at < argc && argv[at][0] == '-' && argv[at][1]) {
		if (!remote_where_option(&where, argc, argv, &at, &err)) {
			client_fail("cp", &err);
			return 2;
		}
	}
	char *from = NULL, *to = NULL;
	bool two = at + 2 == argc && *argv[at] && *argv[at + 1];
	bool reads = two && split(argv[at], &from), writes = two && split(argv[at + 1], &to);
	if (reads == writes) {
		fprintf(stderr, "vitrine cp: expected SANDBOX:PATH FILE or FILE SANDBOX:PATH\n");
		return 2;
	}
	auto_buf struct buf target = { 0 };
	bool good;
	if (reads) {
		buf_printf(&target, "%s", argv[at + 1]);
		add_name(&target, from);
		good = download(&copy, &where, argv[at], from, buf_text(&target), &err);
	} else {
		const char *slash = strrchr(argv[at], '/');
		buf_printf(&target, "%s", to);
		if (!target.len || target.data[target.len - 1] == '/') {
			buf_printf(&target, "%s", slash ? slash + 1 : argv[at]);
		}
		good = upload(&copy, &where, argv[at + 1], buf_text(&target), argv[at], &err);
	}
	if (good) {
		show(&copy, true);
	}
	remote_client_free(copy.c);
	return good ? 0 : client_fail("cp", &err);
}
