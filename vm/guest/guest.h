#ifndef VM_GUEST_GUEST_H
#define VM_GUEST_GUEST_H

#include "base/err.h"
#include "vm/wire/action.h"
#include "vm/wire/clipboard.h"
#include "vm/wire/geometry.h"

struct guest; /* the agent of one sandbox: vm_guest() */

/*
 * The agent's operations, as calls on a ready sandbox.  Each callback is called exactly once, from
 * the loop.  err is set if the operation failed (sandbox ended: ERR_GONE; not ready: ERR_STATE),
 * and the result is NULL then.  Results are checked, because the agent is hostile.  They are valid
 * during the callback only.
 */

struct guest_frame {
	int64_t frame_id, width, height, quality;
	struct rect region; /* of the frame space; width 0: all of it */
	struct rect
		aside; /* what of a panel changed, too, but is not in the image; width 0: none */
	int format;    /* enum observe_format */
	double scale;
	const char *reduced; /* a sentence, or NULL */
	struct rect place;   /* of a window's picture, in the frame space; width 0: of the screen */
	bool covered;        /* the window, by others */
	bool partial;        /* its program did not paint all of it */
	const char *title;   /* its, or NULL */
	const uint8_t *bytes;
	size_t len;
};

struct guest_act {
	size_t done;       /* completed actions */
	int64_t chars;     /* by all type actions */
	bool unfocused;    /* keys were pressed while no window had the focus */
	const char *note;  /* the first of the actions, of the agent, or NULL */
	struct err failed; /* kind ERR_NONE: the complete list was run */
	size_t failed_index;
	struct point pointer;
	int64_t frame_id;
	bool changed;
	bool settled;
	bool blank; /* observe.window showed only one colour; it is not settled then */
	int64_t waited_ms;
	const json_t *moving; /* array of [x0,y0,x1,y1], or NULL */
	const json_t *marks;  /* array of msg_mark, or NULL: not requested, or no image */
	int64_t marks_found;  /* elements that could have one */
	const char
		*marks_note; /* why there are none, or which are missing; of the agent, or NULL */
	struct guest_frame frame; /* bytes NULL: none */
};
typedef void guest_act_fn(const struct guest_act *res, const struct err *err, void *data);

/* Identifies a request for guest_cancel(); never 0. */
typedef uint32_t guest_id;

guest_id guest_act(struct guest *guest, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data);

/* An image for viewers: no action, and no use of the sandbox that would restart its idle
 * timeout. */
guest_id guest_look(
	struct guest *guest, const struct observe *observe, guest_act_fn *fn, void *data);

struct guest_window {
	int64_t id, pid, x, y, width, height;
	const char *title, *class; /* may be NULL */
};
struct guest_launch {
	int64_t pid, from;       /* frame at the start; 0: unknown */
	const char *application; /* chosen by default; NULL: it was named */
	bool has_window;
	struct guest_window window;
	const char *note;
};
typedef void guest_launch_fn(const struct guest_launch *res, const struct err *err, void *data);
struct guest_program {
	const char *application;               /* NULL: what opens the uri by default */
	const char *uri;                       /* NULL: none */
	const json_t *arguments, *environment; /* further ones; NULL: none */
};
guest_id guest_start(struct guest *guest, const struct guest_program *program, int64_t timeout_ms,
	guest_launch_fn *fn, void *data);
/* The same with nothing further. */
guest_id guest_launch(struct guest *guest, const char *application, const char *uri,
	int64_t timeout_ms, guest_launch_fn *fn, void *data);

/* result: the agent's reply as in vm/wire/messages.h, with checked types. */
typedef void guest_json_fn(const json_t *result, const struct err *err, void *data);
guest_id guest_applications(struct guest *guest, guest_json_fn *fn, void *data);
/* Waits for an event; sets args->quiet_ms and elements_ms itself. */
struct msg_wait;
guest_id guest_wait(
	struct guest *guest, const struct msg_wait *args, guest_json_fn *fn, void *data);
guest_id guest_info(struct guest *guest, guest_json_fn *fn, void *data);
/* See messages_windows.h.  Refused while another party has control. */
struct msg_window_change;
guest_id guest_windows(struct guest *guest, guest_json_fn *fn, void *data);
guest_id guest_window_change(
	struct guest *guest, const struct msg_window_change *change, guest_json_fn *fn, void *data);
/* Resizes or scales the display (messages_desktop.h).  The sandbox has the new size when it is called back.
 * Refused while another party has control. */
struct msg_display_set;
guest_id guest_display_set(
	struct guest *guest, const struct msg_display_set *args, guest_json_fn *fn, void *data);
guest_id guest_ping(struct guest *guest, guest_json_fn *fn, void *data);

/* On whose behalf: a viewer's requests are no use of the sandbox by themselves, and whether it has
 * control is checked where viewers are. */
enum guest_asker { GUEST_ASKER_AGENT, GUEST_ASKER_VIEWER };

struct guest_clipboard {
	int type;   /* enum clipboard_type; -1: there is nothing of the types */
	int absent; /* enum clipboard_absence: why; -1: there is something */
	const uint8_t *bytes;
	size_t len; /* clipboard_check() has passed them */
};
typedef void guest_clipboard_fn(
	const struct guest_clipboard *res, const struct err *err, void *data);
/* What is on the clipboard now, whenever it was copied.  ERR_LIMIT: it is too large; ERR_TIMEOUT:
 * its program does not hand it over. */
guest_id guest_clipboard_get(struct guest *guest, enum guest_asker asker,
	const struct clipboard_wish *wish, guest_clipboard_fn *fn, void *data);
struct guest_copy {
	int type; /* enum clipboard_type */
	const void *bytes;
	size_t len;
	const char *plain; /* of HTML, for programs that do not take it; NULL: none */
};
/* The result comes when programs can paste it.  Everything is copied. */
guest_id guest_clipboard_set(struct guest *guest, enum guest_asker asker,
	const struct guest_copy *copy, guest_json_fn *fn, void *data);

/* The elements of a program (vm/wire/messages_elements.h), each row decoded once. */
struct msg_ui_tree;
guest_id guest_ui_tree(
	struct guest *guest, const struct msg_ui_tree *args, guest_json_fn *fn, void *data);
/* Input: ERR_STATE while a person has control. */
struct msg_ui_act;
guest_id guest_ui_act(
	struct guest *guest, const struct msg_ui_act *args, guest_json_fn *fn, void *data);

/* Where a text is on the screen (vm/wire/messages_text.h), each match decoded once.  Sets the times of
 * args itself. */
struct msg_find_text;
guest_id guest_find_text(
	struct guest *guest, const struct msg_find_text *args, guest_json_fn *fn, void *data);

/* One output of a command: its start and its end, and the number of bytes cut between them. */
struct guest_output {
	const char *head,
		*tail;      /* UTF-8, invalid bytes replaced; tail is "" unless something was cut */
	int64_t total, cut; /* in bytes */
};
struct guest_exec {
	int64_t pid;
	bool running;   /* one in the background: nothing below is set */
	bool exited;    /* otherwise killed by a signal */
	int64_t status; /* the exit status, or the signal number */
	bool timed_out;
	int64_t ms;
	struct guest_output out, err;
};
#define GUEST_OUTPUT_HEAD 12000 /* bytes kept of each output's start */
#define GUEST_OUTPUT_TAIL 12000 /* and of its end */
typedef void guest_exec_fn(const struct guest_exec *res, const struct err *err, void *data);
struct guest_command {
	const char *command, *cwd;
	const char *user;          /* NULL: the desktop's */
	const json_t *environment; /* an object of texts; NULL: none */
	const char *input;         /* its stdin; NULL: empty */
	int64_t timeout_ms;        /* 0: none */
	int64_t columns, rows;     /* of its terminal; 0: none */
	/* The result comes when it runs, and it is not killed.  Its stdin stays open; no input. */
	bool background;
	/* Output as it comes, also that of stderr.  May be NULL. */
	void (*printed)(const void *bytes, size_t len, void *data);
};
guest_id guest_run(
	struct guest *guest, const struct guest_command *command, guest_exec_fn *fn, void *data);
/* The same with a command and its directory only. */
guest_id guest_exec(struct guest *guest, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data);

/* Before it is saved as a template: starts the image's programs and waits until the desktop is
 * idle. The result is empty. */
guest_id guest_prepare(struct guest *guest, int64_t window_ms, int64_t rest_ms,
	int64_t warm_rest_ms, guest_json_fn *fn, void *data);

void guest_cancel(struct guest *guest, guest_id id); /* the callback still follows, soon */

struct guest_viewer {
	int64_t window; /* an id from `info`, to show this window only; 0: the whole screen */
	bool clipboard; /* what is copied is offered to it while it has control (not of a window) */
};
/*
 * A new connection to the desktop's RFB server, as a conversation (vm/guest/conversation.h): RFB 3.8
 * without security on channel 0; the server speaks first.  The agent sends message_used.  The viewer
 * has no control.  ERR_ARGUMENT: it broke the protocol; ERR_NOT_FOUND: the window was closed.
 */
struct conversation;
struct conversation_handlers;
struct conversation *guest_rfb(struct guest *guest, const struct guest_viewer *viewer,
	const struct conversation_handlers *handlers, void *data);
/*
 * Gives control to one viewer, an open conversation of guest_rfb(), and takes it from all others;
 * NULL: from all.  Of the input of others, the agent executes nothing after it has this request, even
 * if it was written before; and it executes requests that are sent later after this one.
 */
guest_id guest_control(
	struct guest *guest, const struct conversation *viewer, guest_json_fn *fn, void *data);
/* What the desktop plays, as a conversation: samples on channel 0, in chunks of 20 ms.  asker: an
 * agent's must end within ms; a viewer's has no limit. */
struct msg_sound;
struct conversation *guest_sound(struct guest *guest, enum guest_asker asker,
	const struct msg_sound *args, int64_t ms, const struct conversation_handlers *handlers,
	void *data);
/* A TCP connection to a program that listens on the sandbox's loopback addresses, as a conversation:
 * bytes on channel PORT_BYTES, and message_port_connected.  ERR_NOT_FOUND: nothing listens there. */
struct conversation *guest_port(struct guest *guest, unsigned port,
	const struct conversation_handlers *handlers, void *data);

#endif
