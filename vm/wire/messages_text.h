#ifndef VM_WIRE_MESSAGES_TEXT_H
#define VM_WIRE_MESSAGES_TEXT_H

#include "vm/wire/geometry.h"
#include "vm/wire/message.h"

/* Text on the screen. */
extern const struct message *const messages_text[]; /* NULL-terminated */

#define TEXT_BYTES_MAX 200 /* of a text that is looked for */
#define TEXT_MATCHES_MAX 20
#define TEXT_NEAR_MAX 5
#define TEXT_LANGUAGES_MAX 60 /* bytes */
#define TEXT_SHOWN_MAX 1000   /* bytes of a text that was found */
#define TEXT_ELEMENTS_MS 600  /* that a program has to name its elements before it is read */

enum text_source {
	TEXT_ANY,      /* elements, and the picture if none has that name */
	TEXT_ELEMENTS, /* the names of elements, see messages_elements.h */
	TEXT_PICTURE,  /* what an OCR program reads */
};
extern const char *const text_source_names[]; /* NULL-terminated, by enum */

struct msg_find_text {
	const char *text;
	struct field_ints region;
	int source; /* enum text_source */
	int64_t elements_ms, timeout_ms;
};
struct msg_find_text_answer {
	int64_t frame_id, words, ms;
	bool similar, cached;
	const char *program, *languages;
	const json_t *matches, *near;
};
struct msg_text_match {
	const char *text, *role;
	struct field_ints box;
	int64_t confidence;
};
extern const struct message message_find_text;
extern const struct field msg_text_match_fields[];

#endif
