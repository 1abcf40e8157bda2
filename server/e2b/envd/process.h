#ifndef SERVER_E2B_ENVD_PROCESS_H
#define SERVER_E2B_ENVD_PROCESS_H

#include "base/buf.h"
#include "base/field.h"

/* What the methods of process.Process share. */

/* A process as a request names it. */
struct process_selector {
	int64_t pid; /* 0: by its tag */
	const char *tag;
};
extern const struct field process_selector_fields[];

/* A program as a request describes it. */
struct process_config {
	const char *cmd, *cwd;
	const json_t *args, *envs; /* NULL: none */
};
extern const struct field process_config_fields[];
/* Whether args are texts and envs are an object of texts, as many and as long as the link takes. */
bool process_config_check(const struct process_config *config, struct err *err) NODISCARD;
/* cmd and args, a NUL after each. */
int64_t process_config_arguments(const struct process_config *config, struct buf *to);
/* For `List`, kept with the process; to free().  NULL: it is too long to be kept. */
char *process_config_note(const struct process_config *config);

struct process_size {
	int64_t cols, rows;
};
/* pty: {"size": {"cols", "rows"}}, or NULL: *ret_size is {0}.  A size that is 0 or absent becomes 80
 * or 24. */
bool process_size_read(const json_t *pty, struct process_size *ret_size, struct err *err) NODISCARD;

/* "exit status 3", "signal: killed". */
#define PROCESS_STATUS_SIZE 64
void process_status(int64_t status, int64_t signal, char ret_text[PROCESS_STATUS_SIZE]);

#endif
