// USES wire
/* Which arguments belong to which event. */
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct size frame = { 1280, 800 };

static bool check(const char *json, struct err *err)
{
	struct msg_wait wait = { 0 };
	json_auto_t *args = json_loads(json, 0, NULL);
	cr_assert_not_null(args, "%s", json);
	return field_decode(message_wait.request.fields, args, &wait, err) &&
	       wait_check(&wait, frame, err);
}

Test(messages_wait, what_is_enough)
{
	static const char *const good[] = {
		"{\"until\":\"change\",\"timeout_ms\":0}",
		"{\"until\":\"change\",\"timeout_ms\":9,\"region\":[0,0,1280,800],\"since\":4}",
		"{\"until\":\"settled\",\"timeout_ms\":9,\"region\":[1279,799,1280,800]}",
		"{\"until\":\"window\",\"timeout_ms\":9,\"title\":\"a\"}",
		"{\"until\":\"window\",\"timeout_ms\":9,\"class\":\"a\",\"pid\":3}",
		"{\"until\":\"window_gone\",\"timeout_ms\":9,\"window\":7}",
		"{\"until\":\"process_exit\",\"timeout_ms\":9,\"pid\":1}",
		"{\"until\":\"file\",\"timeout_ms\":9,\"path\":\"~/a\"}",
		"{\"until\":\"port\",\"timeout_ms\":9,\"port\":65535}",
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err err;
		cr_expect(check(good[i], &err), "%s: %s", good[i], err.text);
	}
}

Test(messages_wait, what_is_refused)
{
	static const struct {
		const char *json, *names;
	} bad[] = {
		{ "{\"until\":\"text\",\"timeout_ms\":9}", "until" },
		{ "{\"until\":\"change\"}", "timeout_ms" },
		{ "{\"until\":\"change\",\"timeout_ms\":9,\"port\":80}", "'port' has no effect" },
		{ "{\"until\":\"port\",\"timeout_ms\":9,\"port\":80,\"since\":3}",
			"'since' has no effect" },
		{ "{\"until\":\"window\",\"timeout_ms\":9}", "'title', 'class' or 'pid'" },
		{ "{\"until\":\"window\",\"timeout_ms\":9,\"title\":\"a\",\"window\":1}",
			"'window' has no effect" },
		{ "{\"until\":\"window_gone\",\"timeout_ms\":9}", "'window'" },
		{ "{\"until\":\"process_exit\",\"timeout_ms\":9,\"pid\":0}", "requires 'pid'" },
		{ "{\"until\":\"process_exit\",\"timeout_ms\":9,\"pid\":-1}", "pid" },
		{ "{\"until\":\"file\",\"timeout_ms\":9,\"path\":\"\"}", "path" },
		{ "{\"until\":\"port\",\"timeout_ms\":9,\"port\":65536}", "port" },
		{ "{\"until\":\"change\",\"timeout_ms\":9,\"region\":[0,0,1281,800]}", "1280x800" },
		{ "{\"until\":\"change\",\"timeout_ms\":9,\"region\":[-1,0,9,9]}", "1280x800" },
		{ "{\"until\":\"settled\",\"timeout_ms\":9,\"region\":[5,5,5,9]}", "x0 < x1" },
		{ "{\"until\":\"settled\",\"timeout_ms\":9,\"region\":[1,2,3]}", "region" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };
		cr_expect_not(check(bad[i].json, &err), "%s", bad[i].json);
		cr_expect(strstr(err.text, bad[i].names), "%s: %s", bad[i].json, err.text);
	}
}
