// USES tools server PkgConfig::curl PkgConfig::gnutls
/* Everything that can happen to pages, streams and sandboxes, in an order nobody thought of: what
 * is checked is that nothing is used after its end and nothing is left behind. */
#include "tests/support/viewer_fixture.h"

#define STREAMS 4
#define PAGES 6
#define STEPS 1500

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
	memcpy(site.id, link->id, sizeof(site.id));
	memcpy(site.cookie, link->cookie, sizeof(site.cookie));
}

static void pass_time(void)
{
	for (unsigned turns = roll(8); turns > 0; turns--) {
		fixture_turn(&site.http);
	}
}

/* ---- streams ---- */

static void open_link(struct link *link)
{
	struct err err;
	const struct stream *stream =
		streams_open(site.streams, site.vm, roll(4) ? STREAM_CONTROL : STREAM_VIEW,
			roll(8) == 0, 1 + roll(600), site.ticket, &err);
	if (stream) {
		memcpy(link->id, stream->id, sizeof(link->id));
		memcpy(link->ticket, site.ticket, sizeof(link->ticket));
		link->cookie[0] = '\0';
	}
}

static void enter(struct link *link)
{
	struct reply r;
	use(link);
	ask_stream(&site, &(struct ask){ .body = link->ticket }, "open", &r);
	if (r.status == 204 && !link->cookie[0]) {
		keep_cookie(&r, link->cookie, sizeof(link->cookie));
	}
	ask_end(&site.http, &r);
}

/* A new one in the place of one that has ended, mostly. */
static void revive(struct link *link)
{
	struct err err;
	if (roll(4) && !streams_find(site.streams, link->id, &err)) {
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
	snprintf(path, sizeof(path), "/s/%s/events?viewer=%s", site.id, p->viewer);
	if (p->has_events) {
		page_close_events(&site, p);
	}
	struct ask ask = {
		.path = path, .token = "", .headers = { site.cookie[0] ? site.cookie : NULL }
	};
	ask_begin(&site.http, &ask, &p->events);
	p->has_events = true;
}

static void open_socket(struct page *p, struct link *link)
{
	auto_buf struct buf hello = { 0 }, rfb = { 0 };
	use(link);
	if (p->has_socket) {
		page_close_socket(p);
	}
	socket_hello(&site, p, &hello);
	peer_open(&site.http, &p->peer, false);
	peer_write(&site.http, &p->peer, hello.data, hello.len);
	p->has_socket = true;
	pass_time();
	rfb_say_hello(&rfb);
	rfb_say_update(&rfb, false, 0, 0, 10, 10);
	peer_say(&site.http, &p->peer, 0x82, rfb.data, rfb.len);
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
	peer_say(&site.http, &p->peer, 0x82, out.data, out.len);
	peer_read(&p->peer);
}

static void leave(struct page *p)
{
	page_close(&site, p);
	p->viewer[0] = roll(2) ? p->viewer[0] : '\0';
}

/* ---- the agent and its sandbox ---- */

static void act(void)
{
	struct err why = { .kind = ERR_STATE, .text = "no" };
	activity_add(&site.activity,
		&(struct activity_record){
			.principal = "alice",
			.vm = site.vm,
			.tool = tool_find(site.tools, roll(4) ? "left_click" : "screenshot"),
			.summary = "x",
			.point = { 2, { roll(1280), roll(800) } },
			.why = roll(4) ? NULL : &why,
		});
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
		vm_stop(site.vm, "the dice say so");
	} else if (what < 3) {
		vm_pause(site.vm, on_paused, NULL);
	} else if (vm_state(site.vm) >= VM_STOPPING) {
		site.vm = vm_create(site.host.pool, "alice", NULL, &err);
		cr_assert(site.vm, "%s", err.text);
	} else {
		host_wait(&site.host, site.vm);
	}
	if (vm_state(site.vm) >= VM_STOPPING) { /* nobody holds on to one that has gone */
		site.vm = host_vm(&site.host);
	}
}

static void look_at_list(void)
{
	char path[80];
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(site.vm));
	struct reply r;
	ask_begin(&site.http, &(struct ask){ .path = roll(3) ? path : "/sandboxes" }, &r);
	for (unsigned turns = roll(3); turns > 0; turns--) {
		fixture_turn(&site.http);
	}
	ask_end(&site.http, &r); /* perhaps before its answer */
}

/* ---- one thing after another ---- */

static void control(struct page *p, struct link *link)
{
	use(link);
	page_control(&site, p,
		roll(2) ? "\"take\":\"Ana\"" : "\"give_back\":true,\"message\":\"x\"", NULL);
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
		if (roll(4) == 0 && !streams_revoke(site.streams, "alice", link->id, &err)) {
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
		open_socket(p, pages[at].link);
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
	site_begin_away(&site, 50);
	for (size_t i = 0; i < STREAMS; i++) {
		open_link(&links[i]);
		enter(&links[i]);
	}
	for (int i = 0; i < STEPS; i++) {
		step();
	}
	for (size_t i = 0; i < PAGES; i++) {
		page_close(&site, &pages[i].page);
	}
	pass_time();
	site_end(&site);
}

Test(viewer_storm, one, .timeout = 120)
{
	storm(1);
}

Test(viewer_storm, two, .timeout = 120)
{
	storm(2);
}
