// USES agent
/* Where elements are whose programs say something else: scaled windows, and popovers of GTK 4. */
#include "vm/agent/elements/read.h"

#include <criterion/criterion.h>
#include <limits.h>

#define SCREEN ((struct size){ 1280, 800 })

static struct node node_at(struct node *parent, int x, int y, int width, int height)
{
	return (struct node){ .parent = parent, .has_box = true, .box = { x, y, width, height } };
}

static void expect_box(
	const struct node *node, const struct read_window *w, int x, int y, int width, int height)
{
	struct rect at;
	cr_assert(read_box(node, w, SCREEN, &at));
	cr_expect(rect_equal(at, (struct rect){ x, y, width, height }), "%d,%d %dx%d", at.x, at.y,
		at.width, at.height);
}

/* ---- scaled windows ---- */

static int percent_of(int width, int height, int scale)
{
	struct target target = { .n = 2,
		.windows = { { .rect = { 0, 0, 600, 400 } }, { .rect = { 50, 50, 200, 100 } } } };
	struct node window = node_at(NULL, 0, 0, width, height);
	const struct read_window all[] = { { .node = &window } };
	return read_percent(&target, all, 1, scale);
}

Test(element_place, what_a_program_says_is_compared_with_its_windows)
{
	cr_expect_eq(percent_of(600, 400, 100), 100);
	cr_expect_eq(percent_of(600, 400, 200), 100, "it draws as large as it says");
	cr_expect_eq(percent_of(300, 200, 200), 200);
	cr_expect_eq(percent_of(400, 267, 150), 150, "Qt");
	cr_expect_eq(percent_of(300, 212, 250), 200, "GTK, whose factor is whole");
	cr_expect_eq(percent_of(620, 424, 150), 100, "with its shadow");
	cr_expect_eq(percent_of(INT_MAX, INT_MAX, 300), 100);
}

Test(element_place, boxes_are_scaled_and_bounded)
{
	struct rect r = read_scaled((struct rect){ -15, 10, 31, 20 }, 150);
	cr_expect(rect_equal(r, (struct rect){ -23, 15, 47, 30 }), "%d,%d %dx%d", r.x, r.y, r.width,
		r.height);
	r = read_scaled((struct rect){ INT_MIN, INT_MAX, INT_MAX, INT_MAX }, 300);
	cr_expect(r.width >= 0 && r.height >= 0);
	struct read_window w = { .map = { 200, { 10, 20 } } };
	struct node window = node_at(NULL, 0, 0, 300, 200),
		    button = node_at(&window, 30, 40, 50, 10);
	expect_box(&button, &w, 70, 100, 100, 20);
}

/* ---- popovers ---- */

/* What GTK 4.8 says of a list that is open below a field at (0, 54). */
Test(element_place, contents_of_a_popover_are_in_its_popup)
{
	const struct target_window on_screen = { .rect = { 490, 243, 300, 300 } };
	const struct read_popups popups = { .n = 2,
		.all = { { 7, { 10, 10, 30, 30 } }, { 8, { 487, 329, 306, 126 } } } };
	struct read_window w = {
		.on_screen = &on_screen, .map = { 100, { 490, 243 } }, .popups = &popups
	};
	struct node window = node_at(NULL, 0, 0, 300, 300);
	struct node field = node_at(&window, 0, 54, 300, 34);
	struct node popover = node_at(&field, 0, 60, 306, 120);
	struct node content = node_at(&popover, 4, 63, 298, 112);
	struct node entry = node_at(&content, 12, 143, 282, 16);
	struct read_popup popup;
	expect_box(&field, &w, 490, 297, 300, 34);
	expect_box(&popover, &w, 487, 335, 306, 120);
	expect_box(&entry, &w, 499, 418, 282, 16);
	cr_assert(read_popup_of(&entry, &w, &popup));
	cr_expect_eq(popup.id, 8);
	cr_expect_not(read_popup_of(&field, &w, &popup));
	w.popups = NULL;
	expect_box(&entry, &w, 502, 386, 282, 16);
}
