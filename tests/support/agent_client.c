#include "tests/support/agent_client.h"

#include <sys/stat.h>

static void client_on_event(struct link *link, const struct link_msg *msg, void *data)
{
	(void)link;
	struct client *c = data;
	json_array_append_new(c->events, json_deep_copy(msg->json));
}

static void client_on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link;
	(void)why;
	((struct client *)data)->closed = true;
}

const struct link_handlers client_handlers = {
	.event = client_on_event,
	.closed = client_on_closed,
};

static int client_on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct client *c = data;
	c->ended = true;
	c->end = *info;
	return 0;
}

int client_too_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	*(bool *)data = true;
	return 0;
}

static void set_home(struct client *c)
{
	snprintf(c->home, sizeof(c->home), "%s%s", c->dir, getenv(CLIENT_OWN_HOME) ? "/home" : "");
	cr_assert(strcmp(c->home, c->dir) == 0 || mkdir(c->home, 0700) == 0);
	setenv("HOME", c->home, 1);
}

void client_start_with(struct client *c, const char *const *more, int fd)
{
	int ends[2];
	char program[512];
	const char *argv[32] = { program, "--link-fd", "3" };
	struct err err;
	*c = (struct client){ .events = json_array(), .spare = -1 };
	for (int i = 0; more && more[i]; i++) {
		argv[3 + i] = more[i];
	}
	snprintf(c->dir, sizeof(c->dir), "/tmp/vitrine-client-XXXXXX");
	cr_assert(mkdtemp(c->dir));
	setenv("XDG_RUNTIME_DIR", c->dir, 1);
	set_home(c);
	unsetenv("DISPLAY");
	snprintf(program, sizeof(program), "%s/vitrine-agent", getenv("VITRINE_BUILD"));
	c->event = loop_new(&err);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	struct spawn_fd fds[] = { { ends[1], 3 }, { 2, 2 }, { fd, 4 } };
	struct spawn how = {
		.argv = argv, .fds = fds, .n_fds = fd >= 0 ? 3 : 2, .die_with_us = true
	};
	c->pid = spawn_start(&how, &err);
	cr_assert(c->pid > 0, "%s", err.text);
	close(ends[1]);
	c->spare = fd >= 0 ? fcntl(ends[0], F_DUPFD_CLOEXEC, 3) : -1;
	c->link = link_new(c->event, ends[0], &client_handlers, c);
	sd_event_add_child(c->event, &c->child, c->pid, WEXITED, client_on_end, c);
}

void client_start(struct client *c, const char *const *more)
{
	client_start_with(c, more, -1);
}

const json_t *client_find(const struct client *c, const char *name, size_t from)
{
	for (size_t i = from; i < json_array_size(c->events); i++) {
		const json_t *event = json_array_get(c->events, i);
		if (strcmp(json_string_value(json_object_get(event, "event")), name) == 0) {
			return event;
		}
	}
	return NULL;
}

const json_t *client_expect(struct client *c, const char *name, size_t from)
{
	cr_assert(client_until(c, client_find(c, name, from) || c->closed), "no event '%s' came",
		name);
	const json_t *event = client_find(c, name, from);
	cr_assert(event, "the link ended before an event '%s' came", name);
	return event;
}

void client_start_ready(struct client *c)
{
	client_start(c, NULL);
	client_expect(c, "ready", 0);
}

void client_on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct answer *a = data;
	a->came = true;
	if (err) {
		a->err = *err;
	} else {
		a->result = json_deep_copy(msg->json);
		buf_append(&a->tail, msg->tail, msg->tail_len);
	}
}

uint32_t client_ask(struct client *c, const char *op, json_t *args, struct answer *a)
{
	*a = (struct answer){ 0 };
	return link_request(c->link, op, args, client_on_reply, a);
}

void client_call(struct client *c, const char *op, json_t *args, struct answer *a)
{
	client_ask(c, op, args, a);
	cr_assert(client_until(c, a->came), "no answer to '%s' came", op);
}

void answer_done(struct answer *a)
{
	json_decref(a->result);
	buf_done(&a->tail);
}

/* ---- exec ---- */

static void shell_on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct shell *sh = data;
	cr_assert_not(sh->answer.came, "output after the answer");
	buf_append(channel == EXEC_STDOUT ? &sh->out : &sh->err, bytes, len);
	if (!sh->stalled) {
		link_consumed(link, id, len);
	}
}

static void shell_on_message(
	struct link *link, uint32_t id, const struct link_msg *msg, size_t cost, void *data)
{
	struct shell *sh = data;
	auto_free void *args = NULL;
	struct err err;
	cr_assert(
		message_speech_decode(&message_exec.talk->agent, msg, &args, &err), "%s", err.text);
	sh->started = (int)((const struct msg_started *)args)->pid;
	link_consumed(link, id, cost);
}

static void shell_on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	client_on_reply(msg, err, &((struct shell *)data)->answer);
}

static const struct link_talk shell_talk = {
	.data = shell_on_data,
	.message = shell_on_message,
};

uint32_t shell_start(struct client *c, const struct msg_exec *args, const void *tail,
	size_t tail_len, struct shell *sh)
{
	*sh = (struct shell){ 0 };
	return link_converse(c->link, "exec", message_encode(&message_exec.request, args), tail,
		tail_len, &shell_talk, shell_on_reply, sh);
}

uint32_t shell_attach(struct client *c, int pid, struct shell *sh)
{
	*sh = (struct shell){ 0 };
	return link_converse(c->link, "attach",
		message_encode(&message_attach.request, &(struct msg_attach){ .pid = pid }), NULL,
		0, &shell_talk, shell_on_reply, sh);
}

uint32_t shell_open(struct client *c, const char *command, struct shell *sh)
{
	const struct msg_exec args = { .command = command, .timeout_ms = 20000, .input = true };
	return shell_start(c, &args, NULL, 0, sh);
}

uint32_t shell_ask(
	struct client *c, const char *command, const char *cwd, int timeout_ms, struct shell *sh)
{
	size_t len = strlen(command);
	bool behind = len > MESSAGE_COMMAND_INLINE;
	const struct msg_exec args = {
		.command = behind ? NULL : command,
		.cwd = cwd,
		.timeout_ms = timeout_ms,
	};
	return shell_start(c, &args, behind ? command : NULL, behind ? len : 0, sh);
}

void shell_wait(struct client *c, struct shell *sh)
{
	cr_assert(client_until(c, sh->answer.came), "the command does not end");
}

void shell_run(struct client *c, const char *command, struct shell *sh)
{
	shell_ask(c, command, NULL, 20000, sh);
	shell_wait(c, sh);
}

void shell_expect(struct client *c, const char *command, const char *want)
{
	struct shell sh;
	shell_run(c, command, &sh);
	cr_assert(sh.answer.result, "%s", sh.answer.err.text);
	cr_assert_str_eq(buf_text(&sh.out), want, "%s gave '%s'", command, buf_text(&sh.out));
	shell_done(&sh);
}

json_int_t shell_number(const struct shell *sh, const char *key)
{
	const json_t *value = json_object_get(sh->answer.result, key);
	return value ? json_integer_value(value) : -1;
}

void shell_done(struct shell *sh)
{
	answer_done(&sh->answer);
	buf_done(&sh->out);
	buf_done(&sh->err);
}

/* ---- the end ---- */

void client_stop(struct client *c)
{
	link_free(c->link);
	c->link = NULL;
	if (c->spare >= 0) {
		close(take_fd(&c->spare));
	}
	cr_assert(client_until(c, c->ended), "the agent outlives its host");
	cr_expect(c->end.si_code == CLD_EXITED && c->end.si_status == 0, "the agent ended with %d",
		c->end.si_status);
	loop_drop(&c->child);
	json_decref(c->events);
	sd_event_unref(c->event);
	const char *argv[] = { "rm", "-rf", c->dir, NULL };
	struct err err;
	pid_t rm = spawn_start(&(struct spawn){ .argv = argv }, &err);
	waitpid(rm, NULL, 0);
}

bool process_is_alive(pid_t pid)
{
	char path[40], text[512] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		return false;
	}
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	const char *behind = n ? strrchr(text, ')') : NULL;
	return behind && behind[2] != 'Z' && behind[2] != 'X';
}

/* Reads a file of /proc/PID/; returns how many bytes it has, at most size. */
static size_t read_of(pid_t pid, const char *what, char *ret, size_t size)
{
	char path[60];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(ret, 1, size, file) : 0;
	if (file) {
		fclose(file);
	}
	return n;
}

static bool has_command(pid_t pid, const char *name)
{
	char text[256] = "";
	(void)read_of(pid, "comm", text, sizeof(text) - 1);
	if (strncmp(text, name, strlen(name)) == 0) {
		return true;
	}
	size_t n = read_of(pid, "cmdline", text, sizeof(text) - 1);
	for (size_t i = 0; i < n; i++) {
		text[i] = text[i] ? text[i] : ' ';
	}
	text[n] = '\0';
	return strncmp(text, name, strlen(name)) == 0;
}

int client_count_processes(const struct client *c, const char *name, pid_t *ret_pid)
{
	int count = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	while ((entry = readdir(proc))) {
		pid_t pid = atol(entry->d_name) > 0 ? (pid_t)atol(entry->d_name) : 0;
		static char env[65536];
		size_t n = pid && pid != getpid() ? read_of(pid, "environ", env, sizeof(env)) : 0;
		if (memmem(env, n, c->dir, strlen(c->dir)) && pid != c->pid &&
			process_is_alive(pid) && has_command(pid, name)) {
			count++;
			*ret_pid = pid;
		}
	}
	closedir(proc);
	return count;
}

pid_t client_pid_of(const struct client *c, const char *name)
{
	pid_t pid = 0;
	cr_assert_eq(client_count_processes(c, name, &pid), 1, "there is not just one %s", name);
	return pid;
}

bool process_ends(pid_t pid)
{
	for (int i = 0; i < 500 && process_is_alive(pid); i++) {
		usleep(10000);
	}
	return !process_is_alive(pid);
}
