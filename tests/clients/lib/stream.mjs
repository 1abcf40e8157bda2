// A person's browser, as far as the server can tell: opens a stream's link, hears its events, takes over and
// hands back.
import assert from 'node:assert/strict';
import { events } from './http.mjs';

/** The link in a tool's answer. */
export function link_in(text) {
	const found = /https?:\/\/\S+\/s\/[a-z0-9]{20}\/#[\w-]{43}(?=\s|$)/.exec(text);
	assert.ok(found, `no link in: ${text}`);
	return found[0];
}

export const stream_id = (link) => /\/s\/([a-z0-9]{20})\//.exec(link)[1];

const post = (url, cookie, body) => fetch(url, { method: 'POST', body,
	headers: { cookie, 'Content-Type': body.startsWith('{') ? 'application/json' : 'text/plain' } });

/** Exchanges the ticket: the response. */
export function redeem(link) {
	const [url, ticket] = link.split('#');
	return post(new URL('open', url), '', ticket);
}

/** Opens a link and listens; the person is there until `ended` comes true or leave(). */
export async function visit(link) {
	const [url] = link.split('#');
	const opened = await redeem(link);
	assert.equal(opened.status, 204, await opened.text());
	const set_cookie = opened.headers.get('set-cookie'), [cookie] = set_cookie.split(';');
	const cut = new AbortController();
	const stream = await fetch(new URL('events', url), { headers: { cookie }, signal: cut.signal });
	assert.equal(stream.status, 200);
	const person = { cookie, set_cookie, url, state: undefined, ended: undefined, leave: () => cut.abort(),
		control: (order) => post(new URL('control', url), cookie,
			JSON.stringify({ viewer: person.viewer, ...order })) };
	const told = { hello: (data) => { person.viewer = data.viewer; person.mode = data.mode; },
		state: (data) => { person.state = data; }, ended: (data) => { person.ended = data; } };
	(async () => {
		for await (const { event, data } of events(stream)) {
			told[event]?.(JSON.parse(data));
		}
		person.closed = true;
	})().catch(() => { person.closed = true; });
	return person;
}
