// USES vm
/* What whoever runs the server is told of all sandboxes, and what an owner may have. */
#include "tests/support/holds.h"
#include "tests/support/vm_host.h"

#include "vm/core/core.h"

struct starts {
	struct listener listener;
	int up, failed;
	bool any;
	struct err why;
};

static void on_started(struct vm *vm, uint64_t took_us, const struct err *why, void *data)
{
	struct starts *starts = data;
	cr_expect_gt(took_us, 0);
	cr_expect_eq(vm_state(vm), why ? VM_STOPPING : VM_READY);
	starts->up += !why;
	starts->failed += !!why;
	starts->why = why ? *why : (struct err){ 0 };
	starts->any = true;
}

static struct vm_owner_limits limit(const char *owner, void *data)
{
	(void)data;
	return (struct vm_owner_limits){ .sandboxes = strcmp(owner, "ann") == 0 ? 2 : 0 };
}

static void count_state(struct vm *vm, void *data)
{
	((size_t *)data)[vm_state(vm)]++;
}

static void host_fake(struct host *host, struct starts *starts)
{
	host_init(host, (struct vm_config){ .backend = "fake", .max_sandboxes = 4 });
	static const struct vm_listener events = { .started = on_started };
	listener_add(vm_listeners(host->pool), &starts->listener, &events, starts);
	vm_pool_limit_owners(host->pool, limit, NULL);
}

Test(pool, an_owner_has_a_limit_of_its_own)
{
	struct host host;
	struct starts starts = { 0 };
	struct err err = { 0 };
	host_fake(&host, &starts);
	struct vm *first = vm_create(host.pool, "ann", NULL, &err);
	cr_assert(first, "%s", err.text);
	cr_assert(vm_create(host.pool, "ann", NULL, &err), "%s", err.text);
	cr_expect_null(vm_create(host.pool, "ann", NULL, &err));
	cr_expect_eq(err.kind, ERR_LIMIT);
	cr_expect_not_null(strstr(err.text, "quota reached (2)"), "%s", err.text);
	cr_expect(vm_create(host.pool, "bob", NULL, &err), "%s", err.text);
	cr_expect(vm_create(host.pool, "bob", NULL, &err), "%s", err.text);
	cr_expect_null(vm_create(host.pool, "bob", NULL, &err));
	cr_expect(strstr(err.text, "limit of this server reached (4)"), "%s", err.text);
	vm_stop(first, "the test says so");
	cr_expect(vm_create(host.pool, "ann", NULL, &err), "%s", err.text);
	host_done(&host);
}

Test(pool, starts_and_failed_starts_are_told_once)
{
	struct host host;
	struct starts starts = { 0 };
	struct err err = { 0 };
	size_t states[VM_GONE + 1] = { 0 };
	host_fake(&host, &starts);
	cr_assert(vm_create(host.pool, "bob", NULL, &err));
	host_until(&host, &starts.any);
	cr_expect_eq(starts.up, 1);
	struct vm *stopped = vm_create(host.pool, "bob", NULL, &err);
	cr_assert(stopped);
	vm_pool_each(host.pool, count_state, states);
	cr_expect_eq(states[VM_READY], 1);
	cr_expect_eq(states[VM_STARTING], 1);
	vm_stop(stopped, "the test says so");
	vm_stop(stopped, "and again");
	cr_expect_eq(starts.failed, 1);
	cr_expect_str_eq(starts.why.text, "the test says so");
	host_for_ms(&host, 1);
	memset(states, 0, sizeof(states));
	vm_pool_each(host.pool, count_state, states);
	cr_expect_eq(states[VM_READY] + states[VM_STARTING] + states[VM_STOPPING], 1);
	host_done(&host);
	cr_expect_eq(starts.up + starts.failed, 2);
}

/* ---- the backends it was given ---- */

static bool yes(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	(void)pool, (void)spec, (void)err;
	return true;
}

static bool no(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	(void)pool, (void)spec;
	return err_set(err, ERR_HOST, "its moon is in the wrong house");
}

static void none(struct vm *vm, const char *dir, bool last)
{
	(void)vm, (void)dir, (void)last;
}

static const struct vm_backend unlikely = { .name = "unlikely",
	.is_likely = no,
	.has_images = true,
	.save = none,
	.how_to_have = "patience" },
			       likely = { .name = "likely", .is_likely = yes },
			       resort = { .name = "resort", .last_resort = true },
			       shy = { .name = "shy" };

static const char *chosen(const struct vm_backend *const *backends, const char *name,
	const struct vm_spec *asked, struct err *err)
{
	struct host host;
	struct vm_config config = { .backend = name };
	host_init(&host, config);
	struct vm_pool *pool = vm_pool_new(host.event, &config, backends);
	const struct vm_backend *backend =
		vm_backend_for(pool, asked ? asked : vm_default_spec(pool), err);
	vm_pool_free(pool);
	host_done(&host);
	return backend ? backend->name : "none";
}

Test(pool, auto_takes_the_first_that_is_likely_then_the_last_resort)
{
	const struct vm_backend *some[] = { &shy, &unlikely, &resort, &likely, NULL };
	const struct vm_backend *bad[] = { &shy, &resort, &unlikely, NULL };
	const struct vm_backend *none_at_all[] = { &shy, &unlikely, NULL };
	const struct vm_spec with_image = { .image = "minimal" };
	struct err err = { 0 };
	cr_expect_str_eq(chosen(some, "auto", NULL, &err), "likely");
	cr_expect_str_eq(chosen(bad, "auto", NULL, &err), "resort");
	cr_expect_str_eq(chosen(bad, "auto", &with_image, &err), "none");
	cr_expect_str_eq(
		err.text, "images need the unlikely backend: its moon is in the wrong house");
	cr_expect_str_eq(chosen(none_at_all, "auto", NULL, &err), "none");
	cr_expect_str_eq(err.text, "its moon is in the wrong house");
	cr_expect_str_eq(chosen(bad, "shy", NULL, &err), "shy");
	cr_expect_str_eq(chosen(bad, "likely", NULL, &err), "none");
	cr_expect_not_null(strstr(err.text, "'likely'; expected auto, shy, resort or unlikely"),
		"%s", err.text);
}

Test(pool, what_a_backend_cannot_names_one_that_can)
{
	const struct vm_backend *backends[] = { &shy, &unlikely, NULL };
	struct host host;
	struct vm_config config = { .backend = "shy" };
	struct err err = { 0 };
	host_init(&host, config);
	struct vm_pool *pool = vm_pool_new(host.event, &config, backends);
	struct vm_spec spec = { .network = VM_NETWORK_INTERNET };
	cr_expect_null(vm_create(pool, "ann", &spec, &err));
	cr_expect_eq(err.kind, ERR_UNSUPPORTED);
	cr_expect(holds(err.text, "the unlikely backend ... 'shy' ... with patience"), "%s",
		err.text);
	vm_pool_free(pool);
	host_done(&host);
}
