#include "tools/call/result.h"
#include "tools/sandbox/sandbox.h"
#include "tools/sandbox/stream.h"
#include "vm/core/control.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>

/*
 * request_human asks a user in two places: on the pages of viewers and, if the client supports
 * elicitation, in the client; the first response ends it.  A client of 2026-07-28 ends the call to
 * ask its user and repeats it with the answer (call_request_client()).  All clean-up is therefore in over(),
 * which is called however the call ends.
 */

#define TIMEOUT_S 600

struct human_args {
	const char *sandbox, *reason;
	int64_t timeout;
};

static const struct field fields[] = {
	FIELD_STR(struct human_args, reason, "What the user should do, in one or two sentences.",
		.required = true, .min = 1, .max = VM_CONTROL_TEXT_MAX),
	FIELD_NUM(struct human_args, timeout, "Seconds to wait.", .min = 1, .max = 3600,
		.default_value = TIMEOUT_S),
	CALL_SANDBOX(struct human_args),
	{ 0 },
};

struct human {
	struct call *call;
	const struct human_args *args;
	struct streams *streams;
	char *owner;
	struct vm_user_wait *wait;
	sd_event_source *late;
	uint64_t began;
	char *link; /* created by this call; NULL: a viewer with control is connected */
	char stream[ID_LEN + 1];
	bool may_come; /* a user already had access to the desktop */
	bool answered, keep_link;
};

/* ---- end ---- */

/* An unused link is revoked. */
static void drop_link(struct human *human)
{
	struct err gone;
	const struct stream *stream = human->link && !human->keep_link
					      ? streams_find(human->streams, human->stream, &gone)
					      : NULL;
	if (stream && !stream->viewers &&
		!streams_revoke(human->streams, human->owner, human->stream, &gone)) {
		log_warning("stream=%s stays open: %s", human->stream, gone.text);
	}
}

static void over(void *data)
{
	struct human *human = data;
	vm_control_ask_cancel(take_ptr(&human->wait));
	loop_drop(&human->late);
	if (human->answered) {
		drop_link(human);
	} else {
		/* The client is asking its user. */
		vm_control_want(call_vm(human->call), human->args->reason,
			(uint64_t)human->args->timeout * 1000);
	}
	if (human->link) {
		explicit_bzero(human->link, strlen(human->link));
	}
}

static void fail(struct human *human, const struct err *why, json_t *content)
{
	human->answered = true;
	call_fail_with(human->call, why, content);
}

static void reply(struct human *human, const char *what, const char *message)
{
	auto_buf struct buf text = { 0 };
	human->answered = true;
	buf_printf(&text, "A user %s after ", what);
	sandbox_format_span(&text, (int64_t)(loop_now_us() - human->began) / 1000);
	if (message && *message) {
		buf_printf(&text, ". Message: \"%s\"", message);
	} else {
		buf_printf(&text, ". No message.");
	}
	buf_printf(&text, "\nTake a screenshot before you continue: the screen may have changed.");
	call_reply_text(human->call, buf_text(&text));
}

/* No user can be reached unless the model passes the link on. */
static void fail_with_link(struct human *human, const char *because)
{
	struct err err;
	auto_buf struct buf text = { 0 };
	json_t *content = json_array();
	err_set(&err, ERR_STATE,
		"no user was asked: %s. Give the link below to the user, then call request_human "
		"again. It waits until the user hands back control",
		because);
	buf_printf(&text,
		"%s\n"
		"With this link, the user can watch and take control in a browser. It must be "
		"opened within %d min, and only the first browser that opens it has "
		"access.",
		human->link, STREAM_TICKET_SECONDS / 60);
	result_add_text(content, buf_text(&text));
	human->keep_link = true;
	fail(human, &err, content);
}

/* ---- events ---- */

static void handed_back(struct vm *vm, const char *message, const struct err *err, void *data)
{
	struct human *human = data;
	(void)vm;
	human->wait = NULL;
	if (err) {
		fail(human, err, NULL);
	} else {
		reply(human, "took control and handed it back", message);
	}
}

static void take_back(void *data)
{
	struct human *human = data;
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled; the request for help is withdrawn");
	fail(human, &err, NULL);
}

static bool user_has_control(const struct human *human)
{
	return vm_control(call_vm(human->call))->holder == VM_HELD_BY_USER;
}

static int on_late(sd_event_source *source, uint64_t now, void *data)
{
	struct human *human = data;
	struct err err;
	(void)source, (void)now;
	err_set(&err, ERR_TIMEOUT,
		"%s within %lld s. Call request_human again to continue waiting%s",
		user_has_control(human) ? "a user has control and did not hand it back"
					: "no user responded",
		(long long)human->args->timeout,
		user_has_control(human) ? "" : " (stream_url creates a new link for the user)");
	fail(human, &err, NULL);
	return 0;
}

static const char *describe(void *data)
{
	return user_has_control(data) ? "A user has control" : "Waiting for a user";
}

/* ---- client request ---- */

static json_t *request_params(const struct human *human)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "The agent requests help on its desktop: %s", human->args->reason);
	if (human->link) {
		buf_printf(&text,
			"\n\n"
			"To watch and control the desktop, open %s",
			human->link);
	}
	buf_printf(&text, "\n\n"
			  "Respond here when you are done.");
	json_t *params = json_pack("{s:o, s:{s:s, s:{s:{s:s, s:s, s:i}}}}", "message",
		json_string(buf_text(&text)), "requestedSchema", "type", "object", "properties",
		"message", "type", "string", "title", "Message to the agent (optional)",
		"maxLength", VM_CONTROL_TEXT_MAX);
	explicit_bzero(text.data, text.len);
	return must(params);
}

/* A user may still respond on the viewer page, if anyone has a link. */
static void go_on_without(struct human *human, const char *because)
{
	struct err err;
	if (human->may_come || user_has_control(human) ||
		stream_audience(human->call, call_vm(human->call)).can_act) {
		return;
	}
	if (human->link) {
		fail_with_link(human, because);
	} else {
		err_set(&err, ERR_STATE, "no user was asked: %s", because);
		fail(human, &err, NULL);
	}
}

/* The message from the client, cut to the maximum of a page; valid as long as the call. */
static const char *title(struct human *human, const json_t *answer)
{
	const json_t *content = json_object_get(answer, "content");
	const char *message = json_string_value(json_object_get(content, "message"));
	size_t len = message ? strnlen(message, VM_CONTROL_TEXT_MAX) : 0;
	while (len && (message[len] & 0xc0) == 0x80) {
		len--; /* not in the middle of a character */
	}
	char *copy = call_alloc(human->call, len + 1);
	memcpy(copy, message ? message : "", len);
	return copy;
}

/* If the user still has control, it is returned to the agent, which calls handed_back(). */
static void accepted(struct human *human, const char *message)
{
	struct vm *vm = call_vm(human->call);
	struct err gone;
	if (!user_has_control(human) ||
		!vm_control_give_back(vm, vm_control(vm)->fence, message, &gone)) {
		reply(human, "answered", message);
	}
}

static void answered(struct call *call, const json_t *answers, const struct err *why, void *data)
{
	struct human *human = data;
	const json_t *answer = json_object_get(answers, "user");
	const char *action = json_string_value(json_object_get(answer, "action"));
	struct err err;
	(void)call;
	if (why) {
		go_on_without(human, why->text);
	} else if (strcmp(action, "accept") == 0) {
		accepted(human, title(human, answer));
	} else if (strcmp(action, "decline") == 0) {
		err_set(&err, ERR_STATE,
			"the user declined. Continue without help, or explain what you need");
		fail(human, &err, NULL);
	} else {
		go_on_without(human, "the user closed the request in the client");
	}
}

/* ---- start ---- */

/* Creates a link for the user, unless one exists. */
static bool make_link(struct human *human, struct err *err)
{
	struct call *call = human->call;
	auto_buf struct buf link = { 0 };
	const struct stream *stream = stream_open_link(
		call, call_vm(call), STREAM_CONTROL, 0, STREAM_EXPIRES, &link, err);
	if (!stream) {
		return false;
	}
	human->link = call_alloc(call, link.len + 1);
	memcpy(human->link, link.data, link.len);
	memcpy(human->stream, stream->id, sizeof(human->stream));
	explicit_bzero(link.data, link.len);
	return true;
}

static void begin_waiting(struct human *human)
{
	struct call *call = human->call;
	sd_event *event = call_event(call);
	human->answered = false;
	call_on_cancel(call, take_back, human);
	human->wait = vm_control_ask(call_vm(call), human->args->reason, handed_back, human);
	human->late = loop_after_ms(event, (uint64_t)human->args->timeout * 1000, on_late, human);
	call_describe(call, describe, human);
	call_progress(call, 1, 2, describe(human));
}

/* The call must not be used after call_request_client(). */
static void begin(struct call *call, void *data)
{
	struct human *human = data;
	struct call_client_request request = { .key = "user", .method = "elicitation/create" };
	struct stream_audience there = stream_audience(call, call_vm(call));
	bool client_supports = call_client_supports(call, &request);
	struct err err;
	human->may_come = there.control_stream;
	call_on_end(call, over, human);
	vm_control_want(call_vm(call), NULL, 0); /* of an earlier round */
	if (!there.can_act && (client_supports || !human->may_come) && !make_link(human, &err) &&
		!client_supports) {
		fail(human, &err, NULL);
		return;
	}
	if (!client_supports && !human->may_come && !user_has_control(human)) {
		fail_with_link(human,
			"your client does not support elicitation, and no stream with mode "
			"control is open");
		return;
	}
	begin_waiting(human);
	if (client_supports) {
		request.params = request_params(human);
		call_request_client(call, &request, 1, answered, human);
	}
}

static void run(struct call *call, const void *data)
{
	struct human *human = call_alloc(call, sizeof(*human));
	const char *owner = call_owner(call);
	human->args = data;
	human->began = loop_now_us();
	human->answered = true; /* until begin(), which calls over() */
	human->streams = call_streams(call);
	human->owner = call_alloc(call, strlen(owner) + 1);
	memcpy(human->owner, owner, strlen(owner));
	human->call = call;
	call_start(call, human->args->sandbox, begin, human);
}

const struct tool tool_request_human = {
	.name = "request_human",
	.title = "Request help from a user",
	.help = "Asks a user to do what you cannot or should not do (log in, solve a captcha, "
		"decide). Returns the user's message at the end. A user without a link needs one: "
		"stream_url with mode control.",
	.toolset = "control",
	.hints = TOOL_TAKES_TIME | TOOL_OPEN_WORLD,
	.order = TOOL_WAITS,
	.fields = fields,
	.args_size = sizeof(struct human_args),
	.run = run,
};
