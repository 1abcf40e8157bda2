#include "tools/system/files.h"

#include "base/cleanup.h"
#include "base/plain.h"

#include <string.h>

/* file_search: files by name, or lines by content. */

#define SEARCH_MS 600000
#define LINE_SHOWN 400

struct search_args {
	const char *sandbox, *path, *glob, *regex;
	bool ignore_case;
	int64_t limit;
};

struct search {
	struct call *call;
	const struct search_args *args;
	struct file_rows *rows; /* NULL: it has ended */
	struct buf text, last;  /* last: the file of the last line */
	int64_t matches, shown;
};

static const struct field fields[] = {
	FIELD_STR(struct search_args, path, "A directory, or one file.", .min = 1,
		.max = MESSAGE_FILE_PATH_MAX, .default_text = "~"),
	FIELD_STR(struct search_args, glob,
		"Only files with such a name: *.py; with a slash, such a path below 'path': "
		"src/**/*.{c,h}.",
		.min = 1, .max = MESSAGE_FILE_PATTERN_MAX),
	FIELD_STR(struct search_args, regex,
		"Lines that match this Perl-compatible expression. Default: names only.", .min = 1,
		.max = MESSAGE_FILE_PATTERN_MAX),
	FIELD_FLAG(struct search_args, ignore_case, "Ignore case."),
	FIELD_NUM(struct search_args, limit, "Maximum number of matches.", .min = 1, .max = 10000,
		.default_value = 200),
	CALL_SANDBOX(struct search_args),
	{ 0 },
};

/* A file's name once, then its lines. */
static void on_match(const void *row, void *data)
{
	const struct msg_file_match *match = row;
	struct search *s = data;
	s->matches++;
	if (s->text.len > FILES_TEXT_MAX) {
		return;
	}
	s->shown++;
	if (!match->line || strcmp(buf_text(&s->last), match->path) != 0) {
		buf_printf(&s->text, "\n");
		files_format_path(&s->text, match->path);
		s->last.len = 0;
		buf_append(&s->last, match->path, strlen(match->path));
	}
	if (match->line) {
		buf_printf(&s->text, "\n  %lld: ", (long long)match->line);
		plain_append(&s->text, match->text ? match->text : "", LINE_SHOWN);
	}
}

static void format_end(
	struct buf *out, const struct search *s, const struct msg_file_search_answer *said)
{
	files_format_count(out, said->matches);
	buf_printf(out, "%s match%s in ", said->limited ? " or more" : "",
		said->matches == 1 && !said->limited ? "" : "es");
	files_format_count(out, said->files);
	buf_printf(out, said->files == 1 ? " file" : " files");
	if (said->limited) {
		buf_printf(out, " (the limit was reached)");
	}
	buf_append(out, s->text.data, s->text.len);
	if (s->shown < s->matches) {
		buf_printf(out, "\n[%lld more are not shown]", (long long)(s->matches - s->shown));
	}
	files_format_skipped(out, said->skipped, said->note);
}

static void on_search_end(const void *answer, const struct err *err, void *data)
{
	struct search *s = data;
	s->rows = NULL;
	if (err) {
		call_fail(s->call, err);
		return;
	}
	auto_buf struct buf text = { 0 };
	format_end(&text, s, answer);
	call_reply_text(s->call, buf_text(&text));
}

static void on_call_end(void *data)
{
	struct search *s = data;
	file_rows_close(take_ptr(&s->rows));
	buf_done(&s->text);
	buf_done(&s->last);
}

static void begin(struct call *call, void *data)
{
	static const struct file_rows_handlers handlers = { .row = on_match, .end = on_search_end };
	struct search *s = data;
	const struct msg_file_search how = {
		.path = s->args->path,
		.glob = s->args->glob,
		.regex = s->args->regex,
		.ignore_case = s->args->ignore_case,
		.depth = MESSAGE_FILE_DEPTH_MAX,
		.limit = s->args->limit,
	};
	buf_append(&s->text, "", 0);
	call_on_end(call, on_call_end, s);
	s->rows = file_rows_open(call_guest(call), &message_file_search, &how, SEARCH_MS,
		GUEST_ASKER_AGENT, &handlers, s);
	call_works(call, file_rows_id(s->rows));
}

static void run(struct call *call, const void *args)
{
	struct search *s = call_alloc(call, sizeof(*s));
	struct err err;
	s->call = call;
	s->args = args;
	call_summarize(call, s->args->regex ? s->args->regex : s->args->path);
	if (!s->args->glob && !s->args->regex) {
		err_set(&err, ERR_ARGUMENT,
			"'glob', 'regex' or both are required, such as glob \"*.py\"");
		call_fail(call, &err);
		return;
	}
	call_start(call, s->args->sandbox, begin, s);
}

const struct tool tool_file_search = {
	.name = "file_search",
	.title = "Search files",
	.help = "Finds files by name, or lines in files by a regular expression. Returns paths, with "
		"line numbers and lines. Binary files are skipped.",
	.toolset = "files",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE | TOOL_TAKES_TIME,
	.max_chars = 100000,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct search_args),
	.run = run,
};
