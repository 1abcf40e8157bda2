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
		.ending = "-%d",
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
		.read_back = "until [ -e /tmp/typed ]; do sleep 0.05; done; cat /tmp/typed",
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
		.read_back = "until [ -e /tmp/typed ]; do sleep 0.05; done; cat /tmp/typed",
		.read = "h\xc3\xa9llo\n",
		.half = "echo half",
		.ending = "-%d > /tmp/new && mv /tmp/new /tmp/typed\n",
		.hostname = "hostname",
		.machine_id = "cat /etc/machine-id",
		.is_machine = true,
	},
};

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

struct criterion_test_params all_of_them(size_t n_cases)
{
	static struct one all[N_DIALECTS * 100];
	for (size_t i = 0; i < N_DIALECTS * n_cases; i++) {
		all[i] = (struct one){ i / n_cases, i % n_cases };
	}
	return cr_make_param_array(struct one, all, N_DIALECTS * n_cases);
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

void run_contract(
	const char *name, void (*run)(struct bench *), size_t dialect, struct vm_config config)
{
	struct bench bench = { .dialect = &dialects[dialect] };
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
	run(&bench);
	host_done(&bench.host);
	nothing_is_left("sandboxes");
	nothing_is_left("snapshots");
	nothing_is_left("templates");
}
