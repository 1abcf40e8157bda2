/*
 * Builds an image: checks the machine, creates the image's files (build_files.h), and runs
 * mmdebstrap, or for an archive only the finisher (build_command.h), in isolation (isolation.h).  The
 * output becomes progress; a failure leaves nothing behind.
 */
#include "vm/image/build.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/image/build_command.h"
#include "vm/image/build_files.h"
#include "vm/image/host.h"
#include "vm/image/isolation.h"
#include "vm/image/progress.h"
#include "vm/image/recipe.h"
#include "vm/image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LINE_MAX_BYTES 1024
#define NAME_MAX_BYTES 60

struct build {
	sd_event *event;
	char *images;
	char *program; /* NULL: this one */
	int lock;
	struct build_files files;
	pid_t pid;
	int out, life; /* life: keeps the build running */
	sd_event_source *reader, *child, *end;
	char line[LINE_MAX_BYTES];
	size_t len;
	struct progress progress;
	bool cancelled;
	int status;
	build_progress_fn *on_progress;
	build_end_fn *on_end;
	void *data;
};

/* ---- end ---- */

static void tidy(struct build *build)
{
	loop_drop(&build->reader);
	loop_drop(&build->child);
	build_files_close(&build->files);
	cleanup_close(&build->out);
	build->out = -1;
	if (build->files.dir) {
		image_abandon(build->files.dir, build->program); /* renamed if it was kept */
	}
	cleanup_close(&build->lock);
	build->lock = -1;
}

/* Nothing outlives the isolation, and the process build->pid ends last. */
static void end_all(struct build *build)
{
	cleanup_close(&build->life);
	build->life = -1;
}

void build_free(struct build *build)
{
	if (!build) {
		return;
	}
	end_all(build);
	while (build->pid > 0 && waitpid(build->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	loop_drop(&build->end);
	tidy(build);
	build_files_done(&build->files);
	free(build->images);
	free(build->program);
	free(build);
}

static bool keep(struct build *build, struct image *ret_image, bool *ret_was_there, struct err *err)
{
	if (build->cancelled) {
		return err_set(
			err, ERR_CANCELLED, "the build was interrupted; its files were removed");
	}
	if (build->status != 0) {
		return progress_error(&build->progress, spawn_describe_end(build->status), err);
	}
	return build_files_keep(&build->files, err) &&
	       image_commit(build->images, build->files.dir, ret_image, ret_was_there, err);
}

static void finish(struct build *build)
{
	auto_image struct image image = { 0 };
	struct err err = { 0 };
	bool was_there = false;
	bool good = keep(build, &image, &was_there, &err);
	tidy(build);
	build->on_end(good ? &image : NULL, was_there, good ? NULL : &err, build->data);
}

/* ---- output ---- */

static void take_line(struct build *build)
{
	build->line[build->len] = '\0';
	build->len = 0;
	if (!progress_line(&build->progress, build->line)) {
		return;
	}
	if (!build->cancelled) {
		build->on_progress(build->progress.step, build->progress.percent, build->data);
	}
}

/* A line that is too long is cut. */
static void take_bytes(struct build *build, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r') {
			take_line(build);
		} else if (build->len < sizeof(build->line) - 1) {
			build->line[build->len++] = bytes[i];
		}
	}
}

/* Until the pipe is closed, by all of its children, too. */
static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)events;
	struct build *build = data;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return 0;
	}
	if (n > 0) {
		take_bytes(build, bytes, (size_t)n);
		return 0;
	}
	loop_drop(&build->reader);
	if (build->pid == 0) {
		finish(build);
	}
	return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct build *build = data;
	build->status = spawn_wstatus(info);
	build->pid = 0;
	loop_drop(&build->child);
	if (!build->reader) {
		finish(build);
	}
	return 0;
}

void build_cancel(struct build *build)
{
	build->cancelled = true;
	end_all(build);
}

/* ---- running ---- */

#define ENV_MAX 16

static bool spawn(struct build *build, json_t *args, int out, struct err *err)
{
	size_t n = json_array_size(args), n_fds = 2, n_env = 0;
	const char *env[ENV_MAX] = { NULL };
	auto_buf struct buf lines = { 0 };
	auto_free const char **argv = must(calloc(n + 1, sizeof(*argv)));
	struct isolation_fd fds[BUILD_FDS + 2] = { { out, 1 }, { out, 2 } };
	for (size_t i = 0; i < n; i++) {
		argv[i] = json_string_value(json_array_get(args, i));
	}
	for (int i = 0; i < BUILD_FDS; i++) {
		if (build->files.fds[i] >= 0) {
			fds[n_fds++] = (struct isolation_fd){ build->files.fds[i], PLAN_FD + i };
		}
	}
	build_command_environment(&lines);
	char *rest = NULL, *line = strtok_r((char *)lines.data, "\n", &rest);
	for (; line && n_env < ENV_MAX - 1; line = strtok_r(NULL, "\n", &rest)) {
		env[n_env++] = line;
	}
	return isolation_start(&(struct isolation){ .program = build->program,
				       .work = build->files.work,
				       .argv = argv,
				       .env = env,
				       .fds = fds,
				       .n_fds = n_fds },
		&build->pid, &build->life, err);
}

static bool run(struct build *build, json_t *args, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	build->out = ends[0];
	auto_close int out = ends[1];
	if (!spawn(build, args, out, err)) {
		return false;
	}
	build->reader = loop_add_io(build->event, build->out, EPOLLIN, on_readable, build);
	return sd_event_add_child(
		       build->event, &build->child, build->pid, WEXITED, on_child, build) >= 0 ||
	       err_errno(err, "cannot watch the build");
}

/* ---- start ---- */

/* It is typed on command lines and shown in tables. */
static bool check_name(const char *name, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
	size_t len = strlen(name), good = strspn(name, letters);
	if (len > 0 && len <= NAME_MAX_BYTES && good == len && !strchr("._+-", name[0])) {
		return true;
	}
	char shown[NAME_MAX_BYTES + 1];
	snprintf(shown, sizeof(shown), "%s", name);
	for (char *c = shown; *c; c++) {
		*c = (unsigned char)*c < ' ' || *c == 127 ? '?' : *c;
	}
	return err_set(err, ERR_ARGUMENT,
		"'%s'%s is not a valid image name. A name has 1 to %d characters A-Z a-z 0-9 . _ "
		"+ - and starts with a letter or digit. Set one with --name",
		shown, len > NAME_MAX_BYTES ? "..." : "", NAME_MAX_BYTES);
}

static bool load(const struct build_how *how, struct recipe *recipe, struct err *err)
{
	if (how->tar) {
		const char *last = strrchr(how->tar, '/');
		recipe_for_tar(last ? last + 1 : how->tar, recipe);
	} else if (!recipe_load(how->recipe ? how->recipe : "minimal", recipe, err)) {
		return false;
	}
	if (how->name) {
		free(recipe->name);
		recipe->name = must(strdup(how->name));
	}
	return check_name(recipe->name, err) && recipe_add_warm(recipe, how->warm, err);
}

static bool prepare(
	struct build *build, const struct build_how *how, struct recipe *recipe, struct err *err)
{
	if (!load(how, recipe, err) || !build_host_check(how->images, recipe->disk_mib, err) ||
		!build_host_packages(recipe->packages, err)) {
		return false;
	}
	build->lock = image_begin(build->images, build->program, &build->files.dir, err);
	if (build->lock < 0 || !build_files_make(&build->files, how, err) ||
		!build_files_plan(&build->files, how, recipe, err)) {
		return false;
	}
	json_auto_t *args =
		how->tar ? build_command_finisher() : build_command_mmdebstrap(recipe, err);
	return args && run(build, args, err);
}

struct build *build_start(sd_event *event, const struct build_how *how,
	build_progress_fn *on_progress, build_end_fn *on_end, void *data, struct err *err)
{
	auto_recipe struct recipe recipe = { 0 };
	struct build *build = must(calloc(1, sizeof(*build)));
	*build = (struct build){
		.event = event,
		.images = must(strdup(how->images)),
		.program = how->program ? must(strdup(how->program)) : NULL,
		.lock = -1,
		.out = -1,
		.life = -1,
		.on_progress = on_progress,
		.on_end = on_end,
		.data = data,
	};
	build_files_init(&build->files);
	progress_init(&build->progress);
	if (!prepare(build, how, &recipe, err)) {
		build_free(build);
		return NULL;
	}
	return build;
}
