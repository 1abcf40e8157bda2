#include "tools/desktop/input.h"

#include "base/cleanup.h"

/* computer_batch: several actions in one call, each with the arguments of its own tool. */

struct batch_args {
	const char *sandbox;
	int observe;
	int64_t since;
	const json_t *actions;
};

static const struct tool *const tools[] = {
#define X(id) &tool_##id,
	STEP_TOOLS(X)
#undef X
};

static const char *const names[] = {
#define X(id) #id,
	STEP_TOOLS(X)
#undef X
		NULL,
};

/* ---- arguments ---- */

#define ARGS struct input_args

/* What a model is told; each tool's own table decodes and checks. */
static const struct field action_fields[] = {
	FIELD_ONE_OF(ARGS, action, "Name of a tool; the other members are its arguments.", names,
		.required = true),
	FIELD_LIST(ARGS, coordinate, NULL, 2),
	FIELD_LIST(ARGS, start_coordinate, NULL, 2),
	FIELD_NUM(ARGS, mark, NULL),
	FIELD_STR(ARGS, text, NULL),
	FIELD_STR(ARGS, keys, NULL),
	FIELD_ONE_OF(ARGS, scroll_direction, NULL, action_direction_names, .default_value = -1),
	FIELD_NUM(ARGS, scroll_amount, NULL),
	FIELD_NUM(ARGS, repeat, NULL),
	FIELD_DEC(ARGS, duration, NULL),
	{ 0 },
};

static const struct field batch_fields[] = {
	FIELD_LIST_OF(struct batch_args, actions,
		"In order, such as {\"action\": \"left_click\", \"coordinate\": [100, 200]}.",
		action_fields, .required = true, .min = 1, .max = ACTION_LIST_MAX),
	INPUT_ENDS(struct batch_args),
};

static bool find_tool(const json_t *in, int *ret_tool, struct err *err)
{
	ARGS args;
	json_auto_t *name = json_object();
	json_object_set(name, "action", json_object_get(in, "action"));
	if (!field_decode(action_fields, name, &args, err)) {
		return false;
	}
	*ret_tool = args.action;
	return true;
}

/* The decoded strings are those of `in`. */
static bool decode(const json_t *in, int tool, ARGS *ret, struct err *err)
{
	json_auto_t *rest = json_copy((json_t *)in);
	json_object_del(rest, "action");
	static const char *const whole[] = { "observe", "since", "sandbox" };
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (json_object_get(rest, whole[i])) {
			return err_set(err, ERR_ARGUMENT,
				"'%s' is an argument of computer_batch, not of an action",
				whole[i]);
		}
	}
	return field_decode(tools[tool]->fields, rest, ret, err);
}

static bool translate(
	const json_t *in, struct input_step *ret, const char **ret_name, struct err *err)
{
	ARGS args;
	int tool;
	if (!find_tool(in, &tool, err)) {
		return false;
	}
	*ret_name = names[tool];
	if (!decode(in, tool, &args, err)) {
		return false;
	}
	tools[tool]->step(&args, ret);
	return true;
}

/* ---- the tool ---- */

static void run_computer_batch(struct call *call, const void *data)
{
	const struct batch_args *args = data;
	size_t n = json_array_size(args->actions);
	struct input_step *steps = call_alloc(call, n * sizeof(*steps));
	const char **of = call_alloc(call, n * sizeof(*of));
	struct err err;
	for (size_t i = 0; i < n; i++) {
		if (!translate(json_array_get(args->actions, i), &steps[i], &of[i], &err)) {
			(void)err_while(&err, "action %zu of %zu%s%s%s", i + 1, n,
				of[i] ? " (" : "", of[i] ? of[i] : "", of[i] ? ")" : "");
			call_fail(call, &err);
			return;
		}
	}
	input_run_all(call, args->sandbox, &(struct input_look){ args->observe, args->since },
		steps, of, n);
}

const struct tool tool_computer_batch = {
	.name = "computer_batch",
	.title = "Perform several actions",
	.help = "Performs several actions in one call. Prefer it when you know the next steps. All "
		"are checked first; the first that fails ends it. Returns a line for each, and one "
		"screenshot at the end if requested.",
	.toolset = "computer",
	.hints = TOOL_DESTROYS | TOOL_ALWAYS_LOAD,
	.order = TOOL_ACTS,
	.fields = batch_fields,
	.args_size = sizeof(struct batch_args),
	.run = run_computer_batch,
};
