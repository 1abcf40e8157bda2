/*
 * Resources: desktop://SANDBOX/screen is the screenshot, desktop://SANDBOX/info is the state
 * reported by the agent, as JSON.  Each sandbox of the caller has both.  file://SANDBOX/PATH is a
 * file (resource_file.c).
 */
#include "server/methods/resources.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

#include <string.h>

#define SCHEME "desktop://"

static const struct {
	const char *path, *template, *title, *help, *type;
} kinds[RESOURCE_KINDS] = {
	[RESOURCE_SCREEN] = { "/screen", RESOURCE_TEMPLATE_SCREEN, "Screen",
		"Current image of the screen. Coordinates are its pixels.", "image/jpeg" },
	[RESOURCE_INFO] = { "/info", RESOURCE_TEMPLATE_INFO, "State",
		"Screen size, windows, keyboard layout and state of the desktop.",
		"application/json" },
	[RESOURCE_FILE] = { "/file", RESOURCE_TEMPLATE_FILE, "File",
		"A file of the sandbox, or a part of it. The path is percent-encoded. A subscription "
		"to a path that ends with a slash reports changes in the directory.",
		NULL },
};

void resource_done(struct resource *resource)
{
	file_part_done(&resource->file);
}

static bool parse_file(const char *uri, struct resource *ret, struct err *err)
{
	const char *id = uri + strlen(RESOURCE_FILE_SCHEME);
	if (strnlen(id, ID_LEN) < ID_LEN) {
		return err_set(err, ERR_NOT_FOUND,
			"unknown resource \"%.80s\"; files are " RESOURCE_FILE_SCHEME
			"SANDBOX/PATH",
			uri);
	}
	memcpy(ret->sandbox, id, ID_LEN);
	ret->sandbox[ID_LEN] = '\0';
	ret->kind = RESOURCE_FILE;
	return (id_is_valid(ret->sandbox) ||
		       err_set(err, ERR_NOT_FOUND, "\"%.20s\" is no id of a sandbox", id)) &&
	       file_part_parse(id + ID_LEN, &ret->file, err);
}

bool resource_parse(const char *uri, struct resource *ret, struct err *err)
{
	*ret = (struct resource){ 0 };
	if (strncmp(uri, RESOURCE_FILE_SCHEME, strlen(RESOURCE_FILE_SCHEME)) == 0) {
		return parse_file(uri, ret, err);
	}
	size_t scheme = strlen(SCHEME);
	if (strncmp(uri, SCHEME, scheme) == 0 && strnlen(uri + scheme, ID_LEN) == ID_LEN) {
		memcpy(ret->sandbox, uri + scheme, ID_LEN);
		ret->sandbox[ID_LEN] = '\0';
		for (int i = 0; i < RESOURCE_LISTED && id_is_valid(ret->sandbox); i++) {
			if (strcmp(uri + scheme + ID_LEN, kinds[i].path) == 0) {
				ret->kind = i;
				return true;
			}
		}
	}
	return err_set(err, ERR_NOT_FOUND,
		"unknown resource \"%.80s\"; resources/list lists the existing ones, in the form "
		"desktop://SANDBOX/screen and desktop://SANDBOX/info",
		uri);
}

/* ---- additional resources ---- */

static bool is_template(const struct resource_row *row)
{
	return strchr(row->uri, '{');
}

static const struct resource_row *row_at(const struct server *server, bool templates, size_t i)
{
	const struct server_addition *more = server->options.addition;
	for (size_t j = 0; more && more->resources[j]; j++) {
		if (is_template(more->resources[j]) == templates && i-- == 0) {
			return more->resources[j];
		}
	}
	return NULL;
}

static size_t count_rows(const struct server *server, bool templates)
{
	size_t n = 0;
	while (row_at(server, templates, n)) {
		n++;
	}
	return n;
}

static json_t *describe_row(const struct resource_row *row)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", is_template(row) ? "uriTemplate" : "uri",
		row->uri, "name", row->name, "title", row->title, "description", row->help,
		"mimeType", row->type);
}

/* Returns the value of the template's variable; NULL: the URI does not match. */
static char *match_template(const char *template, const char *uri)
{
	size_t before = strcspn(template, "{"), len = strlen(uri);
	const char *rest = strchr(template, '}') + 1;
	size_t after = strlen(rest);
	if (len <= before + after || strncmp(uri, template, before) != 0 ||
		strcmp(uri + len - after, rest) != 0) {
		return NULL;
	}
	char *value = must(strndup(uri + before, len - before - after));
	if (strchr(value, '/')) {
		free(take_ptr(&value));
	}
	return value;
}

const struct resource_row *resource_row_find(
	const struct server *server, const char *uri, char **ret_value)
{
	const struct resource_row *row;
	*ret_value = NULL;
	for (size_t i = 0; (row = row_at(server, false, i)); i++) {
		if (strcmp(row->uri, uri) == 0) {
			return row;
		}
	}
	for (size_t i = 0; (row = row_at(server, true, i)); i++) {
		if ((*ret_value = match_template(row->uri, uri))) {
			return row;
		}
	}
	return NULL;
}

/* ---- lists ---- */

static json_t *describe(const struct vm *vm, enum resource_kind kind)
{
	return json_pack("{s:o, s:o, s:s, s:s, s:s}", "uri",
		json_sprintf("%s%s%s", SCHEME, vm_id(vm), kinds[kind].path), "name",
		json_sprintf("%s%s", vm_id(vm), kinds[kind].path), "title", kinds[kind].title,
		"description", kinds[kind].help, "mimeType", kinds[kind].type);
}

static size_t count_sandboxes(const struct request *request)
{
	size_t n = 0;
	while (request->vms && vm_at(request->vms, request->owner, n)) {
		n++;
	}
	return n;
}

void resource_method_list(struct request *request)
{
	size_t ours = count_sandboxes(request) * RESOURCE_LISTED, from, to;
	size_t count = ours + count_rows(request->server, false);
	if (!page_read(request, count, &from, &to)) {
		return;
	}
	json_t *list = json_array();
	for (size_t i = from; i < to; i++) {
		json_t *resource =
			i < ours
				? describe(vm_at(request->vms, request->owner, i / RESOURCE_LISTED),
					  i % RESOURCE_LISTED)
				: describe_row(row_at(request->server, false, i - ours));
		mcp_fit(request->revision, resource);
		json_array_append_new(list, resource);
	}
	json_t *result = json_pack("{s:o}", "resources", list);
	page_mark(result, to, count);
	request_reply(request, result);
}

static json_t *describe_template(enum resource_kind kind)
{
	json_t *template = json_pack("{s:s, s:s, s:s, s:s}", "uriTemplate", kinds[kind].template,
		"name", kinds[kind].path + 1, "title", kinds[kind].title, "description",
		kinds[kind].help);
	if (kinds[kind].type) {
		json_object_set_new(template, "mimeType", json_string(kinds[kind].type));
	}
	return template;
}

void resource_method_templates(struct request *request)
{
	size_t count = RESOURCE_KINDS + count_rows(request->server, true), from, to;
	if (!page_read(request, count, &from, &to)) {
		return;
	}
	json_t *list = json_array();
	for (size_t i = from; i < to; i++) {
		json_t *template =
			i < RESOURCE_KINDS
				? describe_template(i)
				: describe_row(row_at(request->server, true, i - RESOURCE_KINDS));
		mcp_fit(request->revision, template);
		json_array_append_new(list, template);
	}
	json_t *result = json_pack("{s:o}", "resourceTemplates", list);
	page_mark(result, to, count);
	request_reply(request, result);
}

void resource_reply(struct request *request, const char *type, json_t *body)
{
	json_object_set(body, "uri", json_object_get(request->params, "uri"));
	json_object_set_new(body, "mimeType", json_string(type));
	request_reply(request, json_pack("{s:[o]}", "contents", body));
}

/* ---- reading: wait for the sandbox, ask the agent, respond ---- */

struct reading {
	struct request *request;
	struct resource what;
	struct vm *vm;
	struct vm_wait *wait; /* while the sandbox starts */
	guest_id asked;       /* while the agent works */
};

static void reading_free(struct reading *reading)
{
	resource_done(&reading->what);
	free(reading);
}

static void fail_reading(struct reading *reading, const struct err *why)
{
	struct request *request = reading->request;
	int code = why->kind == ERR_NOT_FOUND || why->kind == ERR_GONE
			   ? mcp_not_found(request->revision)
		   : why->kind == ERR_ARGUMENT || why->kind == ERR_LIMIT ? RPC_INVALID_PARAMS
									 : RPC_INTERNAL_ERROR;
	json_t *data = json_pack("{s:O}", "uri", json_object_get(request->params, "uri"));
	struct err shown = *why;
	vm_hide_paths(request->vms, &shown);
	request_fail(request, code, data, "%s", shown.text);
	reading_free(reading);
}

/* body: {"blob": ...} or {"text": ...}; taken. */
static void finish_reading(struct reading *reading, json_t *body)
{
	resource_reply(reading->request, kinds[reading->what.kind].type, body);
	reading_free(reading);
}

static void on_screen(const struct guest_act *res, const struct err *err, void *data)
{
	struct err none;
	if (!err && !res->frame.bytes) {
		err_set(&none, ERR_HOST, "the sandbox returned no screenshot; try again");
		err = &none;
	}
	if (err) {
		fail_reading(data, err);
		return;
	}
	size_t len;
	auto_free char *text = base64_encode(res->frame.bytes, res->frame.len, &len);
	finish_reading(data, json_pack("{s:o}", "blob", json_stringn_nocheck(text, len)));
}

/* of_agent: the agent's state, or NULL. */
static void finish_info(struct reading *reading, const json_t *of_agent)
{
	const json_t *labels = vm_spec(reading->vm)->labels;
	json_auto_t *info = json_pack("{s:s, s:s, s:s}", "sandbox", reading->what.sandbox, "state",
		vm_state_names[vm_state(reading->vm)], "backend", vm_backend_name(reading->vm));
	if (json_object_size(labels)) {
		json_object_set(info, "labels", (json_t *)labels);
	}
	json_object_update_missing(info, (json_t *)of_agent);
	auto_buf struct buf text = { 0 };
	json_write(&text, info);
	finish_reading(reading, json_pack("{s:s}", "text", buf_text(&text)));
}

static void on_info(const json_t *result, const struct err *err, void *data)
{
	if (err) {
		fail_reading(data, err);
	} else {
		finish_info(data, result);
	}
}

static void on_file(json_t *body, const char *type, const struct err *err, void *data)
{
	struct reading *reading = data;
	if (err) {
		fail_reading(reading, err);
	} else {
		resource_reply(reading->request, type, body);
		reading_free(reading);
	}
}

static void on_stage(const char *stage, unsigned step, unsigned of, void *data)
{
	struct reading *reading = data;
	request_progress(reading->request, step, of, stage);
}

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct reading *reading = data;
	reading->wait = NULL;
	if (err) {
		fail_reading(reading, err);
	} else if (reading->what.kind == RESOURCE_SCREEN) {
		struct observe observe;
		observe_init(&observe, OBSERVE_FRAME);
		observe.max_bytes = OBSERVE_MAX_BYTES;
		reading->asked = guest_act(vm_guest(vm), NULL, 0, &observe, on_screen, reading);
	} else if (reading->what.kind == RESOURCE_FILE) {
		reading->asked =
			file_part_read(vm_guest(vm), &reading->what.file, on_file, reading);
	} else {
		reading->asked = guest_info(vm_guest(vm), on_info, reading);
	}
}

static void on_cancel(void *data)
{
	struct reading *reading = data;
	if (turn_withdraw(&reading->request->turn) || reading->wait) {
		struct err err;
		vm_wait_cancel(take_ptr(&reading->wait));
		err_set(&err, ERR_CANCELLED, "cancelled");
		fail_reading(reading, &err);
	} else if (reading->asked) {
		/* its callback still follows */
		guest_cancel(vm_guest(reading->vm), reading->asked);
	}
}

static void begin_reading(void *data)
{
	static const struct vm_wait_handlers handlers = { .stage = on_stage, .done = on_ready };
	struct reading *reading = data;
	struct err err;
	reading->vm = vm_find(
		reading->request->vms, reading->request->owner, reading->what.sandbox, &err);
	if (!reading->vm) {
		fail_reading(reading, &err);
		return;
	}
	reading->wait = vm_wait(reading->vm, &handlers, reading);
}

void resource_method_read(struct request *request)
{
	const char *uri = request_text(request, "uri");
	if (!uri) {
		return;
	}
	auto_free char *value = NULL;
	const struct resource_row *row = resource_row_find(request->server, uri, &value);
	if (row) {
		row->read(request, row, value ? value : "");
		return;
	}
	struct reading *reading = must(calloc(1, sizeof(*reading)));
	reading->request = request;
	struct err err;
	if (!resource_parse(uri, &reading->what, &err) || !request_admit(request, &err) ||
		!(reading->vm = vm_find(
			  request->vms, request->owner, reading->what.sandbox, &err))) {
		fail_reading(reading, &err);
		return;
	}
	/* Reading the state must not resume the sandbox. */
	if (reading->what.kind == RESOURCE_INFO && vm_state(reading->vm) == VM_PAUSED) {
		finish_info(reading, NULL);
		return;
	}
	request->turn = (struct turn){
		.order = TOOL_LOOKS,
		.sandbox = reading->what.sandbox,
		.what = request->method->name,
		.go = begin_reading,
		.data = reading,
	};
	request_on_cancel(request, on_cancel, reading);
	turn_take(&request->turn, request);
}
