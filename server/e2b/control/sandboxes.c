/* Sandboxes: create, get, kill. */
#include "server/e2b/control/call.h"

#include "base/cleanup.h"
#include "server/e2b/core/record.h"

#include <string.h>

#define TIMEOUT_S 300
#define OLDER_TIMEOUT_S 15 /* of POST /sandboxes */

/* ---- create ---- */

struct create {
	const char *templateID;
	int64_t timeout;
	const json_t *metadata, *envVars, *autoResume, *network, *volumeMounts, *iam;
	bool autoPause, autoPauseMemory;
};

/* JSON's names, as they are sent; what is not here is ignored. */
static const struct field create_fields[] = {
	FIELD_STR(struct create, templateID, "", .required = true, .min = 1, .max = 200),
	FIELD_NUM(struct create, timeout, "", .min = -(1LL << 40), .max = 1LL << 40,
		.default_value = -1),
	FIELD_JSON(struct create, metadata, ""),
	FIELD_JSON(struct create, envVars, ""),
	FIELD_FLAG(struct create, autoPause, ""),
	FIELD_FLAG(struct create, autoPauseMemory, "", .default_value = true),
	FIELD_JSON(struct create, autoResume, ""),
	FIELD_JSON(struct create, network, ""),
	FIELD_JSON(struct create, volumeMounts, ""),
	FIELD_JSON(struct create, iam, ""),
	{ 0 },
};

static bool is_supported(struct control_call *c, const struct create *args)
{
	const char *lacks = json_array_size(args->volumeMounts) ? "volumes are not supported"
			    : json_object_size(args->iam)       ? "identities are not supported"
								: NULL;
	if (lacks) {
		e2b_fail(c->r, 501, "%s", lacks);
	}
	return !lacks;
}

static bool has(const json_t *list, const char *text)
{
	size_t i;
	json_t *value;
	json_array_foreach((json_t *)list, i, value)
	{
		if (json_is_string(value) && strcmp(json_string_value(value), text) == 0) {
			return true;
		}
	}
	return false;
}

bool control_network_apply(const json_t *asked, const json_t *access, bool has_network,
	int *ret_network, struct err *err)
{
	const json_t *allow = json_object_get(asked, "allowOut"),
		     *deny = json_object_get(asked, "denyOut");
	bool denies_all = has(deny, "0.0.0.0/0") || json_is_false(access);
	if (json_object_size(json_object_get(asked, "rules")) ||
		json_is_object(json_object_get(asked, "egressProxy"))) {
		return err_set(err, ERR_UNSUPPORTED,
			"rules and proxies of outgoing traffic are not supported");
	}
	if (json_array_size(allow) && (denies_all || !has_network)) {
		return err_set(err, ERR_UNSUPPORTED,
			"single destinations cannot be allowed; allow all or none");
	}
	if (json_array_size(deny) && !denies_all && has_network) {
		return err_set(err, ERR_UNSUPPORTED,
			"single destinations cannot be denied; deny 0.0.0.0/0 or nothing");
	}
	*ret_network = denies_all || !has_network ? VM_NETWORK_NONE : VM_NETWORK_INTERNET;
	return true;
}

static bool texts_only(const json_t *object, const char *called, struct err *err)
{
	return !object || json_is_null(object) || json_is_object(object) ||
	       err_set(err, ERR_ARGUMENT, "'%s' must be an object of texts", called);
}

/* The template's variables, and those of the request; NULL: none.  The caller's. */
static json_t *environment_of(
	struct control_call *c, const struct vm_spec *spec, const json_t *asked)
{
	struct err ignored;
	const struct vm_snapshot *from =
		spec->from ? vm_snapshot_find(c->e2b->vms, c->r->owner, spec->from, &ignored)
			   : NULL;
	json_t *all = from && from->spec.environment
			      ? must(json_copy((json_t *)from->spec.environment))
			      : NULL;
	if (json_is_object(asked)) {
		all = all ? all : must(json_object());
		json_object_update(all, (json_t *)asked);
	}
	return all;
}

/* The user and the directory of the template. */
static void inherit(struct control_call *c, const struct vm_spec *spec, struct e2b_record *record)
{
	struct err ignored;
	const struct vm_snapshot *from =
		spec->from ? vm_snapshot_find(c->e2b->vms, c->r->owner, spec->from, &ignored)
			   : NULL;
	if (from) {
		const struct e2b_record base = e2b_record_of(&from->spec);
		record->user = base.user;
		record->directory = base.directory;
	}
}

/* Its `api` and `environment` are the caller's, the rest is borrowed. */
static bool spec_of(struct control_call *c, const struct create *args, const json_t *body,
	struct vm_spec *ret, struct err *err)
{
	const json_t *access = json_object_get(body, "allow_internet_access");
	struct vm_spec spec = *vm_default_spec(c->e2b->vms);
	struct e2b_record record = {
		.template_id = args->templateID,
		.forgets = !args->autoPauseMemory,
		.auto_resume = json_is_true(json_object_get(args->autoResume, "enabled")),
		.has_network = json_is_boolean(access),
		.network = json_is_object(args->network) ? args->network : NULL,
	};
	if (!texts_only(args->metadata, "metadata", err) ||
		!texts_only(args->envVars, "envVars", err) ||
		!control_network_apply(record.network, access, spec.network == VM_NETWORK_INTERNET,
			&spec.network, err) ||
		!control_template_apply(c->e2b, c->r->owner, args->templateID, &spec, err)) {
		return false;
	}
	inherit(c, &spec, &record);
	spec.api = e2b_record_make(&record, err);
	spec.labels = json_is_object(args->metadata) ? args->metadata : NULL;
	spec.environment = environment_of(c, &spec, args->envVars);
	spec.timeout_ms = c->timeout_ms;
	spec.idle_ms = -1;
	spec.on_timeout = args->autoPause ? VM_TIMEOUT_PAUSE : VM_TIMEOUT_KILL;
	*ret = spec;
	return spec.api || (json_decref((json_t *)spec.environment), false);
}

static void on_created(struct vm *vm, const struct err *err, void *data)
{
	struct control_call *c = data;
	struct err why;
	c->wait = NULL;
	c->is_new = false;
	if (!control_back(c)) {
		return;
	}
	/* Its start is not part of its time. */
	if (err || !vm_set_timeout(vm, c->timeout_ms, &why)) {
		why = err ? *err : why;
		vm_hide_paths(c->e2b->vms, &why);
		e2b_fail(c->r, 500, "%s", why.text);
	} else {
		e2b_reply_json(c->r, 201, control_sandbox(c->e2b, vm));
	}
}

static struct vm *start(
	struct control_call *c, const struct create *args, const json_t *body, struct err *err)
{
	struct vm_spec spec;
	if (!spec_of(c, args, body, &spec, err)) {
		return NULL;
	}
	struct vm *vm = vm_create(c->e2b->vms, c->r->owner, &spec, err);
	json_decref((json_t *)spec.api);
	json_decref((json_t *)spec.environment);
	return vm;
}

static void create(struct control_call *c, const json_t *body, int64_t default_s)
{
	static const struct vm_wait_handlers handlers = { .done = on_created };
	struct create args;
	struct err err;
	if (!control_decode(c, create_fields, body, &args) || !is_supported(c, &args) ||
		!control_timeout(c,
			json_is_number(json_object_get(body, "timeout")) ? args.timeout : default_s,
			1)) {
		return;
	}
	c->vm = start(c, &args, body, &err);
	if (!c->vm) {
		e2b_fail_err(c->r, &err);
		return;
	}
	c->is_new = true;
	control_later(c);
	c->wait = vm_wait(c->vm, &handlers, c);
}

static void run_create(struct control_call *c, const json_t *body)
{
	create(c, body, TIMEOUT_S);
}

static void run_create_older(struct control_call *c, const json_t *body)
{
	create(c, body, OLDER_TIMEOUT_S);
}

/* ---- get, kill ---- */

static void run_get(struct control_call *c, const json_t *body)
{
	struct vm *vm = control_find(c);
	(void)body;
	if (vm) {
		e2b_reply_json(c->r, 200, control_detail(c->e2b, vm));
	}
}

static void run_kill(struct control_call *c, const json_t *body)
{
	struct vm *vm = control_find(c);
	(void)body;
	if (vm) {
		vm_stop(vm, "it was ended by its user");
		e2b_reply_empty(c->r, 204);
	}
}

/* Replaces all rules; those of a running sandbox do not change. */
static void run_network(struct control_call *c, const json_t *body)
{
	struct vm *vm = control_find(c);
	struct err err;
	int network;
	if (!vm) {
		return;
	}
	int present = vm_spec(vm)->network;
	if (!control_network_apply(body, json_object_get(body, "allow_internet_access"),
		    present == VM_NETWORK_INTERNET, &network, &err)) {
		e2b_fail_err(c->r, &err);
	} else if (network != present) {
		e2b_fail(c->r, 501,
			"the network of a running sandbox cannot be changed; create one "
			"with allow_internet_access");
	} else {
		e2b_reply_empty(c->r, 204);
	}
}

const struct control_row control_sandbox_rows[] = {
	{ "POST", "/v2/sandboxes", run_create },
	{ "POST", "/sandboxes", run_create_older },
	{ "GET", "/v2/sandboxes", control_list_run },
	{ "GET", "/sandboxes", control_list_run },
	{ "GET", "/sandboxes/{}", run_get },
	{ "DELETE", "/sandboxes/{}", run_kill },
	{ "PUT", "/sandboxes/{}/network", run_network },
	{ 0 },
};
