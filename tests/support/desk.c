#include "tests/support/desk.h"

void request_reply(struct request *req, json_t *result, const void *tail, size_t tail_len)
{
	cr_assert(!req->answered, "answered twice");
	req->answered = true;
	req->result = result;
	req->tail = must(malloc(tail_len + 1));
	memcpy(req->tail, tail ? tail : "", tail_len);
	req->tail_len = tail_len;
}

void request_fail(struct request *req, const struct err *why)
{
	cr_assert(!req->answered, "answered twice");
	req->answered = true;
	req->err = *why;
}

struct agent *request_agent(struct request *req)
{
	return &req->desk->agent;
}

void request_on_cancel(struct request *req, void (*fn)(void *data), void *data)
{
	req->cancel = fn;
	req->cancel_data = data;
}

/* ---- programs ---- */

pid_t desk_spawn_fds(
	struct desk *desk, const char *const *argv, const struct spawn_fd *fds, size_t n)
{
	struct err err = { 0 };
	struct spawn how = {
		.argv = argv,
		.env = (const char *const *)desk->env,
		.cwd = desk->dir,
		.fds = fds,
		.n_fds = n,
		.die_with_us = true,
	};
	pid_t pid = spawn_start(&how, &err);
	cr_assert(pid > 0, "%s: %s", argv[0], err.text);
	cr_assert_lt(desk->n_children, DESK_CHILDREN);
	desk->children[desk->n_children++] = pid;
	return pid;
}

void desk_end_child(struct desk *desk, pid_t pid)
{
	for (int i = 0; i < desk->n_children; i++) {
		if (desk->children[i] == pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			desk->children[i] = desk->children[--desk->n_children];
			return;
		}
	}
}

/* ---- the loop ---- */

void desk_for_ms(struct desk *desk, unsigned ms)
{
	uint64_t end = loop_now_us() + ms * 1000ul;
	while (loop_now_us() < end) {
		sd_event_run(desk->agent.event, 5000);
	}
}

/* ---- start and stop ---- */

static void desk_on_lost(const struct err *why, void *data)
{
	(void)why;
	struct desk *desk = data;
	desk->lost++;
	display_close(take_ptr(&desk->agent.display));
}

static void desk_on_change(uint64_t frame_id, void *data)
{
	(void)frame_id;
	struct desk *desk = data;
	desk->changes++;
}

static const struct display_handlers desk_handlers = {
	.lost = desk_on_lost,
	.screen_changed = desk_on_change,
};

static char *desk_env(const char *key, const char *value)
{
	char text[256];
	snprintf(text, sizeof(text), "%s=%s", key, value);
	return must(strdup(text));
}

void desk_start_server(struct desk *desk, const char *size)
{
	char socket[100], text[16] = "";
	int fds[2];
	snprintf(socket, sizeof(socket), "%s/rfb", desk->dir);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	const char *argv[] = { "Xvnc", "-displayfd", "3", "-geometry", size, "-depth", "24",
		"-nolisten", "tcp", "-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixpath",
		socket, NULL };
	struct spawn_fd to = { fds[1], 3 };
	desk->server = desk_spawn_fds(desk, argv, &to, 1);
	close(fds[1]);
	for (size_t n = 0;
		n < sizeof(text) - 1 && read(fds[0], text + n, 1) == 1 && text[n] != '\n'; n++) {
	}
	close(fds[0]);
	snprintf(desk->name, sizeof(desk->name), ":%d", (int)strtol(text, NULL, 10));
	cr_assert(*text, "Xvnc did not start");
	free(desk->env[0]);
	desk->env[0] = desk_env("DISPLAY", desk->name);
}

void desk_open_display(struct desk *desk)
{
	struct err err = { 0 };
	struct connections made = connect_now(desk->name);
	desk->agent.display = display_open(desk->agent.event, &made, &desk_handlers, desk, &err);
	cr_assert(desk->agent.display, "%s", err.text);
}

static void desk_on_answer(enum client_sync_answer answer, void *data)
{
	*(bool *)data = answer == CLIENT_SYNC_ANSWERED;
}

void desk_start(struct desk *desk, const char *size, bool window_manager)
{
	struct err err = { 0 };
	*desk = (struct desk){ .dir = "/tmp/vitrine-test-XXXXXX" };
	cr_assert(mkdtemp(desk->dir));
	desk->env[0] = desk_env("DISPLAY", "");
	desk->env[1] = desk_env("PATH", getenv("PATH"));
	desk->env[2] = desk_env("HOME", desk->dir);
	desk->env[3] = desk_env("LANG", "C.UTF-8");
	desk->env[4] = desk_env("NO_AT_BRIDGE", "1");
	desk->env[5] = desk_env("GTK_IM_MODULE", "gtk-im-context-simple");
	desk_start_server(desk, size);
	desk->agent.event = loop_new(&err);
	cr_assert(desk->agent.event, "%s", err.text);
	desk_open_display(desk);
	desk->agent.screen = display_size(desk->agent.display);
	desk->agent.frame = geometry_fit(desk->agent.screen);
	desk->agent.acts = act_queue_new(&desk->agent);
	if (window_manager) {
		desk_spawn(desk, "openbox", "--sm-disable");
		/* It answers from its main loop; a window that comes before that may be overlooked.
		 */
		bool answered = false;
		while (!answered) {
			struct client_sync *b = client_sync_window_manager(
				desk->agent.display, desk_on_answer, &answered);
			desk_for_ms(desk, b ? 50 : 5);
			client_sync_free(b);
		}
	}
}

void desk_stop(struct desk *desk)
{
	display_close(take_ptr(&desk->agent.display));
	act_queue_free(desk->agent.acts);
	sd_event_unref(desk->agent.event);
	while (desk->n_children > 0) {
		desk_end_child(desk, desk->children[desk->n_children - 1]);
	}
	for (size_t i = 0; i < 8; i++) {
		free(desk->env[i]);
	}
	const char *rm[] = { "rm", "-rf", desk->dir, NULL };
	struct spawn how = { .argv = rm };
	struct err err;
	pid_t pid = spawn_start(&how, &err);
	waitpid(pid, NULL, 0);
}

/* ---- files ---- */

void desk_path(struct desk *desk, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", desk->dir, name);
}

static char *desk_read(struct desk *desk, const char *name)
{
	char path[128];
	desk_path(desk, name, path);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return NULL;
	}
	size_t room = 1 << 20;
	char *text = must(malloc(room));
	ssize_t n = read(fd, text, room - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

bool desk_file_is(struct desk *desk, const char *name, const char *want)
{
	auto_free char *text = desk_read(desk, name);
	return text && strcmp(text, want) == 0;
}

void desk_expect_file(struct desk *desk, const char *name, const char *want)
{
	uint64_t end = loop_now_us() + 5000000;
	while (!desk_file_is(desk, name, want) && loop_now_us() < end) {
		desk_for_ms(desk, 20);
	}
	auto_free char *text = desk_read(desk, name);
	cr_assert(text, "no file %s", name);
	if (strcmp(text, want) != 0) {
		size_t at = 0;
		while (text[at] && text[at] == want[at]) {
			at++;
		}
		cr_assert_fail(
			"%s differs at byte %zu of %zu (got %zu bytes): got '%.60s' want '%.60s'",
			name, at, strlen(want), strlen(text), text + at, want + at);
	}
}

/* ---- acts ---- */

void desk_begin(struct desk *desk, struct request *req, json_t *args)
{
	*req = (struct request){ .desk = desk, .json = args };
	struct msg_act decoded;
	struct err err = { 0 };
	cr_assert(
		message_decode(&op_act.message->request, args, 0, &decoded, &err), "%s", err.text);
	op_act.run(req, &decoded);
}

void desk_finish(struct request *req)
{
	desk_until(req->desk, req->answered);
}

void desk_done(struct request *req)
{
	json_decref(req->result);
	json_decref(req->json);
	free(req->tail);
	*req = (struct request){ 0 };
}

json_t *desk_json(const char *text)
{
	char *copy = must(strdup(text));
	for (char *c = copy; *c; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	json_error_t error;
	json_t *json = json_loads(copy, 0, &error);
	cr_assert(json, "%s in %s", error.text, copy);
	free(copy);
	return json;
}

void desk_act(struct desk *desk, struct request *req, const char *json)
{
	desk_begin(desk, req, desk_json(json));
	desk_finish(req);
}

void desk_do(struct desk *desk, const char *json)
{
	struct request req;
	desk_act(desk, &req, json);
	cr_assert(req.result, "%s", req.err.text);
	const char *failed =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert_null(failed, "%s", failed);
	desk_done(&req);
}

int64_t desk_type(struct desk *desk, const char *text)
{
	struct request req;
	desk_begin(desk, &req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
	desk_finish(&req);
	cr_assert(req.result, "%s", req.err.text);
	const char *failed =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert_null(failed, "%s", failed);
	json_t *done = json_array_get(json_object_get(req.result, "done"), 0);
	int64_t chars = json_integer_value(json_object_get(done, "chars"));
	desk_done(&req);
	return chars;
}
