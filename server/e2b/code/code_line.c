/* What a run tells, as E2B's interpreter words it. */
#include "server/e2b/code/code_impl.h"

#include "base/cleanup.h"
#include "vm/wire/messages_process.h"

#include <string.h>
#include <time.h>

static const struct {
	const char *type, *name;
} names[] = {
	{ "text/plain", "text" },
	{ "text/html", "html" },
	{ "text/markdown", "markdown" },
	{ "image/svg+xml", "svg" },
	{ "image/png", "png" },
	{ "image/jpeg", "jpeg" },
	{ "application/pdf", "pdf" },
	{ "text/latex", "latex" },
	{ "application/javascript", "javascript" },
	{ "application/json", "json" },
	{ "e2b/chart", "chart" },
	{ "e2b/data", "data" },
};

/* A text that is a value comes without its quotes. */
static json_t *unquoted(const char *text)
{
	size_t len = strlen(text);
	bool is_quoted = len >= 2 && (*text == '\'' || *text == '"') && text[len - 1] == *text;
	return is_quoted ? json_stringn(text + 1, len - 2) : json_string(text);
}

static json_t *value_of(const char *type, const char *text)
{
	if (strcmp(type, "application/json") == 0 || strncmp(type, "e2b/", 4) == 0) {
		json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
		return json ? json : json_string(text);
	}
	return strcmp(type, "text/plain") == 0 ? unquoted(text) : json_string(text);
}

json_t *e2b_code_result(const struct code_result *result)
{
	json_t *line =
		must(json_pack("{s:s, s:b}", "type", "result", "is_main_result", result->main));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *value = json_object_get(result->data, names[i].type);
		if (value) {
			json_object_set_new(line, names[i].name,
				value_of(names[i].type, json_string_value(value)));
		}
	}
	return line;
}

json_t *e2b_code_stream(const struct code_stream *stream)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return must(json_pack("{s:s, s:s, s:I}", "type",
		stream->name == EXEC_STDERR ? "stderr" : "stdout", "text", stream->text,
		"timestamp", (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec));
}

json_t *e2b_code_error(const struct code_error *error)
{
	return must(json_pack("{s:s, s:s, s:s, s:s}", "type", "error", "name", error->name, "value",
		error->value, "traceback", error->traceback));
}
