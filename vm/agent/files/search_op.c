/* Searches files by name and by content, one line at a time. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/glob.h"
#include "vm/agent/files/open.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/row.h"
#include "vm/agent/files/stream.h"
#include "vm/agent/files/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define BLOCK (256u << 10)
#define LINE_MAX_BYTES (64u << 10) /* of a longer line, the rest is not searched */
#define BINARY_BYTES 8192
#define SHOWN_MAX 500 /* of a line */
#define BEFORE 100    /* bytes shown before a match in a longer line */
#define STEP_US 50000 /* after this time, the host gets what was found */

struct search {
	struct file_stream stream; /* first */
	struct walk walk;
	char *path, *glob_text, *regex_text;
	bool ignore_case, began, by_path, limited;
	size_t depth;
	int64_t limit, matches, files;
	struct pattern *glob, *regex;
	uint8_t *block; /* BLOCK + 1 bytes */
	struct buf clean, shown, text;
	struct stat single; /* if the path is a file */
};

/* ---- lines ---- */

static void add_match(
	struct search *s, const char *path, int64_t line, size_t at, const char *text, size_t len)
{
	struct msg_file_match row = { .line = line, .column = line ? (int64_t)at + 1 : 0 };
	if (s->matches == s->limit) {
		s->limited = true;
		return;
	}
	s->shown.len = s->text.len = 0;
	path_escape(&s->shown, path, strlen(path));
	row.path = buf_text(&s->shown);
	if (line) {
		size_t from = len > SHOWN_MAX && at > BEFORE ? at - BEFORE : 0;
		while (from && ((uint8_t)text[from] & 0xc0) == 0x80) {
			from--;
		}
		size_t n = len - from < SHOWN_MAX ? len - from : SHOWN_MAX;
		while (n && from + n < len && ((uint8_t)text[from + n] & 0xc0) == 0x80) {
			n--;
		}
		buf_append(&s->text, text + from, n);
		row.text = buf_text(&s->text);
	}
	file_row_add(&s->stream.out, msg_file_match_fields, &row);
	s->matches++;
}

static void search_line(
	struct search *s, const char *path, int64_t number, const uint8_t *line, size_t len)
{
	const char *text = (const char *)line;
	size_t at = 0;
	len = len && line[len - 1] == '\r' ? len - 1 : len;
	len = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES;
	if (!utf8_is_valid(line, len)) { /* NUL is invalid, too */
		s->clean.len = 0;
		utf8_append_clean(&s->clean, line, len);
		text = buf_text(&s->clean);
		len = s->clean.len;
	}
	switch (pattern_match(s->regex, text, len, &at)) {
	case PATTERN_YES:
		add_match(s, path, number, at, text, len);
		break;
	case PATTERN_TOO_LONG:
		walk_skip(&s->walk, path, "has a line for which the expression takes too long");
		break;
	case PATTERN_NO:
		break;
	}
}

static bool go_on(const struct search *s)
{
	return !s->limited && !atomic_load(&s->stream.job.stop);
}

/* To the first line that may match; most lines of most files do not contain a plain text. */
static size_t skip_lines(struct search *s, int64_t *number, size_t at, size_t len)
{
	const char *literal = pattern_literal(s->regex);
	if (!literal) {
		return at;
	}
	const uint8_t *from = s->block + at;
	const uint8_t *found = memmem(from, len - at, literal, strlen(literal));
	size_t before = found ? (size_t)(found - from) : len - at;
	const uint8_t *last = memrchr(from, '\n', before);
	while (last && from <= last) {
		from = (const uint8_t *)memchr(from, '\n', (size_t)(last - from) + 1) + 1;
		++*number;
	}
	return (size_t)(from - s->block);
}

/* Returns the number of bytes of complete lines that were searched. */
static size_t search_lines(
	struct search *s, const char *path, int64_t *number, size_t len, bool is_end)
{
	size_t at = 0;
	while (at < len && go_on(s)) {
		at = skip_lines(s, number, at, len);
		if (at == len) {
			break;
		}
		const uint8_t *end = memchr(s->block + at, '\n', len - at);
		if (!end && !is_end && at > 0) {
			break;
		}
		size_t n = end ? (size_t)(end - s->block) - at : len - at;
		search_line(s, path, ++*number, s->block + at, n);
		at += n + (end != NULL);
	}
	return at;
}

static void search_bytes(struct search *s, const char *path, int fd)
{
	int64_t number = 0;
	size_t kept = 0;
	bool in_long_line = false, first = true;
	while (go_on(s)) {
		ssize_t n = read(fd, s->block + kept, BLOCK - kept);
		if (n < 0 && errno != EINTR) {
			walk_skip(&s->walk, path, NULL);
		}
		if (n <= 0) {
			if (!in_long_line) {
				search_lines(s, path, &number, kept, true);
			}
			return;
		}
		size_t len = kept + (size_t)n, from = 0;
		if (first && memchr(s->block, 0, len < BINARY_BYTES ? len : BINARY_BYTES)) {
			walk_skip(&s->walk, path, "is a binary file");
			return;
		}
		first = false;
		if (in_long_line) { /* its rest is not searched */
			uint8_t *end = memchr(s->block, '\n', len);
			from = end ? (size_t)(end - s->block) + 1 : len;
			in_long_line = !end;
			memmove(s->block, s->block + from, len - from);
			len -= from;
		}
		size_t done = len < BLOCK && !memchr(s->block, '\n', len)
				      ? 0
				      : search_lines(s, path, &number, len, false);
		in_long_line |= done && s->block[done - 1] != '\n';
		kept = len - done;
		memmove(s->block, s->block + done, kept);
	}
}

/* ---- files ---- */

static void search_file(struct search *s, int dir, const char *name, const char *path)
{
	struct stat st;
	struct err err;
	auto_close int fd = open_regular(dir, name, O_RDONLY | O_NOFOLLOW, path, &st, &err);
	if (fd < 0) {
		if (err.kind != ERR_NOT_FOUND) {
			errno = err.sys ? err.sys : EIO;
			walk_skip(&s->walk, path, NULL);
		}
		return;
	}
	s->files++;
	search_bytes(s, path, fd);
}

static bool name_matches(struct search *s, const char *path)
{
	size_t at;
	const char *name = path_name(path);
	if (!s->glob) {
		return true;
	}
	if (s->by_path) {
		name = path + (strcmp(s->path, "/") == 0 ? 0 : strlen(s->path));
		name += *name == '/';
	}
	s->shown.len = 0;
	path_escape(&s->shown, name, strlen(name));
	return pattern_match(s->glob, buf_text(&s->shown), s->shown.len, &at) == PATTERN_YES;
}

static unsigned char type_of(const struct walk *walk)
{
	struct stat st;
	if (walk->type != DT_UNKNOWN) {
		return walk->type;
	}
	return fstatat(walk->dir, walk->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? DT_UNKNOWN
									    : IFTODT(st.st_mode);
}

static void take_item(struct search *s)
{
	struct walk *walk = &s->walk;
	const char *path = buf_text(&walk->path);
	unsigned char type = type_of(walk);
	if (name_matches(s, path)) {
		if (!s->regex) {
			s->files++;
			add_match(s, path, 0, 0, NULL, 0);
		} else if (type == DT_REG) {
			search_file(s, walk->dir, walk->name, path);
		}
	}
	if (type == DT_DIR && go_on(s)) {
		walk_enter(walk);
	}
}

/* ---- the steps ---- */

static bool begin(struct search *s, struct err *err)
{
	s->began = true;
	if (stat(s->path, &s->single) < 0) {
		return file_failed(err, "search", s->path);
	}
	if ((s->glob_text && !(s->glob = pattern_of_glob(s->glob_text, s->ignore_case, err))) ||
		(s->regex_text &&
			!(s->regex = pattern_of_regex(s->regex_text, s->ignore_case, err)))) {
		return false;
	}
	s->by_path = s->glob_text && strchr(s->glob_text, '/');
	s->block = must(malloc(BLOCK));
	return !S_ISDIR(s->single.st_mode) ||
	       walk_begin(&s->walk, s->path, s->depth, MESSAGE_FILE_ROWS_MAX, &s->stream.job.stop,
		       err);
}

static void search_single(struct search *s)
{
	struct stat st;
	s->stream.complete = true;
	auto_close int fd =
		open_regular(AT_FDCWD, s->path, O_RDONLY, s->path, &st, &s->stream.job.err);
	if (fd < 0) {
		return;
	}
	s->files = 1;
	if (s->regex) {
		search_bytes(s, s->path, fd);
	} else if (name_matches(s, s->path)) {
		add_match(s, s->path, 0, 0, NULL, 0);
	}
}

static void step(struct file_job *job)
{
	struct search *s = (struct search *)job;
	uint64_t began = loop_now_us();
	if (!s->began && !begin(s, &job->err)) {
		return;
	}
	if (!S_ISDIR(s->single.st_mode)) {
		search_single(s);
		return;
	}
	while (!file_stream_is_full(&s->stream) && loop_now_us() - began < STEP_US) {
		if (!go_on(s) || !walk_next(&s->walk)) {
			s->stream.complete = true;
			return;
		}
		take_item(s);
	}
}

static void answer(struct file_stream *stream)
{
	struct search *s = (struct search *)stream;
	const struct msg_file_search_answer said = {
		.matches = s->matches,
		.files = s->files,
		.skipped = s->walk.skipped,
		.limited = s->limited,
		.note = s->walk.skipped ? s->walk.note : NULL,
	};
	file_job_answer(&stream->job, &said);
}

static void search_free(struct file_job *job)
{
	struct search *s = (struct search *)job;
	walk_done(&s->walk);
	file_stream_done(&s->stream);
	pattern_free(s->glob);
	pattern_free(s->regex);
	free(s->path);
	free(s->glob_text);
	free(s->regex_text);
	free(s->block);
	buf_done(&s->clean);
	buf_done(&s->shown);
	buf_done(&s->text);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct search),
	.step = step,
	.stepped = file_stream_stepped,
	.free = search_free,
};

static char *copy(const char *text)
{
	return text ? must(strdup(text)) : NULL;
}

static void run(struct request *req, const void *data)
{
	const struct msg_file_search *args = data;
	struct search *s = file_job_new(req, &kind);
	struct err err;
	s->path = path_take(args->path, &err);
	if (s->path && !args->glob && !args->regex) {
		err_set(&err, ERR_ARGUMENT, "'glob', 'regex' or both are required");
		free(take_ptr(&s->path));
	}
	if (!s->path || !file_stream_open(&s->stream, &err)) {
		file_job_fail(&s->stream.job, &err);
		return;
	}
	s->stream.answer = answer;
	s->stream.job.yields = true;
	s->glob_text = copy(args->glob);
	s->regex_text = copy(args->regex);
	s->ignore_case = args->ignore_case;
	s->depth = (size_t)args->depth;
	s->limit = args->limit;
	file_job_step(&s->stream.job);
}

const struct op op_file_search = {
	.message = &message_file_search,
	.run = run,
	.has_user = true,
};
