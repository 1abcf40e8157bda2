#include "server/cmd/command.h"
#include "server/config/config.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/cmd/demo_client.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * vitrine demo: a complete MCP session with `vitrine serve`.  It starts an editor, types a text,
 * saves it through the editor's dialog and reads the file back.  It never sleeps: every step waits
 * until the screen is quiet.
 */

#define DEMO_FILE "/home/user/vitrine-demo.txt"

/* Text that is hard to type: accents, another script, characters outside the Basic Multilingual
 * Plane. */
static const char text[] = "Hello from an agent's own desktop!\n"
			   "Dans le café de Zürich, Anaïs goûte une crème brûlée à 3,50 €.\n"
			   "«Привет» is Russian for hello, and this is a rocket: 🚀\n";

struct demo {
	sd_event *event;
	struct demo_client *client;
	const char *output; /* file name of the screenshot */
};

/* ---- printing ---- */

static void print_progress(const char *message)
{
	printf("             . %s\n", message);
	fflush(stdout);
}

#define SHOWN_LINES 4 /* of a tool's result */

static void print_outcome(double ms, const char *outcome, int lines)
{
	printf("%9.1f ms ", ms);
	for (int i = 0; *outcome && i < lines; i++) {
		int len = (int)strcspn(outcome, "\n");
		printf("%s%.*s\n", i ? "             " : "", len, outcome);
		outcome += len + (outcome[len] == '\n');
	}
	printf("%s", *outcome ? "             ...\n" : "");
	fflush(stdout);
}

static void print_call(const char *name, const json_t *args)
{
	auto_free char *shown = must(json_dumps(args, JSON_COMPACT));
	printf("\n%s %s\n", name, shown);
	fflush(stdout);
}

/* ---- calls ---- */

static const char *block_text(const json_t *content, const char *type, const char *member)
{
	size_t i;
	const json_t *block;
	json_array_foreach(content, i, block)
	{
		const char *is = json_string_value(json_object_get(block, "type"));
		const char *value = json_string_value(json_object_get(block, member));
		if (is && value && strcmp(is, type) == 0) {
			return value;
		}
	}
	return NULL;
}

/* Calls a tool.  Returns the content of its result, which the caller owns, or the tool's error
 * text. Takes args. */
static json_t *call_tool(struct demo *demo, const char *name, json_t *args, struct err *err)
{
	double ms;
	print_call(name, args);
	json_auto_t *result = demo_client_request(demo->client, "tools/call",
		json_pack("{s:s, s:o}", "name", name, "arguments", args), &ms, err);
	if (!result) {
		return NULL;
	}
	const json_t *content = json_object_get(result, "content");
	const char *said = block_text(content, "text", "text");
	if (json_is_true(json_object_get(result, "isError"))) {
		err_set(err, ERR_HOST, "%s",
			said ? said
			     : "the tool failed without an error "
			       "message");
		return NULL;
	}
	print_outcome(ms, said ? said : "(an image)", SHOWN_LINES);
	return json_incref((json_t *)content);
}

/* ---- the steps ---- */

static bool greet(struct demo *demo, struct err *err)
{
	double ms;
	auto_buf struct buf said = { 0 };
	json_t *params = json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion", "2025-11-25",
		"capabilities", "clientInfo", "name", "vitrine-demo", "version", VITRINE_VERSION);
	printf("initialize\n");
	json_auto_t *result = demo_client_request(demo->client, "initialize", params, &ms, err);
	if (!result) {
		return false;
	}
	const json_t *info = json_object_get(result, "serverInfo");
	const char *name = json_string_value(json_object_get(info, "name"));
	const char *version = json_string_value(json_object_get(info, "version"));
	const char *protocol = json_string_value(json_object_get(result, "protocolVersion"));
	buf_printf(&said, "%s %s, protocol %s (includes server start)", name ? name : "?",
		version ? version : "?", protocol ? protocol : "?");
	print_outcome(ms, buf_text(&said), 1);
	demo_client_notify(demo->client, "notifications/initialized");
	return true;
}

static bool list_tools(struct demo *demo, struct err *err)
{
	double ms;
	auto_buf struct buf said = { 0 };
	printf("\ntools/list\n");
	json_auto_t *result =
		demo_client_request(demo->client, "tools/list", json_object(), &ms, err);
	if (!result) {
		return false;
	}
	const json_t *tools = json_object_get(result, "tools"), *tool;
	size_t i;
	buf_printf(&said, "%zu tools:", json_array_size(tools));
	json_array_foreach(tools, i, tool)
	{
		const char *name = json_string_value(json_object_get(tool, "name"));
		buf_printf(&said, "%s%s", i % 5 ? ", " : i ? ",\n" : "\n", name ? name : "?");
	}
	print_outcome(ms, buf_text(&said), INT_MAX);
	return true;
}

/* The session with the editor.  Each call returns when the screen is quiet. */
static const struct step {
	const char *tool, *argument, *value;
} steps[] = {
	{ "launch", "application", "mousepad" },
	{ "type", "text", text },
	{ "key", "text", "ctrl+s" },
	{ "type", "text", DEMO_FILE },
	{ "key", "text", "Return" },
};

static bool act(struct demo *demo, const char *tool, json_t *args, struct err *err)
{
	json_auto_t *content = call_tool(demo, tool, args, err);
	return content != NULL;
}

static bool write_a_file(struct demo *demo, struct err *err)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *step = &steps[i];
		json_t *args =
			json_pack("{s:s, s:s}", step->argument, step->value, "observe", "settled");
		if (!act(demo, step->tool, args, err)) {
			return false;
		}
	}
	return true;
}

static bool save_picture(const char *base64, const char *path, struct err *err)
{
	size_t len = 0;
	auto_free char *bytes = base64_decode(base64, &len);
	if (!bytes) {
		return err_set(err, ERR_HOST, "the screenshot is not valid base64");
	}
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		return err_errno(err, "cannot write the screenshot '%s'", path);
	}
	for (ssize_t done = 0, w; (size_t)done < len; done += w) {
		w = write(fd, bytes + done, len - (size_t)done);
		if (w < 0) {
			return err_errno(err, "cannot write the screenshot '%s'", path);
		}
	}
	return true;
}

static bool take_picture(struct demo *demo, struct err *err)
{
	json_auto_t *content =
		call_tool(demo, "screenshot", json_pack("{s:s}", "format", "png"), err);
	const char *base64 = block_text(content, "image", "data");
	if (!content || !base64) {
		return content && err_set(err, ERR_HOST, "the screenshot contains no image");
	}
	if (!save_picture(base64, demo->output, err)) {
		return false;
	}
	printf("             saved as %s\n", demo->output);
	return true;
}

/* A quiet screen does not mean that the editor has saved, so this waits for the file. */
static bool await_file(struct demo *demo, struct err *err)
{
	const char *command = "until [ -s " DEMO_FILE " ]; do sleep 0.02; done";
	if (act(demo, "run_command", json_pack("{s:s, s:i}", "command", command, "timeout", 10),
		    err)) {
		return act(demo, "wait_for", json_pack("{s:s}", "until", "settled"), err);
	}
	struct err ignored;
	if (err->kind != ERR_CANCELLED && take_picture(demo, &ignored)) {
		return err_set(err, ERR_TIMEOUT,
			"the editor did not save its file; see the screenshot '%s'", demo->output);
	}
	return false;
}

static bool read_back(struct demo *demo, struct err *err)
{
	json_auto_t *content = call_tool(
		demo, "run_command", json_pack("{s:s}", "command", "cat " DEMO_FILE), err);
	if (!content) {
		return false;
	}
	const char *got = block_text(content, "text", "text");
	if (!got || strcmp(got, text) != 0) {
		return err_set(err, ERR_HOST, "the file differs from the typed text");
	}
	printf("             the file contains exactly the typed text: %zu bytes\n",
		sizeof(text) - 1);
	return true;
}

static bool hold_session(struct demo *demo, struct err *err)
{
	return greet(demo, err) && list_tools(demo, err) && write_a_file(demo, err) &&
	       await_file(demo, err) && take_picture(demo, err) && read_back(demo, err);
}

/* ---- client configuration ---- */

static void print_config(const char *title, const char *root, bool typed, const char *program)
{
	json_auto_t *config = json_pack("{s:{s:{s:s*, s:s, s:[s]}}}", root, "vitrine", "type",
		typed ? "stdio" : NULL, "command", program, "args", "serve");
	auto_free char *shown = config ? json_dumps(config, JSON_INDENT(2)) : NULL;
	printf("\n%s\n%s\n", title, shown ? shown : "");
}

static void print_connecting(void)
{
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[len > 0 ? len : 0] = '\0';
	printf("\nTo connect your client, use one of these.\n"
	       "\nClaude Code:\n"
	       "claude mcp add vitrine -- '%s' serve\n",
		program);
	print_config(
		"Claude Desktop, in claude_desktop_config.json:", "mcpServers", false, program);
	print_config("VS Code, in .vscode/mcp.json:", "servers", true, program);
	print_config("Cursor, in .cursor/mcp.json:", "mcpServers", false, program);
}

/* ---- command ---- */

/* Only options of the desktop; the server uses stdin and stdout. */
static const char *const options[] = { "output", "backend", "image", "screen", "memory", "cpus",
	"network", "processes", "files", "disk", "start-timeout", "accel", "state-dir", "log-level",
	NULL };

/* Removes --output from the arguments. */
static bool take_output(int *argc, char **argv, const char **ret_output, struct err *err)
{
	int kept = 0;
	for (int i = 0; i < *argc; i++) {
		if (strncmp(argv[i], "--output=", 9) == 0) {
			*ret_output = argv[i] + 9;
		} else if (strcmp(argv[i], "--output") != 0) {
			argv[kept++] = argv[i];
		} else if (++i < *argc) {
			*ret_output = argv[i];
		} else {
			return err_set(err, ERR_ARGUMENT, "--output requires a file name");
		}
	}
	*argc = kept;
	return **ret_output || err_set(err, ERR_ARGUMENT, "--output requires a file name");
}

/* Checked before the session, which would otherwise be in vain. */
static bool check_output(const char *path, struct err *err)
{
	auto_free char *copy = must(strdup(path));
	bool there = access(path, F_OK) == 0;
	return access(there ? path : dirname(copy), W_OK) == 0 ||
	       err_errno(err, "cannot write the screenshot '%s'", path);
}

/* The server's configuration: only these options.  The user's file may be that of a service and
 * contain its address. */
static int write_config(const struct config *config, struct err *err)
{
	json_auto_t *json = config_encode(config, options);
	auto_free char *said = must(json_dumps(json, JSON_COMPACT));
	auto_close int fd = memfd_create("vitrine-demo", MFD_CLOEXEC);
	if (fd < 0 || write(fd, said, strlen(said)) != (ssize_t)strlen(said)) {
		err_errno(err, "cannot write the server's configuration");
		return -1;
	}
	return take_fd(&fd);
}

static bool run_demo(const struct config *config, const char *output, struct err *err)
{
	char path[64];
	const char *const serve[] = { "/proc/self/exe", "serve", "--config", path, NULL };
	auto_event sd_event *event = loop_new(err);
	auto_close int fd = event ? write_config(config, err) : -1;
	if (fd < 0) {
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	struct demo demo = { .event = event, .output = output };
	demo.client = demo_client_new(event, serve, print_progress, err);
	bool well = demo.client && hold_session(&demo, err);
	demo_client_free(demo.client);
	return well;
}

static int run(int argc, char **argv)
{
	auto_config struct config config = { 0 };
	const char *output = "vitrine-demo.png";
	struct err err = { 0 };
	if (!take_output(&argc, argv, &output, &err) ||
		!config_load_some(&config, options, argc, argv, &err) ||
		!config_check_effect(&config, options, &err) || !check_output(output, &err)) {
		fprintf(stderr, "vitrine demo: %s\n", err.text);
		return 2;
	}
	if (!run_demo(&config, output, &err)) {
		fflush(stdout);
		fprintf(stderr, "\nvitrine demo: %s\n", err.text);
		if (err.kind != ERR_CANCELLED) {
			fputs("Run `vitrine doctor` to check this machine.\n", stderr);
		}
		return 1;
	}
	print_connecting();
	return 0;
}

const struct command command_demo = {
	.name = "demo",
	.summary = "run an MCP session on a real desktop and show each step",
	.usage = "[--output FILE] [options]",
	.help = "Starts `vitrine serve` and runs an MCP session with it: types text in an "
		"editor, saves it\n"
		"through the editor's dialog, writes a screenshot (--output, default: vitrine-demo.png) and\n"
		"reads the file back.  Prints the duration of each call and the configuration of your client.\n"
		"The exit status is 0 if the file contains exactly the typed text.",
	.takes_config = true,
	.options = options,
	.run = run,
};
