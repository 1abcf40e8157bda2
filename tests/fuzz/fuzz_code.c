// USES tools
/* Bytes as the output of a runner of code, in pieces: lines are decoded or refused, and the blocks
 * for the client stay within their bounds. */
#include "base/cleanup.h"
#include "base/id.h"
#include "tools/system/code_result.h"
#include "vm/guest/code_lines.h"
#include "vm/guest/code_message.h"

#include <stdint.h>
#include <string.h>

#define RESULT_MAX 900000 /* bytes of JSON */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void show(struct code_blocks *blocks, const struct code_answer *answer)
{
	switch (answer->type) {
	case CODE_ANSWER_STREAM:
		return code_blocks_stream(blocks, &answer->stream);
	case CODE_ANSWER_RESULT:
		return code_blocks_result(blocks, &answer->result);
	case CODE_ANSWER_ERROR:
		return code_blocks_error(blocks, &answer->error);
	case CODE_ANSWER_CLEAR:
		return code_blocks_clear(blocks);
	default:
		return;
	}
}

static bool take(const char *line, size_t len, void *data)
{
	struct code_answer answer;
	json_auto_t *json = NULL;
	struct err err;
	if (!code_answer_decode(line, len, &answer, &json, &err)) {
		return false;
	}
	show(data, &answer);
	return answer.type != CODE_ANSWER_END;
}

/* The first byte is the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct code_blocks blocks;
	struct code_lines lines = { .id = "aaaaaaaaaaaaaaaaaaaa" };
	struct err err;
	if (len < 1) {
		return 0;
	}
	size_t piece = bytes[0] + 1u;
	blocks = (struct code_blocks){ 0 };
	code_blocks_init(&blocks, len % 2 ? CODE_FORMATS_BEST : CODE_FORMATS_ALL);
	for (size_t at = 1; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		if (!code_lines_add(&lines, (const char *)bytes + at, n, take, &blocks, &err)) {
			break;
		}
	}
	json_auto_t *content = code_blocks_finish(&blocks);
	if (json_dumpb(content, NULL, 0, JSON_COMPACT) > RESULT_MAX) {
		abort();
	}
	code_lines_done(&lines);
	code_blocks_done(&blocks);
	return 0;
}
