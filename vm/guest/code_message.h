#ifndef VM_GUEST_CODE_MESSAGE_H
#define VM_GUEST_CODE_MESSAGE_H

#include "vm/guest/code.h"

/* A line, to free(). */
char *code_request_encode(const struct code_request *request, const char *id);

/* Lines of the runner, decoded. */
enum code_answer_type {
	CODE_ANSWER_ALIVE,
	CODE_ANSWER_BEGIN,
	CODE_ANSWER_STREAM,
	CODE_ANSWER_RESULT,
	CODE_ANSWER_CLEAR,
	CODE_ANSWER_ERROR,
	CODE_ANSWER_END,
	CODE_ANSWER_FAIL,
};

struct code_fail {
	const char *kind, *text;
};

struct code_answer {
	int type; /* enum code_answer_type */
	union {
		struct code_begin begin;
		struct code_stream stream;
		struct code_result result;
		struct code_error error;
		struct code_end end;
		struct code_fail fail;
	};
};

/* line: JSON.  *ret_json owns what the answer points to.  False: it is not an answer, err says why. */
bool code_answer_decode(const char *line, size_t len, struct code_answer *ret, json_t **ret_json,
	struct err *err) NODISCARD;

#endif
