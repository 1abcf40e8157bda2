// USES vm
/* The display of a running sandbox is resized, and what is saved of it keeps its size, on each
 * backend. */
#include "tests/support/contract.h"

#include "vm/wire/messages.h"

static void set(struct bench *b, struct vm *vm, struct msg_display_set args)
{
	struct got got = { 0 };
	guest_display_set(vm_guest(vm), &args, on_got, &got);
	cr_assert(!got.done, "from the loop");
	host_until(&b->host, &got.done);
	cr_assert_not_null(got.json, "%s", got.err.text);
	json_decref(got.json);
}

static void resize(struct bench *b, struct vm *vm, int width, int height)
{
	set(b, vm, (struct msg_display_set){ width, height });
}

static void scale(struct bench *b, struct vm *vm, int percent)
{
	set(b, vm, (struct msg_display_set){ .scale = percent });
	cr_expect_eq(vm_spec(vm)->scale, percent);
}

/* The reported sizes, and that of an image. */
static void expect_size(struct bench *b, struct vm *vm, int width, int height)
{
	struct answer *a = answer_new();
	struct observe how;
	struct size is = vm_screen(vm), fit = geometry_fit((struct size){ width, height });
	cr_expect_eq(is.width, width);
	cr_expect_eq(is.height, height);
	cr_expect(size_equal(vm_spec(vm)->screen, is), "what is saved tells the same");
	observe_init(&how, OBSERVE_FRAME);
	guest_act(vm_guest(vm), NULL, 0, &how, on_act, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_expect_eq(a->act.frame.width, fit.width);
	cr_expect_eq(a->act.frame.height, fit.height);
	answer_free(a);
}

static struct answer *click(struct bench *b, int x, int y, int64_t since)
{
	struct answer *a = answer_new();
	struct action list[] = { clicking(x, y) };
	struct observe how;
	observe_init(&how, OBSERVE_NONE);
	how.since = since;
	guest_act(vm_guest(b->vm), list, 1, &how, on_act, a);
	host_until(&b->host, &a->done);
	return a;
}

static int64_t frame_now(struct bench *b)
{
	struct answer *a = host_act(&b->host, b->vm, NULL, 0);
	int64_t frame_id = a->act.frame_id;
	answer_free(a);
	return frame_id;
}

static void is_resized(struct bench *b)
{
	static const struct size sizes[] = { { 1920, 1080 }, { 640, 480 }, { 1280, 800 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct size fit = geometry_fit(sizes[i]);
		resize(b, b->vm, sizes[i].width, sizes[i].height);
		expect_size(b, b->vm, sizes[i].width, sizes[i].height);
		struct answer *a = click(b, fit.width - 1, fit.height - 1, 0);
		cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
		cr_expect_eq(a->act.pointer.x, fit.width - 1);
		cr_expect_eq(a->act.pointer.y, fit.height - 1);
		answer_free(a);
		a = click(b, fit.width, 0, 0);
		cr_expect_eq(a->err.kind, ERR_ARGUMENT, "%s", a->err.text);
		answer_free(a);
	}
}

static void refuses_frames_of_another_size(struct bench *b)
{
	int64_t before = frame_now(b);
	resize(b, b->vm, 1000, 700);
	struct answer *a = click(b, 10, 10, before);
	cr_expect_eq(a->err.kind, ERR_STATE);
	cr_expect(strstr(a->err.text, "resized"), "%s", a->err.text);
	answer_free(a);
	resize(b, b->vm, 1280, 800);
	a = click(b, 1279, 799, 0);
	cr_expect_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
}

static void refuses_sizes_out_of_bounds(struct bench *b)
{
	static const struct msg_display_set bad[] = { { 319, 240 }, { 320, 239 }, { 3841, 2160 },
		{ 3840, 2161 }, { 0, 0 }, { 640, 0 }, { -5, 400 }, { INT64_MAX, INT64_MAX },
		{ .scale = 99 }, { .scale = 301 }, { 640, 480, INT64_MAX } };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct got got = { 0 };
		guest_display_set(vm_guest(b->vm), &bad[i], on_got, &got);
		host_until(&b->host, &got.done);
		cr_expect_null(got.json);
		cr_expect_eq(got.err.kind, ERR_ARGUMENT, "%s", got.err.text);
	}
	expect_size(b, b->vm, 1280, 800);
}

/* ---- scale ---- */

/* The width of the window that a new terminal has. */
static int width_of_terminal(struct bench *b)
{
	struct answer *a = answer_new();
	char kill[40];
	guest_launch(vm_guest(b->vm), b->dialect->terminal, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	int width = (int)a->launch.window.width;
	snprintf(kill, sizeof(kill), "kill %lld", (long long)a->launch.pid);
	answer_free(a);
	answer_free(host_exec(&b->host, b->vm, kill, 10000));
	return width;
}

static void programs_are_scaled(struct bench *b)
{
	resize(b, b->vm, 1920, 1080);
	int small = width_of_terminal(b);
	scale(b, b->vm, 200);
	expect_size(b, b->vm, 1920, 1080);
	int large = width_of_terminal(b);
	if (strcmp(b->dialect->backend, "fake") != 0) {
		cr_expect_gt(large, small * 9 / 5, "%d, then %d pixels", small, large);
		cr_expect_lt(large, small * 11 / 5, "%d, then %d pixels", small, large);
	}
	set(b, b->vm, (struct msg_display_set){ 1280, 800, 150 });
	expect_size(b, b->vm, 1280, 800);
	cr_expect_eq(vm_spec(b->vm)->scale, 150);
	resize(b, b->vm, 1000, 700);
	cr_expect_eq(vm_spec(b->vm)->scale, 150, "a size leaves it as it is");
	set(b, b->vm, (struct msg_display_set){ 1280, 800, 100 });
	cr_expect_eq(vm_spec(b->vm)->scale, 100);
}

static void starts_with_its_scale(struct bench *b)
{
	struct err err;
	int small = width_of_terminal(b);
	struct vm_spec spec = { .scale = 150 };
	struct vm *first = b->vm;
	b->vm = vm_create(b->host.pool, "alice", &spec, &err);
	cr_assert_not_null(b->vm, "%s", err.text);
	cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
	cr_expect_eq(vm_spec(b->vm)->scale, 150);
	int large = width_of_terminal(b);
	if (strcmp(b->dialect->backend, "fake") != 0) {
		cr_expect_gt(large, small * 13 / 10, "%d, then %d pixels", small, large);
	}
	vm_stop(b->vm, "measured");
	b->vm = first;
}

/* ---- what is saved ---- */

struct ended {
	bool done;
	struct err err;
	char snapshot[ID_LEN + 1];
	struct vm *copy;
};

static void came(struct ended *ended, const struct err *err)
{
	ended->done = true;
	ended->err = err ? *err : (struct err){ 0 };
}

static void on_changed(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	came(data, err);
}

static void on_snapshot(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data)
{
	struct ended *ended = data;
	(void)vm;
	snprintf(ended->snapshot, sizeof(ended->snapshot), "%s", snapshot ? snapshot->id : "");
	came(ended, err);
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct ended *ended = data;
	(void)source;
	ended->copy = n ? vms[0] : NULL;
	came(ended, err);
}

static void until_ended(struct bench *b, struct ended *ended)
{
	host_until(&b->host, &ended->done);
	cr_assert_eq(ended->err.kind, ERR_NONE, "%s", ended->err.text);
}

static bool is_saved(const struct bench *b)
{
	return strcmp(b->dialect->backend, "namespace") != 0;
}

static void keeps_its_size_when_paused_and_forked(struct bench *b)
{
	struct ended paused = { 0 }, forked = { 0 };
	if (!is_saved(b)) {
		return;
	}
	resize(b, b->vm, 1600, 900);
	scale(b, b->vm, 125);
	vm_pause(b->vm, on_changed, &paused);
	until_ended(b, &paused);
	cr_expect_eq(vm_screen(b->vm).width, 1600);
	cr_assert_eq(host_wait(&b->host, b->vm).err.kind, ERR_NONE);
	expect_size(b, b->vm, 1600, 900);
	cr_expect_eq(vm_spec(b->vm)->scale, 125);
	vm_fork(b->vm, 1, on_forked, &forked);
	until_ended(b, &forked);
	expect_size(b, forked.copy, 1600, 900);
	cr_expect_eq(vm_spec(forked.copy)->scale, 125);
	resize(b, forked.copy, 800, 600);
	expect_size(b, forked.copy, 800, 600);
	expect_size(b, b->vm, 1600, 900);
	vm_stop(forked.copy, "a copy");
	set(b, b->vm, (struct msg_display_set){ 1280, 800, 100 });
}

static void has_the_size_of_its_snapshot(struct bench *b)
{
	struct ended saved = { 0 }, rolled_back = { 0 };
	struct err err;
	if (!is_saved(b)) {
		return;
	}
	set(b, b->vm, (struct msg_display_set){ 1024, 768, 200 });
	vm_take_snapshot(b->vm, NULL, on_snapshot, &saved);
	until_ended(b, &saved);
	set(b, b->vm, (struct msg_display_set){ 1280, 800, 100 });
	vm_frame_told(b->vm);
	struct vm_spec spec = { .from = saved.snapshot };
	struct vm *copy = vm_create(b->host.pool, "alice", &spec, &err);
	cr_assert_not_null(copy, "%s", err.text);
	cr_assert_eq(host_wait(&b->host, copy).err.kind, ERR_NONE);
	expect_size(b, copy, 1024, 768);
	cr_expect_eq(vm_spec(copy)->scale, 200);
	vm_stop(copy, "a copy");
	vm_rollback(b->vm, saved.snapshot, on_changed, &rolled_back);
	until_ended(b, &rolled_back);
	expect_size(b, b->vm, 1024, 768);
	cr_expect_eq(vm_spec(b->vm)->scale, 200);
	cr_expect_not(vm_frame_is_known(b->vm, &err), "its owner knows the size before");
	cr_assert(vm_snapshot_delete(b->host.pool, "alice", saved.snapshot, &err), "%s", err.text);
	set(b, b->vm, (struct msg_display_set){ 1280, 800, 100 });
}

static const struct contract cases[] = {
	CASE(is_resized),
	CASE(refuses_frames_of_another_size),
	CASE(refuses_sizes_out_of_bounds),
	CASE(programs_are_scaled),
	CASE(starts_with_its_scale),
	CASE(keeps_its_size_when_paused_and_forked),
	CASE(has_the_size_of_its_snapshot),
};

CONTRACT(display, cases)
