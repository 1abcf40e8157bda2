/* The templates of a pool: found, locked while they are needed, and started from. */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <string.h>
#include <sys/stat.h>

struct vm_template *template_of(struct vm_pool *pool, const char *key)
{
	struct vm_template *t;
	TAILQ_FOREACH(t, &lifecycle_pool(pool)->templates, entry)
	{
		if (strcmp(t->key, key) == 0) {
			return t;
		}
	}
	t = must(calloc(1, sizeof(*t)));
	t->pool = pool;
	t->key = must(strdup(key));
	t->path = state_path(pool->state, STATE_TEMPLATES, key);
	t->use = t->lock = -1;
	TAILQ_INIT(&t->waiting);
	TAILQ_INSERT_TAIL(&lifecycle_pool(pool)->templates, t, entry);
	return t;
}

bool template_is_being_made(const struct vm_template *t)
{
	return t->soon || t->elsewhere || t->unfinished;
}

void template_no_use(struct vm_template *t)
{
	if (t->use >= 0) {
		close(take_fd(&t->use));
	}
}

bool template_find(struct vm_template *t)
{
	struct stat st;
	if (t->use < 0) {
		t->use = state_use(t->pool->state, STATE_TEMPLATES, t->key);
	}
	if (t->use < 0 || fstat(t->use, &st) < 0) {
		return false;
	}
	t->inode = st.st_ino;
	template_touch(t->use);
	return true;
}

/* ---- unused templates ---- */

static bool is_started_from(const struct vm_template *t)
{
	const struct vm_core *core;
	TAILQ_FOREACH(core, &t->pool->vms, entry)
	{
		if (vm_comes_from(core, ORIGIN_TEMPLATE) &&
			strcmp(lifecycle_of(core)->template_key, t->key) == 0) {
			return true;
		}
	}
	return false;
}

void template_free(struct vm_template *t)
{
	template_no_use(t);
	TAILQ_REMOVE(&lifecycle_pool(t->pool)->templates, t, entry);
	free(t->key);
	free(t->path);
	free(t);
}

void template_let_go_of_unused(struct vm_pool *pool)
{
	struct vm_template *t, *next;
	for (t = TAILQ_FIRST(&lifecycle_pool(pool)->templates); t; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (TAILQ_EMPTY(&t->waiting) && !template_is_being_made(t) && !is_started_from(t) &&
			loop_now_us() >= t->without_us) {
			template_free(t);
		}
	}
}

/* ---- starting ---- */

bool template_start_from(struct vm_template *t, struct vm *vm, struct err *err)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	free(l->template_key);
	l->template_key = must(strdup(t->key));
	l->template_inode = t->inode;
	return vm_machine_start(vm, ORIGIN_TEMPLATE, t->path, err);
}

void template_enter(struct vm_template *t, struct vm *vm)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	l->template = t;
	vm->core->stages_before = VM_TEMPLATE_STEPS;
	TAILQ_INSERT_TAIL(&t->waiting, l, template_entry);
}

void template_leave(struct vm *vm)
{
	struct lifecycle *l = lifecycle_of(vm->core);
	if (l->template) {
		TAILQ_REMOVE(&l->template->waiting, l, template_entry);
		l->template = NULL;
	}
}

struct vm *template_take_waiting(struct vm_template *t)
{
	struct lifecycle *l = TAILQ_FIRST(&t->waiting);
	if (!l) {
		return NULL;
	}
	template_leave(l->core.vm);
	return l->core.vm;
}
