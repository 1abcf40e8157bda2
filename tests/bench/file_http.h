#ifndef BENCH_FILE_HTTP_H
#define BENCH_FILE_HTTP_H

#include "tests/bench/bench.h"

/* Rows about files over HTTP: the URLs of file_url, used by a program outside of the sandbox. */

bool begin_http_files(struct bench *b, struct err *err);
bool ours_http_upload(struct bench *b, struct sample *ret, struct err *err);
bool ours_http_download(struct bench *b, struct sample *ret, struct err *err);

#endif
