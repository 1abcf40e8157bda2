#ifndef TESTS_SUPPORT_FILES_CLIENT_H
#define TESTS_SUPPORT_FILES_CLIENT_H

/* Operations on files, asked of a real vitrine-agent. */

#include "tests/support/agent_client.h"

struct files_talk {
	struct answer answer;
	const struct message *op;
	uint32_t id;
	struct buf bytes; /* of channel 0 */
	json_t *message;  /* args of the last message of the agent */
	int messages;
	bool stalled;  /* gives no credit back */
	bool discards; /* counts bytes only */
	size_t total;
	const uint8_t *to_write; /* what is still to be written; NULL: it is filled with 'w' */
	size_t left;
	bool writes, keeps_open;
	json_t *rows; /* decoded by files_rows() */
};

/* args: a jansson pack of the request, consumed. */
void files_open(struct client *c, const struct message *op, json_t *args, struct files_talk *t);
/* To its answer. */
void files_run(struct client *c, const struct message *op, json_t *args, struct files_talk *t);
/* Writes len bytes (NULL: of 'w'), then ends. */
void files_write(
	struct client *c, json_t *args, const void *bytes, size_t len, struct files_talk *t);
void files_done(struct files_talk *t);
/* The lines of channel 0, as an array; each was checked with the table. */
const json_t *files_rows(struct files_talk *t);
/* The answer must be a result; its member as a number. */
json_int_t files_number(const struct files_talk *t, const char *member);
/* The answer must be this error, and its text have the words. */
void files_must_fail(const struct files_talk *t, enum err_kind kind, const char *words);

/* ---- the disk, beside the agent: it runs as the same user here ---- */

/* "HOME/..." */
__attribute__((format(printf, 2, 3))) const char *files_path(
	const struct client *c, const char *fmt, ...);
void files_put(const char *path, const void *bytes, size_t len);
/* The contents, to free(). */
char *files_get(const char *path, size_t *ret_len);
/* Names in a directory, also hidden ones. */
size_t files_count(const char *path);

#endif
