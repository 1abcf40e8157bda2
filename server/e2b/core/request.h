#ifndef SERVER_E2B_CORE_REQUEST_H
#define SERVER_E2B_CORE_REQUEST_H

#include "base/digest.h"
#include "server/http/auth.h"
#include "transport/http/http.h"
#include "vm/core/vm.h"

#include <jansson.h>
#include <sys/queue.h>

/*
 * One request of E2B's API, as the router (server/e2b/e2b.h) has checked it, and how it is answered.
 * The control plane, envd, ports and the code interpreter each have one entry, which takes it.
 */

struct activity;
struct tool;
struct envd_watchers;
struct e2b_history;  /* server/e2b/control/history.h */
struct e2b_desktops; /* server/e2b/desktop/desktop.h */
TAILQ_HEAD(e2b_requests, e2b_request);

/* What all requests share; it outlives them. */
struct e2b {
	sd_event *event;
	struct vm_pool *vms;
	struct auth *auth;
	struct activity *activity; /* NULL: none */
	struct digest key;         /* of the tokens of sandboxes (core/tokens.h) */
	const char *domain;        /* the name behind "PORT-ID.", without a port */
	/* The public TLS name with its port, for answers; NULL: there is no TLS listener. */
	const char *public_domain;
	struct e2b_history *history;
	struct e2b_names_kept *names; /* of templates (template/names.h) */
	struct e2b_builds *builds;
	const char *images;             /* the directory of images; NULL: sandboxes have none */
	struct e2b_requests open;       /* on sandboxes */
	struct envd_watchers *watchers; /* of envd; NULL: none yet */
	struct e2b_desktops *desktops;  /* NULL: no streams */
};

/* Valid until its exchange has closed.  Its body waits until it is taken (http_receive()), or read
 * by e2b_read_json(). */
struct e2b_request {
	struct http_exchange *x;
	struct e2b *e2b;
	/* The principal: of the key (control plane), or the owner of the sandbox. */
	const char *owner;
	/* On a sandbox: it is ready, and stays valid; the exchange is aborted when it is paused or
	 * ends.  NULL: the control plane. */
	struct vm *vm;
	int port; /* in the sandbox; 0: the control plane */

	/* Set by the part that runs it: called once, when the exchange has closed, before the request
	 * is freed.  The part does not use http_on_closed(). */
	void (*closed)(struct e2b_request *r);
	void *data; /* of the part */

	/* private to server/e2b */
	TAILQ_ENTRY(e2b_request) entry;
	struct vm_wait *wait;
	const struct tool *note; /* core/note.h; NULL: none */
	uint64_t began_us;
	int refused; /* the status of e2b_fail(); 0: none */
	void (*on_json)(struct e2b_request *r, const json_t *body);
};

#define E2B_ENVD_PORT 49983
#define E2B_CODE_PORT 49999
#define E2B_BODY_MAX (1u << 20) /* of JSON */

/* Of the router.  Takes over http_on_closed(). */
struct e2b_request *e2b_request_new(struct http_exchange *x, struct e2b *e2b);
/* Ends r; its exchange, which is open, belongs to the caller. */
void e2b_request_leave(struct e2b_request *r);
/* It is about vm, which stays valid as long as the request. */
void e2b_request_use(struct e2b_request *r, struct vm *vm);

/* ---- for the parts ---- */

/* Takes json.  Sets Content-Type. */
void e2b_reply_json(struct e2b_request *r, int status, json_t *json);
void e2b_reply_empty(struct e2b_request *r, int status);
/* {"code": status, "message"}, for the control plane and /files. */
void e2b_fail(struct e2b_request *r, int status, const char *fmt, ...) PRINTF(3, 4);
/* The same for an error of vm/, with the status that fits its kind. */
void e2b_fail_err(struct e2b_request *r, const struct err *err);
int e2b_status_of(const struct err *err);

/* Reads the body, an object of at most E2B_BODY_MAX bytes, and calls fn with it; without a body, with
 * an empty one.  Otherwise r is answered with 400 or 413, and fn is not called. */
void e2b_read_json(struct e2b_request *r, void (*fn)(struct e2b_request *r, const json_t *body));
/* field_decode(), but members that are not in the table are ignored. */
bool e2b_decode(const struct field *fields, const json_t *in, void *out, struct err *err) NODISCARD;

#endif
