#ifndef SERVER_E2B_CONTROL_CALL_H
#define SERVER_E2B_CONTROL_CALL_H

/* One call of the control plane, shared by the files of this folder. */

#include "server/e2b/core/place.h"
#include "server/e2b/core/request.h"
#include "vm/lifecycle/lifecycle.h"

#define CONTROL_ID_MAX 200

struct control_call {
	struct e2b_request *r; /* NULL: the client has left */
	struct e2b *e2b;
	const struct control_row *row;
	char id[CONTROL_ID_MAX + 1]; /* what stands for {} in the row's path */
	/* Of a handler that answers later; see control_later(). */
	bool waits;
	struct vm *vm;
	struct vm_wait *wait;
	int64_t timeout_ms;
	bool cold;   /* its programs are ended after its resume */
	bool is_new; /* the sandbox has no user yet */
	size_t count;
	void (*then)(struct control_call *c, const struct err *err);
};

typedef void control_fn(struct control_call *c, const json_t *body);

struct control_row {
	const char *method, *path; /* "{}": one part of the path; "*" at the end: the rest */
	control_fn *run;           /* NULL: not supported, and why */
	const char *lacks;
};
/* The tables of the families, each ended by a row without a method. */
extern const struct control_row control_sandbox_rows[], control_lifecycle_rows[],
	control_template_rows[], control_history_rows[];

/* The call stays until control_back(), also without its client. */
void control_later(struct control_call *c);
/* Its operation has ended.  False: the client has disconnected, and the call is freed. */
bool control_back(struct control_call *c) NODISCARD;

/* The caller's sandbox of c->id.  NULL: answered with 404. */
struct vm *control_find(struct control_call *c) NODISCARD;
/* Decodes the body.  False: answered with 400. */
bool control_decode(struct control_call *c, const struct field *fields, const json_t *body,
	void *out) NODISCARD;
/* In ms.  False: answered with 400; least: in seconds. */
bool control_timeout(struct control_call *c, int64_t seconds, int64_t least) NODISCARD;

/* ---- answers ---- */

/* The members that each answer about a sandbox has, and all of them. */
json_t *control_sandbox(const struct e2b *e2b, const struct vm *vm);
json_t *control_detail(const struct e2b *e2b, const struct vm *vm);
/* "2026-11-30T23:40:00.000Z" */
json_t *control_time(int64_t ms);

/* A page of a list: skips what a former page had, and sets the header for the next one. */
struct control_page {
	size_t skip, limit;
};
bool control_page_read(struct control_call *c, size_t most, struct control_page *ret) NODISCARD;
/* Takes all, which it cuts, and answers. */
void control_page_reply(struct control_call *c, const struct control_page *page, json_t *all);

/* cold.c: ends all programs of a sandbox, as a boot from its disk would; then is called once, later. */
void control_restart(struct control_call *c, struct vm *vm,
	void (*then)(struct control_call *c, const struct err *err));

/* list.c */
control_fn control_list_run;
json_t *control_metadata_read(const char *form);
bool control_time_read(const char *text, int64_t *ret_ms);

/* sandboxes.c: the network that the rules asked for mean; access: allow_internet_access, or NULL.
 * ERR_UNSUPPORTED: rules that no backend has. */
bool control_network_apply(const json_t *asked, const json_t *access, bool has_network,
	int *ret_network, struct err *err) NODISCARD;

/* control.c: whether a path is one of the pattern, and its part. */
bool control_path_matches(const char *pattern, const char *path, char ret_id[CONTROL_ID_MAX + 1]);

/* Sets what a template determines: a snapshot, or an image.  ERR_NOT_FOUND.  spec borrows from the
 * owner's snapshots, until the loop runs. */
bool control_template_apply(const struct e2b *e2b, const char *owner, const char *id,
	struct vm_spec *spec, struct err *err) NODISCARD;

#endif
