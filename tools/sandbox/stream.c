#include "tools/sandbox/stream.h"

#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/sandbox/sandbox.h"

#include <string.h>
#include <time.h>

/*
 * Streams: links with which users watch a desktop live in a browser.  A link is returned once, in
 * the result of the call that creates it; its secret is stored nowhere else.
 */

/* ---- shared ---- */

void stream_format_time(struct buf *out, int64_t at)
{
	char text[32];
	time_t seconds = at / 1000;
	struct tm utc;
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%H:%M:%S UTC", &utc);
	int64_t ahead = at - clock_wall_ms();
	buf_printf(out, "%s (%s", text, ahead > 0 ? "in " : "");
	sandbox_format_span(out, ahead > 0 ? ahead + 500 : -ahead);
	buf_printf(out, "%s)", ahead > 0 ? "" : " ago");
}

struct stream_audience stream_audience(struct call *call, const struct vm *vm)
{
	struct stream_audience all = { 0 };
	const struct stream *stream;
	for (size_t i = 0; (stream = streams_at(call_streams(call), call_owner(call), i)); i++) {
		bool controls = stream->mode == STREAM_CONTROL;
		if (stream->vm == vm) {
			all.viewers += stream->viewers;
			all.can_act += controls ? stream->viewers : 0;
			all.control_stream |= controls;
		}
	}
	return all;
}

const struct stream *stream_open_link(struct call *call, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, struct buf *out, struct err *err)
{
	auto_free char *base = NULL;
	char ticket[SECRET_LEN + 1];
	const struct stream *stream = NULL;
	if (call_stream_base(call, &base, err)) {
		stream = streams_open(call_streams(call), vm, mode, window, expires_s, ticket, err);
	}
	if (stream) {
		buf_printf(out, "%s/s/%s/#%s", base, stream->id, ticket);
		explicit_bzero(ticket, sizeof(ticket));
	}
	return stream;
}

/* ---- stream_url ---- */

#define WINDOWS_SHOWN 20

struct url_args {
	const char *sandbox;
	int mode;
	int64_t window, expires;
};

static const struct field url_fields[] = {
	FIELD_ONE_OF(struct url_args, mode,
		"view = watch only; control = the user can also take mouse and keyboard.",
		stream_mode_names),
	FIELD_NUM(struct url_args, window,
		"Id of the only window to show. An unknown id returns an error with the list of "
		"windows. Default: the whole screen.",
		.min = 1, .max = UINT32_MAX),
	FIELD_NUM(struct url_args, expires, "Lifetime of the stream in seconds.", .min = 10,
		.max = STREAM_EXPIRES_MAX, .default_value = STREAM_EXPIRES),
	CALL_SANDBOX(struct url_args),
	{ 0 },
};

struct url {
	struct call *call;
	const struct url_args *args;
};

static void format_link(
	struct buf *out, struct call *call, const struct stream *stream, const char *link)
{
	bool controls = stream->mode == STREAM_CONTROL;
	int64_t ticket_s = (stream->expires - stream->created) / 1000;
	if (ticket_s > STREAM_TICKET_SECONDS) {
		ticket_s = STREAM_TICKET_SECONDS;
	}
	buf_printf(out, "Live %s of sandbox %s, to %s in any browser:\n%s\n",
		stream->window ? "window" : "desktop", vm_id(stream->vm),
		controls ? "watch and take control" : "watch", link);
	if (!stream->window) {
		buf_printf(
			out, "Viewers also see your actions, including typed text and commands. ");
	}
	buf_printf(out, "Give the user the complete, unchanged link. It must be opened within ");
	sandbox_format_span(out, ticket_s * 1000);
	buf_printf(
		out, ", and only the first browser that opens it has access. The stream ends at ");
	stream_format_time(out, stream->expires);
	buf_printf(out, ", or with stream_revoke {\"stream\": \"%s\"}.", stream->id);
	if (call_stream_vnc(call)) {
		buf_printf(out,
			" A VNC viewer can open it instead of a browser: address %s, user name "
			"%s, password: the part after the #.",
			call_stream_vnc(call), stream->id);
	}
	if (vm_state(stream->vm) == VM_PAUSED) {
		buf_printf(out,
			" The sandbox is paused: the page shows the desktop when the sandbox is "
			"resumed.");
	}
}

static void make_link(struct url *url)
{
	const struct url_args *args = url->args;
	struct call *call = url->call;
	auto_buf struct buf link = { 0 }, text = { 0 };
	struct err err;
	const struct stream *stream = stream_open_link(call, call_vm(call),
		(enum stream_mode)args->mode, args->window, args->expires, &link, &err);
	if (!stream) {
		call_fail(call, &err);
		return;
	}
	format_link(&text, call, stream, buf_text(&link));
	json_t *content = json_array();
	result_add_text(content, buf_text(&text));
	explicit_bzero(link.data, link.len);
	explicit_bzero(text.data, text.len);
	call_reply(call, content);
}

static void format_windows(struct buf *out, const json_t *windows)
{
	size_t n = json_array_size(windows);
	for (size_t i = 0; i < n && i < WINDOWS_SHOWN; i++) {
		const json_t *window = json_array_get(windows, i);
		const char *title = json_string_value(json_object_get(window, "title"));
		buf_printf(out, "%s%lld ", i ? ", " : "",
			(long long)json_integer_value(json_object_get(window, "id")));
		result_quote_name(out, title ? title : "");
	}
	if (n > WINDOWS_SHOWN) {
		buf_printf(out, " and %zu more", n - WINDOWS_SHOWN);
	}
}

static void fail_window(struct url *url, const json_t *windows)
{
	auto_buf struct buf text = { 0 };
	json_t *content = json_array();
	struct err err;
	err_set(&err, ERR_NOT_FOUND, "this desktop has no window %lld",
		(long long)url->args->window);
	buf_printf(&text, json_array_size(windows) ? "Windows: " : "It currently has no windows.");
	format_windows(&text, windows);
	result_add_text(content, buf_text(&text));
	call_fail_with(url->call, &err, content);
}

static void on_windows(const json_t *info, const struct err *err, void *data)
{
	struct url *url = data;
	const json_t *windows = json_object_get(info, "windows"), *window;
	size_t i;
	call_works(url->call, 0);
	if (err) {
		call_fail(url->call, err);
		return;
	}
	json_array_foreach((json_t *)windows, i, window)
	{
		if (json_integer_value(json_object_get(window, "id")) == url->args->window) {
			make_link(url);
			return;
		}
	}
	fail_window(url, windows);
}

static void check_window(struct call *call, void *data)
{
	struct url *url = data;
	if (url->args->window) {
		call_works(call, guest_info(call_guest(call), on_windows, url));
	} else {
		make_link(url);
	}
}

/* A link requires an existing desktop, but watching a paused one must not resume it. */
static void run_url(struct call *call, const void *data)
{
	struct url *url = call_alloc(call, sizeof(*url));
	struct err err;
	url->call = call;
	url->args = data;
	struct vm *vm = sandbox_find(call, url->args->sandbox, &err);
	if (vm && vm_state(vm) == VM_PAUSED) {
		make_link(url);
	} else {
		call_start(call, url->args->sandbox, check_window, url);
	}
}

const struct tool tool_stream_url = {
	.name = "stream_url",
	.title = "Get a link to the live desktop",
	.help = "Creates a link with which a user can watch the desktop live in a browser, or also "
		"control it. Returns the URL and its expiry time.",
	.toolset = "stream",
	.fields = url_fields,
	.args_size = sizeof(struct url_args),
	.run = run_url,
};

/* ---- stream_list ---- */

static const struct field no_fields[] = { { 0 } };

static void format_viewers(struct buf *out, unsigned viewers)
{
	if (viewers) {
		buf_printf(out, "%u viewer%s", viewers, viewers == 1 ? "" : "s");
	} else {
		buf_printf(out, "no viewers");
	}
}

static void format_stream(struct buf *out, const struct stream *stream)
{
	buf_printf(out, "\n%s: %s, sandbox %s, ", stream->id, stream_mode_names[stream->mode],
		vm_id(stream->vm));
	if (stream->window) {
		buf_printf(out, "window %lld, ", (long long)stream->window);
	}
	format_viewers(out, stream->viewers);
	buf_printf(out, ", ends at ");
	stream_format_time(out, stream->expires);
}

static void run_list(struct call *call, const void *data)
{
	auto_buf struct buf text = { 0 };
	struct streams *streams = call_streams(call);
	const struct stream *stream;
	size_t n = 0;
	(void)data;
	while (streams_at(streams, call_owner(call), n)) {
		n++;
	}
	buf_printf(&text, n ? "%zu stream%s:" : "You have no streams. stream_url creates one.", n,
		n == 1 ? "" : "s");
	for (size_t i = 0; (stream = streams_at(streams, call_owner(call), i)); i++) {
		format_stream(&text, stream);
	}
	sandbox_reply(call, &text);
}

const struct tool tool_stream_list = {
	.name = "stream_list",
	.title = "List streams",
	.help = "Lists your streams, one per line: id, mode, sandbox, number of viewers and "
		"expiry time.",
	.toolset = "stream",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_REPEATABLE,
	.fields = no_fields,
	.run = run_list,
};

/* ---- stream_revoke ---- */

struct revoke_args {
	const char *stream;
};

static const struct field revoke_fields[] = {
	FIELD_STR(struct revoke_args, stream, "Id of the stream to end.", .required = true,
		.min = 1, .max = 64),
	{ 0 },
};

static void run_revoke(struct call *call, const void *data)
{
	const struct revoke_args *args = data;
	auto_buf struct buf text = { 0 };
	struct err err;
	if (!streams_revoke(call_streams(call), call_owner(call), args->stream, &err)) {
		call_fail(call, &err);
		return;
	}
	buf_printf(&text,
		"Stream %s has ended. Its link no longer works, and its viewers are disconnected.",
		args->stream);
	sandbox_reply(call, &text);
}

const struct tool tool_stream_revoke = {
	.name = "stream_revoke",
	.title = "End a stream",
	.help = "Ends a stream immediately. Its link no longer works, and its viewers are "
		"disconnected.",
	.toolset = "stream",
	.hints = TOOL_EXTRA | TOOL_DESTROYS,
	.fields = revoke_fields,
	.args_size = sizeof(struct revoke_args),
	.run = run_revoke,
};
