// USES tools
#include "tools_stand_in.h"

/* The toolset "sandbox": what is asked of a sandbox and what is said of what came of it, word by
 * word.  Times are told by the clock, so texts are compared up to them and after. */

TestSuite(tools_sandbox_text, .init = open_desk, .fini = close_desk);

static void check_parts(struct fake_call *call, const char *begins, const char *ends)
{
	const char *text = fake_block(call, 0, "text", "text");
	cr_assert_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	cr_assert_not_null(text);
	size_t len = strlen(text), end = strlen(ends);
	cr_expect(strncmp(text, begins, strlen(begins)) == 0, "%s\ndoes not begin with\n%s", text,
		begins);
	cr_expect(len >= end && strcmp(text + len - end, ends) == 0, "%s\ndoes not end with\n%s",
		text, ends);
}

static int64_t ago(int64_t ms)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - ms;
}

/* ---- sandbox_create ---- */

static struct fake_call *create(const char *args)
{
	stand_in.state = VM_STARTING;
	struct fake_call *call = fake_begin(&desk, "sandbox_create", args);
	cr_assert_eq(call->answers, 0, "%s: %s", args, call->err.text);
	return call;
}

static void is_up(void)
{
	stand_in.state = VM_READY;
	waiting.done(&stand_in, NULL, waiter);
}

Test(tools_sandbox_text, create_waits_and_tells_the_id)
{
	struct fake_call *call = create("{}");
	waiting.stage("boot", 1, 3, waiter);
	cr_expect_str_eq(call->stage, "Starting the desktop: boot");
	is_up();
	check_parts(call, "Sandbox mine is ready after ",
		" s: microvm, image desktop, 1280x800, 1024 MiB, network internet. To use it, pass "
		"sandbox: \"mine\" to the other tools.");
	fake_end(call);
	cr_expect_str_eq(asked.spec.image, "desktop", "the preset's");
	cr_expect_eq(asked.spec.timeout_ms, 60000);
	cr_expect_eq(asked.spec.idle_ms, -1);
	cr_expect_eq(asked.spec.on_timeout, VM_TIMEOUT_PAUSE);
}

Test(tools_sandbox_text, create_with_everything)
{
	struct fake_call *call = create(
		"{\"image\":\"minimal\",\"memory\":512,\"cpus\":2,\"screen\":\"1024x768\","
		"\"network\":\"none\",\"timeout\":0,\"idle_timeout\":30,\"on_timeout\":\"kill\","
		"\"labels\":{\"task\":\"a\\nb\"}}");
	is_up();
	check_parts(call, "Sandbox mine",
		": microvm, image minimal, 1024x768, 512 MiB, 2 processors, network none. To use "
		"it, pass sandbox: \"mine\" to the other tools.");
	cr_expect_eq(asked.spec.network, VM_NETWORK_NONE, "asked for, though 0");
	cr_expect_eq(asked.spec.on_timeout, VM_TIMEOUT_KILL, "asked for, though 0");
	cr_expect_eq(asked.spec.timeout_ms, -1);
	cr_expect_eq(asked.spec.idle_ms, 30000);
	cr_expect_str_eq(json_string_value(json_object_get(asked.spec.labels, "task")), "a\nb");
	fake_end(call);
}

Test(tools_sandbox_text, create_from_a_snapshot)
{
	struct fake_call *call = create("{\"from\":\"sssssssssssssssssss1\",\"timeout\":5}");
	cr_expect_str_eq(asked.spec.from, kept.id);
	cr_expect_eq(asked.spec.timeout_ms, 5000);
	is_up();
	fake_end(call);
}

Test(tools_sandbox_text, create_is_refused)
{
	static const struct {
		const char *args, *says;
	} rows[] = {
		{ "{\"from\":\"none\"}", "you have no snapshot 'none'" },
		{ "{\"from\":\"x\",\"image\":\"desktop\"}",
			"'image' and 'from' do not go together: a sandbox from a snapshot is as "
			"the snapshot was; leave one of the two out" },
		{ "{\"from\":\"x\",\"network\":\"none\"}", "'network' and 'from' do not" },
		{ "{\"screen\":\"1x1\"}",
			"'screen' must be WIDTHxHEIGHT, from 320x240 to 3840x2160, for example "
			"1280x800; got \"1x1\"" },
		{ "{\"screen\":[1280,800]}", "'screen' must be a string of 1 to 16 bytes" },
		{ "{\"memory\":1}", "'memory' must be an integer from 256 to 1048576; got 1" },
		{ "{\"memory\":1e300}", "'memory' must be an integer" },
		{ "{\"memory\":1048576}", "'memory' may be at most " },
		{ "{\"cpus\":65}", "'cpus' must be an integer from 1 to 64; got 65" },
		{ "{\"network\":\"all\"}", "'network' must be one of 'none', 'internet'" },
		{ "{\"timeout\":-1}", "'timeout' must be an integer from 0 to 2592000" },
		{ "{\"on_timeout\":\"\"}", "'on_timeout' must be one of 'kill', 'pause'" },
		{ "{\"labels\":[\"a\"]}", "'labels' must be an object of at most 16 strings" },
		{ "{\"labels\":{\"a\":{\"b\":\"c\"}}}", "'labels' must be an object of" },
		{ "{\"images\":\"x\"}", "'images' is not an argument here; did you mean 'image'?" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_call *call = fake_begin(&desk, "sandbox_create", rows[i].args);
		cr_expect_eq(call->answers, 1, "%s was taken", rows[i].args);
		cr_expect_eq(strncmp(call->err.text, rows[i].says, strlen(rows[i].says)), 0,
			"%s: %s", rows[i].args, call->err.text);
		fake_end(call);
	}
}

Test(tools_sandbox_text, a_creation_that_is_taken_back_ends_the_sandbox)
{
	struct fake_call *call = create("{}");
	fake_cancel(call);
	check_failure(call, ERR_CANCELLED, "cancelled before the desktop was ready; it was ended");
	cr_expect(wait_cancelled);
	cr_expect_str_eq(stand_in.stopped, "its creation was cancelled");
	fake_end(call);
}

/* ---- looking ---- */

Test(tools_sandbox_text, list)
{
	json_auto_t *labels = json_pack("{s:s, s:s}", "task", "two\nlines", "who", "\xc3\xa9");
	stand_in.spec.labels = labels;
	stand_in.times = (struct vm_times){ .created = ago(200000), .timeout = ago(-3700500) };
	copies[0].state = VM_PAUSED;
	copies[0].times.created = ago(50 * 3600000);
	copies[0].spec.idle_ms = 300000;
	copies[0].spec.on_timeout = VM_TIMEOUT_KILL;
	struct fake_call *call = fake_run(&desk, "sandbox_list", "{}");
	cr_expect_str_eq(fake_block(call, 0, "text", "text"),
		"2 sandboxes:\n"
		"mine: ready, your default, microvm, image desktop, 1280x800, 1024 MiB, network "
		"internet, made 3 min ago, pauses in 1 h 1 min, labels task=two lines "
		"who=\xc3\xa9\n"
		"one: paused, microvm, image desktop, 1280x800, 1024 MiB, network internet, made 2 "
		"days ago, ends after 5 min without a call");
	fake_end(call);
	no_default = true;
	call = fake_run(&desk, "sandbox_list", "{}");
	check_parts(call, "You have no sandbox. Any tool called without 'sandbox' makes", "one.");
	fake_end(call);
	call = fake_run(&desk, "sandbox_list", "{\"sandbox\":\"mine\"}");
	check_failure(call, ERR_ARGUMENT, "'sandbox' is not an argument here; there are none");
	fake_end(call);
}

Test(tools_sandbox_text, info)
{
	stand_in.state = VM_PAUSED;
	stand_in.no_limit_on = "shared memory";
	stand_in.spec.screen = (struct size){ 3840, 2160 };
	struct fake_call *call = fake_run(&desk, "sandbox_info", "{}");
	check_parts(call, "mine: paused, your default, microvm, image desktop, 3840x2160, ",
		"\nCoordinates are pixels of 1280x800, which is how its screen is shown."
		"\nThis host sets no limit on shared memory."
		"\nIts next call, or sandbox_resume, wakes it."
		"\nIts screen is the resource desktop://mine/screen.");
	fake_end(call);
	no_default = true;
	call = fake_run(&desk, "sandbox_info", "{}");
	check_failure(call, ERR_NOT_FOUND, "you have no default sandbox");
	fake_end(call);
}

/* ---- ending ---- */

Test(tools_sandbox_text, kill)
{
	struct fake_call *call = fake_run(&desk, "sandbox_kill", "{}");
	check_parts(call, "Sandbox mine has ended; its programs and files go with it. It was your",
		" default one: the next call without 'sandbox' makes a new one.");
	cr_expect_str_eq(stand_in.stopped, "it was ended with sandbox_kill");
	fake_end(call);
	call = fake_run(&desk, "sandbox_kill", "{\"sandbox\":\"gone\"}");
	check_parts(call, "There was nothing to do: sandbox gone has ended: ", "the X server died");
	fake_end(call);
	call = fake_run(&desk, "sandbox_kill", "{\"sandbox\":\"stranger\"}");
	check_failure(call, ERR_NOT_FOUND, "you have no sandbox 'stranger'");
	fake_end(call);
}

Test(tools_sandbox_text, set_timeout)
{
	struct fake_call *call = fake_run(&desk, "sandbox_set_timeout", "{\"timeout\":90}");
	cr_expect_eq(asked.timeout_ms, 90000);
	check_parts(call, "Sandbox mine pauses in 1 min", "");
	fake_end(call);
	call = fake_run(&desk, "sandbox_set_timeout", "{\"timeout\":0}");
	cr_expect_eq(asked.timeout_ms, -1);
	check_parts(call, "Sandbox mine has no timeout now", "");
	fake_end(call);
	call = fake_run(&desk, "sandbox_set_timeout", "{}");
	check_failure(call, ERR_ARGUMENT,
		"'timeout' is missing; it must be an integer from 0 to 2592000");
	fake_end(call);
}

/* ---- pause, resume, roll back ---- */

Test(tools_sandbox_text, pause_and_resume)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_pause", "{}");
	cr_expect_str_eq(call->stage, "Saving the desktop");
	asked.done(&stand_in, NULL, asked.data);
	check_parts(call, "Sandbox mine is paused after ",
		" s. It is on disk now, and takes no memory and no processor. Its next call wakes "
		"it, with programs and windows as they were.");
	fake_end(call);
	stand_in.state = VM_PAUSED;
	call = fake_run(&desk, "sandbox_pause", "{\"sandbox\":\"mine\"}");
	check_parts(call, "Sandbox mine is paused already.", "");
	fake_end(call);
	call = fake_begin(&desk, "sandbox_resume", "{}");
	is_up();
	check_parts(call, "Sandbox mine is ready after ", " s. It goes on where it was.");
	fake_end(call);
	call = fake_run(&desk, "sandbox_resume", "{}");
	check_parts(call, "Sandbox mine is running already.", "");
	fake_end(call);
}

Test(tools_sandbox_text, a_backend_that_cannot)
{
	struct err why;
	err_set(&why, ERR_UNSUPPORTED, "a pause needs the microvm backend");
	struct fake_call *call = fake_begin(&desk, "sandbox_pause", "{}");
	asked.done(&stand_in, &why, asked.data);
	check_failure(call, ERR_UNSUPPORTED, "a pause needs the microvm backend");
	fake_end(call);
}

Test(tools_sandbox_text, a_pause_under_way_is_finished)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_pause", "{}");
	fake_cancel(call);
	cr_expect_eq(call->answers, 0);
	asked.done(&stand_in, NULL, asked.data);
	cr_expect_eq(call->err.kind, ERR_NONE);
	fake_end(call);
}

Test(tools_sandbox_text, rollback)
{
	struct fake_call *call =
		fake_begin(&desk, "sandbox_rollback", "{\"snapshot\":\"sssssssssssssssssss1\"}");
	cr_expect_str_eq(asked.name, kept.id);
	asked.done(&stand_in, NULL, asked.data);
	check_parts(call, "Sandbox mine is back at its snapshot after ",
		" s. What happened since then is lost; take a new screenshot.");
	fake_end(call);
	call = fake_run(&desk, "sandbox_rollback", "{\"snapshot\":\"../x\"}");
	check_failure(call, ERR_NOT_FOUND, "you have no snapshot '../x'");
	fake_end(call);
	call = fake_run(&desk, "sandbox_rollback", "{}");
	check_failure(
		call, ERR_ARGUMENT, "'snapshot' is missing; it must be a string of 1 to 60 bytes");
	fake_end(call);
}

/* ---- fork ---- */

static struct vm *const all_copies[] = { &copies[0], &copies[1], &copies[2] };

Test(tools_sandbox_text, fork)
{
	struct err why;
	struct fake_call *call = fake_begin(&desk, "sandbox_fork", "{\"count\":3}");
	cr_expect_eq(asked.count, 3);
	cr_expect_str_eq(call->stage, "Copying the running desktop");
	n_waiters = 0;
	asked.fork(&stand_in, all_copies, 3, NULL, asked.data);
	cr_assert_eq(n_waiters, 3);
	waiting.done(&copies[1], NULL, waiters[1]);
	cr_expect_str_eq(call->stage, "1 of 3 copies are ready");
	err_set(&why, ERR_HOST, "sandbox one could not start: no memory");
	waiting.done(&copies[0], &why, waiters[0]);
	waiting.done(&copies[2], NULL, waiters[2]);
	check_parts(call, "Sandbox mine was copied; 2 of 3 copies are ready after ",
		"To use one, pass its id as 'sandbox'."
		"\none: sandbox one could not start: no memory"
		"\ntwo: ready"
		"\nthree: ready");
	fake_end(call);
}

Test(tools_sandbox_text, a_fork_with_fewer_copies_says_why)
{
	struct err why;
	err_set(&why, ERR_LIMIT, "all sandboxes are in use");
	struct fake_call *call = fake_begin(&desk, "sandbox_fork", "{\"count\":2}");
	n_waiters = 0;
	asked.fork(&stand_in, all_copies, 1, &why, asked.data);
	waiting.done(&copies[0], NULL, waiters[0]);
	check_parts(call, "Sandbox mine was copied; 1 of 2 copies are ready after ",
		"\none: ready\nThe others could not be made: all sandboxes are in use");
	fake_end(call);
	call = fake_begin(&desk, "sandbox_fork", "{}");
	asked.fork(&stand_in, NULL, 0, &why, asked.data);
	check_failure(call, ERR_LIMIT, "all sandboxes are in use");
	fake_end(call);
}

Test(tools_sandbox_text, a_fork_that_is_taken_back_ends_its_copies)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_fork", "{\"count\":2}");
	fake_cancel(call);
	cr_expect_eq(call->answers, 0, "the copies are being made");
	asked.fork(&stand_in, all_copies, 2, NULL, asked.data);
	check_failure(call, ERR_CANCELLED, "cancelled; the copies were ended");
	cr_expect(copies[0].stopped && copies[1].stopped && !copies[2].stopped);
	cr_expect_null(stand_in.stopped);
	fake_end(call);
}

Test(tools_sandbox_text, a_fork_taken_back_while_its_copies_start)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_fork", "{\"count\":2}");
	n_waiters = 0;
	asked.fork(&stand_in, all_copies, 2, NULL, asked.data);
	waiting.done(&copies[0], NULL, waiters[0]);
	fake_cancel(call);
	check_failure(call, ERR_CANCELLED, "cancelled; the copies were ended");
	cr_expect(copies[0].stopped && copies[1].stopped);
	fake_end(call);
}

Test(tools_sandbox_text, a_fork_is_bounded)
{
	static const char *const wrong[] = { "0", "101", "-1", "1.5", "\"3\"", "1e9" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char args[60];
		snprintf(args, sizeof(args), "{\"count\":%s}", wrong[i]);
		struct fake_call *call = fake_begin(&desk, "sandbox_fork", args);
		cr_expect_eq(call->err.kind, ERR_ARGUMENT, "%s", args);
		cr_expect_eq(
			strncmp(call->err.text, "'count' must be an integer from 1 to 100", 40), 0);
		fake_end(call);
	}
}

/* ---- snapshots ---- */

Test(tools_sandbox_text, snapshot)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_snapshot", "{\"name\":\"logged in\"}");
	cr_expect_str_eq(asked.name, "logged in");
	cr_expect_str_eq(call->stage, "Saving the desktop");
	kept.name = "logged in";
	kept.bytes = 5 << 20;
	asked.snapshot(&stand_in, &kept, NULL, asked.data);
	check_parts(call,
		"Snapshot sssssssssssssssssss1 \"logged in\" of sandbox mine is taken after ",
		" s, 5.0 MiB on disk; the sandbox goes on. sandbox_rollback {\"snapshot\": "
		"\"sssssssssssssssssss1\"} goes back to it, sandbox_create {\"from\": "
		"\"sssssssssssssssssss1\"} starts another sandbox there.");
	fake_end(call);
}

Test(tools_sandbox_text, a_snapshot_that_is_taken_back_is_thrown_away)
{
	struct fake_call *call = fake_begin(&desk, "sandbox_snapshot", "{}");
	fake_cancel(call);
	cr_expect_eq(call->answers, 0);
	asked.snapshot(&stand_in, &kept, NULL, asked.data);
	check_failure(call, ERR_CANCELLED, "cancelled; the snapshot was thrown away");
	cr_expect(deleted);
	fake_end(call);
}

Test(tools_sandbox_text, a_snapshot_that_fails)
{
	struct err why;
	err_set(&why, ERR_HOST, "the disk is full");
	struct fake_call *call = fake_begin(&desk, "sandbox_snapshot", "{}");
	asked.snapshot(&stand_in, NULL, &why, asked.data);
	check_failure(call, ERR_HOST, "the disk is full");
	fake_end(call);
}

Test(tools_sandbox_text, snapshot_list_and_delete)
{
	json_auto_t *labels = json_pack("{s:s}", "task", "a");
	kept.name = "a\"b\nc";
	kept.bytes = 1 << 19;
	kept.created = ago(61000);
	kept.spec = *vm_preset(NULL);
	kept.spec.labels = labels;
	struct fake_call *call = fake_run(&desk, "snapshot_list", "{}");
	cr_expect_str_eq(fake_block(call, 0, "text", "text"),
		"1 snapshot:\nsssssssssssssssssss1 \"a\"b c\": of sandbox mine, image desktop, "
		"1280x800, 1024 MiB, network internet, taken 1 min ago, 0.5 MiB on disk, labels "
		"task=a");
	fake_end(call);
	call = fake_run(&desk, "snapshot_delete", "{\"snapshot\":\"sssssssssssssssssss1\"}");
	check_parts(call, "Snapshot sssssssssssssssssss1 is deleted; ", " go on.");
	fake_end(call);
	call = fake_run(&desk, "snapshot_delete", "{\"snapshot\":\"sssssssssssssssssss1\"}");
	check_failure(call, ERR_NOT_FOUND, "you have no snapshot 'sssssssssssssssssss1'");
	fake_end(call);
	call = fake_run(&desk, "snapshot_list", "{}");
	check_parts(call, "You have no snapshot; sandbox_snapshot takes one.", "");
	fake_end(call);
}
