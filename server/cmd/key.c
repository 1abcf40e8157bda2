/* vitrine key: adds, lists and removes the keys of clients. */
#include "server/cmd/command.h"

#include "base/cleanup.h"
#include "base/nearest.h"
#include "server/config/config.h"
#include "server/http/auth.h"
#include "server/http/auth_file.h"
#include "vm/state/state.h"

#include <stdio.h>
#include <string.h>

static int fail(const struct err *err)
{
	fprintf(stderr, "vitrine key: %s\n", err->text);
	return err->kind == ERR_ARGUMENT ? 2 : 1;
}

/* The key is on stdout, for scripts; the rest is for the user. */
static int run_add(const char *path, const char *name)
{
	char token[AUTH_TOKEN_SIZE];
	struct err err;
	auth_make_token(token);
	bool added = auth_file_add(path, name, token, &err);
	if (added) {
		fprintf(stderr, "The key of \"%s\", shown only here; its digest is in %s:\n", name,
			path);
		printf("%s\n", token);
	}
	explicit_bzero(token, sizeof(token));
	return added ? 0 : fail(&err);
}

static int run_list(const char *path, const char *name)
{
	struct err err;
	json_auto_t *list = auth_file_read(path, &err);
	size_t i;
	json_t *entry;
	(void)name;
	if (!list) {
		return fail(&err);
	}
	json_array_foreach(list, i, entry)
	{
		printf("%s\n", json_string_value(json_object_get(entry, "name")));
	}
	return 0;
}

static int run_remove(const char *path, const char *name)
{
	struct err err;
	return auth_file_remove(path, name, &err) ? 0 : fail(&err);
}

static const struct verb {
	const char *name;
	bool takes_name;
	int (*run)(const char *path, const char *name);
} verbs[] = {
	{ "add", true, run_add },
	{ "list", false, run_list },
	{ "remove", true, run_remove },
};
#define N_VERBS (sizeof(verbs) / sizeof(*verbs))

static const struct verb *find_verb(const char *name)
{
	const char *names[N_VERBS + 1] = { 0 };
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0) {
			return &verbs[i];
		}
		names[i] = verbs[i].name;
	}
	const char *near = nearest_name(name, names);
	fprintf(stderr, "vitrine key: unknown subcommand '%.60s'%s%s%s\n", name,
		near ? "; did you mean '" : "; expected add, list or remove", near ? near : "",
		near ? "'?" : "");
	return NULL;
}

static const char *const options[] = { "tokens", "state-dir", NULL };

/* The state directory may not exist yet. */
static char *find_file(const struct config *config, struct err *err)
{
	if (config->http.tokens) {
		return must(strdup(config->http.tokens));
	}
	struct state *state = state_open(config->vm.state_dir, err);
	if (!state) {
		return NULL;
	}
	state_close(state);
	return auth_file_default(config->vm.state_dir, err);
}

static int run_verb(const struct verb *verb, const char *name, int argc, char **argv)
{
	auto_config struct config config = { 0 };
	struct err err;
	if (!config_load_some(&config, options, argc, argv, &err)) {
		return fail(&err);
	}
	auto_free char *path = find_file(&config, &err);
	return path ? verb->run(path, name) : fail(&err);
}

static int run(int argc, char **argv)
{
	const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
	int used = verb && verb->takes_name ? 3 : 2;
	if (!verb) {
		if (argc < 2) {
			fprintf(stderr,
				"vitrine key: expected a subcommand: add, list or remove\n");
		}
		return 2;
	}
	if (verb->takes_name && (argc < 3 || argv[2][0] == '-')) {
		fprintf(stderr, "vitrine key %s: expected the NAME of a client\n", verb->name);
		return 2;
	}
	const char *name = verb->takes_name ? argv[2] : NULL;
	argv[used - 1] = argv[0]; /* what the options follow */
	return run_verb(verb, name, argc - used + 1, argv + used - 1);
}

const struct command command_key = {
	.name = "key",
	.summary = "add, list and remove the keys of clients",
	.usage = "add NAME | list | remove NAME [options]",
	.help = "add NAME       makes a key for a client and prints it.  Only its digest is kept\n"
		"list           lists the names\n"
		"remove NAME    removes a key; a server that runs refuses it from then on\n"
		"\nA key is a token of `vitrine serve`, for HTTP and for E2B's API.  The clients of one\n"
		"name share sandboxes.  A server without --tokens reads STATE/tokens.json, where keys are\n"
		"added; one that was started before the first key must be restarted.",
	.takes_config = true,
	.options = options,
	.run = run,
};
