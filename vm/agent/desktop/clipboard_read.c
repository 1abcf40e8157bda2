#include "vm/agent/desktop/clipboard_read.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/desktop/clipboard_fetch.h"
#include "vm/agent/desktop/clipboard_type.h"

#include <string.h>

struct clip_read {
	LIST_ENTRY(clip_read) entry;
	struct clip_reads *reads;
	Atom targets[CLIP_ITEMS];
	int n_targets;
	struct clip_data data;
	struct fetch *fetch;
	sd_event_source *soon, *late;
	clip_read_fn *fn;
	void *user;
};

/* ---- its end ---- */

static void stop(struct clip_read *r)
{
	loop_drop(&r->soon);
	fetch_free(take_ptr(&r->fetch));
	clip_data_clear(&r->data);
}

void clip_read_free(struct clip_read *r)
{
	if (r) {
		stop(r);
		loop_drop(&r->late);
		LIST_REMOVE(r, entry);
		r->reads->n--;
		free(r);
	}
}

static void end(struct clip_read *r, const struct clip_content *content, const struct err *err)
{
	clip_read_fn *fn = r->fn;
	void *user = r->user;
	clip_read_free(r);
	fn(content, err, user);
}

static void end_without(struct clip_read *r, enum clipboard_absence why)
{
	end(r, &(struct clip_content){ .type = -1, .absent = why }, NULL);
}

static void end_with(struct clip_read *r, const struct clip_item *item)
{
	auto_buf struct buf bytes = { 0 };
	struct clip_content content = { .absent = -1 };
	struct err err;
	if (clip_type_read(r->reads->atoms, item, &content.type, &bytes, &err)) {
		content.bytes = buf_text(&bytes);
		content.len = bytes.len;
		end(r, &content, NULL);
	} else if (err.kind == ERR_LIMIT) {
		end(r, NULL, &err);
	} else {
		end_without(r, CLIPBOARD_OTHER); /* not what it is called */
	}
}

/* ---- what was kept ---- */

static bool end_with_kept(struct clip_read *r)
{
	const struct clip_data *kept = r->reads->kept;
	if (kept->secret) {
		end_without(r, CLIPBOARD_SECRET);
		return true;
	}
	for (int i = 0; i < r->n_targets; i++) {
		struct clip_item *item = clip_data_find(kept, r->targets[i]);
		if (item) {
			end_with(r, item);
			return true;
		}
	}
	return false;
}

static int on_soon(sd_event_source *source, void *user)
{
	struct clip_read *r = user;
	(void)source;
	if (!end_with_kept(r)) {
		end_without(r, r->reads->kept->n ? CLIPBOARD_OTHER : CLIPBOARD_EMPTY);
	}
	return 0;
}

/* ---- asking the owner ---- */

static void end_late(struct clip_read *r)
{
	struct err err;
	if (!end_with_kept(r)) {
		err_set(&err, ERR_TIMEOUT,
			"the program that has the clipboard did not answer within %d s",
			CLIP_PATIENCE_MS / 1000);
		end(r, NULL, &err);
	}
}

static void end_too_long(struct clip_read *r)
{
	struct err err;
	err_set(&err, ERR_LIMIT, "what was copied is larger than the %u bytes that can be read",
		CLIP_ITEM_MAX);
	end(r, NULL, &err);
}

static void on_fetched(void *user)
{
	struct clip_read *r = user;
	bool too_long = fetch_was_too_long(r->fetch), late = fetch_was_late(r->fetch);
	fetch_free(take_ptr(&r->fetch));
	if (r->data.secret) {
		end_without(r, CLIPBOARD_SECRET);
	} else if (r->data.n) {
		struct clip_item *item = clip_item_ref(r->data.items[0]);
		end_with(r, item);
		clip_item_unref(item);
	} else if (late) {
		end_late(r);
	} else if (too_long) {
		end_too_long(r);
	} else if (!end_with_kept(r)) {
		end_without(r, CLIPBOARD_OTHER);
	}
}

static int on_late(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	end_late(user);
	return 0;
}

static void begin(struct clip_read *r)
{
	struct clip_reads *reads = r->reads;
	struct fetch_wish wish = {
		.everything = true, .first = true, .n_only = r->n_targets, .time = reads->since
	};
	stop(r);
	if (!reads->owner) {
		r->soon = loop_defer(display_loop(reads->display), on_soon, r);
		return;
	}
	memcpy(wish.only, r->targets, sizeof(wish.only));
	r->fetch = fetch_new(reads->display, reads->atoms, &r->data, &wish, on_fetched, r);
}

struct clip_read *clip_read_new(struct clip_reads *reads, const struct clipboard_wish *wish,
	clip_read_fn *fn, void *user, struct err *err)
{
	if (reads->n == CLIP_READS_MAX) {
		err_set(err, ERR_LIMIT, "the clipboard is being read %d times already; try again",
			CLIP_READS_MAX);
		return NULL;
	}
	struct clip_read *r = must(calloc(1, sizeof(*r)));
	r->reads = reads;
	r->n_targets = clip_type_targets(reads->atoms, wish, r->targets);
	r->fn = fn;
	r->user = user;
	r->late = loop_after_ms(display_loop(reads->display), CLIP_PATIENCE_MS, on_late, r);
	LIST_INSERT_HEAD(&reads->all, r, entry);
	reads->n++;
	begin(r);
	return r;
}

/* ---- what happens ---- */

void clip_reads_changed(struct clip_reads *reads, Window owner, Time since)
{
	struct clip_read *r;
	reads->owner = owner;
	reads->since = since;
	LIST_FOREACH(r, &reads->all, entry)
	{
		begin(r);
	}
}

/* An event may end the read that it is for. */
void clip_reads_on_event(struct clip_reads *reads, const XEvent *event)
{
	struct clip_read *r = LIST_FIRST(&reads->all), *next;
	for (; r; r = next) {
		next = LIST_NEXT(r, entry);
		if (r->fetch) {
			fetch_on_event(r->fetch, event);
		}
	}
}

void clip_reads_end(struct clip_reads *reads, const struct err *why)
{
	struct clip_read *r;
	while ((r = LIST_FIRST(&reads->all))) {
		end(r, NULL, why);
	}
}
