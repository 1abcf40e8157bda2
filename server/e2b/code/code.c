#include "server/e2b/code/code.h"

#include "server/e2b/code/code_impl.h"
#include "server/e2b/core/tokens.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

static void health(struct e2b_request *r, const char *id)
{
	(void)id;
	http_reply(r->x, 200, "text/plain", "OK", 2);
}

/* The id of a sandbox is in each URL of its ports, so code requires the token.  SDKs send none for the
 * others. */
static void execute(struct e2b_request *r, const char *id)
{
	const char *token = http_header(r->x, "X-Access-Token");
	if (e2b_token_is(&r->e2b->key, E2B_TOKEN_ACCESS, vm_id(r->vm), token)) {
		e2b_code_execute(r, id);
	} else {
		e2b_fail(r, 401, "the header X-Access-Token must have the sandbox's access token");
	}
}

/* The id of a context is between `before` and `behind`. */
static const struct {
	const char *method, *before, *behind;
	void (*run)(struct e2b_request *r, const char *id);
} rows[] = {
	{ "POST", "/execute", NULL, execute },
	{ "GET", "/contexts", NULL, e2b_code_list },
	{ "POST", "/contexts", NULL, e2b_code_create },
	{ "DELETE", "/contexts/", "", e2b_code_remove },
	{ "POST", "/contexts/", "/restart", e2b_code_restart },
	{ "GET", "/health", NULL, health },
};

/* behind NULL: the path is `before`. */
static bool matches(
	const char *path, const char *before, const char *behind, char ret_id[CODE_NAME_MAX + 1])
{
	size_t len = strlen(path), head = strlen(before), tail = behind ? strlen(behind) : 0;
	*ret_id = '\0';
	if (!behind) {
		return strcmp(path, before) == 0;
	}
	if (len <= head + tail || len - head - tail > CODE_NAME_MAX ||
		strncmp(path, before, head) != 0 || strcmp(path + len - tail, behind) != 0 ||
		memchr(path + head, '/', len - head - tail)) {
		return false;
	}
	memcpy(ret_id, path + head, len - head - tail);
	ret_id[len - head - tail] = '\0';
	return true;
}

void e2b_code_run(struct e2b_request *r)
{
	char id[CODE_NAME_MAX + 1];
	const char *method = http_method(r->x), *path = http_path(r->x);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(method, rows[i].method) == 0 &&
			matches(path, rows[i].before, rows[i].behind, id)) {
			rows[i].run(r, id);
			return;
		}
	}
	e2b_fail(r, 404, "the code interpreter has no %.20s %.200s", method, path);
}

void e2b_code_refuse(struct e2b_request *r, const struct err *err)
{
	if (err->kind == ERR_GONE) {
		e2b_fail(r, 502, "The sandbox was not found");
	} else {
		e2b_fail_err(r, err);
	}
}
