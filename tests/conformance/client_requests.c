/* Conformance fixtures: tools that ask the client.  A row says what they ask, in JSON. */
#include "tests/conformance/conformance.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"

#define QUESTIONS_MAX 4

static const struct field no_fields[] = { { 0 } };

/* ---- a call of one of them ---- */

struct asking_call {
	const struct conformance_asking *asking;
	const char *text; /* the argument that takes the place of the question's text */
	size_t round;
};

static void next_round(struct call *call, struct asking_call *state);

static void on_answers(struct call *call, const json_t *answers, const struct err *why, void *data)
{
	if (why) {
		call_fail(call, why);
		return;
	}
	struct asking_call *state = data;
	state->round++;
	json_auto_t *rounds = json_loads(state->asking->rounds, 0, NULL);
	if (state->round < json_array_size(rounds)) {
		next_round(call, state);
		return;
	}
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "state-ok; the client answered: ");
	json_write(&text, answers);
	call_reply(call, json_pack("[o]", conformance_text(buf_text(&text))));
}

/* An argument goes where the question has its text. */
static void put_text(json_t *params, const char *text)
{
	json_t *messages = json_object_get(params, "messages");
	json_t *content = json_object_get(json_array_get(messages, 0), "content");
	json_object_set_new(
		messages ? content : params, messages ? "text" : "message", json_string(text));
}

static void next_round(struct call *call, struct asking_call *state)
{
	json_auto_t *rounds = must(json_loads(state->asking->rounds, 0, NULL));
	json_t *round = json_array_get(rounds, state->round), *value;
	struct call_client_request client_requests[QUESTIONS_MAX];
	const char *key;
	size_t n = 0;
	json_object_foreach(round, key, value)
	{
		struct call_client_request *client_request = &client_requests[n];
		*client_request = (struct call_client_request){
			.key = key,
			.method = json_string_value(json_object_get(value, "method")),
			.params = json_object_get(value, "params"),
		};
		if (state->asking->only_what_it_can &&
			!call_client_supports(call, client_request)) {
			continue;
		}
		if (state->text) {
			put_text(client_request->params, state->text);
		}
		json_incref(client_request->params);
		n++;
	}
	call_request_client(call, client_requests, n, on_answers, state);
}

static void run(struct call *call, const void *args)
{
	struct asking_call *state = call_alloc(call, sizeof(*state));
	state->asking = conformance_asking_of(call);
	state->text = state->asking->tool.args_size ? *(const char *const *)args : NULL;
	next_round(call, state);
}

const struct conformance_asking *conformance_asking_of(struct call *call)
{
	return (const struct conformance_asking *)call_tool(call);
}

/* ---- the rows ---- */

#define ASKING(id, called, what, table, size, json, ...) \
	extern const struct conformance_asking conformance_##id; \
	const struct conformance_asking conformance_##id = { \
		.tool = { .name = called, \
			.title = "Conformance fixture", \
			.help = what, \
			.toolset = "conformance", \
			.hints = TOOL_READS_ONLY, \
			.fields = table, \
			.args_size = size, \
			.run = run }, \
		.rounds = json, \
		__VA_ARGS__ \
	}

#define ELICIT(key, message, properties, required) \
	"\"" key "\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"" message \
	"\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{" properties \
	"},\"required\":[" required "]}}}"
#define SAMPLE(key, text, tokens) \
	"\"" key "\":{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[{\"role\":" \
	"\"user\",\"content\":{\"type\":\"text\",\"text\":\"" text "\"}}],\"maxTokens\":" tokens \
	"}}"
#define ROOTS(key) "\"" key "\":{\"method\":\"roots/list\",\"params\":{}}"
#define STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define CONFIRM ELICIT("confirm", "Please confirm", "\"ok\":{\"type\":\"boolean\"}", "\"ok\"")
#define ASK_NAME ELICIT("user_name", "What is your name?", STRING("name"), "\"name\"")

struct prompt_args {
	const char *prompt;
};
static const struct field prompt_fields[] = {
	FIELD_STR(struct prompt_args, prompt, "What to say to the model", .required = true),
	{ 0 },
};
ASKING(sampling, "test_sampling", "Asks the client's model.", prompt_fields,
	sizeof(struct prompt_args), "[{" SAMPLE("answer", "", "100") "}]");

struct message_args {
	const char *message;
};
static const struct field message_fields[] = {
	FIELD_STR(struct message_args, message, "What to say to the user", .required = true),
	{ 0 },
};
ASKING(elicitation, "test_elicitation", "Asks the client's user.", message_fields,
	sizeof(struct message_args),
	"[{" ELICIT("answer", "", STRING("username") "," STRING("email"),
		"\"username\",\"email\"") "}]");

ASKING(elicitation_defaults, "test_elicitation_sep1034_defaults",
	"Asks the client's user, with default values.", no_fields, 0,
	"[{" ELICIT("answer", "Please look at these values",
		"\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
		"\"age\":{\"type\":\"integer\",\"default\":30},"
		"\"score\":{\"type\":\"number\",\"default\":95.5},"
		"\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],"
		"\"default\":\"active\"},"
		"\"verified\":{\"type\":\"boolean\",\"default\":true}",
		"") "}]");

#define TITLED(value, title) "{\"const\":\"" value "\",\"title\":\"" title "\"}"
#define TITLED_3 \
	TITLED("value1", "First Option") \
	"," TITLED("value2", "Second Option") "," TITLED("value3", "Third Option")
#define UNTITLED_3 "[\"option1\",\"option2\",\"option3\"]"

ASKING(elicitation_enums, "test_elicitation_sep1330_enums",
	"Asks the client's user, with all kinds of choices.", no_fields, 0,
	"[{" ELICIT("answer", "Please choose",
		"\"untitledSingle\":{\"type\":\"string\",\"enum\":" UNTITLED_3 "},"
		"\"titledSingle\":{\"type\":\"string\",\"oneOf\":[" TITLED_3 "]},"
		"\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
		"\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
		"\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
		"\"enum\":" UNTITLED_3 "}},"
		"\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":[" TITLED_3 "]}}",
		"") "}]");

ASKING(missing_capability, "test_missing_capability", "Needs a client with a model.", no_fields, 0,
	"[{" SAMPLE("answer", "Hello", "10") "}]");
ASKING(streaming_elicitation, "test_streaming_elicitation", "Asks the client's user.", no_fields, 0,
	"[{" CONFIRM "}]");

ASKING(input_elicitation, "test_input_required_result_elicitation", "Asks the client's user.",
	no_fields, 0, "[{" ASK_NAME "}]");
ASKING(input_sampling, "test_input_required_result_sampling", "Asks the client's model.", no_fields,
	0, "[{" SAMPLE("capital_question", "What is the capital of France?", "100") "}]");
ASKING(input_list_roots, "test_input_required_result_list_roots", "Asks for the client's roots.",
	no_fields, 0, "[{" ROOTS("client_roots") "}]");
ASKING(input_request_state, "test_input_required_result_request_state",
	"Asks the client's user, and wants its state back.", no_fields, 0, "[{" CONFIRM "}]");
ASKING(input_multiple, "test_input_required_result_multiple_inputs", "Asks three things at once.",
	no_fields, 0,
	"[{" ASK_NAME
	"," SAMPLE("greeting", "Generate a greeting", "50") "," ROOTS("client_roots") "}]");
ASKING(input_multi_round, "test_input_required_result_multi_round", "Asks one thing after another.",
	no_fields, 0,
	"[{" ELICIT("step1", "Step 1: What is your name?", STRING("name"),
		"\"name\"") "},"
			    "{" ELICIT("step2", "Step 2: What is your favorite color?",
				    STRING("color"), "\"color\"") "}]");
ASKING(input_tampered_state, "test_input_required_result_tampered_state",
	"Asks the client's user, and wants its state back as it was.", no_fields, 0,
	"[{" CONFIRM "}]");
ASKING(input_capabilities, "test_input_required_result_capabilities",
	"Asks what this client can answer.", no_fields, 0,
	"[{" ASK_NAME "," SAMPLE("greeting", "Generate a greeting", "50") "}]",
	.only_what_it_can = true);
