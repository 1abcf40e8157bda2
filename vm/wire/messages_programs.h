#ifndef VM_WIRE_MESSAGES_PROGRAMS_H
#define VM_WIRE_MESSAGES_PROGRAMS_H

#include "vm/wire/message.h"

/* Programs and commands. */
extern const struct message *const messages_programs[]; /* NULL-terminated */

#define MESSAGE_COMMAND_MAX (1u << 20) /* bytes of a command */
/* A longer command is the tail: escaped, it might not fit into the JSON of a message. */
#define MESSAGE_COMMAND_INLINE 65536
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

struct msg_exec {
	const char *command, *cwd;
	int64_t timeout_ms;
	bool input, announce;
};
#define EXEC_STDIN 0 /* channels */
#define EXEC_STDOUT 0
#define EXEC_STDERR 1
struct msg_started {
	int64_t pid;
};
struct msg_signal {
	int64_t signal;
};
extern const struct message message_started, message_signal;
struct msg_exec_answer {
	int64_t status, signal, ms; /* status -1: a signal ended it */
	bool timed_out;
};
extern const struct message message_exec;

#endif
