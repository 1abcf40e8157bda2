/* Requests to the runner, and its lines.  Whoever controls the sandbox may write them, so each is checked by a table. */
#include "vm/guest/code_message.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/guest/check.h"
#include "vm/wire/messages.h"

#include <string.h>

#define TEXT_MAX (1 << 20)
#define WORD_MAX 200
#define ROWS_MAX 100
#define COUNT_MAX 1e15
#define END \
	{ \
		0 \
	}

static const char *const lost_names[] = { "", "runner", "kernel", "stopped", NULL };
static const char *const status_names[] = { "ok", "error", "timeout", "cancelled", "died", NULL };
static const char *const stream_names[] = { "stdout", "stderr", NULL };

const struct code_kind code_kinds[] = {
	{ "image/png", CODE_BYTES },
	{ "image/jpeg", CODE_BYTES },
	{ "image/svg+xml", CODE_TEXT },
	{ "text/markdown", CODE_TEXT },
	{ "text/latex", CODE_TEXT },
	{ "application/json", CODE_TEXT },
	{ "text/html", CODE_TEXT },
	{ "application/javascript", CODE_TEXT },
	{ "application/pdf", CODE_BYTES },
	{ "text/plain", CODE_TEXT },
	{ "e2b/chart", CODE_TEXT },
	{ "e2b/data", CODE_TEXT },
	{ 0 },
};

static const struct field nothing[] = { END };

static const struct field begin_fields[] = {
	FIELD_STR(struct code_begin, context, "Its id.", .required = true, .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_STR(struct code_begin, language, "Its language.", .required = true, .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_ONE_OF(struct code_begin, lost, "Why earlier state is gone.", lost_names),
	END,
};

static const struct field stream_fields[] = {
	FIELD_ONE_OF(struct code_stream, name, "Which output.", stream_names, .required = true),
	FIELD_STR(struct code_stream, text, "A piece of it.", .required = true, .max = TEXT_MAX),
	FIELD_NUM(struct code_stream, omitted, "Characters left out before it.", .max = COUNT_MAX),
	END,
};

static const struct field result_fields[] = {
	FIELD_JSON(struct code_result, data, "{type: value}.", .required = true),
	FIELD_JSON(struct code_result, too_large, "{type: bytes}."),
	FIELD_FLAG(struct code_result, main, "The value of the last expression."),
	END,
};

static const struct field error_fields[] = {
	FIELD_STR(struct code_error, name, "Its class.", .required = true, .max = TEXT_MAX),
	FIELD_STR(struct code_error, value, "Its message.", .required = true, .max = TEXT_MAX),
	FIELD_STR(struct code_error, traceback, "As the language shows it.", .required = true,
		.max = TEXT_MAX),
	END,
};

static const struct field end_fields[] = {
	FIELD_ONE_OF(struct code_end, status, "Of a run.", status_names),
	FIELD_STR(struct code_end, reason, "How the kernel ended.", .max = WORD_MAX),
	FIELD_NUM(struct code_end, ms, "It took.", .max = COUNT_MAX),
	FIELD_NUM(struct code_end, count, "Executions of the context.", .max = COUNT_MAX),
	FIELD_LIST_OF(struct code_end, contexts, "Contexts.", code_context_fields, .max = ROWS_MAX),
	FIELD_TEXT_LIST(struct code_end, languages, "Installed languages.", ROWS_MAX),
	END,
};

static const struct field fail_fields[] = {
	FIELD_STR(struct code_fail, kind, "Of the error.", .required = true, .max = WORD_MAX),
	FIELD_STR(struct code_fail, text, "Why.", .required = true, .max = TEXT_MAX),
	END,
};

const struct field code_context_fields[] = {
	FIELD_STR(struct code_context, id, "Its id.", .required = true, .min = 1,
		.max = CODE_NAME_MAX),
	FIELD_STR(struct code_context, language, "Its language.", .required = true,
		.max = CODE_NAME_MAX),
	FIELD_STR(struct code_context, kernel, "Its kernel.", .required = true, .max = WORD_MAX),
	FIELD_STR(struct code_context, cwd, "Its directory at the start.", .required = true,
		.max = MESSAGE_PATH_MAX),
	FIELD_NUM(struct code_context, executions, "So far.", .max = COUNT_MAX),
	FIELD_FLAG(struct code_context, is_default, "It is the default one of its language."),
	FIELD_FLAG(struct code_context, busy, "It runs code."),
	FIELD_FLAG(struct code_context, running, "Its kernel runs."),
	END,
};

/* ---- representations ---- */

static bool starts_with(const char *bytes, size_t len, const char *magic, size_t n)
{
	return len >= n && memcmp(bytes, magic, n) == 0;
}

/* A model's API refuses a whole conversation because of an image that is none. */
static bool check_bytes(const char *type, const json_t *value, struct err *err)
{
	size_t len = 0;
	const char *text = json_string_value(value);
	auto_free char *bytes = text ? base64_decode(text, &len) : NULL;
	bool good = bytes && len > 0;
	if (good && strcmp(type, "image/png") == 0) {
		good = starts_with(bytes, len, "\x89PNG\r\n\x1a\n", 8);
	} else if (good && strcmp(type, "image/jpeg") == 0) {
		good = starts_with(bytes, len, "\xff\xd8\xff", 3);
	}
	return good || err_set(err, ERR_ARGUMENT, "the value of '%s' is not one, in base64", type);
}

static const struct code_kind *find_kind(const char *type)
{
	for (const struct code_kind *kind = code_kinds; kind->type; kind++) {
		if (strcmp(kind->type, type) == 0) {
			return kind;
		}
	}
	return NULL;
}

static bool check_result(const struct code_result *result, struct err *err)
{
	const char *type;
	json_t *value;
	if (!json_is_object(result->data) ||
		(result->too_large && !json_is_object(result->too_large))) {
		return err_set(err, ERR_ARGUMENT, "'data' and 'too_large' must be objects");
	}
	json_object_foreach((json_t *)result->data, type, value)
	{
		const struct code_kind *kind = find_kind(type);
		if (!kind) {
			return err_set(err, ERR_ARGUMENT, "unknown type '%.60s'", type);
		}
		if (!json_is_string(value)) {
			return err_set(err, ERR_ARGUMENT, "the value of '%s' must be a text", type);
		}
		if (kind->form == CODE_BYTES && !check_bytes(type, value, err)) {
			return false;
		}
	}
	json_object_foreach((json_t *)result->too_large, type, value)
	{
		if (!find_kind(type) || !json_is_integer(value)) {
			return err_set(err, ERR_ARGUMENT, "'too_large' has '%.60s'", type);
		}
	}
	return true;
}

/* ---- lines ---- */

static const struct answer_row {
	const char *type;
	const struct field *fields;
} rows[] = {
	[CODE_ANSWER_ALIVE] = { "alive", nothing },
	[CODE_ANSWER_BEGIN] = { "begin", begin_fields },
	[CODE_ANSWER_STREAM] = { "stream", stream_fields },
	[CODE_ANSWER_RESULT] = { "result", result_fields },
	[CODE_ANSWER_CLEAR] = { "clear", nothing },
	[CODE_ANSWER_ERROR] = { "error", error_fields },
	[CODE_ANSWER_END] = { "end", end_fields },
	[CODE_ANSWER_FAIL] = { "fail", fail_fields },
};
#define TYPES (int)(sizeof(rows) / sizeof(rows[0]))

static int find_type(const char *type)
{
	for (int i = 0; type && i < TYPES; i++) {
		if (strcmp(type, rows[i].type) == 0) {
			return i;
		}
	}
	return -1;
}

bool code_answer_decode(
	const char *line, size_t len, struct code_answer *ret, json_t **ret_json, struct err *err)
{
	json_error_t wrong;
	json_auto_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &wrong);
	int type = find_type(json_string_value(json_object_get(json, "type")));
	if (type < 0) {
		return err_set(
			err, ERR_ARGUMENT, json ? "it has no known 'type'" : "%s", wrong.text);
	}
	json_object_del(json, "type");
	*ret = (struct code_answer){ .type = type };
	/* The members of the union begin at the same place. */
	if (!field_decode(rows[type].fields, json, &ret->begin, err) ||
		(type == CODE_ANSWER_RESULT && !check_result(&ret->result, err)) ||
		(type == CODE_ANSWER_END && ret->end.contexts &&
			!check_rows("contexts", ret->end.contexts, ROWS_MAX, code_context_fields,
				&(struct code_context){ 0 }, err))) {
		return false;
	}
	*ret_json = json_incref(json);
	return true;
}

/* ---- requests ---- */

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text) {
		json_object_set_new(object, name, must(json_string(text)));
	}
}

static void set_number(json_t *object, const char *name, int64_t number)
{
	if (number) {
		json_object_set_new(object, name, json_integer(number));
	}
}

char *code_request_encode(const struct code_request *request, const char *id)
{
	static const char *const ops[] = { "run", "list", "create", "restart", "remove" };
	json_auto_t *object = json_object();
	set_text(object, "id", id);
	set_text(object, "op", ops[request->op]);
	set_text(object, "code", request->code);
	set_text(object, "language", request->language);
	set_text(object, "context", request->context);
	set_text(object, "cwd", request->cwd);
	set_number(object, "timeout_ms", request->timeout_ms);
	set_number(object, "image_bytes", request->image_bytes);
	set_number(object, "image_side", request->image_side);
	if (request->charts) {
		json_object_set_new(object, "charts", json_true());
	}
	if (request->environment) {
		json_object_set(object, "environment", (json_t *)request->environment);
	}
	auto_free char *json = must(json_dumps(object, JSON_COMPACT));
	auto_buf struct buf line = { 0 };
	buf_printf(&line, "%s\n", json);
	return (char *)take_ptr(&line.data);
}
