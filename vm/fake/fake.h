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

struct fake_window {
	int64_t id, pid;
	const char *title, *class; /* constants */
};

struct fake_clipboard {
	bool is_there, is_secret;
	int type;
	struct buf bytes;
};

struct fake_desktop {
	struct size screen, frame;
	struct point pointer;
	struct buf typed;  /* contents of the text field */
	struct buf events; /* one line per input, for tests: "click left 10,20 count=2 ctrl" */
	struct fake_clipboard clipboard;
	int64_t frame_id, last_pid;
	struct fake_window windows[FAKE_WINDOWS_MAX];
	size_t n_windows;
};

void fake_desktop_init(struct fake_desktop *desktop, struct size screen);
void fake_desktop_done(struct fake_desktop *desktop);
bool fake_desktop_check(
	const struct fake_desktop *desktop, const struct action *action, struct err *err) NODISCARD;
/* Performs an action immediately; the caller adds the delay.  Returns the number of characters
 * typed. */
int64_t fake_desktop_do(struct fake_desktop *desktop, const struct action *action);
const struct fake_window *fake_desktop_open(
	struct fake_desktop *desktop, const char *title, const char *class);
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
	/* of act.c, exec.c and rfb.c */
	struct fake_act *act;
	struct fake_exec *exec;
	struct fake_rfb *rfb;
};
TAILQ_HEAD(fake_requests, fake_request);

/* Each ends the request. */
void fake_answer(struct fake_request *req, const struct message *message, const void *answer);
void fake_reply(struct fake_request *req, json_t *result, const void *tail, size_t tail_len);
void fake_fail(struct fake_request *req, const struct err *why);
int64_t fake_ms(const struct fake_request *req); /* since it arrived */
void fake_after(struct fake_request *req, int64_t ms, sd_event_time_handler_t fn);

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
	bool is_dud;          /* its image does not start */
	bool frozen;          /* sends nothing until the next message */
	bool awaits_restored; /* a copy: sends nothing before `restored` */
	int64_t clock_us;     /* the time set by the host */
	uint64_t start_us;
	char fault[21]; /* fault to simulate, for tests: exec "set WORD" */
	char hostname[64], machine_id[33], mac[18];
};

/* The constants for a title; false: unknown window. */
bool fake_window_words(const char *title, struct fake_window *ret_window);

/* ---- save.c: its state as a file in dir ---- */

bool fake_save(const struct fake_vm *fake, const char *dir, struct err *err) NODISCARD;
/* Loads into an empty one; ERR_STATE if the file is invalid. */
bool fake_load(struct fake_vm *fake, const char *dir, struct err *err) NODISCARD;
void fake_unsave(const char *dir);

/* The screen has changed: notifies the host. */
void fake_changed(struct fake_vm *fake);

bool fake_act(struct fake_request *req, struct err *err);
bool fake_exec(struct fake_request *req, struct err *err);
bool fake_launch(struct fake_request *req, struct err *err);
bool fake_rfb(struct fake_request *req, struct err *err);
void fake_rfb_changed(struct fake_vm *fake); /* answers waiting viewers */
bool fake_clipboard_get(struct fake_request *req, struct err *err);
bool fake_clipboard_set(struct fake_request *req, struct err *err);
/* As its programs do. */
void fake_clipboard_put(
	struct fake_desktop *desktop, int type, const void *bytes, size_t len, bool is_secret);
bool fake_applications(struct fake_request *req, struct err *err);

#endif
