#ifndef BENCH_DESKTOP_ROWS_H
#define BENCH_DESKTOP_ROWS_H

#include "tests/bench/bench.h"

/* Samples of the rows about windows, events, the clipboard, elements and text on the screen. */

sample_fn ours_windows, peer_windows;
sample_fn ours_clipboard, peer_clipboard;
sample_fn ours_text, ours_text_again;
sample_fn ours_batch, peer_batch;
double batch_allowance(struct bench *b); /* while its buttons are held, and rest */
sample_fn ours_since, ours_window_event, peer_window_event, ours_tree;
bool begin_tree(struct bench *b, struct err *err);
void end_tree(struct bench *b);
bool begin_text(struct bench *b, struct err *err);
void end_text(struct bench *b);

#endif
