// USES rfb
/* Many viewers of one picture at once, of all kinds, by chance: at rest each sees exactly what it is. */
#include "rfb_people.h"

#include <sys/random.h>

static struct world w;
static bool finished;

/* VITRINE_SEED tries one seed again. */
static void start(void)
{
	const char *given = getenv("VITRINE_SEED");
	finished = false;
	if (given) {
		seed = strtoull(given, NULL, 10);
	} else {
		cr_assert_eq(getrandom(&seed, sizeof(seed), 0), (ssize_t)sizeof(seed));
	}
	chance = seed;
	world_start(
		&w, (struct size){ 1 + (int)below(PICTURE_WIDTH), 1 + (int)below(PICTURE_HEIGHT) });
}

static void stop(void)
{
	if (!finished) {
		fprintf(stderr, "VITRINE_SEED=%llu\n", (unsigned long long)seed);
		return;
	}
	world_stop(&w);
}

TestSuite(rfb_viewers, .init = start, .fini = stop, .timeout = 240);

static void join_somebody(void)
{
	struct taste taste = any_taste();
	size_t n = 0;
	while (n < PEOPLE_MAX && w.people[n]) {
		n++;
	}
	if (n < 14) {
		struct person *p = join(&w, taste);
		p->early = one_in(3);
		p->greedy = !p->early && one_in(3);
	}
}

static struct person *somebody(void)
{
	return w.people[below(14)];
}

static void happen_to_picture(void)
{
	for (unsigned n = below(4); n > 0; n--) {
		plan_change(&w);
	}
	if (one_in(3)) {
		move_pointer(&w);
	}
	if (one_in(25)) {
		plan_resize(&w);
	}
	if (!one_in(4)) {
		w.server->next_us = 0; /* frames do not have to wait */
	}
	rfb_server_changed(w.server);
}

static void happen_to_line(struct person *p)
{
	static const unsigned most[] = { 20, 3000, 40000, 400000 };
	unsigned n = 1 + below(most[below(4)]);
	switch (below(3)) {
	case 0:
		give_room(p, n);
		break;
	case 1:
		read_bytes(p, n);
		break;
	default:
		speak(p, n);
	}
}

static void happen_to_viewer(struct person *p)
{
	switch (below(12)) {
	case 0:
		p->stalled = !p->stalled;
		break;
	case 1:
		become_calm(p);
		break;
	case 2:
	case 3:
		if (p->greedy && p->seen.frame && !p->taste.continuous) {
			say_request(p, one_in(2));
		}
		break;
	case 4:
		if ((p->greedy || p->early) && !p->taste.continuous) {
			int format = p->taste.format;
			p->taste = any_taste();
			p->taste.format = format;
			p->taste.continuous = false;
			say_encodings(p);
		}
		break;
	case 5:
		if (one_in(8)) {
			leave(&w, p);
		}
		break;
	case 6:
		if (one_in(12)) {
			rfb_u8(&p->say, 99); /* no message */
		}
		break;
	case 7:
		p->looks_only = !p->looks_only;
		rfb_viewer_set_control(p->viewer, !p->looks_only);
		break;
	default:
		break;
	}
}

static void tear_down(void)
{
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		if (w.people[i] && w.people[i]->ended) {
			cr_assert_eq(w.people[i]->ended, 1);
			leave(&w, w.people[i]);
		}
	}
}

static void happen(void)
{
	struct person *p = somebody();
	if (one_in(3)) {
		happen_to_picture();
	} else if (!p && one_in(3)) {
		join_somebody();
	} else if (p && one_in(6)) {
		happen_to_viewer(p);
	}
	for (int i = 0; i < 4; i++) {
		p = somebody();
		if (p && !p->stalled) {
			happen_to_line(p);
		}
	}
	if (one_in(2)) {
		sd_event_run(w.event, 0);
	}
	tear_down();
}

static void expect_rest(void)
{
	int frames;
	come_to_exact_rest(&w);
	tear_down();
	come_to_exact_rest(&w);
	frames = w.frames;
	expect_pictures(&w);
	live_all(&w);
	cr_assert_eq(w.frames, frames);
	cr_assert_null(w.server->frame);
}

static void play(int steps)
{
	for (int round = 0; round < 15; round++) {
		for (int i = 0; i < steps; i++) {
			happen();
		}
		expect_rest();
	}
	for (size_t i = 0; i < PEOPLE_MAX; i++) {
		if (w.people[i]) {
			w.people[i]->stalled = false;
		}
	}
	expect_rest();
	finished = true;
}

Test(rfb_viewers, see_the_picture_whatever_happened)
{
	play(300);
}

Test(rfb_viewers, see_it_after_little_happened, .timeout = 240)
{
	play(20);
}
