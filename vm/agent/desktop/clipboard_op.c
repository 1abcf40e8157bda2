/* The clipboard for the host: read now, and set. */
#include "base/cleanup.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/desktop/clipboard.h"

static bool find_clipboard(struct agent *agent, struct err *err)
{
	return (agent->clipboard || display_is_restarting(err)) &&
	       display_is_up(agent->display, err);
}

/* ---- reading ---- */

struct get {
	struct request *req;
	struct clip_read *read;
};

static void on_read(const struct clip_content *content, const struct err *err, void *data)
{
	auto_free struct get *get = data;
	if (err) {
		request_fail(get->req, err);
		return;
	}
	const struct msg_clipboard_get_answer answer = { content->type, content->absent };
	request_reply(get->req, must(message_encode(&message_clipboard_get.answer, &answer)),
		content->bytes, content->len);
}

static void on_cancel(void *data)
{
	auto_free struct get *get = data;
	struct err err;
	clip_read_free(get->read);
	err_set(&err, ERR_CANCELLED, "reading the clipboard was cancelled");
	request_fail(get->req, &err);
}

static void run_get(struct request *req, const void *data)
{
	const struct msg_clipboard_get *args = data;
	struct agent *agent = request_agent(req);
	struct clipboard_wish wish;
	struct err err;
	struct get *get = must(calloc(1, sizeof(*get)));
	get->req = req;
	if (!clipboard_wish_decode(args->types, &wish, &err) || !find_clipboard(agent, &err) ||
		!(get->read = clip_read_new(
			  clipboard_reads(agent->clipboard), &wish, on_read, get, &err))) {
		free(get);
		request_fail(req, &err);
		return;
	}
	request_on_cancel(req, on_cancel, get);
}

const struct op op_clipboard_get = { .message = &message_clipboard_get, .run = run_get };

/* ---- setting ---- */

static void run_set(struct request *req, const void *data)
{
	const struct msg_clipboard_set *args = data;
	struct agent *agent = request_agent(req);
	size_t len;
	const char *bytes = request_tail(req, &len);
	struct err err;
	if (!clipboard_check(args->type, bytes, len, &err) || !find_clipboard(agent, &err) ||
		!clipboard_set(agent->clipboard,
			&(struct clip_copy){ args->type, bytes, len, args->plain }, &err)) {
		request_fail(req, &err);
	} else {
		request_reply(req, NULL, NULL, 0);
	}
}

const struct op op_clipboard_set = { .message = &message_clipboard_set, .run = run_set };
