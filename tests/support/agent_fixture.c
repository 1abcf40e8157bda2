#include "tests/support/agent_fixture.h"

#include "vm/agent/session/services.h"

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
	return &req->fixture->agent;
}

void request_on_cancel(struct request *req, void (*fn)(void *data), void *data)
{
	req->cancel = fn;
	req->cancel_data = data;
}

/* ---- programs ---- */

pid_t agent_fixture_spawn_fds(struct agent_fixture *fixture, const char *const *argv,
	const struct spawn_fd *fds, size_t n)
{
	struct err err = { 0 };
	struct spawn how = {
		.argv = argv,
		.env = (const char *const *)fixture->env,
		.cwd = fixture->dir,
		.fds = fds,
		.n_fds = n,
		.die_with_us = true,
	};
	pid_t pid = spawn_start(&how, &err);
	cr_assert(pid > 0, "%s: %s", argv[0], err.text);
	cr_assert_lt(fixture->n_children, FIXTURE_CHILDREN);
	fixture->children[fixture->n_children++] = pid;
	return pid;
}

void agent_fixture_end_child(struct agent_fixture *fixture, pid_t pid)
{
	for (int i = 0; i < fixture->n_children; i++) {
		if (fixture->children[i] == pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			fixture->children[i] = fixture->children[--fixture->n_children];
			return;
		}
	}
}

/* ---- the loop ---- */

void agent_fixture_for_ms(struct agent_fixture *fixture, unsigned ms)
{
	uint64_t end = loop_now_us() + ms * 1000ul;
	while (loop_now_us() < end) {
		sd_event_run(fixture->agent.event, 5000);
	}
}

/* ---- start and stop ---- */

static void agent_fixture_on_lost(const struct err *why, void *data)
{
	(void)why;
	struct agent_fixture *fixture = data;
	fixture->lost++;
	display_close(take_ptr(&fixture->agent.display));
}

static void agent_fixture_on_change(uint64_t frame_id, void *data)
{
	(void)frame_id;
	struct agent_fixture *fixture = data;
	fixture->changes++;
}

static void agent_fixture_on_resized(struct size size, void *data)
{
	struct agent_fixture *fixture = data;
	fixture->agent.screen = size;
	fixture->agent.frame = geometry_fit(size);
}

static const struct display_handlers agent_fixture_handlers = {
	.resized = agent_fixture_on_resized,
	.lost = agent_fixture_on_lost,
	.screen_changed = agent_fixture_on_change,
};

static char *agent_fixture_env(const char *key, const char *value)
{
	char text[256];
	snprintf(text, sizeof(text), "%s=%s", key, value);
	return must(strdup(text));
}

void agent_fixture_start_server(struct agent_fixture *fixture, const char *size)
{
	char socket[100], text[16] = "";
	int fds[2];
	snprintf(socket, sizeof(socket), "%s/rfb", fixture->dir);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	const char *argv[] = { "Xvnc", "-displayfd", "3", "-geometry", size, "-depth", "24",
		"-nolisten", "tcp", "-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixpath",
		socket, NULL };
	struct spawn_fd to = { fds[1], 3 };
	fixture->server = agent_fixture_spawn_fds(fixture, argv, &to, 1);
	close(fds[1]);
	for (size_t n = 0;
		n < sizeof(text) - 1 && read(fds[0], text + n, 1) == 1 && text[n] != '\n'; n++) {
	}
	close(fds[0]);
	snprintf(fixture->name, sizeof(fixture->name), ":%d", (int)strtol(text, NULL, 10));
	cr_assert(*text, "Xvnc did not start");
	free(fixture->env[0]);
	fixture->env[0] = agent_fixture_env("DISPLAY", fixture->name);
}

void agent_fixture_open_display(struct agent_fixture *fixture)
{
	struct err err = { 0 };
	struct connections made = connect_now(fixture->name);
	fixture->agent.display =
		display_open(fixture->agent.event, &made, &agent_fixture_handlers, fixture, &err);
	cr_assert(fixture->agent.display, "%s", err.text);
}

static void agent_fixture_on_answer(enum client_sync_answer answer, void *data)
{
	*(bool *)data = answer == CLIENT_SYNC_ANSWERED;
}

void agent_fixture_start(struct agent_fixture *fixture, const char *size, bool window_manager)
{
	struct err err = { 0 };
	*fixture = (struct agent_fixture){ .dir = "/tmp/vitrine-test-XXXXXX" };
	cr_assert(mkdtemp(fixture->dir));
	fixture->env[0] = agent_fixture_env("DISPLAY", "");
	fixture->env[1] = agent_fixture_env("PATH", getenv("PATH"));
	fixture->env[2] = agent_fixture_env("HOME", fixture->dir);
	fixture->env[3] = agent_fixture_env("LANG", "C.UTF-8");
	fixture->env[4] = agent_fixture_env("NO_AT_BRIDGE", "1");
	fixture->env[5] = agent_fixture_env("GTK_IM_MODULE", "gtk-im-context-simple");
	agent_fixture_start_server(fixture, size);
	fixture->agent.event = loop_new(&err);
	cr_assert(fixture->agent.event, "%s", err.text);
	agent_fixture_open_display(fixture);
	fixture->agent.screen = display_size(fixture->agent.display);
	fixture->agent.frame = geometry_fit(fixture->agent.screen);
	fixture->agent.acts = act_queue_new(&fixture->agent);
	if (window_manager) {
		fixture->window_manager = agent_fixture_spawn(
			fixture, "env", services[SERVICE_WM].variable, "openbox", "--sm-disable");
		/* It answers from its main loop; a window that comes before that may be overlooked.
		 */
		bool answered = false;
		while (!answered) {
			struct client_sync *b = client_sync_window_manager(
				fixture->agent.display, agent_fixture_on_answer, &answered);
			agent_fixture_for_ms(fixture, b ? 50 : 5);
			client_sync_free(b);
		}
	}
}

void agent_fixture_stop(struct agent_fixture *fixture)
{
	display_close(take_ptr(&fixture->agent.display));
	act_queue_free(fixture->agent.acts);
	sd_event_unref(fixture->agent.event);
	while (fixture->n_children > 0) {
		agent_fixture_end_child(fixture, fixture->children[fixture->n_children - 1]);
	}
	for (size_t i = 0; i < 8; i++) {
		free(fixture->env[i]);
	}
	const char *rm[] = { "rm", "-rf", fixture->dir, NULL };
	struct spawn how = { .argv = rm };
	struct err err;
	pid_t pid = spawn_start(&how, &err);
	waitpid(pid, NULL, 0);
}

/* ---- files ---- */

void agent_fixture_path(struct agent_fixture *fixture, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", fixture->dir, name);
}

static char *agent_fixture_read(struct agent_fixture *fixture, const char *name)
{
	char path[128];
	agent_fixture_path(fixture, name, path);
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

bool agent_fixture_file_is(struct agent_fixture *fixture, const char *name, const char *want)
{
	auto_free char *text = agent_fixture_read(fixture, name);
	return text && strcmp(text, want) == 0;
}

void agent_fixture_expect_file(struct agent_fixture *fixture, const char *name, const char *want)
{
	uint64_t end = loop_now_us() + FIXTURE_PATIENCE_US;
	while (!agent_fixture_file_is(fixture, name, want) && loop_now_us() < end) {
		agent_fixture_for_ms(fixture, 20);
	}
	auto_free char *text = agent_fixture_read(fixture, name);
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

void agent_fixture_begin(struct agent_fixture *fixture, struct request *req, json_t *args)
{
	*req = (struct request){ .fixture = fixture, .json = args };
	struct msg_act decoded;
	struct err err = { 0 };
	cr_assert(
		message_decode(&op_act.message->request, args, 0, &decoded, &err), "%s", err.text);
	op_act.run(req, &decoded);
}

void agent_fixture_finish(struct request *req)
{
	agent_fixture_until(req->fixture, req->answered);
}

void agent_fixture_done(struct request *req)
{
	json_decref(req->result);
	json_decref(req->json);
	free(req->tail);
	*req = (struct request){ 0 };
}

json_t *agent_fixture_json(const char *text)
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

void agent_fixture_act(struct agent_fixture *fixture, struct request *req, const char *json)
{
	agent_fixture_begin(fixture, req, agent_fixture_json(json));
	agent_fixture_finish(req);
}

void agent_fixture_do(struct agent_fixture *fixture, const char *json)
{
	struct request req;
	agent_fixture_act(fixture, &req, json);
	cr_assert(req.result, "%s", req.err.text);
	const char *failed =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert_null(failed, "%s", failed);
	agent_fixture_done(&req);
}

int64_t agent_fixture_type(struct agent_fixture *fixture, const char *text)
{
	struct request req;
	agent_fixture_begin(fixture, &req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
	agent_fixture_finish(&req);
	cr_assert(req.result, "%s", req.err.text);
	const char *failed =
		json_string_value(json_object_get(json_object_get(req.result, "failed"), "text"));
	cr_assert_null(failed, "%s", failed);
	json_t *done = json_array_get(json_object_get(req.result, "done"), 0);
	int64_t chars = json_integer_value(json_object_get(done, "chars"));
	agent_fixture_done(&req);
	return chars;
}
