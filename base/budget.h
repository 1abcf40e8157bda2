#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory that clients make the server hold, counted for each of them by name and for all together.
 * Whoever is about to hold some takes it first, and is refused when either limit would be passed.
 */
struct budgets; /* all of them */
struct budget;  /* one name's */

/* Limits in bytes: of each name, and of all. */
struct budgets *budgets_new(size_t each, size_t all);
/* What is still held keeps it alive.  NULL-safe. */
void budgets_unref(struct budgets *budgets);
size_t budgets_used(const struct budgets *budgets); /* bytes held, over all names */

/* The name's budget; every call needs a budget_unref().  NULL without budgets. */
struct budget *budget_ref(struct budgets *budgets, const char *name);
void budget_unref(struct budget *budget); /* NULL-safe; whatever was taken must be back */

/* Without a budget (NULL) everything is granted.  False: nothing was taken. */
bool budget_take(struct budget *budget, size_t bytes);
void budget_give(struct budget *budget, size_t bytes);
/* Whether it is the name's own limit that stands against so many bytes, not that of all. */
bool budget_is_own_limit(const struct budget *budget, size_t bytes);
/* Takes or gives back so that *held becomes wanted.  False: nothing has changed. */
bool budget_set(struct budget *budget, size_t *held, size_t wanted);

#endif
