/* A build while it runs: its sandbox, its steps one after the other, its snapshot. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "server/e2b/core/record.h"
#include "vm/guest/files.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS (3600 * 1000)
#define READY_PAUSE_MS \
	500 /* between two tries of the ready command: nothing tells when it would succeed */
#define READY_TRIES 600
#define COPY_STEP (64u << 10)

static void step_name(const struct build *b, char ret[24])
{
	if (b->at < b->n_steps) {
		snprintf(ret, 24, "%zu", b->at + 1);
	} else {
		snprintf(ret, 24, "finalize");
	}
}

static void fail(struct build *b, const struct err *why)
{
	char step[24];
	step_name(b, step);
	build_end(b, step, why);
}

/* ---- output ---- */

static void log_line(struct build *b)
{
	auto_buf struct buf clean = { 0 };
	utf8_append_clean(&clean, b->line.data, b->line.len);
	build_log(b, "info", "%s", buf_text(&clean));
	b->line.len = 0;
}

static void on_printed(const void *bytes, size_t len, void *data)
{
	struct build *b = data;
	const char *at = bytes, *end = at + len;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);
		size_t space = BUILD_LOG_LINE_MAX - b->line.len;
		buf_append(&b->line, at, n < space ? n : space);
		if (newline) {
			log_line(b);
		}
		at += n + (newline ? 1 : 0);
	}
}

/* ---- commands ---- */

static void run(struct build *b, const struct guest_command *how, guest_exec_fn *fn)
{
	b->pending++;
	guest_run(vm_guest(b->vm), how, fn, b);
}

/* The command of a RUN is named as it was given; others by their type. */
static void explain(
	const struct build *b, const struct guest_exec *res, const struct err *err, struct err *ret)
{
	const struct build_step *step = &b->steps[b->at];
	const char *shown = b->at < b->n_steps ? step->args[0] : b->start_command;
	const char *user = b->at < b->n_steps && step->args[1][0] ? step->args[1] : b->user;
	if (err && err->kind == ERR_UNSUPPORTED && strstr(err->text, "no user")) {
		err_set(ret, ERR_ARGUMENT,
			"failed to run command '%.200s': command failed: unauthenticated: "
			"invalid username: '%.40s'",
			shown, user);
	} else if (err) {
		err_set(ret, err->kind, "failed to run command '%.200s': %.200s", shown, err->text);
	} else {
		const char *said = res->err.tail[0] ? res->err.tail : res->err.head;
		err_set(ret, ERR_ARGUMENT, "failed to run command '%.200s': %s %lld%s%.300s", shown,
			res->exited ? "exit status" : "signal", (long long)res->status,
			said[0] ? ": " : "", said);
	}
}

static void on_command(const struct guest_exec *res, const struct err *err, void *data)
{
	struct build *b = data;
	struct err why;
	if (!build_arrived(b)) {
		return;
	}
	if (b->line.len) {
		log_line(b);
	}
	if (!err && res->exited && res->status == 0) {
		build_step_done(b, NULL);
		return;
	}
	explain(b, res, err, &why);
	build_step_done(b, &why);
}

void build_command(struct build *b, const char *user, const char *command, const json_t *variables)
{
	const struct guest_command how = {
		.command = command,
		.cwd = user && strcmp(user, "root") == 0 ? "/" : b->directory,
		.user = user ? user : b->user,
		.environment = variables,
		.timeout_ms = TIMEOUT_MS,
		.printed = on_printed,
	};
	run(b, &how, on_command);
}

/* ---- files ---- */

static void on_copy_writable(struct conversation *c, void *data)
{
	struct build *b = data;
	uint8_t bytes[COPY_STEP];
	for (;;) {
		ssize_t n = read(b->copied->fd, bytes, sizeof(bytes));
		if (n <= 0) {
			conversation_close_write(c);
			return;
		}
		size_t taken = conversation_write(c, FILE_BYTES, bytes, (size_t)n);
		if (taken < (size_t)n) {
			lseek(b->copied->fd, (off_t)taken - n, SEEK_CUR);
			return;
		}
	}
}

static void on_copy_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args;
	conversation_consumed(c, cost);
	on_copy_writable(c, data);
}

static void on_copy_end(
	struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct build *b = data;
	(void)c, (void)answer;
	b->copy = NULL;
	if (err) {
		build_step_done(b, err);
	} else {
		b->copied_then(b);
	}
}

void build_copy(struct build *b, struct build_upload *upload, void (*then)(struct build *b))
{
	static const struct conversation_handlers handlers = {
		.on_message = on_copy_message,
		.on_writable = on_copy_writable,
		.on_end = on_copy_end,
	};
	const struct msg_file_write how = {
		.path = BUILD_ARCHIVE, .how = FILE_TRUNCATE, .mode = 0600
	};
	lseek(upload->fd, 0, SEEK_SET);
	b->copied = upload;
	b->copied_then = then;
	b->copy = guest_file_write(vm_guest(b->vm), &how, &handlers, b);
}

/* ---- the end: start command, ready command, snapshot ---- */

static void on_snapshot(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data)
{
	struct build *b = data;
	struct err why;
	(void)vm;
	if (!build_arrived(b)) {
		return;
	}
	if (err) {
		fail(b, err);
	} else if (build_publish(b, snapshot->id, &why)) {
		build_end(b, NULL, NULL);
	} else {
		fail(b, &why);
	}
}

static void take_snapshot(struct build *b)
{
	build_log(b, "info", "Saving the template");
	b->pending++;
	vm_take_snapshot(b->vm, NULL, on_snapshot, b);
}

static void try_ready(struct build *b);

static int on_again(sd_event_source *source, uint64_t usec, void *data)
{
	struct build *b = data;
	(void)source, (void)usec;
	loop_drop(&b->again);
	try_ready(b);
	return 0;
}

static void on_ready_result(const struct guest_exec *res, const struct err *err, void *data)
{
	struct build *b = data;
	if (!build_arrived(b)) {
		return;
	}
	if (!err && res->exited && res->status == 0) {
		take_snapshot(b);
	} else if (err || ++b->ready_tries == READY_TRIES) {
		struct err why;
		err_set(&why, ERR_TIMEOUT, "the ready command '%.200s' does not succeed%s%.200s",
			b->ready_command, err ? ": " : "", err ? err->text : "");
		fail(b, &why);
	} else {
		b->again = loop_after_ms(b->builds->e2b->event, READY_PAUSE_MS, on_again, b);
	}
}

static void try_ready(struct build *b)
{
	if (!b->ready_tries) {
		build_log(b, "info", "Waiting until the ready command succeeds: %.200s",
			b->ready_command);
	}
	const struct guest_command how = { .command = b->ready_command,
		.cwd = b->directory,
		.user = b->user,
		.timeout_ms = TIMEOUT_MS };
	run(b, &how, on_ready_result);
}

static void on_started(const struct guest_exec *res, const struct err *err, void *data)
{
	struct build *b = data;
	struct err why;
	if (!build_arrived(b)) {
		return;
	}
	if (err) {
		explain(b, res, err, &why);
		fail(b, &why);
	} else if (b->ready_command[0]) {
		try_ready(b);
	} else {
		take_snapshot(b);
	}
}

static void finalize(struct build *b)
{
	const struct guest_command how = { .command = b->start_command,
		.cwd = b->directory,
		.user = b->user,
		.background = true };
	if (b->start_command[0]) {
		build_log(b, "info", "Running the start command");
		run(b, &how, on_started);
	} else if (b->ready_command[0]) {
		try_ready(b);
	} else {
		take_snapshot(b);
	}
}

/* ---- steps ---- */

static void run_step(struct build *b)
{
	const struct build_step *step = &b->steps[b->at];
	if (b->at == b->n_steps) {
		finalize(b);
		return;
	}
	build_log(b, "info", "[%zu/%zu] %s %s %s", b->at + 1, b->n_steps, step->kind->name,
		step->args[0], strcmp(step->kind->name, "COPY") == 0 ? step->args[1] : "");
	step->kind->run(b, step);
}

void build_step_done(struct build *b, const struct err *why)
{
	if (why) {
		fail(b, why);
		return;
	}
	b->at++;
	run_step(b);
}

static void on_waited(struct vm *vm, const struct err *err, void *data)
{
	struct build *b = data;
	(void)vm;
	b->wait = NULL;
	if (err) {
		build_end(b, "base", err);
	} else {
		run_step(b);
	}
}

/* All of ENV: the commands of the build have them from its begin, and the template keeps them. */
static json_t *environment_of(const struct build *b)
{
	json_t *all = must(json_object());
	const json_t *args;
	for (size_t i = 0; i < b->n_steps; i++) {
		if (strcmp(b->steps[i].kind->name, "ENV") != 0) {
			continue;
		}
		args = b->steps[i].all;
		for (size_t j = 0; j + 1 < json_array_size(args); j += 2) {
			json_object_set(all, json_string_value(json_array_get(args, j)),
				json_array_get(args, j + 1));
		}
	}
	return all;
}

char *build_directory(const char *before, const char *given)
{
	char *path;
	const char *from = *given == '/' ? "" : before;
	return asprintf(&path, "%s%s%s", from, *given == '/' ? "" : "/", given) < 0 ? must(NULL)
										    : path;
}

/* As its base says. */
static void begin_as(struct build *b, const char *from)
{
	struct err ignored;
	const struct vm_snapshot *base =
		from ? vm_snapshot_find(b->builds->e2b->vms, b->owner, from, &ignored) : NULL;
	struct e2b_record record = { 0 };
	if (base) {
		record = e2b_record_of(&base->spec);
	}
	b->user = must(strdup(record.user ? record.user : "user"));
	b->directory = must(strdup(record.directory ? record.directory : "/home/user"));
}

/* What USER and WORKDIR leave for the sandboxes of the template. */
static json_t *record_of(const struct build *b, struct err *err)
{
	struct e2b_record record = { .user = b->user };
	auto_free char *directory = must(strdup(b->directory));
	for (size_t i = 0; i < b->n_steps; i++) {
		const struct build_step *step = &b->steps[i];
		if (strcmp(step->kind->name, "USER") == 0) {
			record.user = step->args[0];
		} else if (strcmp(step->kind->name, "WORKDIR") == 0) {
			char *next = build_directory(directory, step->args[0]);
			free(directory);
			directory = next;
		}
	}
	record.directory = directory;
	return e2b_record_make(&record, err);
}

bool build_run(struct build *b, const char *from, struct err *err)
{
	static const struct vm_wait_handlers handlers = { .done = on_waited };
	struct vm_pool *vms = b->builds->e2b->vms;
	json_auto_t *environment = environment_of(b);
	json_auto_t *labels = must(json_pack("{s:s}", "e2b-build", b->name));
	begin_as(b, from);
	json_auto_t *api = record_of(b, err);
	if (!api) {
		return false;
	}
	struct vm_spec spec = {
		.from = from,
		.api = api,
		.labels = labels,
		.environment = environment,
		.timeout_ms = TIMEOUT_MS,
		.on_timeout = VM_TIMEOUT_KILL,
		.network = vm_default_spec(vms)->network,
	};
	if (!from) {
		spec.limits.cpus = b->cpus;
		spec.limits.memory_mib = b->memory_mib;
	}
	b->vm = vm_create(vms, b->owner, &spec, err);
	if (!b->vm) {
		return false;
	}
	vm_use(b->vm);
	b->status = BUILD_RUNNING;
	b->wait = vm_wait(b->vm, &handlers, b);
	return true;
}

void build_stop(struct build *b)
{
	loop_drop(&b->again);
	conversation_close(take_ptr(&b->copy));
	if (b->wait) {
		vm_wait_cancel(take_ptr(&b->wait));
	}
	if (b->vm) {
		vm_stop(b->vm, "the build of the template has ended");
		vm_unuse(take_ptr(&b->vm));
	}
}
