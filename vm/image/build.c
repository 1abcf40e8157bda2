/*
 * Builds an image: checks the machine, creates the image's files, and runs mmdebstrap, or for an
 * archive only the finisher, in isolation (walls.h).  The finisher gets the files as descriptors.
 * Its output becomes progress; a failure leaves nothing behind.
 */
#include "vm/image/build.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "vm/image/cpio.h"
#include "vm/image/host.h"
#include "vm/image/plan.h"
#include "vm/image/progress.h"
#include "vm/image/recipe.h"
#include "vm/image/store.h"
#include "vm/image/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define LINE_MAX_BYTES 1024
#define NAME_MAX_BYTES 60
#define FDS (PLAN_FDS_END - PLAN_FD)
/* how it is built; incremented with each change that does not invalidate old images */
#define MAKING 2

struct build {
	sd_event *event;
	char *images, *dir, *work; /* work: the subdirectory of dir for unpacked files */
	char *program;             /* NULL: this one */
	int lock, fds[FDS];        /* by plan number - PLAN_FD; -1: none */
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

static int *slot(struct build *build, int fd)
{
	return &build->fds[fd - PLAN_FD];
}

/* ---- end ---- */

static void tidy(struct build *build)
{
	loop_drop(&build->reader);
	loop_drop(&build->child);
	for (size_t i = 0; i < FDS; i++) {
		cleanup_close(&build->fds[i]);
		build->fds[i] = -1;
	}
	cleanup_close(&build->out);
	build->out = -1;
	if (build->dir) {
		image_abandon(build->dir, build->program); /* renamed if it was kept */
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
	free(build->images);
	free(build->dir);
	free(build->work);
	free(build->program);
	free(build);
}

/* The finisher may have had another user id, so its files were accessible to all. */
static bool seal_files(struct build *build, struct err *err)
{
	for (int fd = PLAN_ROOT_EROFS; fd < PLAN_FDS_END; fd++) {
		if (fchmod(*slot(build, fd), 0644) < 0 || fsync(*slot(build, fd)) < 0) {
			return err_errno(err, "cannot store the image");
		}
	}
	return true;
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
	if (rmdir(build->work) < 0) {
		return err_errno(err, "cannot remove '%s'", build->work);
	}
	return seal_files(build, err) &&
	       image_commit(build->images, build->dir, ret_image, ret_was_there, err);
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

/* ---- files ---- */

static const struct {
	int fd;
	const char *file;
} made[] = {
	{ PLAN_ROOT_EROFS, "root.erofs" },
	{ PLAN_VMLINUZ, "vmlinuz" },
	{ PLAN_INITRAMFS, "initramfs" },
	{ PLAN_PACKAGES, "packages" },
	{ PLAN_IMAGE_JSON, "image.json" },
};

/* The finisher may have another user id and reopens one of the files; the directory is private.
 * See seal_files(). */
static bool make_files(struct build *build, struct err *err)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s/%s", build->dir, made[i].file);
		int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		*slot(build, made[i].fd) = fd;
		if (fd < 0 || fchmod(fd, 0666) < 0) {
			return err_errno(err, "cannot create '%s'", buf_text(&path));
		}
	}
	return true;
}

/* Accessible to the ids of the isolation; the directory above it is private. */
static bool make_work(struct build *build, struct err *err)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/work", build->dir);
	build->work = must(strdup(buf_text(&path)));
	return (mkdir(build->work, 0700) == 0 && chmod(build->work, 0777) == 0) ||
	       err_errno(err, "cannot create the directory '%s'", build->work);
}

static int memory_file(const char *name, const void *bytes, size_t len, struct err *err)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC);
	const char *from = bytes;
	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = write(fd, from + at, len - at);
		if (n < 0 && errno != EINTR) {
			err_errno(err, "cannot store %s in memory", name);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0) {
		err_errno(err, "cannot create a memory file");
	}
	return take_fd(&fd);
}

static bool open_tar(const char *path, int *ret_fd, struct err *err)
{
	struct stat stat;
	*ret_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* opening a pipe would block */
	if (*ret_fd < 0 || fstat(*ret_fd, &stat) < 0) {
		return err_errno(err, "cannot open the archive '%s'", path);
	}
	return S_ISREG(stat.st_mode) ||
	       err_set(err, ERR_ARGUMENT, "the archive '%s' must be a regular file", path);
}

static bool open_given(struct build *build, const struct build_how *how, struct err *err)
{
	auto_free char *init = recipe_find_ours("vitrine-init", err);
	if (!init) {
		return false;
	}
	*slot(build, PLAN_INIT) = open(init, O_RDONLY | O_CLOEXEC);
	*slot(build, PLAN_SELF) =
		open(build->program ? build->program : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (*slot(build, PLAN_INIT) < 0 || *slot(build, PLAN_SELF) < 0) {
		return err_errno(err, "cannot open '%s'", init);
	}
	return !how->tar || open_tar(how->tar, slot(build, PLAN_TAR), err);
}

/* ---- the plan ---- */

static void add_fd(struct plan_digest *digest, int fd)
{
	char bytes[65536];
	ssize_t n;
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		plan_digest_add(digest, bytes, (size_t)n);
	}
	lseek(fd, 0, SEEK_SET);
}

/* Of everything that determines the image, except the packages. */
static void make_seed(struct build *build, const struct recipe *recipe, char ret_hex[65])
{
	struct plan_digest *digest = plan_digest_new();
	char numbers[128];
	auto_free char *users = must(json_dumps(recipe->users, JSON_COMPACT));
	snprintf(numbers, sizeof(numbers), "%d %d %lld %lld %lld", IMAGE_FORMAT, MAKING,
		(long long)recipe->memory_mib, (long long)recipe->cpus,
		(long long)recipe->disk_mib);
	plan_digest_add(digest, numbers, strlen(numbers));
	plan_digest_add(digest, recipe->name, strlen(recipe->name));
	plan_digest_add(digest, recipe->description, strlen(recipe->description));
	plan_digest_add(digest, users, strlen(users));
	plan_digest_add(digest, recipe->files.data, recipe->files.len);
	add_fd(digest, *slot(build, PLAN_INIT));
	if (*slot(build, PLAN_TAR) >= 0) {
		add_fd(digest, *slot(build, PLAN_TAR));
	}
	plan_digest_end(digest, ret_hex, 64);
}

static void add_id(const struct image *image, const struct err *why, void *data)
{
	if (!why) {
		json_array_append_new(data, json_string(image->id));
	}
}

static bool write_plan(
	struct build *build, const struct build_how *how, struct recipe *recipe, struct err *err)
{
	char seed[65];
	struct timespec now;
	json_auto_t *have = json_array();
	clock_gettime(CLOCK_REALTIME, &now);
	recipe_end(recipe);
	make_seed(build, recipe, seed);
	if (!image_each(build->images, add_id, have, err)) {
		return false;
	}
	struct plan plan = {
		.name = recipe->name,
		.description = recipe->description,
		.seed = seed,
		.memory_mib = recipe->memory_mib,
		.cpus = recipe->cpus,
		.disk_mib = recipe->disk_mib,
		.created = now.tv_sec * 1000 + now.tv_nsec / 1000000,
		.from_tar = how->tar != NULL,
		.users = recipe->users,
		.have = have,
	};
	json_auto_t *json = plan_encode(&plan);
	auto_free char *text = must(json_dumps(json, JSON_COMPACT));
	*slot(build, PLAN_FD) = memory_file("plan", text, strlen(text), err);
	*slot(build, PLAN_FILES) =
		*slot(build, PLAN_FD) < 0
			? -1
			: memory_file("files", recipe->files.data, recipe->files.len, err);
	return *slot(build, PLAN_FILES) >= 0;
}

/* ---- command lines ---- */

/* Its own clean-up follows links of the tree; rootfs_tidy() is used instead. */
static const char *const fixed_args[] = { "mmdebstrap", "--mode=unshare", "--format=null",
	"--variant=minbase", "--verbose",
	"--skip=cleanup/apt,cleanup/reproducible,cleanup/run,cleanup/tmp",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*/LC_MESSAGES/*",
	"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/help/*",
	"--dpkgopt=path-exclude=/usr/share/info/*", "--dpkgopt=path-exclude=/usr/share/gtk-doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright" };

static void add(json_t *args, const char *fmt, ...) PRINTF(2, 3);

static void add(json_t *args, const char *fmt, ...)
{
	va_list list;
	va_start(list, fmt);
	json_array_append_new(args, json_vsprintf(fmt, list));
	va_end(list);
}

/* A list of texts. */
static json_t *finisher_line(void)
{
	json_t *args = json_array();
	add(args, "/proc/self/fd/%d", PLAN_SELF);
	add(args, "image");
	add(args, "finish");
	add(args, PLAN_TREE);
	return args;
}

/* A list of texts. */
static json_t *mmdebstrap_line(const struct recipe *recipe, struct err *err)
{
	size_t i;
	const json_t *one;
	json_auto_t *args = json_array(), *options = build_host_aptopts();
	json_auto_t *sources = build_host_sources(err);
	if (!sources) {
		return NULL;
	}
	for (i = 0; i < sizeof(fixed_args) / sizeof(*fixed_args); i++) {
		add(args, "%s", fixed_args[i]);
	}
	add(args, "--customize-hook=exec /proc/self/fd/%d image finish \"$1\"", PLAN_SELF);
	json_array_foreach(options, i, one)
	{
		add(args, "--aptopt=%s", json_string_value(one));
	}
	json_array_foreach(recipe->packages, i, one)
	{
		add(args, "--include=%s", json_string_value(one));
	}
	add(args, "%s", ""); /* the sources contain the suites */
	add(args, "/dev/null");
	json_array_foreach(sources, i, one)
	{
		add(args, "%s", json_string_value(one));
	}
	return json_incref(args);
}

/* Minimal, so that the same recipe makes the same image. */
static void environment(struct buf *out)
{
	static const char *const kept[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HOME", "USER" };
	buf_printf(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			"LC_ALL=C.UTF-8\nSOURCE_DATE_EPOCH=1700000000\nTMPDIR=" WALLS_TMP "\n");
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = getenv(kept[i]);
		if (value && !strchr(value, '\n')) {
			buf_printf(out, "%s=%s\n", kept[i], value);
		}
	}
}

#define ENV_MAX 16

static bool spawn(struct build *build, json_t *args, int out, struct err *err)
{
	size_t n = json_array_size(args), n_fds = 2, n_env = 0;
	const char *env[ENV_MAX] = { NULL };
	auto_buf struct buf lines = { 0 };
	auto_free const char **argv = must(calloc(n + 1, sizeof(*argv)));
	struct walls_fd fds[FDS + 2] = { { out, 1 }, { out, 2 } };
	for (size_t i = 0; i < n; i++) {
		argv[i] = json_string_value(json_array_get(args, i));
	}
	for (int i = 0; i < FDS; i++) {
		if (build->fds[i] >= 0) {
			fds[n_fds++] = (struct walls_fd){ build->fds[i], PLAN_FD + i };
		}
	}
	environment(&lines);
	char *rest = NULL, *line = strtok_r((char *)lines.data, "\n", &rest);
	for (; line && n_env < ENV_MAX - 1; line = strtok_r(NULL, "\n", &rest)) {
		env[n_env++] = line;
	}
	return walls_start(&(struct walls){ .program = build->program,
				   .work = build->work,
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
	build->lock = image_begin(build->images, build->program, &build->dir, err);
	if (build->lock < 0 || !make_files(build, err) || !make_work(build, err) ||
		!open_given(build, how, err) || !write_plan(build, how, recipe, err)) {
		return false;
	}
	json_auto_t *args = how->tar ? finisher_line() : mmdebstrap_line(recipe, err);
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
	for (size_t i = 0; i < FDS; i++) {
		build->fds[i] = -1;
	}
	progress_init(&build->progress);
	if (!prepare(build, how, &recipe, err)) {
		build_free(build);
		return NULL;
	}
	return build;
}
