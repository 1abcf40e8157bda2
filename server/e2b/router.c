/*
 * Who gets a request: the control plane, which requires a key, or a port of a sandbox, which must
 * run.  A paused one that resumes by itself is resumed first.
 */
#include "server/e2b/router.h"

#include "base/cleanup.h"
#include "server/e2b/code/code.h"
#include "server/e2b/control/control.h"
#include "server/e2b/core/place.h"
#include "server/e2b/core/record.h"
#include "server/e2b/core/tokens.h"
#include "server/e2b/desktop/desktop.h"
#include "server/e2b/envd/envd.h"
#include "server/e2b/ports/ports.h"
#include "server/e2b/template/build.h"
#include "server/remote/place.h"
#include "transport/http/check.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>
#include <strings.h>

#define TWICE (1u << 31)
#define RESUMED_MS 300000 /* the least time of one that was resumed by a request */

/* ---- sandboxes ---- */

static const struct part {
	int port;
	void (*run)(struct e2b_request *r);
} parts[] = {
	{ E2B_ENVD_PORT, e2b_envd_run },
	{ E2B_CODE_PORT, e2b_code_run },
	{ E2B_STREAM_PORT, e2b_desktop_run },
};

static void run_part(struct e2b_request *r)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].port == r->port) {
			parts[i].run(r);
			return;
		}
	}
	e2b_ports_run(r);
}

/* SDKs recognize this answer, also those in pages. */
static void refuse(struct e2b_request *r, const char *id, int status, const char *why)
{
	if (http_allow_any_origin(r->x)) {
		return;
	}
	e2b_reply_json(r, status,
		must(json_pack(
			"{s:s, s:s, s:i}", "sandboxId", id, "message", why, "code", status)));
}

static void is_not_there(struct e2b_request *r, const char *id)
{
	refuse(r, id, 502, "The sandbox was not found");
}

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct e2b_request *r = data;
	r->wait = NULL;
	if (err && err->kind == ERR_LIMIT) { /* it sleeps on */
		refuse(r, vm_id(vm), 503, err->text);
	} else if (err) {
		is_not_there(r, vm_id(vm));
	} else {
		run_part(r);
	}
}

static void start_when_ready(struct e2b_request *r, struct vm *vm)
{
	static const struct vm_wait_handlers handlers = { .done = on_ready };
	e2b_request_use(r, vm);
	if (vm_state(vm) == VM_READY) {
		run_part(r);
	} else {
		r->wait = vm_wait(vm, &handlers, r);
	}
}

/* A time-out has passed meanwhile, or it was paused without one. */
static bool extend(struct vm *vm, struct err *err)
{
	int64_t old = vm_spec(vm)->timeout_ms;
	return vm_set_timeout(vm, old > RESUMED_MS ? old : RESUMED_MS, err);
}

/* Whether it runs or is on the way. */
static bool is_awake(struct vm *vm)
{
	struct err err;
	bool sleeps = vm_state(vm) == VM_PAUSED;
	return vm_state(vm) == VM_READY || vm_state(vm) == VM_STARTING ||
	       (sleeps && e2b_record_of(vm_spec(vm)).auto_resume && extend(vm, &err));
}

static bool may_pass(const struct e2b_request *r, const struct vm *vm)
{
	return r->port == E2B_ENVD_PORT || !e2b_record_of(vm_spec(vm)).is_closed ||
	       e2b_token_is(&r->e2b->key, E2B_TOKEN_TRAFFIC, vm_id(vm),
		       http_header(r->x, "E2B-Traffic-Access-Token"));
}

static struct vm *find(const struct e2b *e2b, const char *id)
{
	struct remote_place place = { e2b->vms, NULL, "" };
	struct err err;
	if (!id_is_valid(id)) {
		return NULL;
	}
	memcpy(place.id, id, sizeof(place.id));
	return remote_find(&place, &err);
}

static void run_sandbox(struct e2b_request *r, const char *id)
{
	struct vm *vm = find(r->e2b, id);
	if (vm && !may_pass(r, vm)) {
		refuse(r, id, 403,
			"The header E2B-Traffic-Access-Token is required, with the sandbox's token");
	} else if (!vm || !is_awake(vm)) {
		is_not_there(r, id);
	} else {
		r->owner = vm_owner(vm);
		start_when_ready(r, vm);
	}
}

/* ---- signed URLs, which name no sandbox ---- */

struct search {
	struct e2b_request *r;
	struct vm *found;
};

static void try_signature(struct vm *vm, void *data)
{
	struct search *search = data;
	char token[E2B_TOKEN_SIZE];
	if (!search->found) {
		e2b_token_of(&search->r->e2b->key, E2B_TOKEN_ACCESS, vm_id(vm), token);
		search->found = e2b_envd_is_signed(search->r->x, token) ? vm : NULL;
	}
}

static bool is_signed_url(struct e2b_request *r)
{
	return strcmp(http_path(r->x), "/files") == 0 && http_query(r->x, "signature");
}

static void run_signed(struct e2b_request *r)
{
	struct search search = { .r = r };
	vm_pool_each(r->e2b->vms, try_signature, &search);
	if (search.found) {
		r->port = E2B_ENVD_PORT;
		run_sandbox(r, vm_id(search.found));
	} else {
		e2b_fail(r, 401, "invalid signature");
	}
}

/* ---- the control plane ---- */

static const char *key_of(const struct http_exchange *x)
{
	const char *key = http_header(x, "X-API-Key");
	return key ? key : http_bearer_token(http_header(x, "Authorization"));
}

static void run_control(struct e2b_request *r)
{
	r->owner = http_owner(r->x);
	if (r->owner || strcmp(http_path(r->x), "/health") == 0) {
		e2b_control_run(r);
	} else if (strcmp(http_method(r->x), "PUT") == 0 && http_query(r->x, "token")) {
		e2b_build_upload(r); /* checks its token */
	} else if (key_of(r->x)) {
		e2b_fail(r, 401, "the API key is not valid for this server");
	} else {
		e2b_fail(r, 401, "send the header X-API-Key: KEY");
	}
}

/* ---- where it goes ---- */

static bool find_place(const struct http_exchange *x, const struct e2b *e2b,
	struct e2b_place *ret_place, struct err *err)
{
	const struct e2b_names names = {
		.host = http_header(x, "Host"),
		.domain = e2b->domain,
		.id = http_header(x, "E2b-Sandbox-Id"),
		.port = http_header(x, "E2b-Sandbox-Port"),
	};
	return e2b_place_find(&names, ret_place, err);
}

const char *e2b_router_identify(struct http_exchange *x, void *data)
{
	const struct e2b *e2b = data;
	struct e2b_place place;
	struct err err;
	if (!find_place(x, e2b, &place, &err)) {
		return NULL;
	}
	if (!place.id[0]) {
		/* Also with --no-auth: pages of other sites cannot send such a header. */
		const char *key = key_of(x);
		return key ? auth_authorize(key, e2b->auth) : NULL;
	}
	struct vm *vm = find(e2b, place.id);
	return vm ? vm_owner(vm) : NULL;
}

/* What decides about a request must not be there twice: others might read the other one. */
static void count_header(const char *name, const char *value, void *data)
{
	static const char *const once[] = { "X-API-Key", "E2b-Sandbox-Id", "E2b-Sandbox-Port",
		"X-Access-Token", "E2B-Traffic-Access-Token" };
	unsigned *seen = data;
	(void)value;
	for (unsigned i = 0; i < sizeof(once) / sizeof(*once); i++) {
		if (strcasecmp(name, once[i]) == 0) {
			*seen |= *seen & 1u << i ? TWICE : 1u << i;
		}
	}
}

static bool is_clear(const struct http_exchange *x)
{
	unsigned seen = 0;
	http_each_header(x, count_header, &seen);
	return !(seen & TWICE);
}

static void route(struct e2b_request *r)
{
	struct e2b_place place;
	struct err err;
	if (!is_clear(r->x)) {
		e2b_fail(r, 400, "a header of the API must not be repeated");
	} else if (!find_place(r->x, r->e2b, &place, &err)) {
		e2b_fail(r, 400, "%s", err.text);
	} else if (place.id[0]) {
		r->port = place.port;
		run_sandbox(r, place.id);
	} else if (!place.is_named && is_signed_url(r)) {
		run_signed(r);
	} else {
		run_control(r);
	}
}

static void run(struct http_exchange *x, void *data)
{
	route(e2b_request_new(x, data));
}

void e2b_router_use(struct http *http, struct e2b *e2b)
{
	http_add_route(http, &(struct http_route){
				     .path = "",
				     .open = true,
				     .run = run,
				     .data = e2b,
				     .streams_body = true,
				     .any_origin = true,
			     });
}

/* Its SDKs ask again when a connection is closed without an end of the body. */
void e2b_router_cut(struct e2b *e2b, const struct vm *vm)
{
	struct e2b_request *r, *next;
	for (r = TAILQ_FIRST(&e2b->open); r; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->vm == vm && !r->wait) {
			http_stream_abort(r->x);
		}
	}
}
