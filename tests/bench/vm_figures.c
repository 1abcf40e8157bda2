/* What is measured of microVMs: titles, what stands beside it, and budgets. */
#include "tests/bench/vm_bench.h"

#define PLAIN_BOOT "plain QEMU, boot"
#define PLAIN_LOAD "plain QEMU, -incoming"
#define PLAIN_SAVE "plain QEMU, stop, migrate to a file"

static const struct {
	const char *name, *title, *peer_way;
	double tcg, kvm; /* budgets; 0: none */
	const char *unit;
} figures[FIGURES] = {
	[BOOT_STARTED] = { "vm-boot-started", "cold boot: QEMU started", NULL, 0, 0, NULL },
	[BOOT_AGENT] = { "vm-boot-agent", "cold boot: agent answered", PLAIN_BOOT, 0, 0, NULL },
	[BOOT_READY] = { "vm-boot-ready", "cold boot: desktop ready, its first frame captured",
		PLAIN_BOOT, 0, 0, NULL },
	[BOOT_HAND] = { "vm-boot-frame", "the same, saved, cloned: first correct frame in hand",
		NULL, 0, 0, NULL },
	[BOOT_CLICK] = { "vm-boot-click", "the same: first click visible (pointer)", NULL, 0, 0,
		NULL },
	[CLONE_RUNNING] = { "vm-clone-running", "clone: QEMU running", NULL, 0, 0, NULL },
	[CLONE_AGENT] = { "vm-clone-agent", "clone: agent answered", PLAIN_LOAD, 0, 0, NULL },
	[CLONE_FRAME] = { "vm-clone-frame", "clone: first correct frame", PLAIN_LOAD, 250, 120,
		NULL },
	[CLONE_CLICK] = { "vm-clone-click", "clone: first click visible (pointer)", NULL, 0, 0,
		NULL },
	[SPACES_AGENT] = { "ns-create-agent", "namespace backend: agent answered", NULL, 0, 0,
		NULL },
	[SPACES_FRAME] = { "ns-create-frame", "namespace backend: first correct frame",
		"Xvfb, openbox, scrot", 500, 500, NULL },
	[SPACES_CLICK] = { "ns-create-click", "namespace backend: first click visible (pointer)",
		NULL, 0, 0, NULL },
	[POOL_ANSWER] = { "vm-pool", "claim from the pool (--warm 1): answered, ready", NULL, 10, 5,
		NULL },
	[POOL_FRAME] = { "vm-pool-frame", "claim: first correct frame", NULL, 0, 0, NULL },
	[POOL_CLICK] = { "vm-pool-click", "claim: first click visible (pointer)", NULL, 0, 0,
		NULL },
	[FORK_STOPPED] = { "vm-fork-stopped", "fork of a live desktop: source stopped", PLAIN_SAVE,
		30, 15, NULL },
	[FORK_RUNNING] = { "vm-fork-running", "fork: QEMU running", NULL, 0, 0, NULL },
	[FORK_AGENT] = { "vm-fork-agent", "fork: agent answered", NULL, 0, 0, NULL },
	[FORK_FRAME] = { "vm-fork-frame", "fork: the child's first correct frame",
		PLAIN_SAVE " and -incoming", 300, 120, NULL },
	[FORK_CLICK] = { "vm-fork-click", "fork: first click visible (a window repaints)", NULL, 0,
		0, NULL },
	[FORK10_STOPPED] = { "vm-fork10-stopped", "10-way fork: source stopped", NULL, 30, 15,
		NULL },
	[FORK10_CHILD] = { "vm-fork10-child", "10-way fork: each child's first correct frame", NULL,
		300, 120, NULL },
	[FORK10_ALL] = { "vm-fork10-all", "10-way fork: all ten pictures in the client's hands",
		NULL, 0, 0, NULL },
	[FORK25_STOPPED] = { "vm-fork25-stopped", "25-way fork: source stopped", NULL, 30, 15,
		NULL },
	[FORK25_CHILD] = { "vm-fork25-child", "25-way fork: each child's first correct frame", NULL,
		300, 120, NULL },
	[FORK25_ALL] = { "vm-fork25-all", "25-way fork: all pictures in the client's hands", NULL,
		0, 0, NULL },
	[SNAPSHOT_STOPPED] = { "vm-snapshot-stopped", "snapshot: desktop stopped", PLAIN_SAVE, 30,
		15, NULL },
	[SNAPSHOT_CALL] = { "vm-snapshot", "snapshot: answered, it is on disk", PLAIN_SAVE, 0, 0,
		NULL },
	[ROLLBACK_FRAME] = { "vm-rollback-frame", "rollback: first correct frame", PLAIN_LOAD, 300,
		120, NULL },
	[ROLLBACK_CLICK] = { "vm-rollback-click",
		"rollback: first click visible (a window repaints)", NULL, 0, 0, NULL },
	[PAUSE_CALL] = { "vm-pause", "pause: answered, it is on disk", PLAIN_SAVE, 150, 100, NULL },
	[RESUME_RUNNING] = { "vm-resume-running", "resume: QEMU running", NULL, 0, 0, NULL },
	[RESUME_FRAME] = { "vm-resume-frame", "resume: first correct frame", PLAIN_LOAD, 0, 0,
		NULL },
	[RESUME_CLICK] = { "vm-resume-click", "resume: first click visible (a window repaints)",
		NULL, 0, 0, NULL },
	[MEMORY_GUEST] = { "vm-memory-guest", "idle clone: guest RAM of its own, MiB", PLAIN_LOAD,
		10, 10, "MiB" },
	[MEMORY_OWN] = { "vm-memory-qemu", "idle clone: QEMU's own private memory, MiB", PLAIN_LOAD,
		0, 0, "MiB" },
	[MEMORY_SLOPE] = { "vm-memory-slope", "each further idle clone: Pss, slope, MiB",
		PLAIN_LOAD, 0, 0, "MiB" },
	[PROGRAM_GUEST] = { "vm-memory-program-guest", "the same, with a program open: guest, MiB",
		NULL, 10, 10, "MiB" },
	[PROGRAM_OWN] = { "vm-memory-program-qemu", "the same: QEMU's own, MiB", NULL, 0, 0,
		"MiB" },
	[PROGRAM_SLOPE] = { "vm-memory-program-slope", "the same: Pss, slope, MiB", NULL, 0, 0,
		"MiB" },
};

void vm_figures_init(struct vm_bench *b)
{
	static struct row rows[FIGURES];
	for (size_t i = 0; i < FIGURES; i++) {
		rows[i] = (struct row){ .name = figures[i].name,
			.title = figures[i].title,
			.unit = figures[i].unit ? figures[i].unit : "ms",
			.peer_way = figures[i].peer_way };
		b->outcomes[i].row = &rows[i];
		b->outcomes[i].budget = b->kvm ? figures[i].kvm : figures[i].tcg;
	}
}
