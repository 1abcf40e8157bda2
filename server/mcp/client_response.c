/*
 * The three kinds of client requests: the required capability, and the check of the response.  A
 * form's content is checked against the requested schema, so tools receive only valid data.
 */
#include "server/mcp/client_request.h"

#include "base/cleanup.h"

#include <string.h>

struct kind {
	const char *method, *capability;
	bool (*check)(const json_t *params, const json_t *answer, struct err *err);
};

/* ---- elicitation/create ---- */

static bool is_url(const json_t *params)
{
	const char *mode = json_string_value(json_object_get(params, "mode"));
	return mode && strcmp(mode, "url") == 0;
}

/* Whether value is one of a schema's choices; each is the value, or {const: the value, title}. */
static bool is_choice(const json_t *choices, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(choices); i++) {
		const json_t *choice = json_array_get(choices, i);
		const json_t *constant = json_object_get(choice, "const");
		if (json_equal(constant ? constant : choice, value)) {
			return true;
		}
	}
	return false;
}

/* Forms are flat; these are all of their types. */
static bool fits(const json_t *schema, const json_t *value)
{
	const char *type = json_string_value(json_object_get(schema, "type"));
	const char *const lists[] = { "enum", "oneOf", "anyOf" };
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const json_t *choices = json_object_get(schema, lists[i]);
		if (choices && !is_choice(choices, value)) {
			return false;
		}
	}
	if (!type || strcmp(type, "string") == 0) {
		return json_is_string(value);
	}
	if (strcmp(type, "boolean") == 0) {
		return json_is_boolean(value);
	}
	if (strcmp(type, "array") == 0) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (!fits(json_object_get(schema, "items"), json_array_get(value, i))) {
				return false;
			}
		}
		return json_is_array(value);
	}
	return strcmp(type, "integer") == 0 ? json_is_integer(value) : json_is_number(value);
}

static bool check_form(const json_t *schema, const json_t *content, struct err *err)
{
	const json_t *required = json_object_get(schema, "required");
	const json_t *properties = json_object_get(schema, "properties");
	for (size_t i = 0; i < json_array_size(required); i++) {
		const char *name = json_string_value(json_array_get(required, i));
		if (!json_object_get(content, name)) {
			return err_set(err, ERR_ARGUMENT,
				"content must be an object with \"%s\", as required by requestedSchema",
				name);
		}
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)content, name, value)
	{
		const json_t *schema_of = json_object_get(properties, name);
		if (!schema_of || !fits(schema_of, value)) {
			return err_set(err, ERR_ARGUMENT,
				"content.%.60s does not match requestedSchema", name);
		}
	}
	return true;
}

static bool check_elicitation(const json_t *params, const json_t *answer, struct err *err)
{
	const char *action = json_string_value(json_object_get(answer, "action"));
	const char *const actions[] = { "accept", "decline", "cancel" };
	size_t i = 0;
	while (i < 3 && (!action || strcmp(action, actions[i]) != 0)) {
		i++;
	}
	if (i == 3) {
		return err_set(
			err, ERR_ARGUMENT, "action must be \"accept\", \"decline\" or \"cancel\"");
	}
	return i > 0 || is_url(params) ||
	       check_form(json_object_get(params, "requestedSchema"),
		       json_object_get(answer, "content"), err);
}

/* ---- sampling/createMessage ---- */

static bool check_sampling(const json_t *params, const json_t *answer, struct err *err)
{
	(void)params;
	const json_t *content = json_object_get(answer, "content");
	if (!json_is_string(json_object_get(answer, "role")) ||
		!json_is_string(json_object_get(answer, "model")) ||
		!(json_is_object(content) || json_is_array(content))) {
		return err_set(err, ERR_ARGUMENT,
			"the response must have the strings role and model, and content");
	}
	return true;
}

/* ---- roots/list ---- */

static bool check_roots(const json_t *params, const json_t *answer, struct err *err)
{
	(void)params;
	const json_t *roots = json_object_get(answer, "roots");
	bool good = json_is_array(roots);
	for (size_t i = 0; i < json_array_size(roots); i++) {
		good = good && json_is_string(json_object_get(json_array_get(roots, i), "uri"));
	}
	return good || err_set(err, ERR_ARGUMENT, "roots must be an array of objects with a uri");
}

/* ---- the table ---- */

static const struct kind kinds[] = {
	{ "elicitation/create", "elicitation", check_elicitation },
	{ "sampling/createMessage", "sampling", check_sampling },
	{ "roots/list", "roots", check_roots },
};

static const struct kind *kind_of(const struct call_client_request *client_request)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].method, client_request->method) == 0) {
			return &kinds[i];
		}
	}
	abort(); /* a programming error of a tool: unknown method */
}

json_t *client_request_capability(const struct call_client_request *client_request)
{
	const struct kind *kind = kind_of(client_request);
	json_t *inner = json_object();
	if (kind->check == check_elicitation) {
		json_object_set_new(
			inner, is_url(client_request->params) ? "url" : "form", json_object());
	}
	return json_pack("{s:o}", kind->capability, inner);
}

/* A client that declares elicitation without details supports forms. */
bool client_request_declared(
	const json_t *capabilities, const struct call_client_request *client_request)
{
	const struct kind *kind = kind_of(client_request);
	const json_t *declared = json_object_get(capabilities, kind->capability);
	if (kind->check != check_elicitation) {
		return json_is_object(declared);
	}
	bool url = json_object_get(declared, "url"), form = json_object_get(declared, "form");
	return json_is_object(declared) && (is_url(client_request->params) ? url : form || !url);
}

bool client_request_all_declared(const json_t *capabilities,
	const struct call_client_request *client_requests, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!client_request_declared(capabilities, &client_requests[i])) {
			return err_set(err, ERR_UNSUPPORTED,
				"the client does not support %s: it did not declare the "
				"capability; use a client that does",
				client_requests[i].method);
		}
	}
	return true;
}

bool client_request_check(
	const struct call_client_request *client_request, const json_t *answer, struct err *err)
{
	return kind_of(client_request)->check(client_request->params, answer, err) ||
	       err_while(err, "the response to %s", client_request->method);
}
