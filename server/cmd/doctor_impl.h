#ifndef SERVER_CMD_DOCTOR_IMPL_H
#define SERVER_CMD_DOCTOR_IMPL_H

/* Shared by doctor.c and doctor_programs.c. */

#include "base/buf.h"

#include <jansson.h>

enum status { STATUS_OK, STATUS_WARNING, STATUS_MISSING };

struct report {
	json_t *rows;        /* [{group, name, status, detail, fix?}] */
	const char *backend; /* as --backend: "auto", or the required backend */
	bool works;          /* the required backend works; "auto": any real one */
};

/* fix: how to solve the problem, or NULL. */
void doctor_add(struct report *report, const char *group, const char *name, enum status status,
	const char *detail, const char *fix);

/* ---- doctor_programs.c ---- */

/* Collects stdout and stderr of a program; false if it cannot be started.  binary: its descriptor
 * 3, or -1. */
bool doctor_ask(const char *const *argv, int binary, struct buf *out);
/* Returns the first line of text that contains `word`; "" if none does.  Modifies text. */
char *doctor_line_with(char *text, const char *word);

void doctor_check_programs(struct report *report);

#endif
