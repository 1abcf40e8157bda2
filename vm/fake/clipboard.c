/* The fake agent's clipboard: one content; exec "copy TEXT" and "copy-secret" are its programs. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"

#include <string.h>

/* The first of the types that it has. */
static void choose(const struct fake_clipboard *has, const struct clipboard_wish *wish,
	struct msg_clipboard_get_answer *to)
{
	for (int i = 0; i < wish->n; i++) {
		int type = wish->types[i];
		if (type == has->type || (type == CLIPBOARD_TEXT && has->has_plain)) {
			to->type = type;
			return;
		}
	}
	to->absent = CLIPBOARD_OTHER;
}

bool fake_clipboard_get(struct fake_request *req, struct err *err)
{
	const struct msg_clipboard_get *args = req->args;
	const struct fake_clipboard *has = &req->fake->desktop.clipboard;
	struct msg_clipboard_get_answer answer = { -1, -1 };
	struct clipboard_wish wish;
	if (!clipboard_wish_decode(args->types, &wish, err)) {
		return false;
	}
	if (has->is_secret) {
		answer.absent = CLIPBOARD_SECRET;
	} else if (!has->is_there) {
		answer.absent = CLIPBOARD_EMPTY;
	} else {
		choose(has, &wish, &answer);
	}
	const struct buf *tail = answer.type < 0            ? NULL
				 : answer.type != has->type ? &has->plain
							    : &has->bytes;
	fake_reply(req, must(message_encode(&message_clipboard_get.answer, &answer)),
		tail ? tail->data : NULL, tail ? tail->len : 0);
	return true;
}

void fake_clipboard_put(
	struct fake_desktop *desktop, int type, const void *bytes, size_t len, bool is_secret)
{
	struct fake_clipboard *has = &desktop->clipboard;
	buf_done(&has->bytes);
	buf_append(&has->bytes, bytes, len);
	has->type = type;
	has->is_there = true;
	has->is_secret = is_secret;
	has->has_plain = false;
}

bool fake_clipboard_set(struct fake_request *req, struct err *err)
{
	const struct msg_clipboard_set *args = req->args;
	const struct link_msg *msg = req->msg;
	if (!clipboard_check(args->type, msg->tail, msg->tail_len, err)) {
		return false;
	}
	fake_clipboard_put(&req->fake->desktop, args->type, msg->tail, msg->tail_len, false);
	struct fake_clipboard *has = &req->fake->desktop.clipboard;
	buf_done(&has->plain);
	if (args->plain) {
		has->has_plain = true;
		buf_append(&has->plain, args->plain, strlen(args->plain));
	}
	fake_reply(req, NULL, NULL, 0);
	return true;
}
