// USES agent
/* Files and URLs in their default applications; arguments and environment of a program. */
#include "tests/support/agent_client.h"

#include <sys/stat.h>

static struct client c;

static void write_file(const char *name, const char *text, int mode)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
	chmod(path, (mode_t)mode);
}

static void make_dir(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	mkdir(path, 0755);
}

/* Writes what it is given into a file, then shows a window. */
static const char viewer[] = "#!/bin/sh\nprintf '%s|' \"$@\" \"$COLOUR\" > got\nexec xterm\n";

static void start(void)
{
	char entry[600];
	client_start_ready(&c);
	write_file("viewer", viewer, 0755);
	make_dir(".local");
	make_dir(".local/share");
	make_dir(".local/share/applications");
	snprintf(entry, sizeof(entry),
		"[Desktop Entry]\nType=Application\nName=Viewer\nExec=%s/viewer %%u\n"
		"MimeType=text/plain;x-scheme-handler/gopher;inode/directory;\n",
		c.dir);
	write_file(".local/share/applications/a-viewer.desktop", entry, 0644);
	write_file(".local/share/applications/mimeapps.list",
		"[Default Applications]\ntext/plain=gone.desktop;a-viewer.desktop\n"
		"inode/directory=a-viewer.desktop\n",
		0644);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(open, .init = start, .fini = stop, .timeout = 120);

static void launch(json_t *args, struct answer *a)
{
	json_object_set_new(args, "timeout_ms", json_integer(20000));
	client_call(&c, "launch", args, a);
}

static void expect_got(const char *want)
{
	struct shell sh;
	shell_run(&c, "cat got", &sh);
	cr_expect_str_eq(buf_text(&sh.out), want);
	shell_done(&sh);
}

static void expect_opened(const char *uri)
{
	struct answer a;
	char want[300];
	launch(json_pack("{s:s}", "uri", uri), &a);
	cr_assert(a.result, "%s: %s", uri, a.err.text);
	cr_expect_str_eq(json_string_value(json_object_get(a.result, "application")), "a-viewer");
	cr_expect(json_object_get(a.result, "window"));
	answer_done(&a);
	snprintf(want, sizeof(want), "%s||", uri);
	expect_got(want);
}

Test(open, files_urls_and_directories)
{
	write_file("notes.txt", "text", 0644);
	write_file("without-a-suffix", "caf\xc3\xa9", 0644);
	make_dir("folder");
	expect_opened("notes.txt");
	expect_opened("without-a-suffix");
	expect_opened("folder");
	expect_opened("gopher://example.org/");
}

static void expect_refused(const char *uri, const char *says)
{
	struct answer a;
	launch(json_pack("{s:s}", "uri", uri), &a);
	cr_expect_null(a.result);
	cr_expect(strstr(a.err.text, says), "%s: %s", uri, a.err.text);
	answer_done(&a);
}

Test(open, what_nothing_opens_is_refused)
{
	write_file("data", "a\001\xff\xfe", 0644);
	expect_refused("missing.txt", "No such file");
	expect_refused("unheard-of://example.org/", "x-scheme-handler/unheard-of");
	expect_refused("data", "application/octet-stream");
	expect_refused("/dev/null", "neither a file");
	expect_refused("file://elsewhere/x", "elsewhere");
}

Test(open, arguments_and_environment_reach_the_program)
{
	struct answer a;
	char path[256];
	snprintf(path, sizeof(path), "%s/viewer", c.dir);
	launch(json_pack("{s:s, s:[s,s], s:{s:s}}", "application", path, "arguments", "-a b", "c",
		       "environment", "COLOUR", "sea green"),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_null(json_object_get(a.result, "application"));
	answer_done(&a);
	expect_got("-a b|c|sea green|");
	launch(json_pack("{s:s, s:{s:s}}", "application", path, "environment", "VITRINE_TASK", "x"),
		&a);
	cr_expect(strstr(a.err.text, "VITRINE_TASK"), "%s", a.err.text);
	answer_done(&a);
}
