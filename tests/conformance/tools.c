/* Conformance fixtures: tools that answer by themselves, at once or step by step. */
#include "tests/conformance/conformance.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "server/methods/methods_impl.h"

#define STEP_MS 50 /* between two steps: the suite wants to see them come one after the other */

static const struct field no_fields[] = { { 0 } };

#define FIXTURE(id, called, what, fn) \
	extern const struct tool conformance_##id; \
	const struct tool conformance_##id = { \
		.name = called, \
		.title = "Conformance fixture", \
		.help = what, \
		.toolset = "conformance", \
		.hints = TOOL_READS_ONLY, \
		.fields = no_fields, \
		.run = fn, \
	}

/* ---- content ---- */

static json_t *image(void)
{
	return json_pack("{s:s, s:s, s:s}", "type", "image", "data", CONFORMANCE_PNG, "mimeType",
		"image/png");
}

static void run_simple_text(struct call *call, const void *args)
{
	(void)args;
	call_reply(call,
		json_pack("[o]", conformance_text("This is a simple text response for testing.")));
}
FIXTURE(simple_text, "test_simple_text", "Answers with a text.", run_simple_text);

static void run_image_content(struct call *call, const void *args)
{
	(void)args;
	call_reply(call, json_pack("[o]", image()));
}
FIXTURE(image_content, "test_image_content", "Answers with an image.", run_image_content);

static void run_audio_content(struct call *call, const void *args)
{
	(void)args;
	/* Eight samples of silence. */
	static const char wav[] = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICA"
				  "gICAgA==";
	call_reply(call, json_pack("[{s:s, s:s, s:s}]", "type", "audio", "data", wav, "mimeType",
				 "audio/wav"));
}
FIXTURE(audio_content, "test_audio_content", "Answers with a sound.", run_audio_content);

static void run_embedded_resource(struct call *call, const void *args)
{
	(void)args;
	call_reply(call,
		json_pack("[o]", conformance_embedded("test://embedded-resource", "text/plain",
					 "This is an embedded resource content.")));
}
FIXTURE(embedded_resource, "test_embedded_resource", "Answers with a resource.",
	run_embedded_resource);

static void run_multiple_content_types(struct call *call, const void *args)
{
	(void)args;
	call_reply(call,
		json_pack("[o, o, o]", conformance_text("Multiple content types test:"), image(),
			conformance_embedded("test://mixed-content-resource", "application/json",
				"{\"test\":\"data\",\"value\":123}")));
}
FIXTURE(multiple_content_types, "test_multiple_content_types",
	"Answers with a text, an image and a resource.", run_multiple_content_types);

static void run_error_handling(struct call *call, const void *args)
{
	struct err err;
	(void)args;
	err_set(&err, ERR_STATE, "This tool intentionally returns an error for testing");
	call_fail(call, &err);
}
FIXTURE(error_handling, "test_error_handling", "Fails.", run_error_handling);

/* ---- schemas ---- */

struct address_args {
	const json_t *address;
	const char *name, *contactMethod, *phone, *email;
};

static const struct field address_fields[] = {
	FIELD_STR(struct address_args, name, "A name"),
	FIELD_JSON(struct address_args, address, "An address"),
	FIELD_STR(struct address_args, contactMethod, "How to get through"),
	FIELD_STR(struct address_args, phone, "A number"),
	FIELD_STR(struct address_args, email, "An address"),
	{ 0 },
};

extern const struct tool conformance_json_schema;
const struct tool conformance_json_schema = {
	.name = "json_schema_2020_12_tool",
	.title = "Conformance fixture",
	.help = "Has an input schema that uses much of JSON Schema 2020-12.",
	.toolset = "conformance",
	.hints = TOOL_READS_ONLY,
	.fields = address_fields,
	.args_size = sizeof(struct address_args),
	.schema = "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		  "\"type\":\"object\","
		  "\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\","
		  "\"properties\":{\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}"
		  "}},"
		  "\"properties\":{\"name\":{\"type\":\"string\"},"
		  "\"address\":{\"$ref\":\"#/$defs/address\"},"
		  "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
		  "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
		  "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
		  "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"
		  "\"required\":[\"contactMethod\"]},"
		  "\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"
		  "\"additionalProperties\":false}",
	.run = run_simple_text,
};

struct headers_args {
	const char *region;
	int64_t priority;
	bool verbose;
};

static const struct field headers_fields[] = {
	FIELD_STR(struct headers_args, region, "Also sent as a header", .required = true,
		.header = "Region"),
	FIELD_NUM(struct headers_args, priority, "Also sent as a header", .header = "Priority"),
	FIELD_FLAG(struct headers_args, verbose, "Also sent as a header", .header = "Verbose"),
	{ 0 },
};

extern const struct tool conformance_custom_headers;
const struct tool conformance_custom_headers = {
	.name = "test_custom_headers",
	.title = "Conformance fixture",
	.help = "Its arguments are repeated in HTTP headers.",
	.toolset = "conformance",
	.hints = TOOL_READS_ONLY,
	.fields = headers_fields,
	.args_size = sizeof(struct headers_args),
	.run = run_simple_text,
};

/* ---- lists that change ---- */

static void run_trigger_tool_change(struct call *call, const void *args)
{
	listen_list_changed(call_request(call)->server, LISTEN_TOOLS);
	run_simple_text(call, args);
}
FIXTURE(trigger_tool_change, "test_trigger_tool_change", "Says that the list of tools has changed.",
	run_trigger_tool_change);

static void run_trigger_prompt_change(struct call *call, const void *args)
{
	listen_list_changed(call_request(call)->server, LISTEN_PROMPTS);
	run_simple_text(call, args);
}
FIXTURE(trigger_prompt_change, "test_trigger_prompt_change",
	"Says that the list of prompts has changed.", run_trigger_prompt_change);

/* ---- step by step ---- */

#define STEPS 3

struct steps {
	struct call *call;
	void (*tell)(struct call *call, int step);
	sd_event_source *timer;
	int at;
};

static void take_step(struct steps *steps);

static int on_step(sd_event_source *source, uint64_t now, void *data)
{
	struct steps *steps = data;
	(void)source, (void)now;
	loop_drop(&steps->timer);
	take_step(steps);
	return 0;
}

static void take_step(struct steps *steps)
{
	steps->tell(steps->call, steps->at++);
	if (steps->at == STEPS) {
		call_on_cancel(steps->call, NULL, NULL);
		call_reply(steps->call, json_pack("[o]", conformance_text("All steps are done.")));
		return;
	}
	steps->timer = loop_after_ms(call_event(steps->call), STEP_MS, on_step, steps);
}

static void on_cancel(void *data)
{
	struct steps *steps = data;
	struct err err;
	loop_drop(&steps->timer);
	err_set(&err, ERR_CANCELLED, "cancelled");
	call_fail(steps->call, &err);
}

static void run_steps(struct call *call, void (*tell)(struct call *call, int step))
{
	struct steps *steps = call_alloc(call, sizeof(*steps));
	*steps = (struct steps){ .call = call, .tell = tell };
	call_on_cancel(call, on_cancel, steps);
	take_step(steps);
}

static void tell_log(struct call *call, int step)
{
	static const char *const texts[STEPS] = { "Tool execution started", "Tool processing data",
		"Tool execution completed" };
	call_log(call, LOG_LEVEL_INFO, texts[step]);
}

static void run_logging(struct call *call, const void *args)
{
	(void)args;
	run_steps(call, tell_log);
}
FIXTURE(tool_with_logging, "test_tool_with_logging", "Logs what it does.", run_logging);
FIXTURE(logging_tool, "test_logging_tool", "Logs what it does.", run_logging);

static void tell_progress(struct call *call, int step)
{
	call_progress(call, step * 50, 100, NULL);
}

static void run_progress(struct call *call, const void *args)
{
	(void)args;
	run_steps(call, tell_progress);
}
FIXTURE(tool_with_progress, "test_tool_with_progress", "Tells how far it is.", run_progress);

/* The client comes back for the answer, which is there soon after. */
static void tell_nothing(struct call *call, int step)
{
	if (step == 0) {
		call_close_stream(call, STEP_MS);
	}
}

static void run_reconnection(struct call *call, const void *args)
{
	(void)args;
	run_steps(call, tell_nothing);
}
FIXTURE(reconnection, "test_reconnection", "Closes the stream before it answers.",
	run_reconnection);
