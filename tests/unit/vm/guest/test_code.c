// USES vm
/* A runner of code that says what it may not, ends, or is missing: whoever controls the sandbox may
 * have written its lines.  The agent is the test's. */

#include "tests/support/liar.h"

#include "base/buf.h"
#include "base/id.h"
#include "vm/guest/code.h"

/* ---- the agent, with a runner that says what `scene` has ---- */

static struct scene {
	const char *says;  /* "%I": the id of the request */
	bool absent;       /* attach finds none at first */
	int others;        /* starts that another runner wins */
	int ends;          /* its exit status, after its words; -1: it stays */
	const char *words; /* on stderr */
	/* what it saw */
	int attached, started, cancels;
	uint32_t talk; /* the conversation; 0: none */
	char request[ID_LEN + 1];
	struct buf input;
} scene;

static const struct link_talk talk = { 0 };

static void say_started(struct link *link, uint32_t id, int pid)
{
	struct err err;
	cr_assert(link_accept(link, id, &talk, NULL, &err), "%s", err.text);
	cr_assert(link_send_message(link, id,
		json_pack("{s:s, s:{s:i}}", "message", "started", "args", "pid", pid), NULL, 0));
	scene.talk = id;
}

static void end_with(struct link *link, uint32_t id, int status)
{
	link_reply(link, id, json_pack("{s:i, s:i}", "status", status, "ms", 1), NULL, 0);
}

static void begin(struct link *link, uint32_t id, bool start)
{
	struct err err;
	scene.attached += !start;
	scene.started += start;
	if (!start && scene.absent && !scene.started) {
		err_set(&err, ERR_NOT_FOUND, "there is no process with the tag");
		link_reply_err(link, id, &err);
		return;
	}
	bool loses = start && scene.others-- > 0;
	say_started(link, id, loses ? 6 : 7);
	if (loses) {
		end_with(link, id, 75);
	}
}

static void write_line(struct link *link)
{
	auto_buf struct buf line = { 0 };
	for (const char *at = scene.says; *at; at++) {
		if (strncmp(at, "%I", 2) == 0) {
			buf_printf(&line, "%s", scene.request);
			at++;
		} else {
			buf_append(&line, at, 1);
		}
	}
	cr_assert_eq(link_write(link, scene.talk, 0, line.data, line.len), line.len);
}

static void take_input(struct link *link, const struct link_msg *msg)
{
	json_auto_t *request = json_loadb((const char *)msg->tail, msg->tail_len, 0, NULL);
	const char *op = json_string_value(json_object_get(request, "op"));
	cr_assert_not_null(op);
	if (strcmp(op, "cancel") == 0) {
		scene.cancels++;
		cr_expect_str_eq(json_string_value(json_object_get(request, "run")), scene.request);
		return;
	}
	buf_append(&scene.input, msg->tail, msg->tail_len);
	snprintf(scene.request, sizeof(scene.request), "%s",
		json_string_value(json_object_get(request, "id")));
	write_line(link);
	if (scene.words) {
		link_write(link, scene.talk, 1, scene.words, strlen(scene.words));
	}
	if (scene.ends >= 0) {
		end_with(link, scene.talk, scene.ends);
	}
}

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	json_int_t pid =
		json_integer_value(json_object_get(json_object_get(msg->json, "args"), "pid"));
	if (strcmp(op, "attach") == 0 || strcmp(op, "exec") == 0) {
		begin(link, id, strcmp(op, "exec") == 0);
	} else if (strcmp(op, "process_input") == 0) {
		if (pid == 7) { /* the other one has ended */
			take_input(link, msg);
		}
		link_reply(link, id, json_object(), NULL, 0);
	} else if (strcmp(op, "process_signal") == 0) {
		scene.cancels += 100;
		link_reply(link, id, json_object(), NULL, 0);
	} else {
		only_pong(link, id, msg, data);
	}
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	err_set(&err, ERR_CANCELLED, "cancelled");
	link_reply_err(link, id, &err);
}

static const struct link_handlers agent = {
	.request = on_request, .cancel = on_cancel, .closed = ignore_closed
};

/* ---- who asks ---- */

struct heard {
	struct host host;
	struct link *link;
	struct code *code;
	struct buf log; /* what it was told */
	bool done;
	int status;
	struct err err;
	bool leaves; /* at the first output */
	bool left;
};

static void on_begin(const struct code_begin *begin, void *data)
{
	struct heard *h = data;
	buf_printf(&h->log, "begin %s %d;", begin->context, begin->lost);
}

static void on_stream(const struct code_stream *stream, void *data)
{
	struct heard *h = data;
	buf_printf(&h->log, "%d %s;", stream->name, stream->text);
	if (h->leaves) {
		h->left = true;
		code_close(take_ptr(&h->code));
	}
}

static void on_result(const struct code_result *result, void *data)
{
	struct heard *h = data;
	const char *type;
	json_t *value;
	json_object_foreach((json_t *)result->data, type, value)
	{
		buf_printf(&h->log, "%s %zu;", type, json_string_length(value));
	}
}

static void on_clear(void *data)
{
	buf_printf(&((struct heard *)data)->log, "clear;");
}

static void on_error(const struct code_error *error, void *data)
{
	buf_printf(&((struct heard *)data)->log, "%s;", error->name);
}

static void on_end(const struct code_end *end, const struct err *err, void *data)
{
	struct heard *h = data;
	h->code = NULL;
	h->done = true;
	h->status = end ? end->status : -1;
	h->err = err ? *err : (struct err){ 0 };
}

static const struct code_handlers handlers = { on_begin, on_stream, on_result, on_clear, on_error,
	on_end };

static void open_host(struct heard *h, const struct code_request *request)
{
	struct err err;
	struct vm *vm = liar_new(&h->host, (struct vm_config){ .backend = "fake" });
	h->link = link_new(h->host.event, take_fd(&liar_last->fd), &agent, NULL);
	say_ready(h->link);
	host_wait(&h->host, vm);
	h->code = code_open(vm_guest(vm), request, &handlers, h, &err);
	cr_assert_not_null(h->code, "%s", err.text);
}

static void close_host(struct heard *h)
{
	host_for_ms(&h->host, 20);
	link_free(h->link);
	host_done(&h->host);
	buf_done(&h->log);
	buf_done(&scene.input);
}

static void run_scene(struct heard *h, const struct scene *how, int op)
{
	scene = *how;
	*h = (struct heard){ 0 };
	open_host(h, &(struct code_request){ .op = op, .code = op == CODE_RUN ? "1" : NULL });
	host_until(&h->host, &h->done);
}

static void expect_refused(const char *line, int op, const char *words)
{
	struct heard h;
	run_scene(&h, &(struct scene){ .says = line, .ends = -1 }, op);
	cr_expect_eq(h.err.kind, ERR_HOST, "%s: %s", line, h.err.text);
	cr_expect_not_null(strstr(h.err.text, words), "%s: %s", line, h.err.text);
	close_host(&h);
	cr_expect_eq(scene.cancels, 1, "the code does not run on");
}

Test(code, a_line_that_is_none_is_refused, .timeout = 60)
{
	static const char *const lines[][2] = {
		{ "%I {\n", "invalid line" },
		{ "%I \n", "invalid line" },
		{ "%I []\n", "'type'" },
		{ "%I {\"type\":\"dance\"}\n", "'type'" },
		{ "%I {\"type\":\"alive\",\"x\":1}\n", "'x'" },
		{ "%I {\"type\":\"alive\",\"type\":\"alive\"}\n", "duplicate" },
		{ "%I {\"type\":\"stream\",\"name\":\"stdin\",\"text\":\"\"}\n", "'name'" },
		{ "%I {\"type\":\"stream\",\"name\":\"stdout\",\"text\":\"\xff\"}\n", "0xff" },
		{ "%I {\"type\":\"stream\",\"name\":\"stdout\",\"text\":\"\\u0000\"}\n", "u0000" },
		{ "%I {\"type\":\"begin\",\"context\":\"\",\"language\":\"x\"}\n", "'context'" },
		{ "%I {\"type\":\"begin\",\"context\":\"a\",\"language\":\"b\",\"lost\":\"c\"}\n",
			"'lost'" },
		{ "%I {\"type\":\"result\",\"data\":[]}\n", "'data'" },
		{ "%I {\"type\":\"result\",\"data\":{\"text/x\":\"\"}}\n", "text/x" },
		{ "%I {\"type\":\"result\",\"data\":{\"text/plain\":1}}\n", "text/plain" },
		{ "%I {\"type\":\"result\",\"data\":{\"image/png\":\"!\"}}\n", "image/png" },
		{ "%I {\"type\":\"result\",\"data\":{\"image/png\":\"aGVsbG8=\"}}\n", "image/png" },
		{ "%I {\"type\":\"result\",\"data\":{\"image/jpeg\":\"\"}}\n", "image/jpeg" },
		{ "%I {\"type\":\"result\",\"data\":{},\"too_large\":{\"image/png\":\"x\"}}\n",
			"too_large" },
		{ "%I {\"type\":\"end\",\"status\":\"fine\"}\n", "'status'" },
		{ "%I {\"type\":\"end\",\"count\":-1}\n", "'count'" },
		{ "%I {\"type\":\"end\",\"contexts\":[{\"id\":1}]}\n", "'id'" },
		{ "%I {\"type\":\"fail\",\"kind\":\"x\"}\n", "'text'" },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		expect_refused(lines[i][0], CODE_RUN, lines[i][1]);
	}
}

Test(code, output_is_refused_when_no_code_runs, .timeout = 60)
{
	expect_refused("%I {\"type\":\"begin\",\"context\":\"a\",\"language\":\"b\"}\n", CODE_LIST,
		"none runs");
	expect_refused("%I {\"type\":\"clear\"}\n", CODE_REMOVE, "none runs");
}

Test(code, other_lines_are_ignored, .timeout = 60)
{
	struct heard h;
	run_scene(&h,
		&(struct scene){
			.says = "x\":1}\n"
				"\n"
				"aaaaaaaaaaaaaaaaaaaa {\n"
				"%Ix {\n"
				"%I\n"
				"{\"type\":\"end\"}\n"
				"\xff\xfe\n"
				"%I {\"type\":\"alive\"}\n"
				"%I {\"type\":\"begin\",\"context\":\"a\",\"language\":\"b\"}\n"
				"%I {\"type\":\"stream\",\"name\":\"stderr\",\"text\":\"t\"}\n"
				"%I {\"type\":\"clear\"}\n"
				"%I {\"type\":\"result\",\"data\":{\"image/png\":\"iVBORw0KGgo=\"}}\n"
				"%I {\"type\":\"error\",\"name\":\"E\",\"value\":\"\","
				"\"traceback\":\"\"}\n"
				"%I {\"type\":\"end\",\"status\":\"error\"}\n"
				"%I {\"type\":\"clear\"}\n",
			.ends = -1 },
		CODE_RUN);
	cr_expect_eq(h.status, CODE_ERROR, "%s", h.err.text);
	cr_expect_str_eq(buf_text(&h.log), "begin a 0;1 t;clear;image/png 12;E;");
	cr_expect_eq(scene.started, 0, "there was one");
	close_host(&h);
}

/* Its error is text of the guest: one line, bounded. */
Test(code, an_error_of_the_runner_is_plain_text, .timeout = 60)
{
	struct heard h;
	run_scene(&h,
		&(struct scene){
			.says = "%I {\"type\":\"fail\",\"kind\":\"not-found\",\"text\":\"no\\n"
				"[system] \\u202e\"}\n",
			.ends = -1 },
		CODE_RUN);
	cr_expect_eq(h.err.kind, ERR_NOT_FOUND);
	cr_expect_null(strchr(h.err.text, '\n'), "%s", h.err.text);
	close_host(&h);
}

static void *write_flood(struct heard *h, const char *start, size_t len)
{
	static char bytes[65536];
	memset(bytes, 'x', sizeof(bytes));
	size_t n = link_write(h->link, scene.talk, 0, start, strlen(start));
	cr_assert_eq(n, strlen(start));
	for (size_t sent = 0; sent < len && !h->done;) {
		size_t want = len - sent < sizeof(bytes) ? len - sent : sizeof(bytes);
		sent += link_write(h->link, scene.talk, 0, bytes, want);
		cr_assert_geq(sd_event_run(h->host.event, 1000), 0);
	}
	return h;
}

Test(code, a_line_without_end_is_refused, .timeout = 60)
{
	struct heard h = { 0 };
	scene = (struct scene){ .says = "%I {\"type\":\"alive\"}\n", .ends = -1 };
	open_host(&h, &(struct code_request){ .code = "1" });
	while (!*scene.request) {
		cr_assert_geq(sd_event_run(h.host.event, UINT64_MAX), 0);
	}
	char start[ID_LEN + 2];
	snprintf(start, sizeof(start), "%s ", scene.request);
	/* That of another request costs nothing. */
	write_flood(&h, "another ", 8 << 20);
	cr_expect_not(h.done);
	write_flood(&h, "\n", 0);
	write_flood(&h, start, 8 << 20);
	host_until(&h.host, &h.done);
	cr_expect_not_null(strstr(h.err.text, "more than"), "%s", h.err.text);
	close_host(&h);
}

Test(code, a_runner_that_is_absent_is_started, .timeout = 60)
{
	struct heard h;
	run_scene(&h,
		&(struct scene){ .says = "%I {\"type\":\"end\"}\n", .ends = -1, .absent = true },
		CODE_RUN);
	cr_expect_eq(h.status, CODE_OK, "%s", h.err.text);
	cr_expect_eq(scene.attached, 1);
	cr_expect_eq(scene.started, 1);
	cr_expect_not_null(strstr(buf_text(&scene.input), "\"code\":\"1\""));
	close_host(&h);
}

Test(code, one_that_loses_to_another_leads_to_that, .timeout = 60)
{
	struct heard h;
	run_scene(&h,
		&(struct scene){ .says = "%I {\"type\":\"end\"}\n",
			.ends = -1,
			.absent = true,
			.others = 1 },
		CODE_RUN);
	cr_expect_eq(h.status, CODE_OK, "%s", h.err.text);
	cr_expect_eq(scene.attached, 2);
	cr_expect_eq(scene.started, 1);
	close_host(&h);
}

Test(code, one_that_always_ends_is_given_up, .timeout = 60)
{
	struct heard h;
	run_scene(&h, &(struct scene){ .says = "", .ends = 75, .absent = true, .others = 1000 },
		CODE_RUN);
	cr_expect_eq(h.err.kind, ERR_HOST, "%s", h.err.text);
	cr_expect_leq(scene.started + scene.attached, 20);
	close_host(&h);
}

Test(code, a_missing_program_is_named, .timeout = 60)
{
	for (int status = 69; status <= 127; status += 127 - 69) {
		struct heard h;
		run_scene(&h,
			&(struct scene){
				.says = "", .ends = status, .absent = true, .words = "no\nsuch" },
			CODE_RUN);
		cr_expect_eq(h.err.kind, ERR_UNSUPPORTED, "%s", h.err.text);
		cr_expect_not_null(strstr(h.err.text, "python3-ipykernel"), "%s", h.err.text);
		cr_expect_not_null(strstr(h.err.text, "no such"), "%s", h.err.text);
		close_host(&h);
	}
}

Test(code, one_that_ends_during_the_code_is_told, .timeout = 60)
{
	struct heard h;
	run_scene(&h,
		&(struct scene){
			.says = "%I {\"type\":\"begin\",\"context\":\"a\",\"language\":\"b\"}\n",
			.ends = 1 },
		CODE_RUN);
	cr_expect_eq(h.err.kind, ERR_HOST);
	cr_expect_not_null(strstr(h.err.text, "exit status 1"), "%s", h.err.text);
	cr_expect_eq(scene.started, 0, "the code is not run twice");
	close_host(&h);
}

/* One that has been ended before is found dead, and started again. */
Test(code, one_that_ended_before_is_started_again, .timeout = 60)
{
	struct heard h = { 0 };
	scene = (struct scene){ .says = "", .ends = 1 };
	open_host(&h, &(struct code_request){ .code = "1" });
	while (!scene.started) {
		cr_assert_geq(sd_event_run(h.host.event, UINT64_MAX), 0);
	}
	code_close(take_ptr(&h.code));
	close_host(&h);
	cr_expect_not(h.done);
}

Test(code, whoever_leaves_interrupts_it, .timeout = 60)
{
	struct heard h = { .leaves = true };
	scene = (struct scene){
		.says = "%I {\"type\":\"stream\",\"name\":\"stdout\",\"text\":\"a\"}\n"
			"%I {\"type\":\"stream\",\"name\":\"stdout\",\"text\":\"b\"}\n",
		.ends = -1
	};
	open_host(&h, &(struct code_request){ .code = "1" });
	host_until(&h.host, &h.left);
	host_for_ms(&h.host, 50);
	cr_expect_str_eq(buf_text(&h.log), "0 a;");
	cr_expect_not(h.done);
	cr_expect_eq(scene.cancels, 1);
	close_host(&h);
}

Test(code, code_that_is_too_long_is_refused, .timeout = 60)
{
	struct host host;
	struct err err;
	auto_free char *code = must(calloc(1, CODE_MAX + 1));
	memset(code, 1, CODE_MAX); /* six bytes each, as JSON */
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	cr_expect_null(code_open(
		vm_guest(vm), &(struct code_request){ .code = code }, &handlers, NULL, &err));
	cr_expect_eq(err.kind, ERR_LIMIT, "%s", err.text);
	host_done(&host);
}
