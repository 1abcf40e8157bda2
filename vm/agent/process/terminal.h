#ifndef VM_AGENT_PROCESS_TERMINAL_H
#define VM_AGENT_PROCESS_TERMINAL_H

#include "base/err.h"
#include "vm/wire/messages_process.h"

/* The screen of a terminal, from the bytes that its programs print (libtsm). */
struct terminal;

/* reply: what a terminal sends to its program: keys, and answers to its queries. */
struct terminal *terminal_new(int columns, int rows,
	void (*reply)(const char *bytes, size_t len, void *data), void *data);
void terminal_free(struct terminal *t); /* NULL-safe */
void terminal_add(struct terminal *t, const void *bytes, size_t len);
/* Whether it is a key, such as "ctrl+c", "Up", "F5" or "x". */
bool terminal_key_check(const char *key, struct err *err) NODISCARD;
/* Sends a valid key as the program expects it in its current mode. */
void terminal_press(struct terminal *t, const char *key);
void terminal_resize(struct terminal *t, int columns, int rows);
/* Without `running`; valid until the next change. ret->lines is the caller's. */
void terminal_describe(struct terminal *t, struct msg_process_screen_answer *ret);
void terminal_size(const struct terminal *t, int *ret_columns, int *ret_rows);

#endif
