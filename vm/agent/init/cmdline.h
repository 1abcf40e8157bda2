#ifndef VM_AGENT_INIT_CMDLINE_H
#define VM_AGENT_INIT_CMDLINE_H

#include "base/err.h"

/*
 * Options from the kernel's command line: "vitrine.max-files=100" becomes "--max-files" "100", so
 * that the table of vm/agent/core/options.c reads both.  Other words are skipped.
 */

#define CMDLINE_MAX 4096 /* the kernel accepts less */
#define CMDLINE_ARGS 64

struct cmdline {
	const char *args[CMDLINE_ARGS + 1]; /* NULL-terminated; they point into text */
	int n;
	char text[2 * CMDLINE_MAX];
};

/* ERR_ARGUMENT for an option without a value, ERR_LIMIT if a bound is exceeded. */
bool cmdline_read(const char *line, struct cmdline *ret_cmdline, struct err *err) NODISCARD;

#endif
