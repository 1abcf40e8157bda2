#ifndef TOOLS_SYSTEM_CODE_RESULT_H
#define TOOLS_SYSTEM_CODE_RESULT_H

#include "base/buf.h"
#include "vm/guest/code.h"
#include "vm/guest/exec.h"

/*
 * What code printed and showed, as MCP content in the order of a notebook.  The beginning of all
 * text and, of what follows, the beginning and the end; images until their budget is used.
 */
enum code_formats { CODE_FORMATS_BEST, CODE_FORMATS_ALL };

#define CODE_IMAGE_BYTES (400 << 10) /* base64 of one image */
#define CODE_IMAGE_SIDE 1568
#define CODE_IMAGES_BYTES (560 << 10) /* of all of a result */

struct code_blocks {
	int formats; /* enum code_formats */
	json_t *content;
	struct buf text;    /* the block that grows */
	size_t text_len;    /* of all text blocks */
	size_t bytes;       /* of images and resources */
	int stream;         /* of the last text: EXEC_STDOUT, EXEC_STDERR */
	int left_out;       /* images and resources, for which there was no room */
	struct output rest; /* text beyond the beginning */
};

void code_blocks_init(struct code_blocks *b, int formats);
void code_blocks_done(struct code_blocks *b);
void code_blocks_clear(struct code_blocks *b);
/* A sentence of the host. */
void code_blocks_note(struct code_blocks *b, const char *text);
void code_blocks_stream(struct code_blocks *b, const struct code_stream *stream);
void code_blocks_result(struct code_blocks *b, const struct code_result *result);
void code_blocks_error(struct code_blocks *b, const struct code_error *error);
/* The content, an empty array if there was no output; the caller's. */
json_t *code_blocks_finish(struct code_blocks *b);

#endif
