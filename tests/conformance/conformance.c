/* The fixtures of the conformance suite, one row each. */
#include "tests/conformance/conformance.h"

#define TOOLS(X) \
	X(simple_text) \
	X(image_content) \
	X(audio_content) \
	X(embedded_resource) \
	X(multiple_content_types) \
	X(error_handling) \
	X(json_schema) \
	X(custom_headers) \
	X(trigger_tool_change) \
	X(trigger_prompt_change) \
	X(tool_with_logging) \
	X(logging_tool) \
	X(tool_with_progress) \
	X(reconnection) \
	X(greet) \
	X(slow_compute) \
	X(failing_job) \
	X(protocol_error_job) \
	X(confirm_delete) \
	X(multi_input) \
	X(tool_with_task)

#define ASKING_TOOLS(X) \
	X(sampling) \
	X(elicitation) \
	X(elicitation_defaults) \
	X(elicitation_enums) \
	X(missing_capability) \
	X(streaming_elicitation) \
	X(input_elicitation) \
	X(input_sampling) \
	X(input_list_roots) \
	X(input_request_state) \
	X(input_multiple) \
	X(input_multi_round) \
	X(input_tampered_state) \
	X(input_capabilities)

#define PROMPTS(X) \
	X(simple) \
	X(with_arguments) \
	X(with_embedded_resource) \
	X(with_image) \
	X(that_asks)

#define RESOURCES(X) \
	X(static_text) \
	X(static_binary) \
	X(template) \
	X(watched)

#define X(id) extern const struct tool conformance_##id;
TOOLS(X)
#undef X
#define X(id) extern const struct conformance_asking conformance_##id;
ASKING_TOOLS(X)
#undef X
#define X(id) extern const struct prompt conformance_prompt_##id;
PROMPTS(X)
#undef X
#define X(id) extern const struct resource_row conformance_resource_##id;
RESOURCES(X)
#undef X

static const struct tool *const tools[] = {
#define X(id) &conformance_##id,
	TOOLS(X)
#undef X
#define X(id) &conformance_##id.tool,
		ASKING_TOOLS(X)
#undef X
			NULL,
};

static const struct prompt *const prompts[] = {
#define X(id) &conformance_prompt_##id,
	PROMPTS(X)
#undef X
		NULL,
};

static const struct resource_row *const resources[] = {
#define X(id) &conformance_resource_##id,
	RESOURCES(X)
#undef X
		NULL,
};

const struct server_addition conformance_addition = {
	.tools = tools,
	.prompts = prompts,
	.resources = resources,
	.lists_change = true,
};

json_t *conformance_text(const char *text)
{
	return json_pack("{s:s, s:s}", "type", "text", "text", text);
}

json_t *conformance_embedded(const char *uri, const char *type, const char *text)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s}}", "type", "resource", "resource", "uri", uri,
		"mimeType", type, "text", text);
}
