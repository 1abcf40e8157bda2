// USES rfb
/* What the RFB server promises to one viewer, and to others beside it. */
#include "rfb_people.h"

static struct world w;

static void start(void)
{
	seed = chance = 7;
	world_start(&w, (struct size){ 200, 150 });
}

static void stop(void)
{
	world_stop(&w);
}

TestSuite(rfb_server, .init = start, .fini = stop, .timeout = 120);

static const struct taste plain = { .resizes = true };
static const struct taste painted = { .moves = true, .resizes = true };
static const struct taste own = { .moves = true, .cursor = RFB_CURSOR_VMWARE };
static const struct taste pushed = { .tight = true,
	.moves = true,
	.resizes = true,
	.continuous = true,
	.fences = true,
	.cursor = RFB_CURSOR };

/* At once, without a wait for the next frame's time. */
static void show(void)
{
	w.server->next_us = 0;
	rfb_server_changed(w.server);
}

static void rest(void)
{
	come_to_rest(&w);
	expect_pictures(&w);
}

static void change(struct rect area)
{
	w.plan.areas[w.plan.n_areas++] = area;
}

/* What has been sent to it so far is read; nothing more is taken. */
static void stall(struct person *p)
{
	read_bytes(p, SIZE_MAX);
	p->stalled = true;
	p->room = 0;
}

static void go_on(struct person *p)
{
	p->stalled = false;
}

/* ---- one viewer ---- */

Test(rfb_server, nothing_happens_when_nothing_changes)
{
	join(&w, plain);
	join(&w, own);
	join(&w, pushed);
	struct person *on = join(&w, (struct taste){ .continuous = true });
	rest();
	size_t got = on->got;
	int frames = w.frames;
	rest();
	cr_expect_eq(on->got, got);
	cr_expect_eq(w.frames, frames);
	show();
	rest();
	cr_expect_eq(on->got, got, "a frame in which nothing is new is not sent");
	cr_expect_eq(w.frames, frames + 1);
	cr_assert_null(w.server->frame);
}

Test(rfb_server, takes_no_frame_without_a_viewer_that_waits)
{
	show();
	cr_expect_eq(w.frames, 0);
	struct person *p = join(&w, plain);
	rest();
	int frames = w.frames;
	p->stalled = true;
	p->room = 0;
	for (int i = 0; i < 20; i++) {
		plan_change(&w);
		show();
	}
	cr_expect_leq(w.frames, frames + 1, "one is on its way, the next is not asked for");
}

Test(rfb_server, a_request_that_comes_while_an_update_is_sent_is_answered)
{
	struct person *p = join(&w, plain);
	p->early = true;
	rest();
	plan_change(&w);
	change((struct rect){ 0, 0, 200, 150 });
	p->room = 100;
	show();
	read_bytes(p, SIZE_MAX);
	cr_assert_gt(p->seen.left, 0, "it has begun");
	speak(p, SIZE_MAX);
	rest();
	plan_change(&w);
	show();
	rest();
}

Test(rfb_server, a_whole_picture_may_be_asked_for_at_any_time)
{
	w.next_size = (struct size){ 1200, 900 };
	struct person *p = join(&w, plain);
	rest();
	change((struct rect){ 0, 0, 1200, 400 });
	show();
	cr_assert(p->viewer->update && !p->viewer->headed, "it is still encoded");
	for (int i = 0; i < 3; i++) {
		int pixels = p->seen.pixels;
		p->early = true;
		p->asked = 1000; /* it asks for no other */
		rfb_say_update(&p->say, false, 0, 0, 1, 1);
		speak(p, SIZE_MAX);
		rest();
		cr_expect_geq(p->seen.pixels, pixels + 1200 * 900);
	}
}

Test(rfb_server, a_cursor_is_not_lost_with_an_update_that_is_dropped)
{
	struct taste taste = own;
	taste.resizes = true;
	w.next_size = (struct size){ 1200, 900 };
	struct person *p = join(&w, taste);
	rest();
	w.cursor = 1;
	change((struct rect){ 0, 0, 1200, 900 });
	show();
	cr_assert_not_null(p->viewer->update);
	cr_assert(!p->viewer->headed, "it is still encoded");
	p->taste.moves = false;
	say_encodings(p);
	speak(p, SIZE_MAX);
	rest();
}

Test(rfb_server, nothing_unasked_comes_after_continuous_updates_ended)
{
	w.next_size = (struct size){ 1200, 900 };
	struct person *p = join(&w, pushed);
	rest();
	int ends = p->seen.continuous_ends;
	change((struct rect){ 0, 0, 1200, 900 });
	show();
	cr_assert_not_null(p->viewer->update);
	p->taste.continuous = false;
	p->asked = 1; /* none is sent */
	rfb_say_continuous(&p->say, false);
	for (int i = 0; live_all(&w); i++) {
		cr_assert_lt(i, 1000);
	}
	int updates = p->seen.updates;
	cr_assert_eq(p->seen.continuous_ends, ends + 1);
	plan_change(&w);
	show();
	live_all(&w);
	cr_expect_eq(p->seen.updates, updates);
	rfb_say_update(&p->say, true, 0, 0, 1, 1);
	rest();
	cr_expect_eq(p->seen.updates, updates + 1);
}

/* It says nothing that would make the server look at it again. */
Test(rfb_server, a_viewer_without_fences_is_not_left_behind)
{
	struct taste taste = { .continuous = true, .resizes = true, .cursor = RFB_CURSOR };
	struct person *p = join(&w, taste);
	rest();
	for (int i = 0; i < 3; i++) {
		w.next_size = (struct size){ 90 + i, 80 };
		show();
		rest();
	}
	p->room = 0;
	change((struct rect){ 0, 0, 50, 50 });
	show();
	rfb_server_changed(w.server);
	rest();
}

/* ---- moves and the pointer ---- */

static void move(struct rect to, int x, int y)
{
	w.plan.moves[w.plan.n_moves++] = (struct picture_move){ to, { x, y } };
}

Test(rfb_server, a_painted_pointer_is_not_left_behind_by_moves)
{
	struct taste slow = painted;
	slow.moves = false;
	struct person *p = join(&w, painted);
	join(&w, slow);
	w.cursor = 0;
	w.cursors[0].size = (struct size){ 20, 20 };
	w.cursors[0].hot = (struct point){ 3, 4 };
	memset(w.cursor_pixels[0], 0xff, sizeof(w.cursor_pixels[0])); /* white */
	w.pointed = true;
	w.at = (struct point){ 20, 20 };
	show();
	rest();
	move((struct rect){ 100, 0, 60, 60 }, 0, 0);
	move((struct rect){ 20, 80, 60, 60 }, 90, 0);
	move((struct rect){ 130, 70, 40, 40 }, 30, 80);
	show();
	rest();
	cr_expect_eq(p->seen.copies, 3);
	w.at = (struct point){ 25, 25 };
	for (int i = 0; i < 5; i++) {
		move((struct rect){ 0, 10, 200, 140 }, 0, 0); /* a scroll */
		show();
		rest();
	}
	w.pointed = false;
	move((struct rect){ 0, 0, 200, 140 }, 0, 10);
	show();
	rest();
	cr_expect_eq(p->seen.copies, 9);
}

/* It reads what is not sent as a move. */
Test(rfb_server, moves_that_reach_beyond_what_a_viewer_knows_are_pixels)
{
	struct taste fixed = painted;
	fixed.resizes = false;
	struct person *p = join(&w, fixed);
	rest();
	w.next_size = (struct size){ 300, 200 };
	show();
	rest();
	move((struct rect){ 100, 0, 90, 90 }, 205, 100);
	move((struct rect){ 0, 20, 60, 60 }, 110, 10);
	show();
	rest();
	move((struct rect){ 0, 0, 60, 60 }, 100, 10);
	show();
	rest();
	cr_expect_eq(p->seen.copies, 1);
	cr_expect_eq(p->seen.width, 200);
	change((struct rect){ 220, 0, 50, 50 });
	int updates = p->seen.updates;
	show();
	rest();
	cr_expect_eq(p->seen.updates, updates, "nothing that it knows has changed");
}

Test(rfb_server, a_smaller_picture_is_no_error_to_a_viewer_of_one_size)
{
	struct taste fixed = painted;
	fixed.resizes = false;
	join(&w, fixed);
	w.cursor = 0;
	w.pointed = true;
	rest();
	w.next_size = (struct size){ 50, 40 };
	show();
	rest();
	for (int i = 0; i < 15; i++) {
		w.at = (struct point){ 30 + 10 * i, 30 }; /* beyond it at last */
		if (i < 8) {
			plan_change(&w);
		}
		show();
		rest();
	}
}

/* ---- many ---- */

#define SAME 16

Test(rfb_server, viewers_of_one_kind_cost_one_encoding)
{
	struct person *all[SAME];
	for (int i = 0; i < SAME; i++) {
		all[i] = join(&w, i % 2 ? pushed : own);
		all[i]->taste.tight = true;
		all[i]->taste.cursor = RFB_CURSOR;
		all[i]->taste.resizes = i % 2;
		say_encodings(all[i]);
	}
	rest();
	for (int i = 0; i < SAME; i++) {
		stall(all[i]);
	}
	for (int round = 0; round < 3; round++) {
		change((struct rect){ 0, 0, 150, 100 });
		show();
		struct rfb_update *update = all[0]->viewer->update;
		cr_assert_not_null(update);
		for (int i = 0; i < SAME; i++) {
			cr_assert_eq(all[i]->viewer->update, update, "viewer %d has its own", i);
		}
		for (int i = 0; i < SAME; i++) {
			go_on(all[i]);
		}
		rest();
		for (int i = 0; i < SAME; i++) {
			stall(all[i]);
		}
	}
}

static size_t updates_of(const struct rfb_server *s)
{
	const struct rfb_kind *kind;
	const struct rfb_update *update;
	size_t n = 0;
	LIST_FOREACH(kind, &s->kinds, link)
	{
		LIST_FOREACH(update, &kind->updates, link)
		{
			n++;
		}
	}
	return n;
}

static size_t held_for(const struct rfb_viewer *v)
{
	return v->in.cap + v->out.cap + v->later.cap + v->cursor_rect.cap;
}

Test(rfb_server, a_stalled_viewer_delays_no_other_and_costs_little)
{
	struct person *slow[3] = { join(&w, pushed), join(&w, own), join(&w, plain) };
	struct person *quick = join(&w, pushed);
	struct taste eager = pushed;
	eager.cursor = 0;
	join(&w, eager);
	join(&w, plain);
	rest();
	for (int i = 0; i < 3; i++) {
		stall(slow[i]);
	}
	for (int i = 0; i < 60; i++) {
		int updates = quick->seen.updates;
		w.cursor = i % CURSORS;
		change((struct rect){ 0, 0, 200, 150 });
		show();
		rest();
		cr_assert_gt(quick->seen.updates, updates);
		cr_assert_leq(updates_of(w.server), 6);
		for (int n = 0; n < 3; n++) {
			cr_assert_leq(held_for(slow[n]->viewer), 16384);
		}
	}
	for (int i = 0; i < 3; i++) {
		int updates = slow[i]->seen.updates;
		go_on(slow[i]);
		rest();
		cr_expect_leq(slow[i]->seen.updates, updates + 3, "it is sent what is new, once");
	}
}

/* Its updates are never finished, as it changes its format before. */
Test(rfb_server, a_viewer_that_changes_its_format_all_the_time_delays_no_other)
{
	w.next_size = (struct size){ 1200, 900 };
	struct person *wild = join(&w, plain), *calm = join(&w, own);
	rest();
	int updates = calm->seen.updates;
	wild->stalled = true;
	for (int i = 0; i < 60; i++) {
		change((struct rect){ 0, 0, 1200, 900 });
		wild->taste.format = i % 2;
		say_format(wild);
		say_request(wild, true);
		speak(wild, SIZE_MAX);
		show();
		live(calm);
		sd_event_run(w.event, 0);
	}
	cr_expect_geq(calm->seen.updates, updates + 5);
	leave(&w, wild);
	rest();
}

Test(rfb_server, an_update_is_sent_although_a_viewer_of_another_kind_leaves)
{
	w.next_size = (struct size){ 1200, 900 };
	struct person *stays = join(&w, pushed), *goes = join(&w, plain);
	rest();
	change((struct rect){ 0, 0, 1200, 900 });
	w.plan.areas[0].height = 100;
	show();
	plan_change(&w);
	say_format(goes);
	say_request(goes, true);
	speak(goes, SIZE_MAX);
	live(stays);
	leave(&w, goes);
	rest();
}

Test(rfb_server, a_viewer_that_asks_and_does_not_take_is_ended)
{
	struct person *p = join(&w, plain);
	rest();
	stall(p);
	p->leaves = false;
	for (int i = 0; i < 10000 && !p->ended; i++) {
		rfb_say_fence(&p->say, 1u << 31, "01234567", 8);
		speak(p, SIZE_MAX);
		run_loop(&w);
		cr_assert_leq(held_for(p->viewer), 256 << 10);
	}
	cr_expect_eq(p->ended, 1);
}

/* ---- time ---- */

Test(rfb_server, frames_are_apart)
{
	join(&w, pushed);
	join(&w, plain);
	rest();
	uint64_t began = loop_now_us();
	int before = w.frames;
	while (w.frames < before + 12) {
		plan_change(&w);
		rfb_server_changed(w.server);
		rest();
	}
	cr_expect_geq(loop_now_us() - began, 11 * RFB_FRAME_MS * 1000 - RFB_BURST_US);
}

Test(rfb_server, after_a_pause_the_first_frames_do_not_wait)
{
	join(&w, plain);
	rest();
	w.server->next_us = loop_now_us();
	for (int i = 0; i < 3; i++) {
		int before = w.frames;
		plan_change(&w);
		rfb_server_changed(w.server);
		cr_expect_eq(w.frames, before + 1);
		rest();
	}
}

/* Each run of the loop does one piece of work, and an idle one only when there is no other. */
Test(rfb_server, other_work_goes_on_while_a_picture_is_encoded)
{
	int turns = 0;
	w.next_size = (struct size){ 1900, 1000 };
	struct person *p = join(&w, pushed);
	rest();
	stall(p);
	change((struct rect){ 0, 0, 1900, 1000 });
	show();
	struct rfb_update *update = p->viewer->update;
	cr_assert_not_null(update);
	for (; !rfb_update_is_done(update); turns++) {
		int64_t priority = 0;
		cr_assert_not_null(w.server->turn);
		sd_event_source_get_priority(w.server->turn, &priority);
		cr_assert_eq(priority, SD_EVENT_PRIORITY_IDLE);
		sd_event_run(w.event, 0);
	}
	cr_expect_geq(turns, 3);
	go_on(p);
	rest();
}

/* ---- the end ---- */

Test(rfb_server, all_viewers_are_told_of_the_end_once)
{
	struct person *stays = join(&w, plain);
	struct err why;
	stays->leaves = false;
	for (int i = 0; i < 5; i++) {
		join(&w, i % 2 ? pushed : own);
	}
	live_all(&w);
	err_set(&why, ERR_STATE, "it is over");
	rfb_server_end(w.server, &why);
	rfb_server_end(w.server, &why);
	for (size_t i = 0; i < 6; i++) {
		cr_expect_eq(w.people[i]->ended, 0, "from the loop");
	}
	live_all(&w);
	live_all(&w);
	for (size_t i = 0; i < 6; i++) {
		cr_expect_eq(w.people[i]->ended, 1);
		cr_expect_eq(w.people[i]->viewer != NULL, w.people[i] == stays);
	}
	rfb_viewer_feed(stays->viewer, "anything", 8);
}
