/* Conformance fixtures: prompts and resources. */
#include "tests/conformance/conformance.h"

#include "base/cleanup.h"
#include "server/mcp/client_request.h"
#include "server/mcp/json_write.h"

#include <string.h>

/* ---- prompts ---- */

static const struct field no_fields[] = { { 0 } };

#define PROMPT(id, called, what, table, size, fn) \
	extern const struct prompt conformance_prompt_##id; \
	const struct prompt conformance_prompt_##id = { \
		.name = called, \
		.title = "Conformance fixture", \
		.help = what, \
		.fields = table, \
		.args_size = size, \
		.run = fn, \
	}

static void add_message(json_t *result, const char *text)
{
	json_array_append_new(json_object_get(result, "messages"),
		json_pack("{s:s, s:o}", "role", "user", "content", conformance_text(text)));
}

static void run_simple(struct request *request, const struct prompt *prompt, const void *args)
{
	(void)args;
	request_reply(request,
		prompt_result(prompt, conformance_text("This is a simple prompt for testing.")));
}
PROMPT(simple, "test_simple_prompt", "A text.", no_fields, 0, run_simple);

struct two_args {
	const char *arg1, *arg2;
};
static const struct field two_fields[] = {
	FIELD_STR(struct two_args, arg1, "First test argument", .required = true),
	FIELD_STR(struct two_args, arg2, "Second test argument", .required = true),
	{ 0 },
};

static void run_with_arguments(
	struct request *request, const struct prompt *prompt, const void *data)
{
	const struct two_args *args = data;
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "Prompt with arguments: arg1='%s', arg2='%s'", args->arg1, args->arg2);
	request_reply(request, prompt_result(prompt, conformance_text(buf_text(&text))));
}
PROMPT(with_arguments, "test_prompt_with_arguments", "A text made of its arguments.", two_fields,
	sizeof(struct two_args), run_with_arguments);

struct uri_args {
	const char *resourceUri;
};
static const struct field uri_fields[] = {
	FIELD_STR(struct uri_args, resourceUri, "URI of the resource to embed", .required = true),
	{ 0 },
};

static void run_with_embedded_resource(
	struct request *request, const struct prompt *prompt, const void *data)
{
	const struct uri_args *args = data;
	json_t *result = prompt_result(prompt, conformance_embedded(args->resourceUri, "text/plain",
						       "Embedded resource content for testing."));
	add_message(result, "Please process the embedded resource above.");
	request_reply(request, result);
}
PROMPT(with_embedded_resource, "test_prompt_with_embedded_resource", "A resource and a text.",
	uri_fields, sizeof(struct uri_args), run_with_embedded_resource);

static void run_with_image(struct request *request, const struct prompt *prompt, const void *args)
{
	(void)args;
	json_t *result = prompt_result(prompt, json_pack("{s:s, s:s, s:s}", "type", "image", "data",
						       CONFORMANCE_PNG, "mimeType", "image/png"));
	add_message(result, "Please analyze the image above.");
	request_reply(request, result);
}
PROMPT(with_image, "test_prompt_with_image", "An image and a text.", no_fields, 0, run_with_image);

extern const struct prompt conformance_prompt_that_asks;

static void on_context(const json_t *answers, const struct err *why, void *data)
{
	struct request *request = data;
	if (why) {
		request_fail(request, RPC_INVALID_PARAMS, NULL, "%s", why->text);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "The context is ");
	json_write(&text, json_object_get(answers, "user_context"));
	request_reply(request,
		prompt_result(&conformance_prompt_that_asks, conformance_text(buf_text(&text))));
}

static void run_that_asks(struct request *request, const struct prompt *prompt, const void *args)
{
	(void)prompt, (void)args;
	const struct call_client_request client_request = {
		.key = "user_context",
		.method = "elicitation/create",
		.params = json_pack("{s:s, s:{s:s, s:{s:{s:s}}, s:[s]}}", "message",
			"What context should the prompt use?", "requestedSchema", "type", "object",
			"properties", "context", "type", "string", "required", "context"),
	};
	client_request_send(request, &client_request, 1, on_context, request);
}
PROMPT(that_asks, "test_input_required_result_prompt", "Asks the client's user.", no_fields, 0,
	run_that_asks);

/* ---- resources ---- */

#define RESOURCE(id, at, what, is, fn) \
	extern const struct resource_row conformance_resource_##id; \
	const struct resource_row conformance_resource_##id = { \
		.uri = at, \
		.name = #id, \
		.title = "Conformance fixture", \
		.help = what, \
		.type = is, \
		.read = fn, \
	}

static void read_text(struct request *request, const struct resource_row *row, const char *value)
{
	(void)value;
	resource_reply(request, row->type,
		json_pack("{s:s}", "text", "This is the content of the static text resource."));
}
RESOURCE(static_text, "test://static-text", "A text.", "text/plain", read_text);
RESOURCE(watched, "test://watched-resource", "A text to subscribe to.", "text/plain", read_text);

static void read_binary(struct request *request, const struct resource_row *row, const char *value)
{
	(void)value;
	resource_reply(request, row->type, json_pack("{s:s}", "blob", CONFORMANCE_PNG));
}
RESOURCE(static_binary, "test://static-binary", "An image.", "image/png", read_binary);

static void read_template(
	struct request *request, const struct resource_row *row, const char *value)
{
	json_auto_t *id = json_text(value);
	json_auto_t *data = json_pack("{s:O, s:b, s:o}", "id", id, "templateTest", 1, "data",
		json_sprintf("Data for ID: %s", json_string_value(id)));
	auto_buf struct buf text = { 0 };
	json_write(&text, data);
	resource_reply(request, row->type, json_pack("{s:s}", "text", buf_text(&text)));
}
RESOURCE(template, "test://template/{id}/data", "A text with what is asked for.",
	"application/json", read_template);
