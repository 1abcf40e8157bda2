// USES tools
#include "tests/support/fake_call.h"
#include "tests/support/scratch.h"
#include "vm/backends.h"

/*
 * The toolset "sandbox" on whole sandboxes of the fake backend, through the tools alone, as a
 * client would: what is typed into one is read back from it and from its copies.
 */

static struct tool_fixture fixture;

static void open_fixture_with(const char *backend)
{
	struct err err = { 0 };
	const struct vm_config config = {
		.backend = backend, .max_sandboxes = 6, .state_dir = in_scratch("state")
	};
	fixture = (struct tool_fixture){ .event = loop_new(&err) };
	cr_assert_not_null(fixture.event, "%s", err.text);
	fixture.vms = vm_pool_new(fixture.event, &config, vm_backends);
	fixture.tools = tool_set_new("all", &err);
	cr_assert_not_null(fixture.tools, "%s", err.text);
}

static void open_fixture(void)
{
	scratch_make();
	open_fixture_with("fake");
}

static void close_fixture(void)
{
	tool_fixture_close(&fixture);
	scratch_remove();
}

TestSuite(tools_sandbox, .init = open_fixture, .fini = close_fixture);

/* The text of a call that must go well; free() it. */
static char *say(const char *name, const char *args)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	const char *text = fake_block(call, 0, "text", "text");
	cr_assert_eq(call->err.kind, ERR_NONE, "%s %s: %s", name, args, call->err.text);
	cr_assert_not_null(text, "%s %s", name, args);
	char *copy = must(strdup(text));
	fake_end(call);
	return copy;
}

static void expect(const char *name, const char *args, const char *holds)
{
	auto_free char *text = say(name, args);
	cr_expect(strstr(text, holds), "%s %s said:\n%s\nwithout:\n%s", name, args, text, holds);
}

static void expect_failure(
	const char *name, const char *args, enum err_kind kind, const char *holds)
{
	struct fake_call *call = fake_run(&fixture, name, args);
	cr_expect_eq(call->err.kind, kind, "%s %s: kind %d", name, args, (int)call->err.kind);
	cr_expect(strstr(call->err.text, holds), "%s %s: %s", name, args, call->err.text);
	fake_end(call);
}

/* args with the id in place of ID; valid until the fourth call from now. */
static const char *with(const char *args, const char *id)
{
	static char texts[4][400];
	static unsigned turn;
	char *text = texts[turn++ % 4];
	const char *at = strstr(args, "ID");
	snprintf(text, sizeof(texts[0]), "%.*s%s%s", (int)(at - args), args, id, at + 2);
	return text;
}

/* The n-th id (20 of a-z and 0-9) at the start of a line or behind a word, of those in text. */
static void id_in(const char *text, size_t n, char ret_id[ID_LEN + 1])
{
	for (const char *at = text; *at; at += strcspn(at, " \n:\""), at += !!*at) {
		snprintf(ret_id, ID_LEN + 1, "%.20s", at);
		bool ends = strlen(at) == ID_LEN || strchr(" \n:\"", at[ID_LEN]);
		if (strlen(ret_id) == ID_LEN && id_is_valid(ret_id) && ends && n-- == 0) {
			return;
		}
	}
	cr_assert_fail("too few ids in: %s", text);
}

/* ---- one by one ---- */

Test(tools_sandbox, created_used_and_ended)
{
	char id[ID_LEN + 1];
	auto_free char *made =
		say("sandbox_create", "{\"screen\":\"800x600\",\"labels\":{\"task\":\"first\"}}");
	id_in(made, 0, id);
	expect("sandbox_list", "{}", with("1 sandbox:\nID: ready, fake, ", id));
	expect("sandbox_info", with("{\"sandbox\":\"ID\"}", id), "800x600");
	expect("sandbox_info", with("{\"sandbox\":\"ID\"}", id), ", labels task=first");
	expect("cursor_position", with("{\"sandbox\":\"ID\"}", id), "X=400,Y=300");
	expect("sandbox_kill", with("{\"sandbox\":\"ID\"}", id), "has ended");
	expect("sandbox_kill", with("{\"sandbox\":\"ID\"}", id), "No change: ");
	expect_failure(
		"cursor_position", with("{\"sandbox\":\"ID\"}", id), ERR_GONE, "sandbox_kill");
	expect("sandbox_list", "{}", "You have no sandboxes");
}

Test(tools_sandbox, looking_makes_none)
{
	static const char *const names[] = { "sandbox_info", "sandbox_kill", "sandbox_pause",
		"sandbox_resume" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_failure(names[i], "{}", ERR_NOT_FOUND, "no default sandbox");
	}
	expect_failure("sandbox_set_timeout", "{\"timeout\":9}", ERR_NOT_FOUND, "no default");
	cr_expect_null(vm_at(fixture.vms, "test", 0));
}

Test(tools_sandbox, the_default_one_is_ended_and_made_again)
{
	expect("cursor_position", "{}", "X=640,Y=400");
	expect("sandbox_list", "{}", ": ready, your default, fake, ");
	expect("sandbox_kill", "{}", "without 'sandbox'");
	struct fake_call *call = fake_run(&fixture, "cursor_position", "{}");
	cr_expect_not_null(fake_block(call, 1, "text", "text"), "and says that it is new");
	fake_end(call);
}

Test(tools_sandbox, a_timeout_is_shown_and_taken_away)
{
	expect("cursor_position", "{}", "X=");
	expect("sandbox_set_timeout", "{\"timeout\":7261}", " ends in 2 h 1 min");
	expect("sandbox_list", "{}", ", ends in 2 h ");
	expect("sandbox_set_timeout", "{\"timeout\":0}", " has no timeout");
	auto_free char *text = say("sandbox_info", "{}");
	cr_expect_null(strstr(text, "ends in"), "%s", text);
}

/* ---- paused, copied, saved ---- */

Test(tools_sandbox, paused_and_woken_by_a_call)
{
	expect("type", "{\"text\":\"half a sent\"}", "Typed.");
	expect("sandbox_pause", "{}", " is paused after ");
	expect("sandbox_pause", "{}", " already paused");
	expect("sandbox_list", "{}", ": paused, your default");
	expect("sandbox_info", "{}", "sandbox_resume");
	cr_expect_eq(
		vm_state(vm_at(fixture.vms, "test", 0)), VM_PAUSED, "looking does not wake it");
	expect("sandbox_resume", "{}", " is ready after ");
	expect("sandbox_pause", "{}", " is paused after ");
	expect("type", "{\"text\":\"ence\"}", "Typed.");
	expect("run_command", "{\"command\":\"cat typed\"}", "half a sentence");
	expect("sandbox_pause", "{}", " is paused after ");
	expect("sandbox_kill", "{}", "has ended");
}

/* Its calls are over, but it is not: no advice to begin a new one. */
Test(tools_sandbox, a_call_that_a_pause_cuts_off)
{
	struct fake_call *first = fake_run(&fixture, "cursor_position", "{}");
	struct fake_call *cut = fake_begin(&fixture, "run_command", "{\"command\":\"sleep 600\"}");
	struct fake_call *pause = fake_run(&fixture, "sandbox_pause", "{}");
	fake_await(&fixture, cut);
	cr_expect_eq(pause->err.kind, ERR_NONE, "%s", pause->err.text);
	cr_expect_eq(cut->err.kind, ERR_GONE);
	cr_expect_not(strstr(cut->err.text, "Call again"), "%s", cut->err.text);
	fake_end(first);
	fake_end(cut);
	fake_end(pause);
}

Test(tools_sandbox, forked_with_half_typed_text)
{
	char ids[3][ID_LEN + 1];
	expect("type", "{\"text\":\"half a sent\"}", "Typed.");
	struct fake_call *call = fake_run(&fixture, "sandbox_fork", "{\"count\":3}");
	cr_assert_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	cr_expect_geq(call->stages, 2, "progress");
	const char *text = fake_block(call, 0, "text", "text");
	cr_expect(strstr(text, "3 of 3 copies are ready after "), "%s", text);
	for (size_t i = 0; i < 3; i++) {
		id_in(text, i + 1, ids[i]);
	}
	fake_end(call);
	for (size_t i = 0; i < 3; i++) {
		char args[100];
		snprintf(args, sizeof(args), "{\"sandbox\":\"%s\",\"text\":\" %zu\"}", ids[i], i);
		expect("type", args, "Typed.");
	}
	for (size_t i = 0; i < 3; i++) {
		char typed[40];
		snprintf(typed, sizeof(typed), "half a sent %zu", i);
		expect("run_command",
			with("{\"sandbox\":\"ID\",\"command\":\"cat typed\"}", ids[i]), typed);
	}
	auto_free char *source = say("run_command", "{\"command\":\"cat typed\"}");
	cr_expect_str_eq(source, "half a sent");
	expect("sandbox_list", "{}", "4 sandboxes:");
	expect_failure("sandbox_fork", "{\"count\":3}", ERR_LIMIT, "so 3 more");
}

Test(tools_sandbox, saved_and_rolled_back)
{
	char snapshot[ID_LEN + 1], other[ID_LEN + 1];
	expect("type", "{\"text\":\"before\"}", "Typed.");
	auto_free char *taken = say("sandbox_snapshot", "{\"name\":\"start\"}");
	id_in(taken, 0, snapshot);
	cr_expect(strstr(taken, " \"start\" of sandbox "), "%s", taken);
	expect("snapshot_list", "{}", with("1 snapshot:\nID \"start\": of sandbox ", snapshot));
	expect("type", "{\"text\":\" and after\"}", "Typed.");
	expect("sandbox_rollback", "{\"snapshot\":\"start\"}", " after ");
	auto_free char *typed = say("run_command", "{\"command\":\"cat typed\"}");
	cr_expect_str_eq(typed, "before");
	auto_free char *made = say("sandbox_create", with("{\"from\":\"ID\"}", snapshot));
	id_in(made, 0, other);
	expect("run_command", with("{\"sandbox\":\"ID\",\"command\":\"cat typed\"}", other),
		"before");
	expect_failure("sandbox_snapshot", "{\"name\":\"start\"}", ERR_ARGUMENT, "start");
	expect("snapshot_delete", "{\"snapshot\":\"start\"}", "is deleted");
	expect("snapshot_list", "{}", "You have no snapshot");
	expect_failure("sandbox_rollback", with("{\"snapshot\":\"ID\"}", snapshot), ERR_NOT_FOUND,
		"no snapshot");
	expect_failure("sandbox_create", with("{\"from\":\"ID\"}", snapshot), ERR_NOT_FOUND,
		"no snapshot");
}

/* ---- taken back, and hostile ---- */

Test(tools_sandbox, a_creation_taken_back_leaves_nothing)
{
	struct fake_call *call = fake_begin(&fixture, "sandbox_create", "{}");
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	cr_expect_null(vm_at(fixture.vms, "test", 0));
	fake_end(call);
}

Test(tools_sandbox, a_fork_taken_back_leaves_the_source)
{
	expect("type", "{\"text\":\"mine\"}", "Typed.");
	struct fake_call *call = fake_begin(&fixture, "sandbox_fork", "{\"count\":2}");
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED, "%s", call->err.text);
	fake_end(call);
	expect("sandbox_list", "{}", "1 sandbox:");
	expect("run_command", "{\"command\":\"cat typed\"}", "mine");
}

Test(tools_sandbox, a_snapshot_taken_back_is_not_kept)
{
	expect("cursor_position", "{}", "X=");
	struct fake_call *call = fake_begin(&fixture, "sandbox_snapshot", "{}");
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED, "%s", call->err.text);
	fake_end(call);
	expect("snapshot_list", "{}", "You have no snapshot");
}

Test(tools_sandbox, a_full_disk_leaves_the_sandbox_as_it_was)
{
	static const char *const names[] = { "sandbox_pause", "sandbox_snapshot", "sandbox_fork" };
	expect("type", "{\"text\":\"kept\"}", "Typed.");
	expect("run_command", "{\"command\":\"set full\"}", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_failure(names[i], "{}", ERR_HOST, "");
		expect("run_command", "{\"command\":\"cat typed\"}", "kept");
	}
	expect("sandbox_list", "{}", "1 sandbox:");
	expect("snapshot_list", "{}", "You have no snapshot");
}

Test(tools_sandbox, another_owner_sees_and_ends_nothing)
{
	struct err err;
	struct vm *other = vm_create(fixture.vms, "else", NULL, &err);
	cr_assert_not_null(other, "%s", err.text);
	static const char *const names[] = { "sandbox_info", "sandbox_kill", "sandbox_pause",
		"sandbox_resume", "sandbox_snapshot", "sandbox_fork" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_failure(names[i], with("{\"sandbox\":\"ID\"}", vm_id(other)), ERR_NOT_FOUND,
			"you have no sandbox");
	}
	expect("sandbox_list", "{}", "You have no sandboxes");
	cr_expect_leq(vm_state(other), VM_READY);
}

Test(tools_sandbox, hostile_names)
{
	static const char *const names[] = { "", "../../etc", "a/b", "\\u0001", "a\\nb",
		"0123456789012345678901234567890123456789012345678901234567890" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char args[200];
		snprintf(args, sizeof(args), "{\"snapshot\":\"%s\"}", names[i]);
		struct fake_call *call = fake_run(&fixture, "snapshot_delete", args);
		cr_expect_neq(call->err.kind, ERR_NONE, "%s", args);
		fake_end(call);
	}
	expect_failure("sandbox_snapshot", "{\"name\":\"a\\nb\"}", ERR_ARGUMENT, "control char");
	expect_failure(
		"sandbox_snapshot", "{\"name\":\"01234567890123456789\"}", ERR_ARGUMENT, "id");
}

/* ---- a backend that cannot ---- */

static void on_probe(const char *backend, const struct err *err, const char *detail, void *data)
{
	(void)detail;
	*(bool *)data |= strcmp(backend, "namespace") == 0 && !err;
}

Test(tools_sandbox, namespaces_cannot_and_say_what_can)
{
	static const char *const names[] = { "sandbox_pause", "sandbox_snapshot", "sandbox_fork" };
	const struct vm_config config = { .backend = "namespace" };
	bool works = false;
	vm_probe(&config, vm_backends, on_probe, &works);
	if (!works) {
		cr_skip_test("no namespaces here");
	}
	tool_fixture_close(&fixture);
	open_fixture_with("namespace");
	expect_failure("sandbox_create", "{\"image\":\"desktop\"}", ERR_UNSUPPORTED,
		"images need the microvm backend");
	expect_failure("sandbox_create", "{\"network\":\"internet\"}", ERR_UNSUPPORTED,
		"the microvm backend");
	expect("cursor_position", "{}", "X=");
	expect("sandbox_list", "{}", "1280x800, 4096 MiB, network none");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_failure(names[i], "{}", ERR_UNSUPPORTED, "the microvm backend");
	}
	expect("cursor_position", "{}", "X=");
}
