#include "server/cmd/command.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/nearest.h"
#include "vm/image/build.h"
#include "vm/image/image.h"
#include "vm/image/plan.h"
#include "vm/image/walls.h"
#include "vm/lifecycle/metadata.h"
#include "vm/state/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * vitrine image: builds, lists, shows and removes images of microVMs.  Each subcommand is a row
 * with the options it accepts; one loop decodes all of them.
 */

struct args {
	const char *what; /* RECIPE, or ID|NAME */
	const char *name, *from_tar, *state_dir;
	bool json, force;
	json_t *warm; /* an array */
	char *state, *images;
};

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
	int (*run)(struct args *args);
};

static int fail(const struct err *err)
{
	fprintf(stderr, "vitrine image: %s\n", err->text);
	return 1;
}

/* ---- build ---- */

struct work {
	sd_event *event;
	struct build *build;
	sd_event_source *second;
	uint64_t began;
	bool terminal, stopping;
	const char *step; /* printed last */
	int percent;
	int status;
};

static unsigned seconds(const struct work *work)
{
	return (unsigned)((loop_now_us() - work->began) / 1000000);
}

/* On a terminal, one line that is overwritten; otherwise one line per step. */
static void show(const struct work *work)
{
	if (work->terminal) {
		printf("\r\033[K%3d %%  %s  %u s", work->percent, work->step, seconds(work));
	} else {
		printf("%3d %%  %s\n", work->percent, work->step);
	}
	fflush(stdout);
}

static void on_progress(const char *step, int percent, void *data)
{
	struct work *work = data;
	bool shows = work->terminal || !work->step || strcmp(work->step, step) != 0;
	work->step = step;
	work->percent = percent;
	if (shows) {
		show(work);
	}
}

static int on_second(sd_event_source *source, uint64_t at, void *data)
{
	(void)source;
	(void)at;
	struct work *work = data;
	loop_drop(&work->second);
	if (work->step) {
		show(work);
	}
	work->second = loop_after_ms(work->event, 1000, on_second, work);
	return 0;
}

static void on_end(const struct image *image, bool was_there, const struct err *err, void *data)
{
	struct work *work = data;
	printf("%s", work->terminal ? "\r\033[K" : "");
	if (!image) {
		work->status = fail(err);
	} else if (was_there) {
		printf("%s: image %s already exists for this recipe and these packages\n",
			image->name, image->id);
	} else {
		printf("%s: image %s, %lld MiB, %u s\n", image->name, image->id,
			(long long)(image->bytes >> 20), seconds(work));
	}
	fflush(stdout);
	sd_event_exit(work->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	struct work *work = data;
	if (!work->build) {
		return 0;
	}
	if (!work->stopping) {
		fprintf(stderr, "%svitrine image: stopping...\n", work->terminal ? "\r\033[K" : "");
	}
	work->stopping = true;
	loop_drop(&work->second);
	build_cancel(work->build);
	return 0;
}

/* Closing the terminal ends the build, unless nohup ignores SIGHUP. */
static bool watch_hangup(struct work *work, struct err *err)
{
	struct sigaction is;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	if (sigaction(SIGHUP, NULL, &is) < 0 || is.sa_handler == SIG_IGN) {
		return true;
	}
	int r = sigprocmask(SIG_BLOCK, &set, NULL) < 0
			? -errno
			: sd_event_add_signal(work->event, NULL, SIGHUP, on_signal, work);
	errno = r < 0 ? -r : 0;
	return r >= 0 || err_errno(err, "cannot detect that the terminal was closed");
}

/* A state directory that `serve` would refuse is refused. */
static bool check_state(const struct args *args, struct err *err)
{
	struct state *state = state_open(args->state, err);
	if (!state) {
		return false;
	}
	state_close(state);
	return true;
}

static int run_build(struct args *args)
{
	struct err err = { 0 };
	struct work work = { .terminal = isatty(STDOUT_FILENO), .began = loop_now_us() };
	struct build_how how = {
		.images = args->images,
		.recipe = args->what,
		.name = args->name,
		.tar = args->from_tar,
		.warm = args->warm,
	};
	if (args->what && args->from_tar) {
		fprintf(stderr, "vitrine image build: a recipe cannot be combined with "
				"--from-tar\n");
		return 2;
	}
	auto_event sd_event *event = loop_new_ending_by(on_signal, &work, &err);
	work.event = event;
	bool ready = event && check_state(args, &err) && watch_hangup(&work, &err);
	work.build = ready ? build_start(event, &how, on_progress, on_end, &work, &err) : NULL;
	if (!work.build) {
		return fail(&err);
	}
	if (work.terminal) {
		work.second = loop_after_ms(event, 1000, on_second, &work);
	}
	sd_event_loop(event);
	loop_drop(&work.second);
	build_free(work.build);
	return work.status;
}

/* ---- list, show, rm ---- */

static json_t *to_json(const struct image *image, const struct err *why)
{
	if (why) {
		return json_pack("{ss ss}", "id", image->id, "error", why->text);
	}
	return json_pack("{ss ss ss ss sI sI sI sI ss}", "id", image->id, "name", image->name,
		"description", image->description, "kernel", image->kernel, "memory_mib",
		(json_int_t)image->memory_mib, "cpus", (json_int_t)image->cpus, "created",
		(json_int_t)image->created, "bytes", (json_int_t)image->bytes, "dir", image->dir);
}

static void print_json(const json_t *json)
{
	auto_free char *text = must(json_dumps(json, JSON_INDENT(2)));
	printf("%s\n", text);
}

static const char *local_time(int64_t ms, char *text, size_t size)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;
	localtime_r(&at, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M", &tm);
	return text;
}

static void add_image(const struct image *image, const struct err *why, void *data)
{
	json_array_append_new(data, to_json(image, why));
}

static void print_row(const struct image *image, const struct err *why, void *data)
{
	char when[32];
	size_t *n = data;
	if ((*n)++ == 0) {
		printf("%-16s  %-12s  %9s  %-16s  %-26s  %s\n", "ID", "NAME", "SIZE", "CREATED",
			"KERNEL", "MEMORY");
	}
	if (why) {
		printf("%-16s  cannot be used: %s\n", image->id, why->text);
		return;
	}
	printf("%-16s  %-12s  %5lld MiB  %-16s  %-26s  %lld MiB\n", image->id, image->name,
		(long long)(image->bytes >> 20), local_time(image->created, when, sizeof(when)),
		image->kernel, (long long)image->memory_mib);
}

static int run_list(struct args *args)
{
	struct err err = { 0 };
	if (args->json) {
		json_auto_t *list = json_array();
		if (!image_each(args->images, add_image, list, &err)) {
			return fail(&err);
		}
		print_json(list);
		return 0;
	}
	size_t n = 0;
	if (!image_each(args->images, print_row, &n, &err)) {
		return fail(&err);
	}
	if (n == 0) {
		printf("no images; `vitrine image build` creates one\n");
	}
	return 0;
}

static void print_image(const struct image *image, const json_t *packages)
{
	size_t i;
	const json_t *one;
	char when[32];
	printf("id           %s\nname         %s\ndescription  %s\ncreated      %s\n", image->id,
		image->name, image->description, local_time(image->created, when, sizeof(when)));
	printf("size         %lld MiB\n"
	       "kernel       %s\n"
	       "memory       %lld MiB\n"
	       "cpus         %lld\n",
		(long long)(image->bytes >> 20), image->kernel, (long long)image->memory_mib,
		(long long)image->cpus);
	printf("directory    %s\npackages     %zu\n", image->dir, json_array_size(packages));
	json_array_foreach((json_t *)packages, i, one)
	{
		printf("  %s\n", json_string_value(one));
	}
}

static int run_show(struct args *args)
{
	struct err err = { 0 };
	auto_image struct image image = { 0 };
	if (!image_find(args->images, args->what, &image, &err)) {
		return fail(&err);
	}
	json_auto_t *packages = image_packages(&image, &err);
	if (!packages) {
		return fail(&err);
	}
	if (args->json) {
		json_auto_t *json = to_json(&image, NULL);
		json_object_set(json, "packages", packages);
		print_json(json);
	} else {
		print_image(&image, packages);
	}
	return 0;
}

struct users {
	const char *image; /* its id */
	enum state_kind kind;
	size_t n[STATE_KINDS];
	char first[64];
};

static void look_at_user(const char *name, const char *path, void *data)
{
	struct users *users = data;
	struct err ignored;
	auto_record struct record record = { 0 };
	const char *file = users->kind == STATE_SNAPSHOTS ? RECORD_SNAPSHOT : RECORD_SANDBOX;
	if (!record_read(path, file, name, &record, &ignored) || !record.spec.image ||
		strcmp(record.spec.image, users->image) != 0) {
		return;
	}
	users->n[users->kind]++;
	if (!users->first[0]) {
		snprintf(users->first, sizeof(users->first), "%s", name);
	}
}

/* Templates are a cache and do not count. */
static bool check_unused(const struct args *args, const struct image *image, struct err *err)
{
	static const enum state_kind kinds[] = { STATE_SANDBOXES, STATE_SNAPSHOTS };
	struct users users = { .image = image->id };
	struct state *state = state_open(args->state, err);
	if (!state) {
		return false;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		users.kind = kinds[i];
		state_each(state, users.kind, look_at_user, &users);
	}
	state_close(state);
	return !users.first[0] ||
	       err_set(err, ERR_STATE,
		       "image %s is required by %zu sandbox%s and %zu snapshot%s, such as %s; "
		       "--force removes it anyway",
		       image->id, users.n[STATE_SANDBOXES],
		       users.n[STATE_SANDBOXES] == 1 ? "" : "es", users.n[STATE_SNAPSHOTS],
		       users.n[STATE_SNAPSHOTS] == 1 ? "" : "s", users.first);
}

static int run_rm(struct args *args)
{
	struct err err = { 0 };
	auto_image struct image image = { 0 };
	if (!image_find_any(args->images, args->what, &image, &err) ||
		(!args->force && !check_unused(args, &image, &err)) ||
		!image_remove(&image, &err)) {
		return fail(&err);
	}
	if (!image.name[0]) {
		printf("removed unusable image %s\n", image.id);
		return 0;
	}
	printf("removed %s (%s), freed %lld MiB\n", image.id, image.name,
		(long long)(image.bytes >> 20));
	return 0;
}

/* ---- the command line ---- */

static const struct verb verbs[] = {
	{ "build", TAKES_WHAT | TAKES_NAME | TAKES_TAR | TAKES_WARM, run_build },
	{ "list", TAKES_JSON, run_list },
	{ "show", NEEDS_WHAT | TAKES_JSON, run_show },
	{ "rm", NEEDS_WHAT | TAKES_FORCE, run_rm },
	{ .name = NULL },
};

static const struct {
	const char *name;
	unsigned takes; /* 0: all subcommands */
	size_t value;   /* offset of the value; 0: none */
	bool repeats;   /* the value is appended to an array */
	size_t flag;    /* offset of the flag, if it has no value */
} options[] = {
	{ "--name", TAKES_NAME, offsetof(struct args, name) },
	{ "--from-tar", TAKES_TAR, offsetof(struct args, from_tar) },
	{ "--state-dir", 0, offsetof(struct args, state_dir) },
	{ "--warm", TAKES_WARM, offsetof(struct args, warm), true },
	{ "--json", TAKES_JSON, .flag = offsetof(struct args, json) },
	{ "--force", TAKES_FORCE, .flag = offsetof(struct args, force) },
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
static bool take_value(struct args *args, size_t option, const char *value)
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
static int take_option(const struct verb *verb, struct args *args, int argc, char **argv)
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

static bool take_words(const struct verb *verb, struct args *args, int argc, char **argv)
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

static bool find_images(struct args *args, struct err *err)
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
	struct args args = { 0 };
	struct err err = { 0 };
	if (argc == 3 && strcmp(argv[1], "finish") == 0) {
		return plan_finish(argv[2]); /* called by mmdebstrap: vm/image/build.c */
	}
	if (argc > 1 && strcmp(argv[1], "walls") == 0) {
		return walls_outer(argv + 2); /* these two: vm/image/walls.h */
	}
	if (argc > 1 && strcmp(argv[1], "inside") == 0) {
		return walls_inner(argv + 2);
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
	if (take_words(verb, &args, argc - 2, argv + 2)) {
		status = find_images(&args, &err) ? verb->run(&args) : fail(&err);
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
