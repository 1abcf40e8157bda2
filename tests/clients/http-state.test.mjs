// What outlives a connection and what does not: sandboxes, principals, calls, streams, sessions; and the
// statuses that refuse.
import assert from 'node:assert/strict';
import { request as http_request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { answer_of, ask, bearer, call, events, legacy, legacy_session, LEGACY, modern, post, serve_http }
	from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { eventually } from './lib/server.mjs';

const ALICE = 'alices-token-0123456789-0123456789', BOB = 'bobs-token-0123456789-0123456789';
const tokens = [{ name: 'alice', token: ALICE }, { name: 'bob', token: BOB }];

const screens = async (server, token) => (await ask(server, 'resources/list', {}, { token }))
	.result.resources.map((r) => r.uri).filter((uri) => uri.endsWith('/screen'));
const text_of = async (...args) => text_in((await call(...args)).result);

describe('principals', () => {
	let server;
	before(async () => { server = await serve_http({ tokens }); });
	after(() => server.stop());

	test('each has a desktop of its own, and sees no other', async () => {
		await call(server, 'mouse_move', { coordinate: [11, 12] }, { token: ALICE });
		assert.deepEqual(await screens(server, BOB), []);
		await call(server, 'mouse_move', { coordinate: [21, 22] }, { token: BOB });
		const [hers, ...no_more] = await screens(server, ALICE), [his] = await screens(server, BOB);
		assert.deepEqual(no_more, []);
		assert.notEqual(hers, his);
		assert.match(await text_of(server, 'cursor_position', {}, { token: ALICE }), /X=11,Y=12/);
		assert.match(await text_of(server, 'cursor_position', {}, { token: BOB }), /X=21,Y=22/);
		// Not even by its name.
		const read = await ask(server, 'resources/read', { uri: hers }, { token: BOB });
		assert.equal(read.error?.code, -32602);
		const sandbox = new URL(hers).host;
		const clicked = await call(server, 'left_click', { coordinate: [1, 1], sandbox }, { token: BOB });
		assert.equal(clicked.result.isError, true);
	});
	test('a session of the one is none of the other', async () => {
		const session = await legacy_session(server, { token: ALICE });
		const ping = (token) => post(server, legacy('ping', {}, { token, session }));
		assert.equal((await ping(ALICE)).status, 200);
		assert.equal((await ping(BOB)).status, 404);
	});
	test('a client that reconnects for every call keeps its desktop', async () => {
		const alone = { Connection: 'close' };
		await call(server, 'mouse_move', { coordinate: [300, 200] }, { token: ALICE, headers: alone });
		const before = await screens(server, ALICE);
		for (let i = 0; i < 20; i++) {
			assert.match(await text_of(server, 'cursor_position', {}, { token: ALICE, headers: alone }),
				/X=300,Y=200/);
		}
		const session = await legacy_session(server, { token: ALICE });
		await post(server, { headers: { ...bearer(ALICE), 'Mcp-Session-Id': session } }, { method: 'DELETE' });
		assert.deepEqual(await screens(server, ALICE), before, 'nor does the end of a session end it');
	});
});

describe('refusals', () => {
	let server;
	before(async () => { server = await serve_http({ tokens, args: ['--max-body', '64'] }); });
	after(() => server.stop());
	const status = async (request, options) => {
		const response = await post(server, request, options);
		await response.body?.cancel();
		return response.status;
	};
	/** fetch() sets some headers itself; this does not. */
	const plain = (headers) => new Promise((resolve, reject) => {
		const request = http_request(server.mcp, { method: 'POST', headers: {
			...modern('server/discover', {}, { token: ALICE }).headers, ...headers } }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		request.on('error', reject);
		request.end(JSON.stringify(modern('server/discover').body));
	});

	test('no token, a wrong one, one in the query', async () => {
		const none = await post(server, modern('server/discover'));
		assert.equal(none.status, 401);
		assert.match(none.headers.get('www-authenticate'), /^Bearer/);
		assert.equal(await status(modern('server/discover', {}, { token: `${ALICE}x` })), 401);
		const url = new URL(`/mcp?token=${ALICE}&access_token=${ALICE}`, server.origin);
		assert.equal((await fetch(url, { method: 'POST' })).status, 401);
		assert.equal((await fetch(server.sse)).status, 401);
	});
	test('another Host or Origin', async () => {
		assert.equal(await plain({}), 200);
		assert.equal(await plain({ Host: 'evil.example' }), 403);
		assert.equal(await plain({ Origin: 'https://evil.example' }), 403);
		assert.equal(await plain({ Origin: `http://localhost:${server.port}` }), 200);
	});
	test('places that are none, methods that a place does not take', async () => {
		const get = async (path) => (await fetch(new URL(path, server.origin))).status;
		for (const path of ['/nothing', '/s/nothing', '/mcp/x', '/.well-known/oauth-protected-resource',
			'/.well-known/oauth-authorization-server/mcp', '/.well-known/openid-configuration']) {
			assert.equal(await get(path), 404, path);
		}
		assert.equal(await get('/mcp/'), 401, 'the same place as /mcp');
		const put = await fetch(server.mcp, { method: 'PUT', headers: bearer(ALICE), body: '{}' });
		assert.equal(put.status, 405);
		assert.match(put.headers.get('allow'), /POST/);
		assert.equal((await fetch(server.mcp, { headers: bearer(ALICE) })).status, 405, 'GET, no session');
	});
	test('a body too large, of the wrong type, or no JSON', async () => {
		const large = modern('server/discover', { padding: 'x'.repeat(70_000) }, { token: ALICE });
		assert.equal(await status(large), 413);
		const { headers } = modern('server/discover', {}, { token: ALICE });
		assert.equal(await status({ headers: { ...headers, 'Content-Type': 'text/plain' }, body: '{}' }), 415);
		assert.equal(await status({ headers, body: '{"jsonrpc":' }), 400);
	});
	test('a session that is none', async () => {
		assert.equal(await status(legacy('ping', {}, { token: ALICE, session: 'nosuchsession' })), 404);
		assert.equal(await status(legacy('ping', {}, { token: ALICE })), 400);
		const session = await legacy_session(server, { token: ALICE });
		const end = () => fetch(server.mcp, { method: 'DELETE',
			headers: { ...bearer(ALICE), 'Mcp-Session-Id': session } });
		assert.ok((await end()).ok);
		assert.equal((await end()).status, 404);
		assert.equal(await status(legacy('ping', {}, { token: ALICE, session })), 404);
	});
	test('and after all that it serves', async () => {
		assert.match(await text_of(server, 'left_click', { coordinate: [1, 2] }, { token: ALICE }), /^Clicked/);
	});
});

describe('calls and streams', () => {
	let server;
	before(async () => { server = await serve_http(); });
	after(() => server.stop());

	test('a closed modern stream cancels its call', async () => {
		await call(server, 'screenshot');
		for (let i = 0; i < 20; i++) {
			const abort = new AbortController();
			const held = post(server, modern('tools/call', { name: 'hold_key',
				arguments: { text: 'shift', duration: 290 } }), { signal: abort.signal });
			await ask(server, 'server/discover');
			abort.abort();
			await assert.rejects(held, { name: 'AbortError' });
			// What waits for the keyboard would wait 290 s, longer than this test may take.
			assert.equal(await text_of(server, 'key', { text: 'a' }).then((t) => t.slice(0, 7)), 'Pressed');
		}
	});

	test('a lost stream is taken up again with Last-Event-ID', async () => {
		const fresh = await serve_http();
		const session = await legacy_session(fresh);
		const request = legacy('tools/call', { name: 'wait', arguments: { duration: 1 },
			_meta: { progressToken: 'p' } }, { session });
		const abort = new AbortController();
		const response = await post(fresh, request, { signal: abort.signal });
		assert.match(response.headers.get('content-type'), /^text\/event-stream/);
		let last;
		for await (const event of events(response)) {
			last = event.id;
			break;
		}
		abort.abort();
		assert.ok(last, 'events of a session have ids');
		const resumed = await fetch(fresh.mcp, { headers: { Accept: 'text/event-stream',
			'Mcp-Session-Id': session, 'MCP-Protocol-Version': LEGACY, 'Last-Event-ID': last } });
		assert.equal(resumed.status, 200);
		const answer = await answer_of(resumed, request.body.id);
		assert.match(text_in(answer.result), /^Waited/);
		await fresh.stop();
	});
});

for (const backend of ['fake', 'namespace']) describe(`subscriptions, backend ${backend}`, () => {
	let server, uri;
	before(async () => {
		server = await serve_http({ backend });
		await call(server, 'screenshot');
		[uri] = await screens(server);
	});
	after(() => server.stop());
	let colour = 0;
	const change = () => (backend === 'fake' ? call(server, 'type', { text: 'x' })
		: call(server, 'run_command', { command: `xsetroot -solid '#${String(++colour).padStart(6, '0')}'` }));

	/** Changes the screen until the stream tells of it. */
	async function hears(stream, is_news) {
		let heard = false;
		const reading = (async () => {
			for await (const { data } of stream) {
				if (data && is_news(JSON.parse(data))) {
					heard = true;
					return;
				}
			}
		})();
		await eventually('the change is told', async () => {
			await change();
			return heard;
		});
		await reading;
	}
	const updated = (message) => message.method === 'notifications/resources/updated' &&
		message.params.uri === uri && message;

	test('subscriptions/listen tells of a change', async () => {
		const abort = new AbortController();
		const request = modern('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } });
		const stream = events(await post(server, request, { signal: abort.signal }));
		const first = JSON.parse((await stream.next()).value.data);
		assert.equal(first.method, 'notifications/subscriptions/acknowledged');
		await hears(stream, (m) => updated(m)?.params._meta['io.modelcontextprotocol/subscriptionId'] ===
			request.body.id);
		abort.abort();
	});
	test('resources/subscribe does on the GET stream', async () => {
		const session = await legacy_session(server);
		const subscribe = legacy('resources/subscribe', { uri }, { session });
		assert.ok((await answer_of(await post(server, subscribe), subscribe.body.id)).result);
		const abort = new AbortController();
		const stream = await fetch(server.mcp, { signal: abort.signal, headers: {
			Accept: 'text/event-stream', 'Mcp-Session-Id': session, 'MCP-Protocol-Version': LEGACY } });
		await hears(events(stream), updated);
		abort.abort();
	});
});

test('a restart under load: every call ends, and the next server serves', async () => {
	const first = await serve_http();
	await call(first, 'screenshot');
	let sent = 0;
	const outcomes = Array.from({ length: 50 }, (_, i) => {
		sent++;
		return (i % 2 ? call(first, 'wait', { duration: 290 }) : call(first, 'left_click', { coordinate: [i, i] }))
			.then(() => 'answered', () => 'cut off');
	});
	await outcomes[0];
	await first.stop();
	assert.equal((await Promise.all(outcomes)).length, sent);
	const second = await serve_http({ port: first.port });
	assert.match(await text_of(second, 'left_click', { coordinate: [3, 4] }), /^Clicked/);
	await second.stop();
});
