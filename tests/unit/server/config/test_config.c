// USES server
/* Every option from the command line and from a file, the order they win in, and what a wrong one
 * is told. */
#include "base/cleanup.h"
#include "base/log.h"
#include "server/config/config.h"
#include "tools/call/tool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ARGS_MAX 8

static char folder[] = "/tmp/vitrine-config-XXXXXX";
static char file[64], users[96];
static struct config config;
static struct err err;

/* The folders are made in this order and removed in the other. */
static const char *const folders[] = { "", "/xdg", "/xdg/vitrine" };

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	char path[64];
	for (int i = 1; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", folder, folders[i]);
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	snprintf(file, sizeof(file), "%s/given.json", folder);
	snprintf(users, sizeof(users), "%s/xdg/vitrine/config.json", folder);
	snprintf(path, sizeof(path), "%s/xdg", folder);
	setenv("XDG_CONFIG_HOME", path, 1);
	config = (struct config){ 0 };
	err = (struct err){ 0 };
}

static void teardown(void)
{
	char path[64];
	config_done(&config);
	unlink(file);
	unlink(users);
	for (int i = 2; i >= 0; i--) {
		snprintf(path, sizeof(path), "%s%s", folder, folders[i]);
		rmdir(path);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *to = fopen(path, "we");
	cr_assert(to);
	fputs(text, to);
	fclose(to);
}

/* Loads from up to four words. */
static bool load(const char *a, const char *b, const char *c, const char *d)
{
	char *argv[ARGS_MAX] = { (char *)"serve", (char *)a, (char *)b, (char *)c, (char *)d };
	int argc = 1;
	while (argv[argc]) {
		argc++;
	}
	config_done(&config);
	err = (struct err){ 0 };
	return config_load(&config, argc, argv, &err);
}

static bool load_text(const char *text)
{
	write_file(file, text);
	return load("--config", file, NULL, NULL);
}

/* The error is `text`, with FILE standing for the file's name. */
static void expect_error(const char *text)
{
	char wanted[600];
	const char *mark = strstr(text, "FILE");
	snprintf(wanted, sizeof(wanted), "%.*s%s%s", mark ? (int)(mark - text) : (int)strlen(text),
		text, mark ? file : "", mark ? mark + 4 : "");
	cr_expect_str_eq(err.text, wanted);
}

TestSuite(config, .init = setup, .fini = teardown);

Test(config, defaults)
{
	cr_assert(load(NULL, NULL, NULL, NULL), "%s", err.text);
	cr_expect_str_eq(config.vm.backend, "auto");
	cr_expect_eq(config.vm.default_spec.screen.width, 1280);
	cr_expect_eq(config.vm.default_spec.screen.height, 800);
	cr_expect_str_eq(config.tools, "default");
	cr_expect_eq(config.log_level, LOG_LEVEL_WARNING);
	cr_expect_eq(config.vm.max_sandboxes, 8);
	cr_expect_eq(config.max_calls, 32);
	cr_expect_null(config.vm.default_spec.image);
	cr_expect_eq(config.vm.default_spec.limits.memory_mib, 0, "what the image asks for");
	cr_expect_eq(config.vm.default_spec.limits.cpus, 0);
	cr_expect_eq(config.vm.default_spec.network, VM_NETWORK_NONE);
	cr_expect_eq(config.vm.default_spec.timeout_ms, -1);
	cr_expect_eq(config.vm.default_spec.idle_ms, -1);
	cr_expect_eq(config.vm.default_spec.on_timeout, VM_TIMEOUT_KILL);
	cr_expect_str_eq(config.vm.accel, "auto");
	cr_expect_eq(config.vm.default_spec.limits.processes, 1024);
	cr_expect_eq(config.vm.default_spec.limits.files, 4096);
	cr_expect_eq(config.vm.default_spec.limits.disk_mib, 1024);
	cr_expect_eq(config.vm.start_timeout_ms, 30000);
	cr_expect_null(config.http.listen);
	cr_expect_null(config.http.tokens);
	cr_expect_not(config.http.no_auth);
	cr_expect_not(config.http.behind_proxy);
	cr_expect_eq(config.http.max_body_kib, 8192);
	cr_expect_eq(config.http.max_connections, 1024);
	cr_expect_null(config.file);
}

/* Of a string in JSON, where each byte may be written as \u0001, except in base64; with its name and
 * punctuation. */
static size_t longest(const struct field *fields)
{
	size_t sum = 2;
	for (; fields->name; fields++) {
		struct field f = field_row(fields);
		size_t most = f.type == FIELD_STRING ? (size_t)f.max : 100;
		if (f.type == FIELD_MAP) {
			most = (size_t)f.max * (FIELD_MAP_NAME_MAX + FIELD_MAP_VALUE_MAX + 1);
		}
		bool escapes = !strstr(f.help ? f.help : "", "base64");
		sum += strlen(f.name) + (escapes ? 6 : 1) * (most + 1);
	}
	return sum;
}

/* What a tool's schema permits is not refused by HTTP for its size. */
Test(config, the_longest_arguments_of_each_tool_fit_into_a_body)
{
	cr_assert(load(NULL, NULL, NULL, NULL), "%s", err.text);
	struct tool_set *tools = tool_set_new("all", &err);
	cr_assert_not_null(tools, "%s", err.text);
	const size_t around = 64 << 10; /* the request, with _meta */
	size_t i = 0;
	for (const struct tool *tool; (tool = tool_at(tools, i)); i++) {
		cr_expect_leq(longest(tool->fields) + around, config.http.max_body_kib << 10,
			"%s may have %zu bytes of arguments", tool->name, longest(tool->fields));
	}
	cr_expect_gt(i, 30);
	tool_set_free(tools);
}

#define TEXT(name, text, member) \
	{ \
		name, text, "\"" text "\"", offsetof(struct config, member), 't' \
	}
#define NUMBER(name, number, member) \
	{ \
		name, #number, #number, offsetof(struct config, member), 'n' \
	}
#define FILE_NUMBER(name, number, member) \
	{ \
		name, #number, #number, offsetof(struct config, member), 'n', .file_only = true \
	}
#define FLAG(name, member) \
	{ \
		name, "true", "true", offsetof(struct config, member), 'f' \
	}
#define WORD(name, word, member, is) \
	{ \
		name, word, "\"" word "\"", offsetof(struct config, member), 'w', is \
	}

/* Each row: its value on the command line and in a file, and the member that must hold it. */
static const struct row {
	const char *name, *text, *json;
	size_t at;
	char kind;
	int word; /* of kind 'w' */
	bool file_only;
} rows[] = {
	TEXT("backend", "fake", vm.backend),
	TEXT("screen", "1440x900", sandbox.screen),
	NUMBER("scale", 150, vm.default_spec.scale),
	TEXT("tools", "computer,run_command", tools),
	WORD("log-level", "debug", log_level, LOG_LEVEL_DEBUG),
	NUMBER("max-sandboxes", 3, vm.max_sandboxes),
	NUMBER("max-calls", 4, max_calls),
	NUMBER("max-saved", 5, vm.max_saved),
	NUMBER("max-saved-mib", 6, vm.max_saved_mib),
	NUMBER("memory", 555, vm.default_spec.limits.memory_mib),
	FILE_NUMBER("processes", 66, vm.default_spec.limits.processes),
	FILE_NUMBER("files", 777, vm.default_spec.limits.files),
	NUMBER("disk", 88, vm.default_spec.limits.disk_mib),
	NUMBER("start-timeout", 9, start_timeout),
	TEXT("image", "desktop", vm.default_spec.image),
	NUMBER("cpus", 3, vm.default_spec.limits.cpus),
	WORD("network", "internet", vm.default_spec.network, VM_NETWORK_INTERNET),
	NUMBER("timeout", 3600, sandbox.timeout),
	NUMBER("idle-timeout", 60, sandbox.idle_timeout),
	WORD("on-timeout", "pause", vm.default_spec.on_timeout, VM_TIMEOUT_PAUSE),
	TEXT("accel", "tcg", vm.accel),
	TEXT("state-dir", "/srv/state", vm.state_dir),
	FLAG("keep", vm.keep),
	FLAG("commands-during-takeover", vm.commands_during_takeover),
	NUMBER("warm", 2, vm.warm),
	TEXT("http", "127.0.0.1:0", http.listen),
	FLAG("stdio", http.stdio),
	TEXT("tokens", "/etc/tokens.json", http.tokens),
	FLAG("no-auth", http.no_auth),
	FLAG("behind-proxy", http.behind_proxy),
	TEXT("allow-hosts", "desk.example", http.allow_hosts),
	TEXT("allow-origins", "https://desk.example", http.allow_origins),
	NUMBER("max-connections", 12, http.max_connections),
	NUMBER("max-body", 64, http.max_body_kib),
	FLAG("open-metrics", http.open_metrics),
	TEXT("auth-server", "https://login.example", http.auth_server),
	TEXT("public-url", "https://desk.example/vitrine", http.public_url),
	TEXT("stream-listen", "127.0.0.1:6080", http.stream_listen),
	TEXT("vnc", "127.0.0.1:5901", vnc_listen),
	TEXT("frame-ancestors", "https://app.example", http.frame_ancestors),
	TEXT("e2b", "127.0.0.1:3000", e2b.listen),
	TEXT("e2b-tls", "127.0.0.1:8443", e2b.tls_listen),
	TEXT("e2b-domain", "desk.example", e2b.domain),
};

static void expect_row(const struct row *row)
{
	const void *member = (const char *)&config + row->at;
	switch (row->kind) {
	case 't':
		cr_expect_str_eq(*(const char *const *)member, row->text, "%s", row->name);
		break;
	case 'n':
		cr_expect_eq(
			*(const int64_t *)member, strtoll(row->text, NULL, 10), "%s", row->name);
		break;
	case 'f':
		cr_expect(*(const bool *)member, "%s", row->name);
		break;
	default:
		cr_expect_eq(*(const int *)member, row->word, "%s", row->name);
	}
}

Test(config, every_row_apart_joined_and_in_a_file)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char option[40], joined[80], text[80];
		snprintf(option, sizeof(option), "--%s", rows[i].name);
		snprintf(joined, sizeof(joined), "--%s=%s", rows[i].name, rows[i].text);
		snprintf(text, sizeof(text), "{\"%s\": %s}", rows[i].name, rows[i].json);
		if (rows[i].file_only) {
			cr_expect_not(load(joined, NULL, NULL, NULL), "%s", rows[i].name);
			snprintf(option, sizeof(option), "{\"%s\":", rows[i].name);
			cr_expect(strstr(err.text, option), "%s", err.text);
		} else {
			cr_assert(
				load(option, rows[i].kind == 'f' ? NULL : rows[i].text, NULL, NULL),
				"%s", err.text);
			expect_row(&rows[i]);
			cr_assert(load(joined, NULL, NULL, NULL), "%s", err.text);
			expect_row(&rows[i]);
		}
		cr_assert(load_text(text), "%s", err.text);
		expect_row(&rows[i]);
	}
}

Test(config, help_shows_every_row_and_no_other)
{
	auto_buf struct buf text = { 0 };
	config_describe(&text, NULL);
	size_t n = 0;
	for (const char *at = buf_text(&text); (at = strstr(at, "\n  ")); at++) {
		n += at[3] != ' ';
	}
	/* tls-cert and tls-key, which need each other, and config. */
	cr_expect_eq(n, sizeof(rows) / sizeof(*rows) + 3, "%s", buf_text(&text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[40];
		snprintf(row, sizeof(row), "\n  %s%s%c", rows[i].file_only ? "" : "--",
			rows[i].name, rows[i].kind == 'f' ? '\n' : ' ');
		cr_expect(strstr(buf_text(&text), row), "%s is not shown", rows[i].name);
	}
	cr_expect(strstr(buf_text(&text), "--backend auto|microvm|namespace|fake\n"));
	cr_expect(strstr(buf_text(&text), "Default: 1280x800\n"));
	const char *memory = strstr(buf_text(&text), "--memory");
	cr_assert(memory);
	cr_expect_gt(strstr(memory, "Default:"), strstr(memory, "--cpus"), "0 is no default");
}

Test(config, a_reserve_may_be_of_several_images)
{
	static const char *const wrong[] = { "", "x", "-1", "101", "1,", "=1", "a=", "a=x", "a=1=2",
		"a=1000", "a=-1" };
	cr_assert(load("--warm", "1,desktop=2,0f14f65546d5429d=100", NULL, NULL), "%s", err.text);
	cr_expect_eq(config.vm.warm, 1);
	cr_assert_eq(config.vm.n_warm_images, 2);
	cr_expect_str_eq(config.vm.warm_images[0].image, "desktop");
	cr_expect_eq(config.vm.warm_images[0].count, 2);
	cr_expect_eq(config.vm.warm_images[1].count, 100);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect_not(load("--warm", wrong[i], NULL, NULL), "%s", wrong[i]);
		cr_expect(strstr(err.text, "'warm' must be a number"), "%s", err.text);
	}
}

Test(config, timeouts_are_seconds_and_0_is_none)
{
	cr_assert(load("--timeout", "90", "--idle-timeout=5", NULL), "%s", err.text);
	cr_expect_eq(config.vm.default_spec.timeout_ms, 90000);
	cr_expect_eq(config.vm.default_spec.idle_ms, 5000);
	cr_assert(load("--timeout", "0", "--idle-timeout=0", NULL), "%s", err.text);
	cr_expect_eq(config.vm.default_spec.timeout_ms, -1);
	cr_expect_eq(config.vm.default_spec.idle_ms, -1);
}

Test(config, the_command_line_wins_over_the_file_and_keeps_the_rest)
{
	write_file(users, "{\"screen\": \"640x480\", \"max-calls\": 5}");
	cr_assert(load("--screen", "800x600", NULL, NULL), "%s", err.text);
	cr_expect_eq(config.vm.default_spec.screen.width, 800);
	cr_expect_eq(config.max_calls, 5);
	cr_expect_str_eq(config.file, users);
}

Test(config, a_given_file_stands_in_for_the_users_wherever_it_is_named)
{
	write_file(users, "{\"screen\": \"640x480\"}");
	write_file(file, "{\"max-calls\": 5}");
	cr_assert(load("--max-calls=6", "--config", file, NULL), "%s", err.text);
	cr_expect_eq(config.vm.default_spec.screen.width, 1280);
	cr_expect_eq(config.max_calls, 6);
	cr_expect_str_eq(config.file, file);
}

Test(config, home_is_the_second_place_to_look)
{
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", "/nonexistent", 1);
	cr_expect(load(NULL, NULL, NULL, NULL), "%s", err.text);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	unsetenv("HOME");
	cr_expect(load(NULL, NULL, NULL, NULL), "%s", err.text);
}

Test(config, help_shows_what_the_users_file_sets_and_survives_a_broken_one)
{
	auto_buf struct buf good = { 0 }, bad = { 0 };
	write_file(users, "{\"screen\": \"640x480\"}");
	config_describe(&good, NULL);
	cr_expect(strstr(buf_text(&good), "Default: 1280x800; \"640x480\" in "), "%s",
		buf_text(&good));
	write_file(users, "{");
	config_describe(&bad, NULL);
	cr_expect(strstr(buf_text(&bad), " file cannot be used: "));
	cr_expect(strstr(buf_text(&bad), "--start-timeout SECONDS\n"));
}

Test(config, wrong_command_lines)
{
	static const struct {
		const char *a, *b, *text;
	} wrong[] = {
		{ "--sreen", "1x1", "unknown option '--sreen'; did you mean '--screen'?" },
		{ "--confg=x", NULL, "unknown option '--confg'; did you mean '--config'?" },
		{ "--frobnicate", NULL,
			"unknown option '--frobnicate'; `vitrine help serve` lists them" },
		{ "screen", NULL,
			"unexpected argument 'screen'; options have the form --name value" },
		{ "-s", "1x1", "unexpected argument '-s'; options have the form --name value" },
		{ "--screen", NULL, "'--screen' requires a value" },
		{ "--screen", "big",
			"'--screen' must be WIDTHxHEIGHT, from 320x240 to 3840x2160, for "
			"example 1280x800; got \"big\"" },
		{ "--backend", "docker",
			"'--backend' must be one of 'auto', 'microvm', 'namespace', 'fake'; got "
			"\"docker\"" },
		{ "--max-calls", "many",
			"'--max-calls' must be an integer from 1 to 1000; got \"many\"" },
		{ "--max-calls=", NULL,
			"'--max-calls' must be an integer from 1 to 1000; got \"\"" },
		{ "--memory", "1", "'--memory' must be an integer from 256 to 1048576; got 1" },
		{ "--cpus", "0", "'--cpus' must be an integer from 1 to 64; got 0" },
		{ "--network", "all",
			"'--network' must be one of 'none', 'internet'; got \"all\"" },
		{ "--timeout=-1", NULL,
			"'--timeout' must be an integer from 0 to 2592000; got -1" },
		{ "--stdio=yes", NULL, "'--stdio' must be true or false; got \"yes\"" },
		{ "--stdio", "yes",
			"unexpected argument 'yes'; options have the form --name value" },
		{ "--tls-cert", "a.pem", "--tls-key is missing" },
		{ "--tls-key", "a.pem", "--tls-cert is missing" },
		{ "--stream-listen", "6080",
			"--stream-listen: \"6080\" is not an address to listen on" },
		{ "--state-dir=", NULL,
			"'--state-dir' must be a string of 1 to 4000 bytes; got 0 bytes" },
		{ "--auth-server", "http://login.example", "got \"http://login.example\"" },
		{ "--public-url", "desk.example", "got \"desk.example\"" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect(!load(wrong[i].a, wrong[i].b, NULL, NULL));
		cr_expect_eq(err.kind, ERR_ARGUMENT);
		cr_expect_not_null(strstr(err.text, wrong[i].text), "%s", err.text);
	}
}

Test(config, screens_at_and_beyond_the_edges)
{
	cr_expect(load("--screen", "320x240", NULL, NULL));
	cr_expect(load("--screen", "3840x2160", NULL, NULL));
	static const char *const bad[] = { "319x240", "320x239", "3841x2160", "3840x2161",
		"-640x480", "640x480x", "640x", "x480", "640 x480", "640X480", "640x480 ", "",
		"+640x480", "640x+480" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect(!load("--screen", bad[i], NULL, NULL), "\"%s\" was taken", bad[i]);
	}
}

Test(config, wrong_files)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "{\n \"screen\": \"640x480\",\n \"sceen\": 1\n}",
			"FILE:3: unknown option 'sceen'; did you mean 'screen'?" },
		{ "{\"config\": \"x\"}",
			"FILE:1: unknown option 'config'; `vitrine help serve` lists them" },
		{ "{\n\n \"max-calls\": \"many\"}",
			"FILE:3: 'max-calls' must be an integer from 1 to 1000; got \"many\"" },
		{ "{\"tools\": \"{[\\\"screen\",\n\"screen\": true}",
			"FILE:2: 'screen' must be a string of 1 to 16 bytes; got true" },
		{ "{\n \"log-level\": \"loud\"}",
			"FILE:2: 'log-level' must be one of 'error', 'warning', 'info', 'debug'; "
			"got \"loud\"" },
		{ "[]", "FILE:1: must be a JSON object of options, for example {\"screen\": "
			"\"1280x800\"}" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect(!load_text(wrong[i].text));
		expect_error(wrong[i].error);
	}
	cr_expect(!load_text("{\n\"screen\": \"640x480\",\n\"screen\": \"640x480\"}"));
	cr_expect(strstr(err.text, "given.json:3: not valid JSON: duplicate"), "%s", err.text);
	cr_expect(!load_text(""));
	cr_expect(strstr(err.text, "given.json:1: not valid JSON: "), "%s", err.text);
}

Test(config, a_file_that_is_missing_or_too_large)
{
	cr_expect(!load("--config", file, NULL, NULL));
	expect_error("cannot read the configuration file FILE: No such file or directory");
	cr_expect(!load("--config", "/dev/zero", NULL, NULL));
	cr_expect_str_eq(err.text, "the configuration file /dev/zero is larger than 64 KiB");
}

Test(config, a_flag_stands_alone_and_can_be_taken_back)
{
	write_file(users, "{\"stdio\": true}");
	cr_assert(load("--no-auth", "--max-calls", "4", NULL), "%s", err.text);
	cr_expect(config.http.no_auth);
	cr_expect(config.http.stdio);
	cr_expect_eq(config.max_calls, 4);
	cr_assert(load("--stdio=false", NULL, NULL, NULL), "%s", err.text);
	cr_expect_not(config.http.stdio);
}

Test(config, a_certificate_and_its_key)
{
	cr_assert(load("--tls-cert", "cert.pem", "--tls-key", "key.pem"), "%s", err.text);
	cr_expect_str_eq(config.http.tls_cert, "cert.pem");
	cr_expect_str_eq(config.http.tls_key, "key.pem");
}

Test(config, no_auth_is_for_this_machine)
{
	static const char *const good[] = { "127.0.0.1:8765", "127.1.2.3:1", "[::1]:0",
		"localhost:80", "LOCALHOST:80", "unix:/run/vitrine.sock", "systemd" };
	static const char *const bad[] = { "0.0.0.0:8765", "[::]:8765", "10.0.0.1:1",
		"desk.example:1", "127.example:1", "localhost.example:1", "[::10]:0", ":8765" };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect(load("--no-auth", "--http", good[i], NULL), "%s", err.text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(load("--no-auth", "--http", bad[i], NULL), "%s was taken", bad[i]);
	}
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	cr_expect_not_null(strstr(err.text, "\":8765\""), "%s", err.text);
	cr_expect_not(load("--no-auth", "--behind-proxy", NULL, NULL));
	cr_expect_not_null(strstr(err.text, "--no-auth and --behind-proxy"), "%s", err.text);
	cr_expect_not(load("--no-auth", "--tokens=x", NULL, NULL));
}

/* What is typed is refused, what the file says is not; and what has an effect is let through. */
Test(config, the_domain_of_e2b_is_a_name)
{
	static const char *const good[] = { "vitrine.localhost", "a.b", "desk-1.example.com" };
	static const char *const bad[] = { "localhost", "Desk.example", "a..b", ".a.b", "a.b.",
		"a/b.c", "../a.b", "a b.c", "desk.example:8443", "*.example" };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect(load("--e2b-domain", good[i], NULL, NULL), "%s: %s", good[i], err.text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_not(load("--e2b-domain", bad[i], NULL, NULL), "%s was taken", bad[i]);
		cr_expect_eq(err.kind, ERR_ARGUMENT);
	}
}

Test(config, options_without_effect)
{
	static const struct {
		const char *a, *b, *c, *file, *word;
	} wrong[] = {
		{ "--tokens", "x", NULL, "{\"tokens\": \"x\"}", "without --http" },
		{ "--no-auth", NULL, NULL, "{\"no-auth\": true}", "without --http" },
		{ "--stdio", NULL, NULL, "{\"stdio\": true}", "without --http" },
		{ "--e2b-domain=a.example", NULL, NULL, "{\"e2b-domain\": \"a.example\"}",
			"without --e2b" },
		{ "--stream-listen=[::1]:0", "--http", "127.0.0.1:0",
			"{\"http\": \"[::1]:0\", \"stream-listen\": \"[::1]:0\"}", "with --http" },
		{ "--backend=namespace", "--keep", NULL,
			"{\"keep\": true, \"backend\": \"namespace\"}", "--backend is namespace" },
		{ "--backend=namespace", "--on-timeout=pause", NULL,
			"{\"backend\": \"namespace\", \"on-timeout\": \"pause\"}",
			"--backend is namespace" },
		{ "--state-dir=/nonexistent/x", "--image", "nope",
			"{\"image\": \"nope\", \"state-dir\": \"/nonexistent/x\"}",
			"--image cannot be used: " },
		{ "--state-dir=/nonexistent/x", "--warm", "nope=1",
			"{\"warm\": \"nope=1\", \"state-dir\": \"/nonexistent/x\"}",
			"--warm cannot be used: " },
		{ "--state-dir=/nonexistent/x", "--warm", "2",
			"{\"warm\": 2, \"state-dir\": \"/nonexistent/x\"}",
			"--warm cannot be used: " },
	};
	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_assert(load(wrong[i].a, wrong[i].b, wrong[i].c, NULL), "%s", err.text);
		cr_expect_not(config_check_effect(&config, NULL, &err), "%zu", i);
		cr_expect_eq(err.kind, ERR_ARGUMENT);
		cr_expect_not_null(strstr(err.text, wrong[i].word), "%s", err.text);
		cr_assert(load_text(wrong[i].file), "%s", err.text);
		cr_expect(config_check_effect(&config, NULL, &err), "%s", err.text);
	}
	static const char *const right[][2] = { { "--http=127.0.0.1:0", "--tokens=x" },
		{ "--e2b=127.0.0.1:0", "--tokens=x" }, { "--backend=namespace", "--cpus=2" },
		{ "--backend=namespace", "--network=none" }, { "--backend=fake", "--image=any" },
		{ "--vnc=127.0.0.1:0", "--no-auth=false" } };
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		cr_assert(load(right[i][0], right[i][1], NULL, NULL), "%s", err.text);
		cr_expect(config_check_effect(&config, NULL, &err), "%s", err.text);
	}
}

Test(config, a_command_takes_some_options_and_the_file_all)
{
	static const char *const taken[] = { "json", "screen", NULL };
	const char *argv[] = { "doctor", "--http", "127.0.0.1:0", NULL };
	config_done(&config);
	cr_expect_not(config_load_some(&config, taken, 3, (char **)argv, &err));
	cr_expect_not_null(
		strstr(err.text, "'--http' is an option of `vitrine serve`"), "%s", err.text);
	cr_expect_not_null(strstr(err.text, "`vitrine help doctor`"), "%s", err.text);
	config_done(&config);
	argv[1] = "--jsn";
	cr_expect_not(config_load_some(&config, taken, 3, (char **)argv, &err));
	cr_expect_str_eq(err.text, "unknown option '--jsn'; did you mean '--json'?");
	config_done(&config);
	write_file(users, "{\"http\": \"127.0.0.1:0\", \"screen\": \"640x480\"}");
	cr_assert(config_load_some(&config, taken, 1, (char **)argv, &err), "%s", err.text);
	cr_expect_str_eq(config.http.listen, "127.0.0.1:0");
	json_auto_t *kept = config_encode(&config, taken);
	auto_free char *text = json_dumps(kept, JSON_COMPACT);
	cr_expect_str_eq(text, "{\"screen\":\"640x480\"}");
}

Test(config, null_counts_as_absent)
{
	cr_assert(load_text("{\"screen\": null}"), "%s", err.text);
	cr_expect_eq(config.vm.default_spec.screen.width, 1280);
}
