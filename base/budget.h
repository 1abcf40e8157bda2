#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Limits of the memory that the server holds for clients, per name and in total.  A caller reserves
 * bytes before it allocates them and is refused if either limit would be exceeded.
 */
struct budgets;
struct budget; /* of one name */

/* Limits in bytes: per name, and in total. */
struct budgets *budgets_new(size_t each, size_t all);
/* Budgets with bytes in use keep it alive.  NULL-safe. */
void budgets_unref(struct budgets *budgets);
size_t budgets_used(const struct budgets *budgets); /* in bytes, over all names */

/* Returns the name's budget, to be released with budget_unref(); NULL without budgets. */
struct budget *budget_ref(struct budgets *budgets, const char *name);
void budget_unref(struct budget *budget); /* NULL-safe.  All bytes must have been given back. */

/* Without a budget (NULL) everything is granted.  False: nothing was reserved. */
bool budget_take(struct budget *budget, size_t bytes);
void budget_give(struct budget *budget, size_t bytes);
/* Whether the name's own limit refuses so many bytes, rather than the total one. */
bool budget_is_own_limit(const struct budget *budget, size_t bytes);
/* Reserves or gives back bytes so that *held becomes wanted.  False: nothing was changed. */
bool budget_set(struct budget *budget, size_t *held, size_t wanted);

#endif
