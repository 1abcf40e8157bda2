/* The control plane: finds the row of a request, reads its body, and runs it. */
#include "server/e2b/control/control.h"

#include "base/cleanup.h"
#include "server/e2b/control/call.h"
#include "server/e2b/template/build.h"

#include <string.h>

static void run_health(struct control_call *c, const json_t *body)
{
	(void)body;
	e2b_reply_empty(c->r, 204);
}

#define ONE_MACHINE "this is a feature of E2B's cloud, which a single machine does not have"
#define OLD_BUILDS "this is the builder of SDKs before 2.0; use Template.build() of a newer one"

/* ---- the builder, which needs no more than the request ---- */

#define BUILDER_ROW(name, fn) \
	static void name(struct control_call *c, const json_t *body) \
	{ \
		fn(c->r, body); \
	}
BUILDER_ROW(run_build_create, e2b_build_create)
BUILDER_ROW(run_build_link, e2b_build_link)
BUILDER_ROW(run_build_start, e2b_build_start)
BUILDER_ROW(run_build_status, e2b_build_status)
BUILDER_ROW(run_tags_assign, e2b_tags_assign)
BUILDER_ROW(run_tags_remove, e2b_tags_remove)
BUILDER_ROW(run_tags_list, e2b_tags_list)

static const struct control_row builder_rows[] = {
	{ "POST", "/v3/templates", run_build_create },
	{ "GET", "/templates/{}/files/*", run_build_link },
	{ "POST", "/v2/templates/{}/builds/*", run_build_start },
	{ "GET", "/templates/{}/builds/*", run_build_status },
	{ "POST", "/templates/tags", run_tags_assign },
	{ "DELETE", "/templates/tags", run_tags_remove },
	{ "GET", "/templates/{}/tags", run_tags_list },
	{ 0 },
};

static const struct control_row other_rows[] = {
	{ "GET", "/health", run_health },
	{ "POST", "/v2/templates", .lacks = OLD_BUILDS },
	{ "POST", "/templates", .lacks = OLD_BUILDS },
	{ "POST", "/templates/*", .lacks = OLD_BUILDS },
	{ "POST", "/v2/templates/*", .lacks = OLD_BUILDS },
	{ "PATCH", "/templates/*", .lacks = OLD_BUILDS },
	{ "PATCH", "/v2/templates/*", .lacks = OLD_BUILDS },
	{ NULL, "/volumes", .lacks = "volumes: " ONE_MACHINE },
	{ NULL, "/volumes/*", .lacks = "volumes: " ONE_MACHINE },
	{ NULL, "/secrets", .lacks = "secrets: " ONE_MACHINE },
	{ NULL, "/secrets/*", .lacks = "secrets: " ONE_MACHINE },
	{ NULL, "/iam", .lacks = "identities: " ONE_MACHINE },
	{ NULL, "/iam/*", .lacks = "identities: " ONE_MACHINE },
	{ NULL, "/teams", .lacks = "teams: " ONE_MACHINE },
	{ NULL, "/teams/*", .lacks = "teams: " ONE_MACHINE },
	{ 0 },
};

static const struct control_row *const families[] = {
	control_sandbox_rows,
	control_lifecycle_rows,
	control_history_rows,
	builder_rows,
	control_template_rows,
	other_rows,
};

/* ---- the table ---- */

static bool take_part(const char *from, size_t len, char ret_id[CONTROL_ID_MAX + 1])
{
	if (!len || len > CONTROL_ID_MAX) {
		return false;
	}
	memcpy(ret_id, from, len);
	ret_id[len] = '\0';
	return true;
}

bool control_path_matches(const char *pattern, const char *path, char ret_id[CONTROL_ID_MAX + 1])
{
	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			return take_part(path, strlen(path), ret_id);
		}
		if (strncmp(pattern, "{}", 2) == 0) {
			size_t len = strcspn(path, "/");
			if (!take_part(path, len, ret_id)) {
				return false;
			}
			path += len;
			pattern++;
		} else if (*pattern != *path++) {
			return false;
		}
	}
	return !*path;
}

/* NULL with *ret_exists: the path has other methods. */
static const struct control_row *find_row(
	const char *method, const char *path, char ret_id[CONTROL_ID_MAX + 1], bool *ret_exists)
{
	*ret_exists = false;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		for (const struct control_row *row = families[i]; row->path; row++) {
			if (!control_path_matches(row->path, path, ret_id)) {
				continue;
			}
			if (!row->method || strcmp(row->method, method) == 0) {
				return row;
			}
			*ret_exists = true;
		}
	}
	return NULL;
}

/* ---- one call ---- */

static void on_closed(struct e2b_request *r)
{
	struct control_call *c = r->data;
	c->r = NULL;
	if (c->is_new && c->wait) { /* no client has received its id */
		vm_wait_cancel(c->wait);
		vm_stop(c->vm, "its creator left before it was ready");
		c->waits = false;
	}
	if (!c->waits) {
		free(c);
	}
}

void control_later(struct control_call *c)
{
	c->waits = true;
}

bool control_back(struct control_call *c)
{
	c->waits = false;
	if (!c->r) {
		free(c);
		return false;
	}
	return true;
}

static void on_body(struct e2b_request *r, const json_t *body)
{
	struct control_call *c = r->data;
	c->row->run(c, body);
}

void e2b_control_run(struct e2b_request *r)
{
	struct control_call *c = must(calloc(1, sizeof(*c)));
	bool exists;
	c->r = r;
	c->e2b = r->e2b;
	r->data = c;
	r->closed = on_closed;
	c->row = find_row(http_method(r->x), http_path(r->x), c->id, &exists);
	if (!c->row) {
		e2b_fail(r, exists ? 405 : 404, "%s",
			exists ? "this path has other methods" : "there is no such path");
	} else if (!c->row->run) {
		e2b_fail(r, 501, "%s", c->row->lacks);
	} else {
		e2b_read_json(r, on_body);
	}
}

/* ---- what handlers share ---- */

struct vm *control_find(struct control_call *c)
{
	char id[E2B_ID_MAX + 1];
	struct err err;
	struct vm *vm =
		e2b_id_read(c->id, '\0', id) ? vm_find(c->e2b->vms, c->r->owner, id, &err) : NULL;
	if (!vm) {
		e2b_fail(c->r, 404, "Sandbox \"%.64s\" not found", c->id);
	}
	return vm;
}

bool control_decode(
	struct control_call *c, const struct field *fields, const json_t *body, void *out)
{
	struct err err;
	if (e2b_decode(fields, body, out, &err)) {
		return true;
	}
	e2b_fail_err(c->r, &err);
	return false;
}

bool control_timeout(struct control_call *c, int64_t seconds, int64_t least)
{
	const struct field *row = &vm_spec_rows[VM_SPEC_TIMEOUT].field;
	if (seconds < least || (double)seconds > row->max) {
		e2b_fail(c->r, 400, "'timeout' must be %lld to %.0f seconds; got %lld",
			(long long)least, row->max, (long long)seconds);
		return false;
	}
	c->timeout_ms = seconds * 1000;
	return true;
}
