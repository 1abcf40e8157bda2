#include "server/client/session.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* vitrine shell SANDBOX: an interactive shell in a terminal. */

int client_shell(int argc, char **argv)
{
	struct remote_where where = { 0 };
	struct winsize size;
	struct err err;
	int at = 1;
	while (at < argc && argv[at][0] == '-') {
		if (!remote_where_option(&where, argc, argv, &at, &err)) {
			client_fail("shell", &err);
			return 2;
		}
	}
	if (at + 1 != argc) {
		fprintf(stderr, "vitrine shell: expected SANDBOX\n");
		return 2;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr,
			"vitrine shell: stdin and stdout must be a terminal; `vitrine exec` "
			"works without one\n");
		return 2;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row) {
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	}
	json_t *args = json_pack("{s:s, s:b, s:i, s:i}", "command", "exec \"${SHELL:-/bin/sh}\" -i",
		"input", true, "columns", size.ws_col, "rows", size.ws_row);
	return session_run(&(struct session){ .name = "shell", .terminal = true, .args = args },
		&where, argv[at]);
}
