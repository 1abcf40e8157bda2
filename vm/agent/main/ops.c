/* The table of operations; a new one is a row. */
#include "vm/agent/main/ops.h"

#include "base/nearest.h"

#include <string.h>

#define OPS(X) \
	X(act) \
	X(applications) \
	X(clipboard_get) \
	X(clipboard_set) \
	X(exec) \
	X(freeze) \
	X(info) \
	X(launch) \
	X(ping) \
	X(prepare) \
	X(restored) \
	X(rfb) \
	X(watch)

#define X(id) extern const struct op op_##id;
OPS(X)
#undef X

static const struct op *const ops[] = {
#define X(id) &op_##id,
	OPS(X)
#undef X
};

#define N_OPS (sizeof(ops) / sizeof(*ops))

static const struct op *find_named(const char *name, struct err *err)
{
	const char *names[N_OPS + 1] = { 0 };
	for (size_t i = 0; i < N_OPS; i++) {
		if (strcmp(ops[i]->message->name, name) == 0) {
			return ops[i];
		}
		names[i] = ops[i]->message->name;
	}
	const char *near = nearest_name(name, names);
	err_set(err, ERR_UNSUPPORTED, "unknown operation '%.40s'%s%s", name,
		near ? "; the nearest is " : "", near ? near : "");
	return NULL;
}

const struct op *ops_find(const json_t *request, struct err *err)
{
	const char *name = json_string_value(json_object_get(request, "op"));
	if (!name) {
		err_set(err, ERR_ARGUMENT, "a request must have the name of an operation in 'op'");
		return NULL;
	}
	return find_named(name, err);
}
