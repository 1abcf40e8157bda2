// USES server
/*
 * Conversations, one file per protocol revision (tests/transcripts/): what a client sends and what
 * must come back, in order.  A line is {"note": ...}, {"send": message}, {"send_text": text} or
 * {"expect": pattern}.  In a pattern an object lists the members that must be there; "$any" matches
 * everything, "$absent" a member that must not be, "$keep:NAME" any string, which later lines write
 * as ${NAME}.
 */
#include "tests/support/memory_client.h"

#include <criterion/criterion.h>
#include <glob.h>

struct play {
	struct mcp_client client;
	json_t *kept;
	const char *file;
	int line;
};

static bool matches(struct play *play, const json_t *want, const json_t *got)
{
	const char *text = json_string_value(want), *key;
	json_t *member;
	if (text && strcmp(text, "$absent") == 0) {
		return !got;
	}
	if (text && strcmp(text, "$any") == 0) {
		return got;
	}
	if (text && strncmp(text, "$keep:", 6) == 0) {
		json_object_set(play->kept, text + 6, (json_t *)got);
		return json_is_string(got);
	}
	if (json_is_object(want)) {
		json_object_foreach((json_t *)want, key, member)
		{
			if (!matches(play, member, json_object_get(got, key))) {
				return false;
			}
		}
		return json_is_object(got);
	}
	if (json_is_array(want)) {
		bool same = json_array_size(want) == json_array_size(got);
		for (size_t i = 0; same && i < json_array_size(want); i++) {
			same = matches(play, json_array_get(want, i), json_array_get(got, i));
		}
		return same && json_is_array(got);
	}
	return json_equal(want, got);
}

/* The line with every ${NAME} replaced. */
static void fill_in(struct play *play, const char *line, struct buf *out)
{
	const char *from;
	while ((from = strstr(line, "${"))) {
		const char *end = strchr(from, '}');
		auto_free char *name = must(strndup(from + 2, (size_t)(end - from - 2)));
		const char *value = json_string_value(json_object_get(play->kept, name));
		buf_append(out, line, (size_t)(from - line));
		buf_printf(out, "%s", value ? value : "?");
		line = end + 1;
	}
	buf_printf(out, "%s", line);
}

static void say_json(struct play *play, const json_t *message)
{
	auto_free char *text = must(json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY));
	mcp_say(&play->client, text);
}

static void expect(struct play *play, const json_t *want)
{
	json_auto_t *got = mcp_hear(&play->client);
	auto_free char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
	cr_assert(got && matches(play, want, got), "%s:%d: came %.1000s", play->file, play->line,
		text ? text : "nothing");
}

static void play_line(struct play *play, const char *line)
{
	auto_buf struct buf full = { 0 };
	fill_in(play, line, &full);
	json_error_t why;
	json_auto_t *step = json_loads(buf_text(&full), 0, &why);
	cr_assert(step, "%s:%d: %s", play->file, play->line, why.text);
	if (json_object_get(step, "send")) {
		say_json(play, json_object_get(step, "send"));
	} else if (json_object_get(step, "send_text")) {
		mcp_say(&play->client, text_at(step, "send_text"));
	} else if (json_object_get(step, "expect")) {
		expect(play, json_object_get(step, "expect"));
	} else {
		cr_assert(json_object_get(step, "note"), "%s:%d: what is this?", play->file,
			play->line);
	}
}

static void play_file(const char *path)
{
	struct play play = { .kept = json_object(), .file = strrchr(path, '/') + 1 };
	mcp_init(&play.client, 16);
	FILE *in = must(fopen(path, "re"));
	auto_free char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, in) > 0) {
		play.line++;
		if (line[0] != '\n') {
			play_line(&play, line);
		}
	}
	fclose(in);
	cr_assert(play.line > 0, "%s is empty", path);
	cr_assert_eq(play.client.heard.len, 0, "%s: left over: %.500s", play.file,
		buf_text(&play.client.heard));
	mcp_done(&play.client);
	json_decref(play.kept);
}

static void play_all(const char *pattern)
{
	const char *source = getenv("VITRINE_SOURCE");
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/tests/transcripts/%s", source ? source : ".", pattern);
	glob_t found;
	cr_assert_eq(glob(buf_text(&path), 0, NULL, &found), 0, "no %s", buf_text(&path));
	for (size_t i = 0; i < found.gl_pathc; i++) {
		play_file(found.gl_pathv[i]);
	}
	globfree(&found);
}

Test(transcripts, r2024_11_05)
{
	play_all("2024-11-05*.jsonl");
}
Test(transcripts, r2025_03_26)
{
	play_all("2025-03-26*.jsonl");
}
Test(transcripts, r2025_06_18)
{
	play_all("2025-06-18*.jsonl");
}
Test(transcripts, r2025_11_25)
{
	play_all("2025-11-25*.jsonl");
}
Test(transcripts, r2026_07_28)
{
	play_all("2026-07-28*.jsonl");
}
Test(transcripts, both_eras)
{
	play_all("both*.jsonl");
}
