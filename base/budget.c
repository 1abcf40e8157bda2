/* Counters only: nothing is allocated here on behalf of a client. */
#include "base/budget.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/queue.h>

LIST_HEAD(budget_list, budget);

struct budgets {
	size_t refs; /* one of the owner, one of each budget */
	size_t each, all, used;
	struct budget_list list;
};

struct budget {
	LIST_ENTRY(budget) link;
	struct budgets *budgets;
	size_t refs, used;
	char name[];
};

struct budgets *budgets_new(size_t each, size_t all)
{
	struct budgets *budgets = must(calloc(1, sizeof(*budgets)));
	*budgets = (struct budgets){ .refs = 1, .each = each, .all = all };
	return budgets;
}

void budgets_unref(struct budgets *budgets)
{
	if (budgets && --budgets->refs == 0) {
		free(budgets);
	}
}

size_t budgets_used(const struct budgets *budgets)
{
	return budgets->used;
}

struct budget *budget_ref(struct budgets *budgets, const char *name)
{
	struct budget *budget;
	if (!budgets) {
		return NULL;
	}
	LIST_FOREACH(budget, &budgets->list, link)
	{
		if (strcmp(budget->name, name) == 0) {
			budget->refs++;
			return budget;
		}
	}
	size_t size = strlen(name) + 1;
	budget = must(calloc(1, sizeof(*budget) + size));
	memcpy(budget->name, name, size);
	budget->refs = 1;
	budget->budgets = budgets;
	budgets->refs++;
	LIST_INSERT_HEAD(&budgets->list, budget, link);
	return budget;
}

void budget_unref(struct budget *budget)
{
	if (!budget || --budget->refs > 0) {
		return;
	}
	if (budget->used > 0) {
		abort(); /* a missing budget_give() */
	}
	LIST_REMOVE(budget, link);
	budgets_unref(budget->budgets);
	free(budget);
}

bool budget_is_own_limit(const struct budget *budget, size_t bytes)
{
	return budget && bytes > budget->budgets->each - budget->used;
}

bool budget_take(struct budget *budget, size_t bytes)
{
	if (!budget) {
		return true;
	}
	struct budgets *budgets = budget->budgets;
	if (budget_is_own_limit(budget, bytes) || bytes > budgets->all - budgets->used) {
		return false;
	}
	budget->used += bytes;
	budgets->used += bytes;
	return true;
}

void budget_give(struct budget *budget, size_t bytes)
{
	if (!budget) {
		return;
	}
	if (bytes > budget->used) {
		abort();
	}
	budget->used -= bytes;
	budget->budgets->used -= bytes;
}

bool budget_set(struct budget *budget, size_t *held, size_t wanted)
{
	if (wanted > *held && !budget_take(budget, wanted - *held)) {
		return false;
	}
	if (wanted < *held) {
		budget_give(budget, *held - wanted);
	}
	*held = wanted;
	return true;
}
