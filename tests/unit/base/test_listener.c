// USES base
/* Lists of listeners, which may change in the middle of a telling. */
#include "base/listener.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct told {
	struct listener listener;
	char name;
	struct listener *removes; /* NULL: none */
	struct told *adds;
	bool again; /* tells all others once more */
};

struct fns {
	void (*happened)(const char *what, void *data);
	void (*never)(const char *what, void *data);
};

static struct listeners list;
static char order[40];

static void on_happened(const char *what, void *data);
static const struct fns fns = { .happened = on_happened };

static void tell(const char *what)
{
	LISTENERS_NOTIFY(&list, struct fns, happened, what);
}

static void on_happened(const char *what, void *data)
{
	struct told *told = data;
	size_t len = strlen(order);
	snprintf(order + len, sizeof(order) - len, "%s%c", what, told->name);
	if (told->removes) {
		listener_remove(told->removes);
	}
	if (told->adds) {
		listener_add(&list, &told->adds->listener, &fns, told->adds);
		told->adds = NULL;
	}
	if (told->again) {
		told->again = false;
		tell("+");
	}
}

static struct told told[4];

static void begin(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		told[i] = (struct told){ .name = (char)('a' + i) };
		listener_add(&list, &told[i].listener, &fns, &told[i]);
	}
}

Test(listener, in_the_order_of_addition)
{
	tell("");
	begin(3);
	tell("");
	LISTENERS_NOTIFY(&list, struct fns, never, "nobody has this");
	cr_expect_str_eq(order, "abc");
}

Test(listener, one_may_remove_itself)
{
	begin(3);
	told[1].removes = &told[1].listener;
	tell("");
	tell("");
	cr_expect_str_eq(order, "abcac");
	listener_remove(&told[1].listener);
	tell("");
	cr_expect_str_eq(order, "abcacac", "once more is nothing");
}

Test(listener, one_may_remove_others)
{
	begin(4);
	told[0].removes = &told[1].listener; /* the next */
	told[2].removes = &told[0].listener; /* that was told */
	tell("");
	tell("");
	cr_expect_str_eq(order, "acdcd");
}

Test(listener, the_last_may_go_and_another_come)
{
	begin(2);
	told[2].name = 'x';
	told[1].removes = &told[1].listener;
	told[1].adds = &told[2];
	tell("");
	cr_expect_str_eq(order, "ab", "told from the next time on");
	tell("");
	cr_expect_str_eq(order, "abax");
}

Test(listener, tellings_may_nest)
{
	begin(3);
	told[0].again = true;
	told[1].removes = &told[2].listener; /* in the inner one, for both */
	tell("");
	cr_expect_str_eq(order, "a+a+bb");
}
