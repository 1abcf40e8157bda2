#include "server/e2b/envd/typing.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/guest/guest.h"

#include <string.h>

#define TEXT_MAX 4000         /* bytes; SDKs send 25 characters at a time */
#define PID_OF_NONE (1 << 22) /* no process of Linux has such a pid */

/* ---- the command ---- */

/* One word of a shell: plain characters, '...' and "'"; anything else is left to the shell. */
static char *unquote(const char *at)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_@%+=:,./-";
	auto_buf struct buf text = { 0 };
	while (*at) {
		size_t len = strspn(at, plain), end;
		if (len) {
			buf_append(&text, at, len);
			at += len;
		} else if (strncmp(at, "\"'\"", 3) == 0) {
			buf_append(&text, "'", 1);
			at += 3;
		} else if (*at == '\'' && (end = strcspn(at + 1, "'"), at[1 + end])) {
			buf_append(&text, at + 1, end);
			at += end + 2;
		} else {
			return NULL;
		}
	}
	bool usable = text.len > 0 && text.len <= TEXT_MAX && utf8_is_valid(text.data, text.len);
	return usable ? must(strndup((const char *)text.data, text.len)) : NULL;
}

static const char *skip(const char *at, const char *expected)
{
	size_t len = strlen(expected);
	return at && strncmp(at, expected, len) == 0 ? at + len : NULL;
}

char *envd_typing_text(const struct process_config *config)
{
	const json_t *args = config->args;
	const char *login = json_string_value(json_array_get(args, 0));
	const char *option = json_string_value(json_array_get(args, 1));
	const char *at = skip(json_string_value(json_array_get(args, 2)), "xdotool type --delay ");
	if (strcmp(config->cmd, "/bin/bash") != 0 || json_array_size(args) != 3 || !login ||
		strcmp(login, "-l") != 0 || !option || strcmp(option, "-c") != 0 || !at ||
		json_object_get(config->envs, "DISPLAY")) {
		return NULL;
	}
	at = skip(at + strspn(at, "0123456789"), " -- ");
	return at ? unquote(at) : NULL;
}

/* ---- the answer ---- */

struct typing {
	struct rpc *rpc; /* NULL: its client has gone; the text is typed all the same */
	char *text;
};

static void on_closed(struct rpc *rpc)
{
	((struct typing *)rpc->data)->rpc = NULL;
}

static void say_problem(struct rpc *rpc, const char *why)
{
	auto_buf struct buf line = { 0 };
	size_t len;
	buf_printf(&line, "xdotool: %s\n", why);
	auto_free char *base64 = base64_encode(line.data, line.len, &len);
	rpc_say(rpc, must(json_pack("{s:{s:{s:s}}}", "event", "data", "stderr", base64)));
}

static void say_end(struct rpc *rpc, bool typed)
{
	char text[PROCESS_STATUS_SIZE];
	process_status(!typed, 0, text);
	rpc_say(rpc, must(json_pack("{s:{s:{s:i, s:b, s:s, s:s*}}}", "event", "end", "exitCode",
			     !typed, "exited", 1, "status", text, "error", typed ? NULL : text)));
	rpc_end(rpc);
}

static void on_typed(const struct guest_act *res, const struct err *err, void *data)
{
	struct typing *typing = data;
	struct rpc *rpc = typing->rpc;
	const struct err *why = err ? err : res->failed.kind != ERR_NONE ? &res->failed : NULL;
	if (rpc) {
		rpc->closed = NULL;
	}
	if (rpc && err && err->kind == ERR_GONE) {
		rpc_fail_err(rpc, err); /* cuts the connection */
	} else if (rpc) {
		if (why) {
			say_problem(rpc, why->text);
		}
		say_end(rpc, !why);
	}
	free(typing->text);
	free(typing);
}

void envd_typing_run(struct rpc *rpc, char *text)
{
	static int number;
	struct typing *typing = must(calloc(1, sizeof(*typing)));
	const struct action action = { .kind = ACTION_TYPE, .text = text };
	typing->rpc = rpc;
	typing->text = text;
	rpc->data = typing;
	rpc->closed = on_closed;
	number = (number + 1) % 1000000;
	rpc_stream_begin(rpc);
	rpc_say(rpc,
		must(json_pack("{s:{s:{s:i}}}", "event", "start", "pid", PID_OF_NONE + number)));
	guest_act(rpc->guest, &action, 1, NULL, on_typed, typing);
}
