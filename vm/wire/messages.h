#ifndef VM_WIRE_MESSAGES_H
#define VM_WIRE_MESSAGES_H

#include "base/field.h"
#include "vm/wire/link.h"

/*
 * All messages of the link: arguments of requests, answers, events.  The host, the agent and the
 * fake agent encode and check with these tables, so both ends have the same bounds; docs/link.md is
 * generated from them.
 *
 * Coordinates are pixels of the frame space, the full-screen image that a model receives:
 * geometry_fit(screen).  Times are milliseconds.
 */

#define PROTOCOL_VERSION 2

/* One direction of a message. */
struct message_part {
	const struct field *fields;
	size_t size;     /* of the struct with the fields */
	size_t tail_max; /* maximum bytes after the JSON */
};

struct message {
	const char *name, *help;
	struct message_part request; /* or the contents of an event */
	struct message_part answer;  /* not of an event */
	/* Members of arrays and objects in the answer, for decoders and docs/link.md. */
	const struct message_member {
		const char *name;
		const struct field *fields;
	} * members;
	/* Checks what the fields cannot express about an answer; may be NULL. */
	bool (*check)(const void *answer, struct err *err);
	const struct message_talk *talk; /* NULL: not a conversation */
};

/* What one side of a conversation may send between the request and the answer.  NULL-terminated; the
 * number of a channel is its index. */
struct message_speech {
	const char *channels[4];           /* names, for bytes */
	const struct message *messages[4]; /* their `request` */
};
struct message_talk {
	struct message_speech host, agent;
};

/* ---- messages of a conversation: {"message": name, "args": object} ---- */

json_t *message_say(const struct message *message, const void *in);
/* NULL: this side may not send it.  *ret_args: the struct of the message, to be freed; it points into
 * msg. */
const struct message *message_hear(const struct message_speech *speaker, const struct link_msg *msg,
	void **ret_args, struct err *err);
/* Whether this side has such a channel. */
bool message_channel(
	const struct message_speech *speaker, unsigned channel, struct err *err) NODISCARD;

/* Operations, in the order of docs/link.md; NULL past the end. */
const struct message *message_request_at(size_t i);
/* Events. */
const struct message *message_event_at(size_t i);

json_t *message_encode(const struct message_part *part, const void *in);
/* Like field_decode(); also refuses a tail that is too long. */
bool message_decode(const struct message_part *part, const json_t *json, size_t tail_len, void *out,
	struct err *err) NODISCARD;

/* ---- bounds ---- */

#define MESSAGE_COMMAND_MAX (1u << 20) /* bytes of a command */
/* A longer command is the tail: escaped, it might not fit into the JSON of a message. */
#define MESSAGE_COMMAND_INLINE 65536
#define MESSAGE_PATH_MAX 4000
#define MESSAGE_APPLICATION_MAX 1000
#define MESSAGE_URI_MAX 8000
#define MESSAGE_TEXT_MAX 4000 /* bytes of a sentence, a title */
#define MESSAGE_WINDOWS_MAX 1000
#define MESSAGE_APPLICATIONS_MAX 10000
#define MESSAGE_EDGE_MAX 16384 /* pixels */

/* ---- operations ---- */

struct msg_watch {
	bool on;
};
extern const struct message message_watch;

struct msg_act {
	const json_t *actions, *observe; /* vm/wire/action.h */
};
struct msg_act_answer {
	const json_t *done, *failed, *moving, *frame;
	struct field_ints pointer;
	int64_t frame_id, waited_ms;
	bool changed, settled, blank;
};
struct msg_done {
	int64_t ms, chars;
	bool unfocused;
};
struct msg_failed {
	int64_t index;
	const char *kind, *text;
};
struct msg_frame {
	int64_t frame_id, width, height, quality;
	int format; /* enum observe_format */
	double scale;
	const char *reduced;
	struct field_ints raw;
};
extern const struct message message_act;
extern const struct field msg_done_fields[], msg_failed_fields[], msg_frame_fields[];

struct msg_window {
	int64_t id, pid, x, y, width, height;
	const char *title, *class;
	bool active;
};
extern const struct field msg_window_fields[];

struct msg_launch {
	const char *application, *uri;
	int64_t timeout_ms;
};
struct msg_launch_answer {
	int64_t pid;
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

struct msg_info_answer {
	struct field_ints screen, frame;
	int64_t frame_id, uptime_ms, pid_count;
	const char *layout;
	const json_t *windows;
};
extern const struct message message_info;

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

struct msg_clipboard_get {
	const json_t *types; /* clipboard_wish_decode() */
};
struct msg_clipboard_get_answer {
	int type;   /* enum clipboard_type of the tail; -1: there is nothing */
	int absent; /* enum clipboard_absence; -1: there is something */
};
extern const struct message message_clipboard_get;

struct msg_clipboard_set {
	int type; /* of the tail */
};
extern const struct message message_clipboard_set;

struct msg_rfb {
	int64_t window;
};
extern const struct message message_rfb;

struct msg_prepare {
	int64_t window_ms, rest_ms, warm_rest_ms;
};
extern const struct message message_prepare;

struct msg_freeze {
	bool raw;
};
extern const struct message message_freeze;

#define MESSAGE_TIME_MIN 1577836800000000  /* the year 2020, in µs */
#define MESSAGE_TIME_MAX 16725225600000000 /* the year 2500 */
struct msg_restored {
	int64_t time_us;
	const char *entropy, *hostname, *machine_id, *mac;
};
extern const struct message message_restored;

extern const struct message message_ping;

/* ---- events ---- */

/* What starts before a desktop is ready; what may exit and is restarted.  NULL-terminated. */
#define MESSAGE_STAGES 5
extern const char *const message_stages[MESSAGE_STAGES + 1], *const message_services[];
/* The index of name in one of these lists, which must contain it. */
int message_name_index(const char *const *names, const char *name);

struct msg_hello {
	int64_t protocol;
	const char *version;
};
struct msg_stage {
	int stage; /* of message_stages */
	int64_t ms;
};
struct msg_ready {
	struct field_ints screen, frame;
	int64_t ms;
};
struct msg_unable {
	const char *text;
};
struct msg_restarted {
	int what; /* of message_services */
	const char *why;
};
struct msg_resting {
	int what;
	const char *why;
	int64_t ms;
};
struct msg_screen {
	int64_t frame_id;
};
extern const struct message message_hello, message_stage, message_ready, message_unable,
	message_restarted, message_resting, message_screen;

#endif
