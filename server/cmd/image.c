/*
 * vitrine image: builds, lists, shows and removes images of microVMs.  Each subcommand is a row
 * with the options it accepts; one loop decodes all of them.
 */
#include "server/cmd/command.h"
#include "server/cmd/image_impl.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/nearest.h"
#include "vm/image/isolation.h"
#include "vm/image/plan.h"
#include "vm/state/state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	TAKES_NAME = 1,
	TAKES_TAR = 2,
	TAKES_JSON = 4,
	TAKES_WHAT = 8,
	NEEDS_WHAT = 16,
	TAKES_WARM = 32,
	TAKES_FORCE = 64
};

struct verb {
	const char *name;
	unsigned takes;
	int (*run)(struct image_args *args);
};

int image_cmd_fail(const struct err *err)
{
	fprintf(stderr, "vitrine image: %s\n", err->text);
	return 1;
}

static const struct verb verbs[] = {
	{ "build", TAKES_WHAT | TAKES_NAME | TAKES_TAR | TAKES_WARM, image_cmd_build },
	{ "list", TAKES_JSON, image_cmd_list },
	{ "show", NEEDS_WHAT | TAKES_JSON, image_cmd_show },
	{ "rm", NEEDS_WHAT | TAKES_FORCE, image_cmd_rm },
	{ .name = NULL },
};

static const struct {
	const char *name;
	unsigned takes; /* 0: all subcommands */
	size_t value;   /* offset of the value; 0: none */
	bool repeats;   /* the value is appended to an array */
	size_t flag;    /* offset of the flag, if it has no value */
} options[] = {
	{ "--name", TAKES_NAME, offsetof(struct image_args, name) },
	{ "--from-tar", TAKES_TAR, offsetof(struct image_args, from_tar) },
	{ "--state-dir", 0, offsetof(struct image_args, state_dir) },
	{ "--warm", TAKES_WARM, offsetof(struct image_args, warm), true },
	{ "--json", TAKES_JSON, .flag = offsetof(struct image_args, json) },
	{ "--force", TAKES_FORCE, .flag = offsetof(struct image_args, force) },
};
#define N_OPTIONS (sizeof(options) / sizeof(*options))

static const struct verb *find_verb(const char *name)
{
	const char *names[sizeof(verbs) / sizeof(*verbs)] = { NULL };
	for (size_t i = 0; verbs[i].name; i++) {
		if (strcmp(verbs[i].name, name) == 0) {
			return &verbs[i];
		}
		names[i] = verbs[i].name;
	}
	const char *near = nearest_name(name, names);
	fprintf(stderr, "vitrine image: unknown subcommand '%.60s'%s%s%s\n", name,
		near ? "; did you mean '" : "; expected build, list, show or rm", near ? near : "",
		near ? "'?" : "");
	return NULL;
}

static int wrong_option(const struct verb *verb, const char *word)
{
	const char *names[N_OPTIONS + 1] = { NULL };
	size_t n = 0;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (!options[i].takes || verb->takes & options[i].takes) {
			names[n++] = options[i].name;
		}
	}
	const char *near = nearest_name(word, names);
	fprintf(stderr, "vitrine image %s: unexpected argument '%.60s'%s%s%s\n", verb->name, word,
		near ? "; did you mean '" : "; see `vitrine image --help`", near ? near : "",
		near ? "'?" : "");
	return -1;
}

/* False: not valid UTF-8. */
static bool take_value(struct image_args *args, size_t option, const char *value)
{
	void *to = (char *)args + options[option].value;
	if (options[option].repeats) {
		json_t **list = to;
		*list = *list ? *list : json_array();
		return json_array_append_new(*list, json_string(value)) == 0;
	}
	*(const char **)to = value;
	return true;
}

/* Returns the number of arguments used; -1: wrong usage. */
static int take_option(const struct verb *verb, struct image_args *args, int argc, char **argv)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		size_t len = strlen(options[i].name);
		bool fits = !options[i].takes || verb->takes & options[i].takes;
		if (!fits || strncmp(argv[0], options[i].name, len) != 0 ||
			(argv[0][len] != '=' && argv[0][len])) {
			continue;
		}
		if (!options[i].value && !argv[0][len]) {
			*(bool *)((char *)args + options[i].flag) = true;
			return 1;
		}
		const char *value = argv[0][len] ? argv[0] + len + 1 : argc > 1 ? argv[1] : "";
		if (!options[i].value || !value[0]) {
			fprintf(stderr, "vitrine image %s: %s %s\n", verb->name, options[i].name,
				options[i].value ? "requires a value" : "takes no value");
			return -1;
		}
		if (!take_value(args, i, value)) {
			fprintf(stderr, "vitrine image %s: the value of %s must be UTF-8\n",
				verb->name, options[i].name);
			return -1;
		}
		return argv[0][len] ? 1 : 2;
	}
	return wrong_option(verb, argv[0]);
}

static bool take_arguments(const struct verb *verb, struct image_args *args, int argc, char **argv)
{
	for (int i = 0; i < argc;) {
		bool is_option = argv[i][0] == '-' && argv[i][1];
		if (!is_option && !args->what && verb->takes & (TAKES_WHAT | NEEDS_WHAT)) {
			args->what = argv[i++];
			continue;
		}
		int n = is_option ? take_option(verb, args, argc - i, argv + i)
				  : wrong_option(verb, argv[i]);
		if (n < 0) {
			return false;
		}
		i += n;
	}
	if (verb->takes & NEEDS_WHAT && !args->what) {
		fprintf(stderr,
			"vitrine image %s: expected an image's id or name; `vitrine image list` "
			"lists them\n",
			verb->name);
		return false;
	}
	return true;
}

static bool find_images(struct image_args *args, struct err *err)
{
	auto_free char *dir =
		args->state_dir ? must(strdup(args->state_dir)) : state_default_dir(err);
	auto_buf struct buf path = { 0 };
	if (!dir) {
		return false;
	}
	auto_free char *cwd = dir[0] == '/' ? NULL : must(getcwd(NULL, 0));
	buf_printf(&path, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", dir);
	args->state = must(strdup(buf_text(&path)));
	buf_printf(&path, "/images");
	args->images = must(strdup(buf_text(&path)));
	return true;
}

static int run(int argc, char **argv)
{
	struct image_args args = { 0 };
	struct err err = { 0 };
	if (argc == 3 && strcmp(argv[1], "finish") == 0) {
		return plan_finish(argv[2]); /* called by mmdebstrap: vm/image/build.c */
	}
	if (argc > 1 && strcmp(argv[1], "isolation") == 0) {
		return isolation_outer(argv + 2); /* these two: vm/image/isolation.h */
	}
	if (argc > 1 && strcmp(argv[1], "inside") == 0) {
		return isolation_inner(argv + 2);
	}
	const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
	if (!verb) {
		if (argc < 2) {
			fprintf(stderr, "vitrine image: expected a subcommand: build, list, show "
					"or rm\n");
		}
		return 2;
	}
	int status = 2;
	if (take_arguments(verb, &args, argc - 2, argv + 2)) {
		status = find_images(&args, &err) ? verb->run(&args) : image_cmd_fail(&err);
	}
	json_decref(args.warm);
	free(args.state);
	free(args.images);
	return status;
}

const struct command command_image = {
	.name = "image",
	.summary = "build, list, show and remove images of microVMs",
	.usage = "build [RECIPE] | list | show ID|NAME | rm ID|NAME [options]",
	.help = "build [RECIPE] [--name NAME]     builds an image: minimal (the default), "
		"desktop, or a\n"
		"                                 folder with a recipe.json (./NAME)\n"
		"build --from-tar ROOTFS.tar      builds an image from a root file system and reports\n"
		"                                 missing packages\n"
		"build ... --warm COMMAND         starts COMMAND when the image's template is created, so\n"
		"                                 that its window is open in every sandbox; creating\n"
		"                                 the template takes longer; can be repeated\n"
		"list [--json]                    lists the images, newest first\n"
		"show ID|NAME [--json]            shows an image and its packages\n"
		"rm ID|NAME [--force]             removes an image; --force removes it even if\n"
		"                                 sandboxes or snapshots need it\n"
		"\n--state-dir DIR selects the directory of the images.  A build needs mmdebstrap,\n"
		"erofs-utils, the package sources of this machine, and root or subordinate ids\n"
		"(/etc/subuid, package uidmap).  The same recipe and packages give the same id.",
	.run = run,
};
