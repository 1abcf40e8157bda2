// USES agent
/*
 * What programs print to a terminal, in pieces, between changes of its size and keys: the screen has
 * its size, and its lines are UTF-8.
 */
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/agent/process/terminal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void on_reply(const char *bytes, size_t len, void *data)
{
	*(size_t *)data += bytes ? len : 0;
}

static void check_screen(struct terminal *t)
{
	struct msg_process_screen_answer screen;
	size_t i;
	json_t *line;
	terminal_describe(t, &screen);
	bool good = json_array_size(screen.lines) == (size_t)screen.rows && screen.column >= 0 &&
		    screen.column < screen.columns && screen.row >= 0 && screen.row < screen.rows;
	json_array_foreach(screen.lines, i, line)
	{
		good = good && utf8_is_valid((const uint8_t *)json_string_value(line),
				       json_string_length(line));
	}
	json_decref((json_t *)screen.lines);
	if (!good) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const keys[] = { "Up", "ctrl+c", "F5", "alt+x", "Enter" };
	size_t replied = 0;
	struct terminal *t = terminal_new(80, 24, on_reply, &replied);
	for (size_t at = 0; at < len;) {
		size_t n = bytes[at] & 63;
		n = n < len - at - 1 ? n : len - at - 1;
		terminal_add(t, bytes + at + 1, n);
		if (bytes[at] & 64) {
			terminal_resize(t, 1 + bytes[at] % 100, 1 + bytes[at] % 30);
		}
		if (bytes[at] & 128) {
			terminal_press(t, keys[bytes[at] % 5]);
		}
		check_screen(t);
		at += n + 1;
	}
	terminal_free(t);
	return 0;
}
