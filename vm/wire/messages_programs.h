#ifndef VM_WIRE_MESSAGES_PROGRAMS_H
#define VM_WIRE_MESSAGES_PROGRAMS_H

#include "vm/wire/message.h"

/* Programs with windows. */
extern const struct message *const messages_programs[]; /* NULL-terminated */

#define MESSAGE_APPLICATION_MAX 1000
#define MESSAGE_URI_MAX 8000
#define MESSAGE_APPLICATIONS_MAX 10000

#define MESSAGE_ARGUMENTS_MAX 64
struct msg_launch {
	const char *application, *uri;
	const json_t *arguments, *environment; /* an array, an object; NULL: none */
	int64_t timeout_ms;
};
struct msg_launch_answer {
	int64_t pid, from;
	const char *application;
	const json_t *window;
	const char *note;
};
extern const struct message message_launch;

struct msg_applications_answer {
	const json_t *applications;
};
struct msg_application {
	const char *id, *name, *comment, *program;
};
extern const struct message message_applications;
extern const struct field msg_application_fields[];

#endif
