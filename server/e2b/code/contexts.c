/* The contexts of the interpreter: each is a kernel. */
#include "server/e2b/code/code_impl.h"

#include "base/cleanup.h"

#include <string.h>

struct asking {
	struct e2b_request *r;
	struct code *code; /* NULL: it has ended */
	int op;            /* enum code_op */
};

/* ---- answers ---- */

static json_t *row(const char *id, const char *language, const char *cwd)
{
	return must(json_pack("{s:s, s:s, s:s}", "id", id, "language", language, "cwd", cwd));
}

static json_t *row_of(const json_t *told, struct code_context *ret_context)
{
	struct err ignored; /* it was checked */
	*ret_context = (struct code_context){ 0 };
	return field_decode(code_context_fields, told, ret_context, &ignored)
		       ? row(ret_context->id, ret_context->language, ret_context->cwd)
		       : json_null();
}

static bool has_id(const json_t *contexts, const char *id)
{
	size_t i;
	json_t *told;
	json_array_foreach((json_t *)contexts, i, told)
	{
		if (strcmp(json_string_value(json_object_get(told, "id")), id) == 0) {
			return true;
		}
	}
	return false;
}

/* Each language has a default context, which its first run starts; E2B lists it from the beginning. */
static json_t *list_of(const struct code_end *end)
{
	json_t *list = must(json_array()), *entry;
	size_t i;
	json_array_foreach((json_t *)end->languages, i, entry)
	{
		const char *language = json_string_value(entry);
		if (!has_id(end->contexts, language)) {
			json_array_append_new(list, row(language, language, "/home/user"));
		}
	}
	json_array_foreach((json_t *)end->contexts, i, entry)
	{
		struct code_context context;
		json_array_append_new(list, row_of(entry, &context));
	}
	return list;
}

static void answer(struct e2b_request *r, int op, const struct code_end *end)
{
	struct code_context context;
	if (op == CODE_LIST) {
		e2b_reply_json(r, 200, list_of(end));
	} else if (op == CODE_CREATE) {
		e2b_reply_json(r, 201, row_of(json_array_get(end->contexts, 0), &context));
	} else {
		e2b_reply_empty(r, 204);
	}
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct asking *a = data;
	a->code = NULL;
	if (err) {
		e2b_code_refuse(a->r, err);
	} else {
		answer(a->r, a->op, end);
	}
}

/* ---- requests ---- */

static void on_closed(struct e2b_request *r)
{
	struct asking *a = r->data;
	code_close(take_ptr(&a->code));
	free(a);
}

static void ask(struct e2b_request *r, const struct code_request *request)
{
	static const struct code_handlers handlers = { .on_end = on_end };
	struct err err;
	struct asking *a = must(calloc(1, sizeof(*a)));
	a->r = r;
	a->op = request->op;
	r->data = a;
	r->closed = on_closed;
	a->code = code_open(vm_guest(r->vm), request, &handlers, a, &err);
	if (!a->code) {
		e2b_fail_err(r, &err);
	}
}

void e2b_code_list(struct e2b_request *r, const char *id)
{
	(void)id;
	ask(r, &(struct code_request){ .op = CODE_LIST });
}

void e2b_code_remove(struct e2b_request *r, const char *id)
{
	ask(r, &(struct code_request){ .op = CODE_REMOVE, .context = id });
}

void e2b_code_restart(struct e2b_request *r, const char *id)
{
	ask(r, &(struct code_request){ .op = CODE_RESTART, .context = id });
}

struct create_args {
	const char *language, *cwd;
};

static const struct field create_fields[] = {
	FIELD_STR(struct create_args, language, "Default: python.", .min = 1, .max = CODE_NAME_MAX),
	FIELD_STR(struct create_args, cwd, "Its directory.", .min = 1, .max = 4000),
	{ 0 },
};

static void on_create_json(struct e2b_request *r, const json_t *body)
{
	struct create_args args = { 0 };
	struct err err;
	if (!e2b_decode(create_fields, body, &args, &err)) {
		e2b_fail_err(r, &err);
		return;
	}
	ask(r, &(struct code_request){
		       .op = CODE_CREATE, .language = args.language, .cwd = args.cwd });
}

void e2b_code_create(struct e2b_request *r, const char *id)
{
	(void)id;
	e2b_read_json(r, on_create_json);
}
