// USES wire
/* The desktop's own programs: they come up, come back, and go. */
#include "tests/support/agent_client.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));
	return text ? text : "";
}

Test(session, tells_each_stage_and_then_ready)
{
	struct client c;
	struct answer a;
	client_start(&c, (const char *[]){ "--screen", "800x600", NULL });
	const json_t *ready = client_expect(&c, "ready", 0);
	cr_expect_str_eq(text_of(json_array_get(c.events, 0), "event"), "hello");
	static const char *const stages[] = { "x-server", "session-bus", "accessibility-bus",
		"window-manager", "panel", "first-frame", NULL };
	size_t seen = 0;
	for (size_t i = 1; i + 1 < json_array_size(c.events); i++) {
		const json_t *event = json_array_get(c.events, i);
		cr_expect_str_eq(text_of(event, "event"), "stage");
		for (size_t s = 0; stages[s]; s++) {
			seen |= strcmp(stages[s], text_of(event, "stage")) == 0 ? 1u << s : 0;
		}
	}
	cr_expect_eq(seen, 0x3f, "stages seen: 0x%zx", seen);
	cr_expect_eq(json_integer_value(json_array_get(json_object_get(ready, "screen"), 0)), 800);
	client_call(&c, "info", NULL, &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(
		json_integer_value(json_array_get(json_object_get(a.result, "frame"), 1)), 600);
	cr_expect_eq(
		json_array_size(json_object_get(a.result, "windows")), 0, "the panel is no window");
	cr_expect_str_eq(text_of(a.result, "layout"), "us");
	answer_done(&a);
	client_stop(&c);
}

Test(session, restarts_the_window_manager)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	size_t before = json_array_size(c.events);
	kill(client_pid_of(&c, "openbox"), SIGKILL);
	const json_t *event = client_expect(&c, "restarted", before);
	cr_expect_str_eq(text_of(event, "what"), "window manager");
	cr_expect(strstr(text_of(event, "why"), "SIGKILL"), "%s", text_of(event, "why"));
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	client_stop(&c);
}

static bool has_variable(pid_t pid, const char *variable)
{
	char path[64], all[8192];
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, all, sizeof(all));
	cr_assert_gt(n, 0, "%s", path);
	return memmem(all, (size_t)n, variable, strlen(variable)) != NULL;
}

Test(session, only_the_window_manager_does_without_compose_sequences)
{
	struct client c;
	client_start_ready(&c);
	cr_expect(has_variable(client_pid_of(&c, "openbox"), "XCOMPOSEFILE=/dev/null"));
	cr_expect_not(has_variable(client_pid_of(&c, "tint2"), "XCOMPOSEFILE"));
	client_stop(&c);
}

Test(session, survives_its_x_server)
{
	struct client c;
	struct answer a, waiting;
	client_start_ready(&c);
	client_ask(&c, "launch",
		json_pack("{s:s, s:i}", "application", "dbus-monitor", "timeout_ms", 20000),
		&waiting);
	client_call(&c, "ping", NULL, &a);
	answer_done(&a);
	size_t before = json_array_size(c.events);
	kill(client_pid_of(&c, "Xvnc"), SIGKILL);
	const json_t *event = client_expect(&c, "restarted", before);
	cr_expect_str_eq(text_of(event, "what"), "X server");
	cr_assert(client_until(&c, waiting.came));
	cr_expect_eq(waiting.err.kind, ERR_STATE, "%s", waiting.err.text);
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	client_stop(&c);
}

static int side(const json_t *of, const char *key, size_t i)
{
	return (int)json_integer_value(json_array_get(json_object_get(of, key), i));
}

static void resize(struct client *c, int width, int height, struct answer *a)
{
	client_call(c, "display_set", json_pack("{s:i, s:i}", "width", width, "height", height), a);
}

static void expect_size(struct client *c, int width, int height)
{
	struct answer a;
	client_call(c, "info", NULL, &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(side(a.result, "screen", 0), width);
	cr_expect_eq(side(a.result, "screen", 1), height);
	answer_done(&a);
}

static void expect_image(struct client *c, int width)
{
	struct answer a;
	client_call(c, "act", json_pack("{s:{s:s}}", "observe", "mode", "settled"), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(
		json_integer_value(json_object_get(json_object_get(a.result, "frame"), "width")),
		width);
	answer_done(&a);
}

static void restart_the_x_server(struct client *c)
{
	size_t before = json_array_size(c->events);
	kill(client_pid_of(c, "Xvnc"), SIGKILL);
	client_expect(c, "restarted", before);
}

Test(session, has_the_size_that_was_set_also_after_a_crash)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	size_t before = json_array_size(c.events);
	resize(&c, 1920, 1080, &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *event = client_find(&c, "resized", before);
	cr_assert(event, "the event precedes the answer");
	cr_expect_eq(side(event, "screen", 1), 1080);
	cr_expect_eq(side(event, "frame", 0), 1456);
	cr_expect_eq(side(a.result, "screen", 0), 1920);
	cr_expect_eq(side(a.result, "frame", 1), 819);
	answer_done(&a);
	expect_size(&c, 1920, 1080);
	expect_image(&c, 1456);
	before = json_array_size(c.events);
	restart_the_x_server(&c);
	expect_size(&c, 1920, 1080);
	cr_expect_null(client_find(&c, "resized", before), "it came up with its size");
	client_stop(&c);
}

static int width_of_new(struct client *c, const char *program)
{
	struct answer a;
	client_call(c, "launch",
		json_pack("{s:s, s:i}", "application", program, "timeout_ms", 60000), &a);
	cr_assert(a.result, "%s", a.err.text);
	const json_t *window = json_object_get(a.result, "window");
	int width = (int)json_integer_value(json_object_get(window, "width"));
	kill((pid_t)json_integer_value(json_object_get(a.result, "pid")), SIGKILL);
	answer_done(&a);
	return width;
}

Test(session, has_the_scale_that_was_set_also_after_a_crash)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	int small = width_of_new(&c, "xterm");
	cr_assert_gt(small, 300);
	size_t before = json_array_size(c.events);
	client_call(&c, "display_set", json_pack("{s:i}", "scale", 150), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_eq(json_integer_value(json_object_get(a.result, "scale")), 150);
	answer_done(&a);
	const json_t *event = client_find(&c, "resized", before);
	cr_assert(event, "the host keeps it");
	cr_expect_eq(json_integer_value(json_object_get(event, "scale")), 150);
	expect_size(&c, 1280, 800);
	cr_expect_gt(width_of_new(&c, "xterm"), small * 13 / 10);
	restart_the_x_server(&c);
	cr_expect_gt(width_of_new(&c, "xterm"), small * 13 / 10);
	client_stop(&c);
}

Test(session, refuses_sizes_out_of_bounds)
{
	static const int bad[][2] = { { 319, 240 }, { 320, 239 }, { 3841, 2160 }, { 3840, 2161 },
		{ 0, 0 }, { -1, 600 }, { 2147483647, 2147483647 } };
	struct client c;
	struct answer a;
	client_start_ready(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		resize(&c, bad[i][0], bad[i][1], &a);
		cr_expect_eq(a.err.kind, ERR_ARGUMENT, "%dx%d", bad[i][0], bad[i][1]);
		answer_done(&a);
	}
	expect_size(&c, 1280, 800);
	client_stop(&c);
}

/* What a faulty program may do to any part must not cost the user's work. */
static void rests_and_comes_back(const char *program, const char *what)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	for (int i = 0; i < 5; i++) {
		size_t before = json_array_size(c.events);
		kill(client_pid_of(&c, program), SIGKILL);
		client_expect(&c, "restarted", before);
	}
	size_t before = json_array_size(c.events);
	kill(client_pid_of(&c, program), SIGKILL);
	const json_t *event = client_expect(&c, "resting", before);
	cr_expect_str_eq(text_of(event, "what"), what);
	cr_expect(strstr(text_of(event, "why"), "SIGKILL"), "%s", text_of(event, "why"));
	cr_expect_gt(json_integer_value(json_object_get(event, "ms")), 0);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	event = client_expect(&c, "restarted", before);
	cr_expect_str_eq(text_of(event, "what"), what);
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	client_stop(&c);
}

Test(session, goes_on_without_a_panel_that_dies_again_and_again)
{
	rests_and_comes_back("tint2", "panel");
}

Test(session, goes_on_without_a_bus_that_dies_again_and_again)
{
	rests_and_comes_back("dbus-daemon --session", "session bus");
}

Test(session, goes_on_without_an_accessibility_bus_that_dies_again_and_again)
{
	rests_and_comes_back("dbus-daemon --config-file", "accessibility bus");
}

Test(session, a_window_manager_that_dies_again_and_again_comes_back)
{
	rests_and_comes_back("openbox", "window manager");
}

struct killer {
	struct client *client;
	const char *program;
	sd_event_source *timer;
};

/* Every few milliseconds: so it dies before it is up, too. */
static int on_kill(sd_event_source *source, uint64_t now, void *data)
{
	struct killer *killer = data;
	pid_t pid = 0;
	(void)source, (void)now;
	if (client_count_processes(killer->client, killer->program, &pid) > 0) {
		kill(pid, SIGKILL);
	}
	loop_drop(&killer->timer);
	killer->timer = loop_after_ms(killer->client->event, 5, on_kill, killer);
	return 0;
}

static size_t count_events(const struct client *c, const char *name)
{
	size_t count = 0, i;
	const json_t *event;
	json_array_foreach(c->events, i, event)
	{
		count += strcmp(text_of(event, "event"), name) == 0;
	}
	return count;
}

Test(session, outlives_a_window_manager_that_never_comes_up_again)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	struct killer killer = { &c, "openbox", NULL };
	on_kill(NULL, 0, &killer);
	cr_assert(client_until(&c, count_events(&c, "resting") >= 2 || c.closed));
	loop_drop(&killer.timer);
	cr_assert_not(c.closed, "the desktop has ended");
	client_expect(&c, "restarted", json_array_size(c.events));
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	client_stop(&c);
}

Test(session, goes_on_when_its_programs_are_stopped)
{
	static const char *const programs[] = { "Xvnc", "openbox", "tint2", "dbus-daemon --session",
		"dbus-daemon --config-file" };
	struct client c;
	struct answer a;
	client_start_ready(&c);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		kill(client_pid_of(&c, programs[i]), SIGSTOP);
	}
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	client_stop(&c);
}

/* ---- a client that grabs the X server before the agent is there ---- */

static struct sockaddr_un display_socket(struct client *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct shell sh;
	shell_run(c, "echo ${DISPLAY#:}", &sh);
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/.X11-unix/X%ld",
		strtol(buf_text(&sh.out), NULL, 10));
	shell_done(&sh);
	return at;
}

/* Grabs each new server.  The greeting and the request are one write, so the server has read them
 * before the agent, which waits for its sign, has connected. */
static pid_t start_grabber(const struct sockaddr_un *at)
{
	static const char hello_and_grab[] = "l\0\13\0\0\0\0\0\0\0\0\0"
					     "\44\0\1";
	pid_t pid = fork();
	if (pid != 0) {
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		char answer[4096];
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (const void *)at, sizeof(*at)) == 0 &&
			write(fd, hello_and_grab, sizeof(hello_and_grab)) > 0) {
			while (read(fd, answer, sizeof(answer)) > 0) {
			}
		}
		close(fd);
	}
}

Test(session, outlives_a_client_that_grabs_a_new_x_server)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	struct sockaddr_un at = display_socket(&c);
	size_t before = json_array_size(c.events);
	kill(client_pid_of(&c, "Xvnc"), SIGKILL);
	pid_t grabber = start_grabber(&at);
	while (!client_find(&c, "resting", before) && !client_find(&c, "restarted", before)) {
		client_call(&c, "ping", NULL, &a);
		cr_assert(a.result, "%s", a.err.text);
		answer_done(&a);
		usleep(100000);
	}
	const json_t *event = client_expect(&c, "resting", before);
	cr_expect_str_eq(text_of(event, "what"), "X server");
	cr_expect(strstr(text_of(event, "why"), "did not respond"), "%s", text_of(event, "why"));
	kill(grabber, SIGKILL);
	waitpid(grabber, NULL, 0);
	client_expect(&c, "restarted", before);
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	client_stop(&c);
}

/* An own PATH, in which some programs are missing. */
static void hide_programs(const char *dir, const char *const *shown)
{
	char from[256], to[256];
	for (; *shown; shown++) {
		snprintf(from, sizeof(from), "/usr/bin/%s", *shown);
		snprintf(to, sizeof(to), "%s/%s", dir, *shown);
		cr_assert(symlink(from, to) == 0);
	}
	setenv("PATH", dir, 1);
}

static void remove_programs(const char *dir, const char *const *shown)
{
	char path[256];
	for (; *shown; shown++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *shown);
		unlink(path);
	}
	rmdir(dir);
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void write_program(const char *dir, const char *name, const char *script)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	cr_assert_eq(write(fd, script, strlen(script)), (ssize_t)strlen(script));
	close(fd);
}

Test(session, gives_up_on_what_never_comes_up)
{
	static const char *const shown[] = { "Xvnc", "xkbcomp", "sh", "dbus-daemon", NULL };
	static const char *const made[] = { "openbox", NULL };
	char dir[] = "/tmp/vitrine-path-XXXXXX";
	struct client c;
	cr_assert(mkdtemp(dir));
	write_program(dir, made[0], "#!/bin/sh\necho 'say \"yes\" to all' >&2\nexit 3\n");
	hide_programs(dir, shown);
	client_start(&c, NULL);
	const json_t *event = client_expect(&c, "failed", 0);
	cr_expect(strstr(text_of(event, "text"), "window manager"), "%s", text_of(event, "text"));
	cr_expect(strstr(text_of(event, "text"), "its output ended with \"say 'yes' to all\""),
		"%s", text_of(event, "text"));
	cr_assert(client_until(&c, c.ended));
	cr_expect_eq(c.end.si_status, 1);
	c.end.si_status = 0;
	remove_programs(dir, made);
	remove_programs(dir, shown);
	client_stop(&c);
}

Test(session, names_the_package_that_is_missing)
{
	static const char *const shown[] = { "Xvnc", "xkbcomp", "sh", "dbus-daemon", NULL };
	char dir[] = "/tmp/vitrine-path-XXXXXX";
	struct client c;
	cr_assert(mkdtemp(dir));
	hide_programs(dir, shown);
	client_start(&c, NULL);
	const json_t *event = client_expect(&c, "failed", 0);
	cr_expect(strstr(text_of(event, "text"), "Debian package openbox"), "%s",
		text_of(event, "text"));
	cr_assert(client_until(&c, c.ended));
	c.end.si_status = 0;
	remove_programs(dir, shown);
	client_stop(&c);
}

#define NOBODYS_ID "54321"

/* A build folder whose agent is the real one, run as a user that has no account. */
static void put_agent_without_account(const char *dir)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/vitrine-agent", dir);
	FILE *script = fopen(path, "we");
	cr_assert_not_null(script);
	fprintf(script,
		"#!/bin/sh\nexec bwrap --die-with-parent --unshare-user --uid " NOBODYS_ID
		" --gid " NOBODYS_ID " --dev-bind / / -- '%s/vitrine-agent' \"$@\"\n",
		getenv("VITRINE_BUILD"));
	cr_assert_eq(fclose(script), 0);
	cr_assert_eq(chmod(path, 0755), 0);
}

static bool bwrap_works(void)
{
	const char *argv[] = { "bwrap", "--unshare-user", "--dev-bind", "/", "/", "true", NULL };
	struct err err;
	int status = -1;
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv }, &err);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

Test(session, a_user_without_an_account_is_told_of)
{
	char dir[] = "/tmp/vitrine-build-XXXXXX", path[300];
	struct client c;
	if (!bwrap_works()) {
		cr_skip_test("bwrap cannot be started here");
	}
	cr_assert(mkdtemp(dir));
	put_agent_without_account(dir);
	setenv("VITRINE_BUILD", dir, 1);
	client_start(&c, NULL);
	const json_t *event = client_expect(&c, "failed", 0);
	cr_expect(strstr(text_of(event, "text"),
			  "user id " NOBODYS_ID ", which is not in /etc/passwd"),
		"%s", text_of(event, "text"));
	cr_assert(client_until(&c, c.ended));
	c.end.si_status = 0;
	client_stop(&c);
	snprintf(path, sizeof(path), "%s/vitrine-agent", dir);
	unlink(path);
	cr_expect_eq(rmdir(dir), 0);
}

Test(session, is_ready_without_a_panel)
{
	static const char *const shown[] = { "Xvnc", "xkbcomp", "sh", "dbus-daemon", "openbox",
		NULL };
	char dir[] = "/tmp/vitrine-path-XXXXXX";
	struct client c;
	cr_assert(mkdtemp(dir));
	hide_programs(dir, shown);
	client_start(&c, NULL);
	client_expect(&c, "ready", 0);
	remove_programs(dir, shown);
	client_stop(&c);
}

Test(session, tells_of_screen_changes_when_asked)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	client_call(&c, "watch", json_pack("{s:b}", "on", 1), &a);
	answer_done(&a);
	client_call(&c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	answer_done(&a);
	const json_t *event = client_expect(&c, "screen", 0);
	cr_expect_gt(json_integer_value(json_object_get(event, "frame_id")), 0);
	client_stop(&c);
}

Test(session, leaves_nothing_behind)
{
	struct client c, ended;
	struct shell sh;
	pid_t pid = 0;
	client_start_ready(&c);
	shell_run(&c, "setsid sleep 1000 & (setsid setsid sleep 1000 &) ; (sleep 1000 &)", &sh);
	shell_done(&sh);
	cr_expect_gt(client_count_processes(&c, "", &pid), 5);
	ended = c;
	client_stop(&c);
	cr_expect_eq(client_count_processes(&ended, "", &pid), 0, "process %d is left", pid);
	cr_expect(access(ended.dir, F_OK) < 0);
}

Test(session, ends_on_sigterm)
{
	struct client c, ended;
	pid_t pid = 0;
	struct shell sh;
	struct answer ping, launch;
	client_start_ready(&c);
	ended = c;
	shell_ask(&c, "yes", NULL, 60000, &sh);
	client_ask(&c, "launch",
		json_pack("{s:s, s:i}", "application", "dbus-monitor", "timeout_ms", 20000),
		&launch);
	client_call(&c, "ping", NULL, &ping);
	answer_done(&ping);
	kill(c.pid, SIGTERM);
	cr_assert(client_until(&c, c.ended && sh.answer.came && launch.came));
	cr_expect_neq(sh.answer.err.kind, ERR_NONE);
	cr_expect_eq(client_count_processes(&ended, "", &pid), 0, "process %d is left", pid);
	shell_done(&sh);
	client_stop(&c);
}
