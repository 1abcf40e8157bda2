#include "tests/support/contract.h"

const struct dialect dialects[N_DIALECTS] = {
	{
		.backend = "fake",
		.flood = "flood 300000",
		.die = "kill",
		.terminal = "terminal",
		.typed = "h\xc3\xa9llo\n",
		.read_back = "cat typed",
		.read = "h\xc3\xa9llo\n",
		.half = "half",
		.ending = "-%d\n",
		.hostname = "hostname",
		.machine_id = "cat machine-id",
	},
	{
		.backend = "namespace",
		.flood = "head -c 300000 /dev/zero | tr '\\0' x",
		.die = "kill -TERM $$",
		.is_outside = true,
		.terminal = "xterm",
		.typed = "echo h\xc3\xa9llo > /tmp/new && mv /tmp/new /tmp/typed\n",
		.read_back =
			"until [ -e /tmp/typed ]; do sleep 0.05; done; cat /tmp/typed; rm /tmp/typed",
		.read = "h\xc3\xa9llo\n",
		.half = "echo half",
		.ending = "-%d > /tmp/new && mv /tmp/new /tmp/typed\n",
		.hostname = "hostname",
		.machine_id = "cat /etc/machine-id",
	},
	{
		.backend = "microvm",
		.flood = "head -c 300000 /dev/zero | tr '\\0' x",
		.die = "kill -TERM $$",
		.crash = "sudo sh -c 'echo c > /proc/sysrq-trigger'",
		.terminal = "xterm",
		.typed = "echo h\xc3\xa9llo > /tmp/new && mv /tmp/new /tmp/typed\n",
		.read_back =
			"until [ -e /tmp/typed ]; do sleep 0.05; done; cat /tmp/typed; rm /tmp/typed",
		.read = "h\xc3\xa9llo\n",
		.half = "echo half",
		.ending = "-%d > /tmp/new && mv /tmp/new /tmp/typed\n",
		.hostname = "hostname",
		.machine_id = "cat /etc/machine-id",
		.is_machine = true,
	},
};

void on_got(const json_t *result, const struct err *err, void *data)
{
	struct got *got = data;
	got->done = true;
	got->json = json_deep_copy(result);
	got->err = err ? *err : (struct err){ 0 };
}

struct action typing(const char *text)
{
	return (struct action){ .kind = ACTION_TYPE, .text = text };
}

struct action moving(int x, int y)
{
	return (struct action){ .kind = ACTION_MOVE, .at = { 2, { x, y } } };
}

struct action waiting(int64_t ms)
{
	return (struct action){ .kind = ACTION_WAIT, .ms = ms };
}

struct action clicking(int x, int y)
{
	return (struct action){
		.kind = ACTION_CLICK, .at = { 2, { x, y } }, .button = BUTTON_LEFT, .count = 1
	};
}

struct criterion_test_params contract_params(const struct contract *cases, size_t n_cases)
{
	static struct one all[N_DIALECTS * 100];
	size_t n = 0;
	for (size_t dialect = 0; dialect < N_DIALECTS; dialect++) {
		all[n++] = (struct one){ dialect, n_cases };
		for (size_t i = 0; i < n_cases; i++) {
			if (cases[i].alone) {
				all[n++] = (struct one){ dialect, i };
			}
		}
	}
	return cr_make_param_array(struct one, all, n);
}

void contract_init(void)
{
	scratch_make_in(kept_image_dir() ? kept_image_dir() : "/tmp");
}

static void on_probe(const char *backend, const struct err *err, const char *detail, void *data)
{
	struct probed *probed = data;
	(void)detail;
	if (strcmp(backend, probed->backend) == 0) {
		probed->works = !err;
		snprintf(probed->why, sizeof(probed->why), "%s", err ? err->text : "");
	}
}

/* An image that is there must work: only without one are machines left out. */
static void skip_unless_it_works(const char *name, const struct vm_config *config)
{
	struct probed probed = { .backend = config->backend };
	vm_probe(config, vm_backends, on_probe, &probed);
	if (!probed.works) {
		bool must_work = kept_image_dir() && !strcmp(config->backend, "microvm");
		cr_assert(!must_work, "%s on microvm: %s", name, probed.why);
		fprintf(stderr, "%s on %s skipped: %s\n", name, config->backend, probed.why);
		cr_skip_test("%s", probed.why);
	}
}

const char *contract_agent(bool is_machine)
{
	static char path[4096];
	const char *build = getenv("VITRINE_BUILD"), *source = getenv("VITRINE_SOURCE");
	if (is_machine) {
		snprintf(path, sizeof(path), "%s/build/vitrine-agent", source ? source : ".");
	} else {
		snprintf(path, sizeof(path), "%s/vitrine-agent", build ? build : "build-debug");
	}
	return path;
}

/* Nothing unfinished, and of sandboxes nothing at all. */
static void nothing_is_left(const char *kind)
{
	DIR *dir = opendir(in_scratch("state/%s", kind));
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		bool is_self = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
		bool is_whole = entry->d_name[0] != '.' && strcmp(kind, "sandboxes") != 0;
		cr_expect(is_self || is_whole, "%s/%s was left behind", kind, entry->d_name);
	}
	if (dir) {
		closedir(dir);
	}
}

static void run_case(const struct contract *contract, struct bench *bench)
{
	contract->run(bench);
	if (!contract->alone) {
		cr_assert_eq(vm_state(bench->vm), VM_READY, "after %s", contract->name);
		cr_assert_eq(
			vm_at(bench->host.pool, "alice", 0), bench->vm, "after %s", contract->name);
		cr_assert_null(vm_at(bench->host.pool, "alice", 1), "after %s", contract->name);
	}
}

void run_contract(const struct contract *cases, size_t n_cases, const struct one *one,
	struct vm_config config)
{
	struct bench bench = { .dialect = &dialects[one->dialect] };
	const char *name = one->contract < n_cases ? cases[one->contract].name : "the contract";
	config.backend = bench.dialect->backend;
	config.agent = contract_agent(bench.dialect->is_machine);
	if (bench.dialect->is_machine && !kept_image_dir()) {
		fprintf(stderr, "%s on microvm skipped: " KEPT_IMAGE_ADVICE "\n", name);
		cr_skip_test(KEPT_IMAGE_ADVICE);
	}
	config.state_dir = bench.dialect->is_machine ? kept_image_dir() : in_scratch("state");
	skip_unless_it_works(name, &config);
	if (bench.dialect->is_machine) {
		kept_use(&config);
	}
	host_init(&bench.host, config);
	bench.vm = host_vm(&bench.host);
	for (size_t i = 0; i < n_cases; i++) {
		if (i == one->contract || (one->contract == n_cases && !cases[i].alone)) {
			run_case(&cases[i], &bench);
		}
	}
	host_done(&bench.host);
	nothing_is_left("sandboxes");
	nothing_is_left("snapshots");
	nothing_is_left("templates");
}
