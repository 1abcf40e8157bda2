#include "tools/dialect/dialect.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool dialect_add(struct dialect *d, const struct action *action, struct err *err)
{
	if (d->n == ACTION_LIST_MAX) {
		return err_set(err, ERR_LIMIT,
			"the call has more than %d steps, such as clicks and points of a drag; "
			"divide it into several calls",
			ACTION_LIST_MAX);
	}
	d->acts |= action_is_input(action);
	d->names[d->n] = d->name;
	d->steps[d->n++] = (struct input_step){
		.action = *action,
		.point_name = d->point_name,
		.text_name = d->text_name,
	};
	return true;
}

void dialect_ack(struct dialect *d, const char *format, ...)
{
	struct input_step *last = &d->steps[d->n - 1];
	va_list args;
	va_start(args, format);
	vsnprintf(last->ack, sizeof(last->ack), format, args);
	va_end(args);
}

static void take_screenshot(struct call *call, const char *sandbox)
{
	extern const struct tool tool_screenshot;
	json_auto_t *args = json_pack("{s:s*}", "sandbox", sandbox);
	void *decoded = call_alloc(call, tool_screenshot.args_size);
	struct err err;
	if (field_decode(tool_screenshot.fields, args, decoded, &err)) {
		tool_screenshot.run(call, decoded);
	} else {
		call_fail(call, &err);
	}
}

static const char *sandbox_of(const struct tool *tool, const void *args)
{
	const struct field *row = field_find(tool->fields, "sandbox");
	return *(const char *const *)((const char *)args + row->offset);
}

void dialect_look(struct call *call, const char *sandbox, bool acts, const struct input_step *steps,
	const char *const *names, size_t n)
{
	struct input_look look = { acts ? INPUT_SETTLED : INPUT_FRAME };
	input_run_all(call, sandbox, &look, steps, names, n);
}

void dialect_run(struct call *call, const void *args)
{
	const struct tool *tool = tool_of_call(call);
	const char *sandbox = sandbox_of(tool, args);
	struct dialect *d = call_alloc(call, sizeof(*d));
	struct err err;
	*d = (struct dialect){ .call = call, .name = tool->name };
	if (!tool->translate(d, args, &err)) {
		call_fail(call, &err);
	} else if (d->n) {
		dialect_look(d->call, sandbox, d->acts, d->steps, d->names, d->n);
	} else {
		take_screenshot(call, sandbox);
	}
}

bool dialect_chord(struct dialect *d, const json_t *keys, const char **ret, struct err *err)
{
	auto_buf struct buf text = { 0 };
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const char *key = json_string_value(json_array_get(keys, i));
		if (!*key) {
			return err_set(err, ERR_ARGUMENT,
				"'keys' must not contain an empty string; key %zu is one", i + 1);
		}
		buf_printf(&text, "%s%s", i ? "+" : "", strcmp(key, " ") == 0 ? "space" : key);
	}
	if (text.len > ACTION_CHORD_MAX) {
		return err_set(err, ERR_ARGUMENT, "'keys' must have at most %d bytes; got %zu",
			ACTION_CHORD_MAX, text.len);
	}
	*ret = NULL;
	if (text.len) {
		char *copy = call_alloc(d->call, text.len + 1);
		memcpy(copy, text.data, text.len);
		*ret = copy;
	}
	return true;
}
