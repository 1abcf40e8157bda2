#ifndef VM_WIRE_MESSAGES_PROCESS_H
#define VM_WIRE_MESSAGES_PROCESS_H

#include "vm/wire/message.h"

/*
 * Commands, processes in the background, terminals.  A process is named by its pid, as `kill` in the
 * sandbox sees it, or by a tag.  The newest bytes of its outputs are kept, also after its end.
 */
extern const struct message *const messages_process[]; /* NULL-terminated */

#define MESSAGE_COMMAND_MAX (1u << 20) /* bytes of a command */
/* A longer command is the tail: escaped, it might not fit into the JSON of a message. */
#define MESSAGE_COMMAND_INLINE 65536
#define MESSAGE_ARGV_MAX 4096
#define MESSAGE_TAG_MAX 200
#define MESSAGE_NOTE_MAX 16384
#define MESSAGE_USER_MAX 32
#define MESSAGE_TERMINAL_MAX 1000 /* columns, rows */
#define PROCESS_VARIABLES_MAX 64  /* of a tool's call */
#define PROCESS_VARIABLE_MAX 2048 /* bytes */
#define PROCESS_KEYS_MAX 500
#define PROCESS_INPUT_MAX (1u << 20)
#define PROCESS_OUTPUT_MAX (1u << 20)
#define PROCESS_KEPT (16u << 20) /* newest bytes kept of each output */

struct msg_exec {
	const char *command, *cwd, *tag, *user, *note;
	const json_t *environment; /* an object of texts; NULL: none */
	int64_t arguments, timeout_ms, columns, rows;
	bool input, background, at_exit;
};
#define EXEC_STDIN 0 /* channels */
#define EXEC_STDOUT 0
#define EXEC_STDERR 1
struct msg_started {
	int64_t pid, ended_ms;
	bool ended, terminal;
};
struct msg_signal {
	int64_t signal;
};
struct msg_resize {
	int64_t columns, rows;
};
extern const struct message message_started, message_signal, message_resize;
struct msg_exec_answer {
	int64_t status, signal, ms; /* status -1: a signal ended it */
	bool timed_out;
};
extern const struct message message_exec;

struct msg_attach {
	int64_t pid; /* here and below, 0: the process with the tag */
	const char *tag;
};
extern const struct message message_attach;

struct msg_processes {
	bool notes;
};
struct msg_processes_answer {
	const json_t *processes;
};
struct msg_process_row {
	int64_t pid, columns, rows, status, signal, ms, out, err;
	const char *tag, *command, *cwd, *note;
	bool running, timed_out, background, input;
};
extern const struct message message_processes;
extern const struct field msg_process_row_fields[];

struct msg_process_output {
	int64_t pid;
	const char *tag;
	int64_t out, err, max, wait_ms;
	bool end;
};
struct msg_process_output_answer {
	int64_t pid, out, err;        /* where the returned bytes begin */
	int64_t out_bytes, err_bytes; /* returned: the tail, stdout first */
	int64_t out_total, err_total; /* printed so far */
	int64_t status, signal, ms;   /* of one that has ended */
	bool running, timed_out;
};
extern const struct message message_process_output;

/* What a process's stdin must be. */
enum process_stdin { PROCESS_STDIN_ANY, PROCESS_STDIN_PIPE, PROCESS_STDIN_TERMINAL };
struct msg_process_input {
	int64_t pid;
	const char *tag;
	int to;             /* enum process_stdin */
	const json_t *keys; /* an array of texts; NULL: none */
	int64_t wait_ms;
	bool end;
};
struct msg_process_input_answer {
	int64_t pending;
};
extern const struct message message_process_input;

struct msg_process_signal {
	int64_t pid, signal;
	const char *tag;
	bool tree;
};
extern const struct message message_process_signal;

struct msg_process_resize {
	int64_t pid, columns, rows;
	const char *tag;
};
extern const struct message message_process_resize;

struct msg_process_screen {
	int64_t pid, quiet_ms, wait_ms;
	const char *tag;
	bool printed;
};
struct msg_process_screen_answer {
	int64_t columns, rows, column, row;
	const json_t *lines;
	int64_t total, status, signal;
	bool cursor, alternate, running, timed_out;
};
extern const struct message message_process_screen;

#endif
