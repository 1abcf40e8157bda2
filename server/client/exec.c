#include "server/client/session.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

/* vitrine exec [--cwd DIR] [--env NAME=VALUE] SANDBOX -- COMMAND [ARGUMENT...] */

static int usage(const struct err *err)
{
	if (err && err->kind != ERR_NONE) {
		client_fail("exec", err);
	} else {
		fprintf(stderr, "vitrine exec: expected SANDBOX -- COMMAND [ARGUMENT...]\n");
	}
	return 2;
}

static bool take_option(
	json_t *args, json_t *environment, int argc, char **argv, int *at, struct err *err)
{
	bool cwd = strcmp(argv[*at], "--cwd") == 0;
	const char *value = *at + 1 < argc ? argv[*at + 1] : NULL;
	const char *equals = value ? strchr(value, '=') : NULL;
	if (!value || (!cwd && !equals)) {
		return err_set(err, ERR_ARGUMENT, "%s requires a value%s", argv[*at],
			cwd ? "" : ", NAME=VALUE");
	}
	if (cwd) {
		json_object_set_new(args, "cwd", json_string(value));
	} else {
		auto_free char *name = must(strndup(value, (size_t)(equals - value)));
		json_object_set_new(environment, name, json_string(equals + 1));
	}
	*at += 2;
	return true;
}

int client_exec(int argc, char **argv)
{
	struct remote_where where = { 0 };
	struct err err = { 0 };
	auto_buf struct buf tail = { 0 };
	json_t *environment = json_object();
	json_auto_t *args = json_pack("{s:o, s:b}", "environment", environment, "input", true);
	int at = 1;
	while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0) {
		bool ours = strcmp(argv[at], "--cwd") == 0 || strcmp(argv[at], "--env") == 0;
		if (!(ours ? take_option(args, environment, argc, argv, &at, &err)
			   : remote_where_option(&where, argc, argv, &at, &err))) {
			return usage(&err);
		}
	}
	const char *sandbox = at < argc ? argv[at++] : NULL;
	at += at < argc && strcmp(argv[at], "--") == 0;
	if (!sandbox || at >= argc) {
		return usage(NULL);
	}
	json_object_set_new(args, "arguments", json_integer(argc - at));
	for (; at < argc; at++) {
		buf_append(&tail, argv[at], strlen(argv[at]) + 1);
	}
	return session_run(
		&(struct session){ .name = "exec", .args = json_incref(args), .tail = &tail },
		&where, sandbox);
}
