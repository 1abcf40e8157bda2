#ifndef VM_GUEST_GUEST_H
#define VM_GUEST_GUEST_H

#include "base/err.h"
#include "vm/wire/action.h"
#include "vm/wire/geometry.h"

struct guest; /* the agent of one sandbox: vm_guest() */

/*
 * The agent's operations, as calls on a ready sandbox.  Each callback fires exactly once, from the
 * loop; err is set when the operation could not be done (the sandbox ended: ERR_GONE; not ready:
 * ERR_STATE), and the result is NULL then.  Results are checked here: what an agent sends is
 * hostile.  They live during the callback only.
 */

struct guest_frame {
	int64_t frame_id, width, height, quality;
	int format; /* enum observe_format */
	double scale;
	const char *reduced; /* a sentence, or NULL */
	const uint8_t *bytes;
	size_t len;
};

struct guest_act {
	size_t done;       /* actions that ran to their end */
	int64_t chars;     /* delivered by all type actions */
	bool unfocused;    /* keys were pressed while no window had the focus */
	struct err failed; /* kind ERR_NONE: the whole list ran */
	size_t failed_index;
	struct point pointer;
	int64_t frame_id;
	bool changed;
	bool settled;
	bool blank; /* observe.window showed nothing but one colour; it is not settled then */
	int64_t waited_ms;
	const json_t *moving;     /* array of [x0,y0,x1,y1], or NULL */
	struct guest_frame frame; /* bytes NULL: none */
};
typedef void guest_act_fn(const struct guest_act *res, const struct err *err, void *data);

/* A request in flight, for guest_cancel(); never 0. */
typedef uint32_t guest_id;

guest_id guest_act(struct guest *guest, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data);

/* A picture for somebody who watches: no action, and no use of the sandbox that its idle time would
 * begin anew for. */
guest_id guest_look(
	struct guest *guest, const struct observe *observe, guest_act_fn *fn, void *data);

struct guest_window {
	int64_t id, pid, x, y, width, height;
	const char *title, *class; /* may be NULL */
};
struct guest_launch {
	int64_t pid;
	bool has_window;
	struct guest_window window;
	const char *note;
};
typedef void guest_launch_fn(const struct guest_launch *res, const struct err *err, void *data);
guest_id guest_launch(struct guest *guest, const char *application, const char *uri,
	int64_t timeout_ms, guest_launch_fn *fn, void *data);

/* result: the agent's reply object as it is in vm/wire/messages.h, checked to be of that shape. */
typedef void guest_json_fn(const json_t *result, const struct err *err, void *data);
guest_id guest_applications(struct guest *guest, guest_json_fn *fn, void *data);
guest_id guest_info(struct guest *guest, guest_json_fn *fn, void *data);
guest_id guest_ping(struct guest *guest, guest_json_fn *fn, void *data);

/* One output of a command: its beginning and its end, and what was cut between them. */
struct guest_output {
	const char *head,
		*tail;      /* UTF-8, bad bytes replaced; tail is "" unless something was cut */
	int64_t total, cut; /* bytes */
};
struct guest_exec {
	bool exited;    /* else by a signal */
	int64_t status; /* exit status, or the signal's number */
	bool timed_out;
	int64_t ms;
	struct guest_output out, err;
};
#define GUEST_OUTPUT_HEAD 12000 /* bytes kept of each output's beginning */
#define GUEST_OUTPUT_TAIL 12000 /* and of its end */
typedef void guest_exec_fn(const struct guest_exec *res, const struct err *err, void *data);
guest_id guest_exec(struct guest *guest, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data);

/* Before it is saved as a template: the image's programs are opened, and the desktop comes to rest.
 * The result is empty. */
guest_id guest_prepare(struct guest *guest, int64_t window_ms, int64_t rest_ms,
	int64_t warm_rest_ms, guest_json_fn *fn, void *data);

void guest_cancel(struct guest *guest, guest_id id); /* the callback still comes, soon */

/*
 * ---- a connection to something inside, as bytes both ways ----
 *
 * Flow-controlled: at most GUEST_PIPE_WINDOW bytes come before some were reported as consumed, and
 * a write takes no more than the sandbox has room for.
 */

struct guest_pipe;

#define GUEST_PIPE_WINDOW (256u << 10)

struct guest_pipe_handlers {
	/* Bytes arrived.  guest_pipe_consumed() when they were dealt with, now or later. */
	void (*data)(struct guest_pipe *pipe, const void *bytes, size_t len, void *data);
	/* There is room again after a write took less than it was given. */
	void (*writable)(struct guest_pipe *pipe, void *data);
	/*
	 * The other end closed it, or it never came to be: err says why (ERR_STATE: not ready, or
	 * its X server is away; ERR_NOT_FOUND: the window is no more; ERR_TIMEOUT: the agent did
	 * not do it in time; ERR_GONE: the sandbox has ended or was paused), NULL that it was simply closed.  Once, from the loop, unless
	 * guest_pipe_close() came first; the pipe must not be used any more.
	 */
	void (*ended)(struct guest_pipe *pipe, const struct err *err, void *data);
};

/*
 * The desktop's VNC server, a connection of its own: RFB 3.8 without security.  It speaks first;
 * whatever fails is told by ended().  window: an id as of `windows`, and nothing but that window is
 * to be seen then; 0: the whole screen.
 */
struct guest_pipe *guest_rfb(struct guest *guest, int64_t window,
	const struct guest_pipe_handlers *handlers, void *data);
/* Returns how many bytes were taken. */
size_t guest_pipe_write(struct guest_pipe *pipe, const void *bytes, size_t len);
void guest_pipe_consumed(struct guest_pipe *pipe, size_t len);
/* No callback comes any more; what was written is still sent.  NULL-safe. */
void guest_pipe_close(struct guest_pipe *pipe);

#endif
