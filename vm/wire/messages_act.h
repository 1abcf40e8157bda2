#ifndef VM_WIRE_MESSAGES_ACT_H
#define VM_WIRE_MESSAGES_ACT_H

#include "vm/wire/message.h"

/* Action lists and what is captured after them (vm/wire/action.h). */
extern const struct message *const messages_act[]; /* NULL-terminated */

struct msg_act {
	const json_t *actions, *observe; /* vm/wire/action.h */
};
struct msg_act_answer {
	const json_t *done, *failed, *moving, *frame, *marks;
	const char *marks_note;
	struct field_ints pointer;
	int64_t frame_id, waited_ms, marks_found;
	bool changed, settled, blank;
};
struct msg_done {
	int64_t ms, chars;
	bool unfocused;
	const char *note;
};
struct msg_failed {
	int64_t index;
	const char *kind, *text;
};
struct msg_frame {
	int64_t frame_id, width, height, quality;
	int format; /* enum observe_format */
	double scale;
	const char *reduced, *title;
	struct field_ints raw, region, aside, place;
	bool covered, partial;
};
/* An element with a number. */
struct msg_mark {
	int64_t mark;
	const char *role, *name, *value, *states;
};
extern const struct message message_act;
extern const struct field msg_done_fields[], msg_failed_fields[], msg_frame_fields[],
	msg_mark_fields[];

#endif
