#ifndef BENCH_CODE_ROWS_H
#define BENCH_CODE_ROWS_H

#include "tests/bench/bench.h"

/* Code with state, beside a kernel that a program of this machine drives with jupyter_client. */

bool begin_code(struct bench *b, struct err *err);
void end_code(struct bench *b);
bool ours_code(struct bench *b, struct sample *ret, struct err *err);
bool peer_code(struct bench *b, struct sample *ret, struct err *err);

#endif
