#ifndef VM_FAKE_FAKE_H
#define VM_FAKE_FAKE_H

/* Shared by the files of the fake backend; defines the backend for vm/backends.c. */

#include "base/buf.h"
#include "vm/core/backend.h"
#include "vm/wire/action.h"
#include "vm/wire/clipboard.h"
#include "vm/wire/messages.h"

#include <sys/queue.h>

extern const struct vm_backend vm_backend_fake;

/* ---- desktop.c: a desktop in a few variables ---- */

#define FAKE_WINDOWS_MAX 32
#define FAKE_LISTENERS_MAX 4

struct fake_window {
	int64_t id, pid;
	const char *title, *class; /* constants */
	struct rect at;
	int state; /* enum window_state */
};

struct fake_clipboard {
	bool is_there, is_secret, has_plain;
	int type;
	struct buf bytes, plain; /* plain: beside HTML */
};

/* A program that listens on a port: port.c. */
struct fake_listener {
	unsigned port; /* 0: none */
	bool echoes, waits;
	struct buf word, text;
};

struct fake_desktop {
	struct size screen, frame;
	struct point pointer;
	int scale;         /* in percent */
	struct buf typed;  /* contents of the text field */
	struct buf events; /* one line per input, for tests: "click left 10,20 count=2 ctrl" */
	struct fake_clipboard clipboard;
	int64_t frame_id, resized_frame, last_pid; /* resized_frame: the first with this size */
	long tone_hz;                              /* what it plays; 0: nothing */
	int64_t last_tree;                         /* of elements */
	size_t listed[8];                          /* its elements, by id - 1 */
	size_t n_listed;
	struct rect marks[4]; /* boxes of the last ones */
	size_t n_marks;
	int64_t marked; /* their window */
	bool is_plain;  /* the check box is not checked */
	struct fake_window windows[FAKE_WINDOWS_MAX];
	size_t n_windows;
	struct fake_listener listeners[FAKE_LISTENERS_MAX];
	struct buf heard; /* by the last one that was connected to */
};

void fake_desktop_init(struct fake_desktop *desktop, struct size screen, int64_t scale);
/* Also by its programs: exec "xrandr WxH". */
void fake_desktop_resize(struct fake_desktop *desktop, struct size screen);
void fake_desktop_done(struct fake_desktop *desktop);
bool fake_desktop_check(
	const struct fake_desktop *desktop, const struct action *action, struct err *err) NODISCARD;
/* Performs an action immediately; the caller adds the delay.  Returns the number of characters
 * typed. */
int64_t fake_desktop_do(struct fake_desktop *desktop, const struct action *action);
const struct fake_window *fake_desktop_open(
	struct fake_desktop *desktop, const char *title, const char *class);
/* NULL: there is none. */
const struct fake_window *fake_window_find(const struct fake_desktop *desktop, int64_t id);
bool fake_window_is_top(const struct fake_desktop *desktop, int64_t id);
struct rect fake_window_place(const struct fake_desktop *desktop, const struct fake_window *window);
json_t *fake_window_json(const struct fake_desktop *desktop, const struct fake_window *window);

/* ---- image.c: grey images of any size, in real formats ---- */

void fake_image(struct buf *to, enum observe_format format, struct size size);

/* ---- a request in flight ---- */

struct fake_vm;

struct fake_request {
	TAILQ_ENTRY(fake_request) entry;
	struct fake_vm *fake;
	uint32_t id;
	json_t *json;               /* owns the strings of args */
	void *args;                 /* struct of the message's request */
	const struct link_msg *msg; /* inside run only */
	sd_event_source *timer;
	uint64_t start_us;
	/* Frees the operation's state; then the request is freed. */
	void (*done)(struct fake_request *req);
	/* of act.c, exec.c, port.c, rfb.c and sound.c */
	struct fake_act *act;
	struct fake_exec *exec;
	struct fake_port *port;
	struct fake_rfb *rfb;
	struct fake_sound *sound;
	bool waits; /* wait.c */
	int64_t wait_from;
};
TAILQ_HEAD(fake_requests, fake_request);

/* ---- request.c ---- */

/* Each ends the request. */
void fake_answer(struct fake_request *req, const struct message *message, const void *answer);
void fake_reply(struct fake_request *req, json_t *result, const void *tail, size_t tail_len);
void fake_fail(struct fake_request *req, const struct err *why);
int64_t fake_ms(const struct fake_request *req); /* since it arrived */
void fake_after(struct fake_request *req, int64_t ms, sd_event_time_handler_t fn);
/* Without an answer: all but one, which may be NULL. */
void fake_forget_requests(struct fake_vm *fake, const struct fake_request *but);
/* said: the contents of the event. */
void fake_send_event(struct fake_vm *fake, const struct message *event, const void *said);

struct fake_vm {
	struct vm vm;
	sd_event *event;
	struct link *link; /* the agent's end */
	struct fake_desktop desktop;
	struct fake_requests requests;
	struct fake_request *acting; /* owns the input */
	sd_event_source *starting, *dying, *screen_timer;
	sd_event_source *saving, *relinking;
	const char *saving_to;
	unsigned stage;
	bool watched;
	bool has_broken_image; /* its image does not start */
	bool frozen;           /* sends nothing until the next message */
	bool awaits_restored;  /* a copy: sends nothing before `restored` */
	int64_t clock_us;      /* the time set by the host */
	uint64_t start_us;
	char fault[21]; /* fault to simulate, for tests: exec "set WORD" */
	char hostname[64], machine_id[33], mac[18];
};

/* The constants for a title; false: unknown window. */
bool fake_window_parse(const char *title, struct fake_window *ret_window);

/* ---- save.c: its state as a file in dir ---- */

bool fake_save(const struct fake_vm *fake, const char *dir, struct err *err) NODISCARD;
/* Loads into an empty one; ERR_STATE if the file is invalid. */
bool fake_load(struct fake_vm *fake, const char *dir, struct err *err) NODISCARD;
void fake_unsave(const char *dir);

/* ---- agent.c ---- */

/* Takes fd, the agent's end.  A copy waits for `restored`; a new one sends hello. */
void fake_agent_start(struct fake_vm *fake, int fd);
void fake_agent_stop(struct fake_vm *fake);

/* ---- the operations, each in its file ---- */

/* The screen has changed: notifies the host, and answers waiting viewers. */
void fake_changed(struct fake_vm *fake);
void fake_notify_screen(struct fake_vm *fake); /* the host only, if it watches */
bool fake_watch(struct fake_request *req, struct err *err);

bool fake_act(struct fake_request *req, struct err *err);
bool fake_exec(struct fake_request *req, struct err *err);
bool fake_launch(struct fake_request *req, struct err *err);
bool fake_port_connect(struct fake_request *req, struct err *err);
void fake_listen(struct fake_desktop *desktop, const char *rest); /* the command's words */
bool fake_rfb(struct fake_request *req, struct err *err);
bool fake_control(struct fake_request *req, struct err *err);
bool fake_sound(struct fake_request *req, struct err *err);
bool fake_display_set(struct fake_request *req, struct err *err);
void fake_resize(struct fake_vm *fake, struct size screen, int scale); /* tells the host */
bool fake_windows(struct fake_request *req, struct err *err);
bool fake_window_change(struct fake_request *req, struct err *err);
bool fake_wait(struct fake_request *req, struct err *err);
void fake_wait_changed(struct fake_vm *fake); /* answers waits that have ended */
bool fake_clipboard_get(struct fake_request *req, struct err *err);
bool fake_clipboard_set(struct fake_request *req, struct err *err);
/* As its programs do. */
void fake_clipboard_put(
	struct fake_desktop *desktop, int type, const void *bytes, size_t len, bool is_secret);
/* Numbers the elements of a window (0: of the newest) and returns their rows; note: set if there are
 * none. */
json_t *fake_marks(struct fake_desktop *desktop, int64_t window, const char **ret_note);
bool fake_mark_check(const struct fake_desktop *desktop, int64_t mark, struct err *err);
bool fake_ui_tree(struct fake_request *req, struct err *err);
bool fake_find_text(struct fake_request *req, struct err *err);
/* The first element with that part in its name; false: none. */
bool fake_element_called(
	const struct fake_desktop *desktop, const char *name, struct msg_text_match *ret);
/* Where its screen shows a text; false: nowhere. */
bool fake_text_at(const struct fake_desktop *desktop, const char *text, struct msg_text_match *ret);
bool fake_ui_act(struct fake_request *req, struct err *err);
bool fake_applications(struct fake_request *req, struct err *err);

#endif
