// USES agent
/* Copied in one program, which is quit, and pasted into the next: the whole way, with mousepad. */
#include "tests/support/agent_client.h"

static struct client c;

static void start(void)
{
	client_start_ready(&c);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(clipboard_programs, .init = start, .fini = stop, .timeout = 120);

/* Its process. */
static int open_in_mousepad(const char *file)
{
	struct answer a;
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", c.dir, file);
	client_call(&c, "launch",
		json_pack("{s:s, s:s, s:i}", "application", "mousepad", "uri", path, "timeout_ms",
			20000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(json_object_get(a.result, "window"), "no window");
	int pid = (int)json_integer_value(json_object_get(a.result, "pid"));
	answer_done(&a);
	return pid;
}

static void press(const char *chord)
{
	struct answer a;
	client_call(&c, "act",
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "key", "text", chord), &a);
	cr_assert(a.result && !json_object_get(a.result, "failed"), "%s: %s", chord, a.err.text);
	answer_done(&a);
}

static void copy_quit_and_paste(void)
{
	char command[300];
	shell_expect(&c, "printf 'two\\nlines \\303\\251' > from; : > to", "");
	int pid = open_in_mousepad("from");
	press("ctrl+a");
	press("ctrl+c");
	press("ctrl+q");
	snprintf(command, sizeof(command), "tail --pid=%d -f /dev/null", pid);
	shell_expect(&c, command, "");
	pid = open_in_mousepad("to");
	press("ctrl+v");
	press("ctrl+s");
	shell_expect(&c, "until [ -s to ]; do sleep 0.05; done; cat to", "two\nlines \xc3\xa9");
	press("ctrl+q");
	snprintf(command, sizeof(command), "tail --pid=%d -f /dev/null", pid);
	shell_expect(&c, command, "");
}

Test(clipboard_programs, a_copy_outlives_mousepad)
{
	copy_quit_and_paste();
}

/* The agent connects to the new server as it did to the first. */
Test(clipboard_programs, a_copy_outlives_mousepad_after_a_crash_of_the_x_server)
{
	size_t seen = json_array_size(c.events);
	kill(client_pid_of(&c, "Xvnc"), SIGKILL);
	client_expect(&c, "restarted", seen);
	copy_quit_and_paste();
}
