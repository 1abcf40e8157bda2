#ifndef BENCH_PROCESS_ROWS_H
#define BENCH_PROCESS_ROWS_H

#include "tests/bench/bench.h"

/* Commands, and input beside processes that print. */

bool ours_command(struct bench *b, struct sample *ret, struct err *err);
/* The same shell on this machine, without a sandbox. */
bool peer_command(struct bench *b, struct sample *ret, struct err *err);
/* 50 processes in the background that print. */
bool begin_busy(struct bench *b, struct err *err);
void end_busy(struct bench *b);
/* From a line's print in the sandbox to the answer that has it. */
bool begin_output(struct bench *b, struct err *err);
bool ours_output(struct bench *b, struct sample *ret, struct err *err);
void end_output(struct bench *b);

#endif
