#ifndef BENCH_FILE_ROWS_H
#define BENCH_FILE_ROWS_H

#include "tests/bench/bench.h"

/* Rows about files: bytes into the sandbox and out of it, beside tar at the other end of a pipe, as
 * `docker cp` does it, in the same sandbox; and a directory. */

bool begin_files(struct bench *b, struct err *err);
void end_files(struct bench *b);
bool ours_upload(struct bench *b, struct sample *ret, struct err *err);
bool peer_upload(struct bench *b, struct sample *ret, struct err *err);
bool ours_download(struct bench *b, struct sample *ret, struct err *err);
bool peer_download(struct bench *b, struct sample *ret, struct err *err);

bool begin_directory(struct bench *b, struct err *err);
bool ours_directory(struct bench *b, struct sample *ret, struct err *err);
bool peer_directory(struct bench *b, struct sample *ret, struct err *err);

#endif
