// USES tools server PkgConfig::curl PkgConfig::gnutls
/* Everything that can happen to pages, streams and sandboxes, in an order nobody thought of: what
 * is checked is that nothing is used after its end and nothing is left behind. */
#include "viewer_fixture.h"

#define STREAMS 4
#define PAGES 6
#define STEPS 1500

static struct desk_test t;
static uint32_t dice;

static unsigned roll(unsigned sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 16) % sides;
}

/* A link that somebody has; its stream may have ended. */
static struct link {
	char id[ID_LEN + 1], ticket[SECRET_LEN + 1], cookie[120];
} links[STREAMS];

static struct {
	struct page page;
	struct link *link;
} pages[PAGES];

static void use(const struct link *link)
{
	memcpy(t.id, link->id, sizeof(t.id));
	memcpy(t.cookie, link->cookie, sizeof(t.cookie));
}

static void pass_time(void)
{
	for (unsigned turns = roll(8); turns > 0; turns--) {
		turn(&t.http);
	}
}

/* ---- streams ---- */

static void open_link(struct link *link)
{
	struct err err;
	const struct stream *stream =
		streams_open(t.streams, t.vm, roll(4) ? STREAM_CONTROL : STREAM_VIEW, roll(8) == 0,
			1 + roll(600), t.ticket, &err);
	if (stream) {
		memcpy(link->id, stream->id, sizeof(link->id));
		memcpy(link->ticket, t.ticket, sizeof(link->ticket));
		link->cookie[0] = '\0';
	}
}

static void enter(struct link *link)
{
	struct reply r;
	use(link);
	ask_stream(&t, &(struct ask){ .body = link->ticket }, "open", &r);
	if (r.status == 204 && !link->cookie[0]) {
		keep_cookie(&r, link->cookie, sizeof(link->cookie));
	}
	ask_end(&t.http, &r);
}

/* A new one in the place of one that has ended, mostly. */
static void revive(struct link *link)
{
	struct err err;
	if (roll(4) && !streams_find(t.streams, link->id, &err)) {
		open_link(link);
	}
	if (roll(4) && !link->cookie[0]) {
		enter(link);
	}
}

/* ---- pages ---- */

static void note_name(struct page *p)
{
	const char *at = p->has_events ? strstr(buf_text(&p->events.body), "\"viewer\":\"") : NULL;
	if (at) {
		snprintf(p->viewer, sizeof(p->viewer), "%s", at + strlen("\"viewer\":\""));
	}
}

static void listen_to(struct page *p, struct link *link)
{
	char path[100];
	use(link);
	snprintf(path, sizeof(path), "/s/%s/events?viewer=%s", t.id, p->viewer);
	if (p->has_events) {
		page_deaf(&t, p);
	}
	struct ask ask = {
		.path = path, .token = "", .headers = { t.cookie[0] ? t.cookie : NULL }
	};
	ask_begin(&t.http, &ask, &p->events);
	p->has_events = true;
}

static void plug_in(struct page *p, struct link *link)
{
	auto_buf struct buf hello = { 0 }, rfb = { 0 };
	use(link);
	if (p->has_socket) {
		page_unplug(p);
	}
	socket_hello(&t, p, &hello);
	peer_open(&t.http, &p->peer, false);
	peer_write(&t.http, &p->peer, hello.data, hello.len);
	p->has_socket = true;
	pass_time();
	rfb_say_hello(&rfb);
	rfb_say_update(&rfb, false, 0, 0, 10, 10);
	peer_say(&t.http, &p->peer, 0x82, rfb.data, rfb.len);
}

static void talk(struct page *p)
{
	auto_buf struct buf out = { 0 };
	static const uint8_t nonsense[20] = { 77 };
	if (!p->has_socket) {
		return;
	}
	if (roll(20) == 0) {
		buf_append(&out, nonsense, sizeof(nonsense));
	}
	rfb_say_key(&out, roll(2), 'a' + roll(26));
	rfb_say_pointer(&out, roll(2), roll(1280), roll(800));
	rfb_say_update(&out, roll(2), 0, 0, 10, 10);
	peer_say(&t.http, &p->peer, 0x82, out.data, out.len);
	peer_read(&p->peer);
}

static void leave(struct page *p)
{
	page_close(&t, p);
	p->viewer[0] = roll(2) ? p->viewer[0] : '\0';
}

/* ---- the agent and its sandbox ---- */

static void act(void)
{
	json_auto_t *args = json_pack("{s:s, s:[i,i]}", "sandbox", vm_id(t.vm), "coordinate",
		(int)roll(1280), (int)roll(800));
	struct err why = { .kind = ERR_STATE, .text = "no" };
	viewer_pages_called("alice", tool_find(t.tools, roll(4) ? "left_click" : "screenshot"),
		args, NULL, roll(4) ? NULL : &why, t.pages);
}

static void on_paused(struct vm *vm, const struct err *err, void *data)
{
	(void)vm, (void)err, (void)data;
}

static void change_sandbox(void)
{
	struct err err;
	unsigned what = roll(6);
	if (what == 0) {
		vm_stop(t.vm, "the dice say so");
	} else if (what < 3) {
		vm_pause(t.vm, on_paused, NULL);
	} else if (vm_state(t.vm) >= VM_STOPPING) {
		t.vm = vm_create(t.host.pool, "alice", NULL, &err);
		cr_assert(t.vm, "%s", err.text);
	} else {
		host_wait(&t.host, t.vm);
	}
	if (vm_state(t.vm) >= VM_STOPPING) { /* nobody holds on to one that has gone */
		t.vm = host_vm(&t.host);
	}
}

static void look_at_list(void)
{
	char path[80];
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(t.vm));
	struct reply r;
	ask_begin(&t.http, &(struct ask){ .path = roll(3) ? path : "/sandboxes" }, &r);
	for (unsigned turns = roll(3); turns > 0; turns--) {
		turn(&t.http);
	}
	ask_end(&t.http, &r); /* perhaps before its answer */
}

/* ---- one thing after another ---- */

static void control(struct page *p, struct link *link)
{
	use(link);
	page_control(
		&t, p, roll(2) ? "\"take\":\"Ana\"" : "\"give_back\":true,\"says\":\"x\"", NULL);
}

static void step(void)
{
	struct err err;
	struct link *link = &links[roll(STREAMS)];
	unsigned at = roll(PAGES);
	struct page *p = &pages[at].page;
	pages[at].link = pages[at].link && roll(20) ? pages[at].link : link;
	note_name(p);
	revive(pages[at].link);
	switch (roll(13)) {
	case 0:
		open_link(link);
		break;
	case 1:
		enter(link);
		break;
	case 2:
		if (roll(4) == 0 && !streams_revoke(t.streams, "alice", link->id, &err)) {
			open_link(link);
		}
		break;
	case 3:
		if (roll(3) == 0) {
			change_sandbox();
		}
		break;
	case 4:
	case 5:
		listen_to(p, pages[at].link);
		break;
	case 6:
	case 7:
		plug_in(p, pages[at].link);
		break;
	case 8:
		talk(p);
		break;
	case 9:
		leave(p);
		break;
	case 10:
		control(p, pages[at].link);
		break;
	case 11:
		act();
		break;
	default:
		look_at_list();
		break;
	}
	pass_time();
}

static void storm(uint32_t seed)
{
	dice = seed;
	desk_begin_graceful(&t, 50);
	for (size_t i = 0; i < STREAMS; i++) {
		open_link(&links[i]);
		enter(&links[i]);
	}
	for (int i = 0; i < STEPS; i++) {
		step();
	}
	for (size_t i = 0; i < PAGES; i++) {
		page_close(&t, &pages[i].page);
	}
	pass_time();
	desk_end(&t);
}

Test(viewer_storm, one, .timeout = 120)
{
	storm(1);
}

Test(viewer_storm, two, .timeout = 120)
{
	storm(2);
}
