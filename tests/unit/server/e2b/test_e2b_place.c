// USES server
/* What a request is about, by its Host and headers: hostile text, so all that is not exactly right is
 * refused. */
#include "server/e2b/core/place.h"

#include <criterion/criterion.h>
#include <string.h>

#define ID "i0123456789abcdefgh"

static struct err err;

static struct e2b_place find(const char *host, const char *id, const char *port)
{
	struct e2b_place place = { .port = -1 };
	const struct e2b_names names = { host, "vitrine.localhost", id, port };
	err = (struct err){ 0 };
	if (!e2b_place_find(&names, &place, &err)) {
		cr_expect_eq(err.kind, ERR_ARGUMENT);
		place.port = -1;
	}
	return place;
}

static void expect(const char *host, const char *id, int port)
{
	struct e2b_place place = find(host, NULL, NULL);
	cr_expect_str_eq(place.id, id, "%s: %s", host, err.text);
	cr_expect_eq(place.port, port, "%s: %d", host, place.port);
}

Test(e2b_place, names)
{
	expect("49983-" ID ".vitrine.localhost", ID, 49983);
	expect("49983-" ID ".vitrine.localhost:8443", ID, 49983);
	expect("49983-" ID ".VITRINE.localhost.", ID, 49983);
	expect("8080-" ID "-client01.vitrine.localhost", ID, 8080);
	expect("1-a.vitrine.localhost", "a", 1);
	expect("65535-a.vitrine.localhost", "a", 65535);
	expect("api.vitrine.localhost:443", "", 0);
	expect("sandbox.vitrine.localhost", "", 0);
	expect("vitrine.localhost", "", 0);
	expect("localhost:3000", "", 0);
	expect("127.0.0.1:3000", "", 0);
	expect("[::1]:3000", "", 0);
	/* of another domain: not a name of a sandbox */
	expect("80-" ID ".example.com", "", 0);
	expect("80-" ID ".xvitrine.localhost", "", 0);
}

Test(e2b_place, names_that_are_refused)
{
	static const char *const bad[] = {
		"0-a.vitrine.localhost",
		"65536-a.vitrine.localhost",
		"000080-a.vitrine.localhost",
		"-a.vitrine.localhost",
		"80-.vitrine.localhost",
		"80.vitrine.localhost",
		"80-a-.vitrine.localhost",
		"80-a_b.vitrine.localhost",
		"80-a.b.vitrine.localhost",
		"x80-a.vitrine.localhost",
		"+80-a.vitrine.localhost",
		"www.vitrine.localhost",
		"api.api.vitrine.localhost",
		"80-a/../b.vitrine.localhost",
		"80-a@vitrine.localhost",
		"80-"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".vitrine.localhost",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct e2b_place place = find(bad[i], NULL, NULL);
		cr_expect_eq(place.port, -1, "%s is %s at %d", bad[i], place.id, place.port);
	}
}

static void expect_headers(const char *id, const char *port, const char *found, int at)
{
	struct e2b_place place = find("127.0.0.1:3000", id, port);
	cr_expect_str_eq(place.id, found, "%s %s", id ? id : "none", port ? port : "none");
	cr_expect_eq(place.port, at, "%s %s", id ? id : "none", port ? port : "none");
}

Test(e2b_place, headers)
{
	expect_headers(ID, "49983", ID, 49983);
	expect_headers(ID "-client", "1", ID, 1);
	expect_headers(NULL, NULL, "", 0);
	expect_headers(ID, NULL, "", -1);
	expect_headers(NULL, "80", "", -1);
	expect_headers(ID, "0", "", -1);
	expect_headers(ID, "80x", "", -1);
	expect_headers(ID, " 80", "", -1);
	expect_headers(ID, "-80", "", -1);
	expect_headers(ID, "65536", "", -1);
	expect_headers(ID, "", "", -1);
	expect_headers("", "80", "", -1);
	expect_headers("A", "80", "", -1);
	expect_headers("a b", "80", "", -1);
	expect_headers("a.b", "80", "", -1);
	expect_headers("../a", "80", "", -1);
}

/* A client cannot reach another sandbox than the one that its name says. */
Test(e2b_place, a_name_is_stronger_than_headers)
{
	struct e2b_place place = find("80-first.vitrine.localhost", "second", "90");
	cr_expect_str_eq(place.id, "first");
	cr_expect_eq(place.port, 80);
	cr_expect(place.is_named);
	place = find("api.vitrine.localhost", "second", "90");
	cr_expect_str_eq(place.id, "");
	cr_expect(place.is_named);
	place = find("sandbox.vitrine.localhost", "second", "90");
	cr_expect_str_eq(place.id, "second");
	cr_expect_not(place.is_named);
}
