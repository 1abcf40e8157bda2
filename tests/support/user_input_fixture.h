#ifndef TESTS_SUPPORT_USER_INPUT_FIXTURE_H
#define TESTS_SUPPORT_USER_INPUT_FIXTURE_H

/* A desktop, the input of one user on it, and a program that records what it receives. */

#include "tests/support/agent_fixture.h"
#include "vm/agent/act/user_input.h"

#include <X11/XKBlib.h>
#include <X11/keysym.h>

#define SEEN 8000

extern struct agent_fixture fixture;
extern struct user_input *user;

/* A window that has the focus and answers pings. */
extern struct user_program {
	Display *x;
	Window window;
	sd_event_source *readable;
	bool asleep; /* reads nothing */
	struct buf text;
	struct {
		bool down;
		unsigned code, state;
		KeySym sym;
	} keys[SEEN]; /* pressed and released, modifiers included */
	int n_keys;
	unsigned buttons[64]; /* pressed: the number; released: that and 100 */
	int n_buttons;
	struct point at;
} seen;

/* TestSuite(NAME, .init = user_start, .fini = user_stop) */
void user_start(void);
void user_stop(void);

void program_open(void);
void program_close(void);
void program_sleep(bool asleep); /* it reads nothing until it is awake again */
void program_settle(void);       /* it reads everything that the X server has for it */

/* The keysym by which browsers and viewers name a character's key: an old one if there is one. */
uint32_t user_sym(uint32_t ch);
void user_taps(uint32_t sym);
void user_types(const char *text);

/* Waits until no input waits.  want: everything that was typed since the start. */
void expect_text(const char *want);
void expect_key(int i, bool down, KeySym sym); /* seen.keys[i] */
bool all_keys_up(void);
XkbStateRec keyboard_state(void);

/* n characters from first on. */
void text_append_letters(struct buf *text, unsigned first, int n);

#endif
