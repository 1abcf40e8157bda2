#ifndef BENCH_DESKTOP_ROWS_H
#define BENCH_DESKTOP_ROWS_H

#include "tests/bench/bench.h"

/* Samples of the rows about windows, the clipboard and text on the screen. */

sample_fn ours_windows, peer_windows;
sample_fn ours_clipboard, peer_clipboard;
sample_fn ours_text, ours_text_again;
bool begin_text(struct bench *b, struct err *err);
void end_text(struct bench *b);

#endif
