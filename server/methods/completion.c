/* completion/complete: the ids of the caller's sandboxes, for the resource templates. */
#include "server/methods/methods_impl.h"
#include "server/methods/prompts.h"
#include "server/methods/resources.h"

#include <string.h>

#define VALUES_MAX 100 /* of the protocol */

static bool is_our_template(const char *uri)
{
	return uri && (strcmp(uri, RESOURCE_TEMPLATE_SCREEN) == 0 ||
			      strcmp(uri, RESOURCE_TEMPLATE_INFO) == 0 ||
			      strcmp(uri, RESOURCE_TEMPLATE_FILE) == 0);
}

static json_t *sandboxes_beginning(
	const struct request *request, const char *start, size_t *ret_total)
{
	json_t *values = json_array();
	struct vm *vm;
	*ret_total = 0;
	for (size_t i = 0; request->vms && (vm = vm_at(request->vms, request->owner, i)); i++) {
		if (strncmp(vm_id(vm), start, strlen(start)) == 0 && ++*ret_total <= VALUES_MAX) {
			json_array_append_new(values, json_string(vm_id(vm)));
		}
	}
	return values;
}

/* Completes one argument of a reference. */
static json_t *complete(
	const struct request *request, const json_t *ref, const json_t *argument, size_t *ret_total)
{
	const char *type = json_string_value(json_object_get(ref, "type"));
	const char *uri = json_string_value(json_object_get(ref, "uri"));
	const char *prompt = json_string_value(json_object_get(ref, "name"));
	const char *name = json_string_value(json_object_get(argument, "name"));
	*ret_total = 0;
	if (type && strcmp(type, "ref/prompt") == 0 && prompt &&
		prompt_find(request->server, prompt)) {
		return json_array(); /* their arguments are free text */
	}
	if (type && strcmp(type, "ref/resource") == 0 && is_our_template(uri)) {
		return strcmp(name, "sandbox") == 0
			       ? sandboxes_beginning(request,
					 json_string_value(json_object_get(argument, "value")),
					 ret_total)
			       : json_array();
	}
	return NULL;
}

void completion_method_complete(struct request *request)
{
	const json_t *ref = json_object_get(request->params, "ref");
	const json_t *argument = json_object_get(request->params, "argument");
	if (!json_is_string(json_object_get(argument, "name")) ||
		!json_is_string(json_object_get(argument, "value"))) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.argument must be {\"name\": string, \"value\": string}");
		return;
	}
	size_t total;
	json_t *values = complete(request, ref, argument, &total);
	if (!values) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.ref must be {\"type\": \"ref/resource\", \"uri\": \"%s\"} or "
			"{\"type\": \"ref/prompt\", \"name\": one of prompts/list}",
			RESOURCE_TEMPLATE_SCREEN);
		return;
	}
	request_reply(request, json_pack("{s:{s:o, s:I, s:b}}", "completion", "values", values,
				       "total", (json_int_t)total, "hasMore", total > VALUES_MAX));
}
