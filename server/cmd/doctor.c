/*
 * vitrine doctor: reports what this machine supports.  Each check adds one row to a report, which
 * is printed as text or JSON.  Only the backends decide the exit status, because they test what
 * they require; the other rows give reasons.
 */
#include "server/cmd/command.h"
#include "server/cmd/doctor_impl.h"
#include "server/config/config.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/backends.h"
#include "vm/confine/cgroup.h"
#include "vm/confine/host.h"
#include "vm/confine/private_fs.h"
#include "vm/microvm/accel.h"
#include "vm/state/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const status_names[] = { "ok", "warning", "missing" };

void doctor_add(struct report *report, const char *group, const char *name, enum status status,
	const char *detail, const char *fix)
{
	json_t *row = json_pack("{ss ss ss ss}", "group", group, "name", name, "status",
		status_names[status], "detail", detail);
	if (!row) { /* a program's output was not UTF-8 */
		row = json_pack("{ss ss ss ss}", "group", group, "name", name, "status",
			status_names[status], "detail", "");
	}
	if (fix) {
		json_object_set_new(row, "fix", json_string(fix));
	}
	json_array_append_new(report->rows, row);
}

/* ---- the state directory ---- */

#define STATE_MIB 2048 /* an image, its template and some snapshots */

struct tally {
	int64_t n, bytes;
};

static void count_one(const char *name, const char *path, void *data)
{
	struct tally *tally = data;
	(void)name;
	tally->n++;
	tally->bytes += state_bytes(path);
}

static void check_kept(struct report *report, struct state *state)
{
	for (int kind = 0; kind < STATE_KINDS; kind++) {
		char text[80];
		struct tally tally = { 0 };
		state_each(state, kind, count_one, &tally);
		snprintf(text, sizeof(text), "%lld, %lld MiB", (long long)tally.n,
			(long long)tally.bytes >> 20);
		doctor_add(report, "state", state_kind_names[kind], STATUS_OK, text, NULL);
	}
}

static void check_room(struct report *report, const char *dir)
{
	struct statvfs disk;
	char text[400];
	if (statvfs(dir, &disk) < 0) {
		return;
	}
	long long mib = (long long)(disk.f_bavail * disk.f_frsize >> 20);
	snprintf(text, sizeof(text), "%.300s, %lld MiB free", dir, mib);
	doctor_add(report, "state", "directory", mib < STATE_MIB ? STATUS_WARNING : STATUS_OK, text,
		mib < STATE_MIB ? "free disk space or set another --state-dir; an image and its "
				  "templates need about 2 GiB"
				: NULL);
}

/* Only checked, not created. */
static void check_state(struct report *report, const struct vm_config *config)
{
	struct err err = { 0 };
	if (!state_is_there(config->state_dir)) {
		doctor_add(report, "state", "directory", STATUS_OK,
			"not created yet; `vitrine image build` creates it", NULL);
		return;
	}
	struct state *state = state_open(config->state_dir, &err);
	if (!state) {
		doctor_add(report, "state", "directory", STATUS_WARNING, err.text, NULL);
		return;
	}
	check_room(report, state_dir(state));
	check_kept(report, state);
	state_close(state);
}

/* ---- backends ---- */

static void add_backend(const char *backend, const struct err *err, const char *detail, void *data)
{
	struct report *report = data;
	bool is_fake = strcmp(backend, "fake") == 0;
	bool is_meant = strcmp(report->backend, "auto") == 0
				? !is_fake
				: strcmp(report->backend, backend) == 0;
	report->works |= !err && is_meant;
	doctor_add(report, "backends", backend, err ? STATUS_MISSING : STATUS_OK,
		err       ? err->text
		: detail  ? detail
		: is_fake ? "scripted desktop for tests"
			  : "works",
		NULL);
}

/* As the server determines it, including the result stored in the state directory, if any. */
static bool try_kvm(const struct vm_config *config, struct err *err)
{
	struct vm_config kvm = *config;
	auto_free char *dir =
		config->state_dir ? must(strdup(config->state_dir)) : state_default_dir(err);
	struct accel accel;
	kvm.accel = "auto";
	if (!dir || !state_is_there(config->state_dir)) {
		return accel_try_kvm(err);
	}
	return accel_choose(&kvm, dir, &accel, err) &&
	       (accel.kvm || err_set(err, ERR_UNSUPPORTED, "%s", accel.why));
}

/* Reported before an image exists, too, for users who are about to build one.  It is not a
 * backend. */
static void check_kvm(struct report *report, const struct vm_config *config)
{
	struct err err = { 0 };
	char text[400] = "works (a test guest ran)";
	bool works = try_kvm(config, &err);
	if (!works) {
		snprintf(text, sizeof(text),
			"%.300s; microVMs use software emulation, which is slow", err.text);
	}
	doctor_add(report, "microVMs", "KVM", works ? STATUS_OK : STATUS_WARNING, text, NULL);
}

static void check_backends(struct report *report, const struct config *config)
{
	vm_probe(&config->vm, vm_backends, add_backend, report);
	check_kvm(report, &config->vm);
	check_state(report, &config->vm);
}

/* ---- elements ---- */

/* What the agent starts the accessibility bus with. */
#define A11Y_CONFIG "/usr/share/defaults/at-spi2/accessibility.conf"

static void check_elements(struct report *report)
{
	bool is_there = access(A11Y_CONFIG, R_OK) == 0;
	doctor_add(report, "elements", "at-spi2-core", is_there ? STATUS_OK : STATUS_WARNING,
		is_there ? "installed"
			 : "not installed; ui_tree does not work in namespace sandboxes",
		is_there ? NULL : "apt-get install at-spi2-core");
}

/* ---- machine ---- */

static void check_limit(struct report *report, const char *name, int resource, rlim_t enough)
{
	struct rlimit limit;
	char text[80] = "no limit";
	if (getrlimit(resource, &limit) < 0) {
		return;
	}
	if (limit.rlim_max != RLIM_INFINITY) {
		snprintf(text, sizeof(text), "at most %llu", (unsigned long long)limit.rlim_max);
	}
	bool low = limit.rlim_max < enough;
	doctor_add(report, "limits", name, low ? STATUS_WARNING : STATUS_OK, text,
		low ? "raise the limit with ulimit -H or in /etc/security/limits.conf" : NULL);
}

#define DESKTOP_MIB 300 /* a desktop with an editor and a terminal */

static void check_memory(struct report *report)
{
	char line[120], text[80];
	long long kib = -1;
	FILE *info = fopen("/proc/meminfo", "re");
	while (info && kib < 0 && fgets(line, sizeof(line), info)) {
		if (strncmp(line, "MemAvailable:", 13) == 0) {
			kib = strtoll(line + 13, NULL, 10);
		}
	}
	if (info) {
		fclose(info);
	}
	snprintf(text, sizeof(text), "%lld MiB available, %ld CPUs", kib >> 10,
		sysconf(_SC_NPROCESSORS_ONLN));
	bool low = kib >> 10 < DESKTOP_MIB;
	doctor_add(report, "limits", "memory", low ? STATUS_WARNING : STATUS_OK, text,
		low ? "a desktop with an editor needs about 300 MiB" : NULL);
}

static void check_cgroup(struct report *report)
{
	struct err why;
	const char *dir = cgroup_delegated(&why);
	char text[600];
	if (dir) {
		doctor_add(report, "limits", "cgroup", STATUS_OK, dir, NULL);
		return;
	}
	snprintf(text, sizeof(text),
		"none: the namespace backend limits the memory of each program, processes, and "
		"the bytes and files of each private file system%s; memfd_create is not "
		"available; its line above lists what is not limited (%.300s)",
		private_limits_ipc() ? ", and System V memory" : "", why.text);
	doctor_add(report, "limits", "cgroup", STATUS_WARNING, text,
		"start the server under systemd (in a login session or with "
		"docs/systemd/vitrine.service), or in a container with a writable cgroup; "
		"microVMs do not need this");
}

#define AGENT_VERSION "vitrine-agent " VITRINE_VERSION

static void check_agent(struct report *report)
{
	static const char *const argv[] = { "/proc/self/fd/3", "--version", NULL };
	struct err err = { 0 };
	auto_buf struct buf answer = { 0 };
	auto_close int binary = host_open_agent(&(struct vm_config){ 0 }, &err);
	if (binary < 0 || !doctor_ask(argv, binary, &answer)) {
		doctor_add(report, "versions", "vitrine-agent", STATUS_MISSING,
			binary < 0 ? err.text : "cannot be executed", NULL);
		return;
	}
	buf_append(&answer, "", 1);
	const char *line = doctor_line_with((char *)answer.data, "");
	bool same = strcmp(line, AGENT_VERSION) == 0;
	doctor_add(report, "versions", "vitrine-agent", same ? STATUS_OK : STATUS_WARNING,
		same ? VITRINE_VERSION : line,
		same ? NULL : "install both programs from the same build");
}

static void check_machine(struct report *report)
{
	struct utsname kernel;
	char text[sizeof(kernel.release) + sizeof(kernel.machine) + 2];
	uname(&kernel);
	snprintf(text, sizeof(text), "%s %s", kernel.release, kernel.machine);
	doctor_add(report, "versions", "vitrine", STATUS_OK, VITRINE_VERSION, NULL);
	check_agent(report);
	doctor_add(report, "versions", "Linux", STATUS_OK, text, NULL);
}

/* ---- report ---- */

static void print_row(const json_t *row)
{
	const char *fix = json_string_value(json_object_get(row, "fix"));
	printf("  %-7s  %-15s  %s\n", json_string_value(json_object_get(row, "status")),
		json_string_value(json_object_get(row, "name")),
		json_string_value(json_object_get(row, "detail")));
	if (fix) {
		printf("  %-7s  %-15s  fix: %s\n", "", "", fix);
	}
}

static void print_report(const struct report *report)
{
	const char *last = "";
	size_t i;
	json_t *row;
	json_array_foreach(report->rows, i, row)
	{
		const char *group = json_string_value(json_object_get(row, "group"));
		if (strcmp(group, last) != 0) {
			printf("%s%s\n", i ? "\n" : "", group);
			last = group;
		}
		print_row(row);
	}
	printf("\n%s\n",
		report->works ? "Desktops work on this machine. Try `vitrine demo`."
		: strcmp(report->backend, "auto") == 0
			? "No desktop can run on this machine. See the missing items above."
			: "The selected backend does not work on this machine. See above.");
}

static void print_json(const struct report *report)
{
	json_auto_t *all =
		json_pack("{sb sO}", "works", report->works ? 1 : 0, "checks", report->rows);
	auto_free char *text = json_dumps(all, JSON_INDENT(2));
	printf("%s\n", text);
}

/* Removes --json from the arguments; the others are those of `vitrine serve`. */
static bool take_json(int *argc, char **argv)
{
	int kept = 0;
	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--json") != 0) {
			argv[kept++] = argv[i];
		}
	}
	bool found = kept < *argc;
	*argc = kept;
	return found;
}

static const char *const options[] = { "json", "backend", "image", "accel", "state-dir", NULL };

static int run(int argc, char **argv)
{
	auto_config struct config config = { 0 };
	struct err err = { 0 };
	bool as_json = take_json(&argc, argv);
	if (!config_load_some(&config, options, argc, argv, &err)) {
		fprintf(stderr, "vitrine doctor: %s\n", err.text);
		return 2;
	}
	log_set_level(LOG_LEVEL_ERROR); /* the report contains it */
	json_auto_t *rows = json_array();
	struct report report = { .rows = rows, .backend = config.vm.backend };
	check_elements(&report);
	check_machine(&report);
	check_backends(&report, &config);
	doctor_check_programs(&report);
	check_memory(&report);
	check_cgroup(&report);
	check_limit(&report, "processes", RLIMIT_NPROC, 256);
	check_limit(&report, "open files", RLIMIT_NOFILE, 1024);
	as_json ? print_json(&report) : print_report(&report);
	return report.works ? 0 : 1;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "report what this machine supports, and how to fix what it does not",
	.usage = "[--json] [options]",
	.help = "Tests each backend and checks the programs, fonts and limits that desktops "
		"need.  The status\n"
		"of each line is ok, warning (desktops work with reduced functionality) or missing, with a\n"
		"fix.  The exit status is 0 if a desktop can run on this machine (with --backend: on that\n"
		"backend).  --json prints JSON.  The other options are those of `vitrine serve`.",
	.takes_config = true,
	.options = options,
	.run = run,
};
