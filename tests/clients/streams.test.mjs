// People at the agent's desktop: links, over stdio and over HTTP; taking over, which keeps the agent out; and
// request_human, which waits for whoever answers first: the page, or the user of the client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { bearer, call as raw_call, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { eventually, serve, vitrine } from './lib/server.mjs';
import { link_in, redeem, stream_id, visit } from './lib/stream.mjs';
import { Viewer } from '../bench/stream_viewer.mjs';

const TOKEN = 'a-token-of-the-tests-that-is-long-enough';

/** Calls of one client, which must go well, or must not. */
function caller(client) {
	const raw = (name, args = {}, options = {}) => (client instanceof ClientV2
		? client.callTool({ name, arguments: args }, options)
		: client.callTool({ name, arguments: args }, undefined, options));
	return { raw,
		async call(name, args, options) {
			const result = await raw(name, args, options);
			assert.notEqual(result.isError, true, `${name}: ${text_in(result)}`);
			return text_in(result);
		},
		async refused(name, args) {
			const result = await raw(name, args);
			assert.equal(result.isError, true, `${name} was taken: ${text_in(result)}`);
			return text_in(result);
		} };
}

/** What a person can do, whatever the client and its transport are. */
function people(session) {
	test('a link opens the page once; a second browser is refused', async () => {
		const { call } = session();
		const link = link_in(await call('stream_url'));
		const page = await fetch(link.split('#')[0]);
		assert.equal(page.status, 200);
		assert.match(page.headers.get('content-type'), /^text\/html/);
		assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
		const guest = await visit(link);
		await eventually('hello', () => guest.mode);
		assert.equal(guest.mode, 'view');
		const again = await redeem(link);
		assert.equal(again.status, 403);
		assert.match((await again.json()).error, /already used/);
		assert.match(await call('stream_list'), new RegExp(`${stream_id(link)}: view, .* 1 viewer,`));
		assert.ok(!(await call('stream_list')).includes(link.split('#')[1]));
		guest.leave();
		await call('stream_revoke', { stream: stream_id(link) });
	});

	test('a revoked stream cuts its viewers off and opens no more', async () => {
		const { call, refused } = session();
		const link = link_in(await call('stream_url', { mode: 'control' }));
		const unused = link_in(await call('stream_url'));
		const person = await visit(link);
		await call('stream_revoke', { stream: stream_id(link) });
		await eventually('the viewer is told', () => person.ended);
		assert.equal(person.ended.code, 4001);
		await eventually('and cut off', () => person.closed);
		await call('stream_revoke', { stream: stream_id(unused) });
		assert.notEqual((await redeem(unused)).status, 204);
		assert.match(await refused('stream_revoke', { stream: stream_id(link) }), /stream_list/);
		assert.match(await call('stream_list'), /^You have no stream/);
	});

	test('who takes over keeps the agent out until they hand back; looking still works', async () => {
		const { call, raw, refused } = session();
		const link = link_in(await call('stream_url', { mode: 'control' }));
		const person = await visit(link);
		await eventually('hello', () => person.viewer);
		assert.equal((await person.control({ take: 'Ann' })).status, 200);
		for (const [name, args] of [['left_click', { coordinate: [9, 9] }], ['type', { text: 'x' }],
			['key', { text: 'Return' }], ['scroll', { scroll_direction: 'down', scroll_amount: 1 }],
			['launch', { application: 'editor' }], ['run_command', { command: 'true' }], ['control_acquire', {}]]) {
			assert.match(await refused(name, args), /has control of this desktop \(Ann, since/);
		}
		assert.notEqual((await raw('screenshot')).isError, true);
		assert.match(await call('control_status'), /has control of sandbox \S+: Ann, since /);
		assert.equal((await person.control({ give_back: true, message: 'yours' })).status, 200);
		await eventually('the page says so', () => person.state.control.holder === 'agent');
		assert.match(await call('left_click', { coordinate: [9, 9] }), /^Clicked\.[^]*yours/);
		person.leave();
		await call('stream_revoke', { stream: stream_id(link) });
	});

	test('who has control and is cut off loses it', async () => {
		const { call } = session();
		const link = link_in(await call('stream_url', { mode: 'control' }));
		const person = await visit(link);
		await eventually('hello', () => person.viewer);
		assert.equal((await person.control({ take: 'Ann' })).status, 200);
		await call('stream_revoke', { stream: stream_id(link) });
		await eventually('the agent has it', async () => /^You have/.test(await call('control_status')));
	});

	test('a view-only link takes nothing over', async () => {
		const { call } = session();
		const link = link_in(await call('stream_url', { mode: 'view' }));
		const guest = await visit(link);
		await eventually('hello', () => guest.viewer);
		assert.equal((await guest.control({ take: 'Eve' })).status, 403);
		assert.match(await call('control_status'), /^You have control/);
		guest.leave();
		await call('stream_revoke', { stream: stream_id(link) });
	});
}

/** request_human answered on the page. */
async function by_the_page({ call }, link) {
	const person = await visit(link);
	await eventually('hello', () => person.viewer);
	const asked = call('request_human', { reason: 'Solve the captcha.' });
	await eventually('the page shows why', () => person.state?.control.wanted === 'Solve the captcha.');
	await person.control({ take: 'Ann' });
	await person.control({ give_back: true, message: 'it was a bus' });
	assert.match(await asked, /handed it back[^]*it was a bus/);
	await eventually('nobody is wanted', () => !person.state.control.wanted);
	person.leave();
}

describe('over stdio', () => {
	const client = new Client({ name: 'streams-test', version: '1' });
	const transport = new StdioClientTransport({ command: vitrine, args: serve('fake') });
	let session;
	before(async () => {
		await client.connect(transport);
		session = caller(client);
	});
	after(() => client.close());

	test('a client that cannot ask gets the link to pass on, and then waits for the page', async () => {
		const text = await session.refused('request_human', { reason: 'Log in.' });
		assert.match(text, /request_human again/);
		const link = link_in(text);
		assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\//);
		await by_the_page(session, link);
		await session.call('stream_revoke', { stream: stream_id(link) });
	});

	test('a client_request that is taken back is not shown any more', async () => {
		const person = await visit(link_in(await session.call('stream_url', { mode: 'control' })));
		const controller = new AbortController();
		const asked = session.raw('request_human', { reason: 'Wait.' }, { signal: controller.signal });
		asked.catch(() => {});
		await eventually('it is shown', () => person.state?.control.wanted === 'Wait.');
		controller.abort();
		await assert.rejects(asked);
		await eventually('it is not', () => !person.state.control.wanted);
		const [, id] = /^([a-z0-9]{20}):/m.exec(await session.call('stream_list'));
		await session.call('stream_revoke', { stream: id });
	});

	test('the end of the sandbox ends its streams', async () => {
		const sandbox = /Sandbox ([a-z0-9]{20})/.exec(await session.call('sandbox_create'))[1];
		const person = await visit(link_in(await session.call('stream_url', { sandbox })));
		await session.call('sandbox_kill', { sandbox });
		await eventually('the viewer is told', () => person.ended);
		assert.equal(person.ended.code, 4004);
		assert.match(person.ended.reason, /sandbox_kill/);
		assert.match(await session.call('stream_list'), /^You have no stream/);
	});

	people(() => session);
});

/** A reverse proxy that takes /vitrine away, as nginx does; `to` is where it leads, set later. */
async function proxy() {
	const me = { to: undefined };
	const server = createServer((request, response) => {
		if (!request.url.startsWith('/vitrine/')) {
			response.writeHead(404).end();
			return;
		}
		const onward = forward(new URL(request.url.slice('/vitrine'.length), me.to),
			{ method: request.method, headers: request.headers }, (answer) => {
				response.writeHead(answer.statusCode, answer.headers);
				answer.pipe(response);
			});
		response.on('close', () => onward.destroy());
		onward.on('error', () => response.destroy());
		request.pipe(onward);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	me.url = `http://127.0.0.1:${server.address().port}/vitrine`;
	me.stop = () => {
		server.closeAllConnections();
		server.close();
	};
	return me;
}

test('behind a proxy with a prefix: links, pages and cookies are of the public URL', async () => {
	const front = await proxy();
	const server = await serve_http({ args: ['--public-url', `${front.url}/`] });
	front.to = server.origin;
	const link = link_in(text_in((await raw_call(server, 'stream_url', { mode: 'control' })).result));
	assert.ok(link.startsWith(`${front.url}/s/`), link);
	const page = await (await fetch(link.split('#')[0])).text();
	assert.doesNotMatch(page, /(src|href)="(\/|https?:)/, 'the page asks for what is beside it');
	for (const [, path] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
		assert.equal((await fetch(new URL(path, link))).status, 200, path);
	}
	const person = await visit(link);
	assert.match(person.set_cookie, new RegExp(`; Path=/vitrine/s/${stream_id(link)}/(;|$)`));
	await eventually('hello', () => person.viewer);
	assert.equal((await person.control({ take: 'Ann' })).status, 200);
	assert.equal((await person.control({ give_back: true })).status, 200);
	person.leave();
	front.stop();
	await server.stop();
});

test('over stdio, links begin with the public URL too', async () => {
	const client = new Client({ name: 'streams-test', version: '1' });
	const args = [...serve('fake'), '--public-url', 'https://desk.example/vitrine/'];
	await client.connect(new StdioClientTransport({ command: vitrine, args }));
	assert.match(link_in(await caller(client).call('stream_url')),
		/^https:\/\/desk\.example\/vitrine\/s\//);
	await client.close();
});

describe('over HTTP', () => {
	const client = new Client({ name: 'streams-test', version: '1' });
	let server, session;
	before(async () => {
		server = await serve_http({ tokens: [{ name: 'ann', token: TOKEN },
			{ name: 'eve', token: `${TOKEN}-2` }] });
		await client.connect(new StreamableHTTPClientTransport(server.mcp,
			{ requestInit: { headers: bearer(TOKEN) } }));
		session = caller(client);
	});
	after(async () => {
		await client.close();
		await server.stop();
	});

	people(() => session);

	test('links are as the client calls the server; another token has no part in them', async () => {
		const link = link_in(await session.call('stream_url', { mode: 'control' }));
		assert.ok(link.startsWith(`${server.origin}/s/`), link);
		const eve = new Client({ name: 'eve', version: '1' });
		await eve.connect(new StreamableHTTPClientTransport(server.mcp,
			{ requestInit: { headers: bearer(`${TOKEN}-2`) } }));
		const hers = caller(eve);
		assert.match(await hers.call('stream_list'), /^You have no stream/);
		assert.match(await hers.refused('stream_revoke', { stream: stream_id(link) }), /you have no stream/);
		await eve.close();
		await by_the_page(session, link);
		await session.call('stream_revoke', { stream: stream_id(link) });
	});

	test('the end of the server is told, and nobody who watches delays it', async () => {
		const other = await serve_http();
		const answer = await raw_call(other, 'stream_url');
		const person = await visit(link_in(text_in(answer.result)));
		await eventually('hello', () => person.viewer);
		await other.stop();
		await eventually('the stream is over', () => person.closed);
		assert.match(person.ended.reason, /server is shutting down/);
	});
});

/* ---- clients whose user can be asked ---- */

/** One answer for each question to come. */
const asked = [];
let answers = [];
async function on_question({ params }) {
	asked.push(params);
	return answers.shift()(params);
}
const accept = (message) => () => ({ action: 'accept', content: message ? { message } : {} });

function v1() {
	const client = new Client({ name: 'asked', version: '1' }, { capabilities: { elicitation: {} } });
	client.setRequestHandler(ElicitRequestSchema, on_question);
	return client;
}

function v2() {
	const client = new ClientV2({ name: 'asked', version: '1' }, {
		capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } });
	client.setRequestHandler('elicitation/create', on_question);
	return client;
}

const command = { command: vitrine, args: serve('fake') };
const clients = {
	'SDK v1 over stdio': [v1, () => new StdioClientTransport(command)],
	'SDK v1 over HTTP': [v1, ({ mcp }) => new StreamableHTTPClientTransport(mcp)],
	'SDK v2 over stdio, 2026-07-28': [v2, () => new StdioV2(command)],
	'SDK v2 over HTTP, 2026-07-28': [v2, ({ mcp }) => new HttpV2(mcp)],
};

for (const [name, [make, connect]] of Object.entries(clients)) {
	describe(`request_human with ${name}`, () => {
		const client = make();
		const session = caller(client);
		let server;
		before(async () => {
			server = name.includes('HTTP') ? await serve_http() : undefined;
			await client.connect(connect(server));
		});
		after(async () => {
			await client.close();
			await server?.stop();
		});

		test('the user answers the client_request, which has the reason and a link', async () => {
			answers = [accept('the code is 42')];
			asked.length = 0;
			const text = await session.call('request_human', { reason: 'Read me the code.' });
			assert.match(text, /A user answered[^]*"the code is 42"/);
			assert.match(asked[0].message, /Read me the code\./);
			link_in(asked[0].message);
			assert.equal(asked.length, 1);
		});

		test('the user takes over by the link in the client_request, and answers when done', async () => {
			answers = [async ({ message }) => {
				const person = await visit(link_in(message));
				await eventually('the page shows why',
					() => person.state?.control.wanted === 'Log in.');
				assert.equal((await person.control({ take: 'Ann' })).status, 200);
				return { action: 'accept', content: { message: 'logged in' } };
			}];
			assert.match(await session.call('request_human', { reason: 'Log in.' }), /logged in/);
			assert.match(await session.call('control_status'), /^You have control/);
		});

		test('the user declines', async () => {
			answers = [() => ({ action: 'decline' })];
			assert.match(await session.refused('request_human', { reason: 'Pay.' }), /declined/);
		});
	});
}

test('SDK v1: the page is quicker than the client_request, which is taken back', async () => {
	const client = v1();
	await client.connect(new StdioClientTransport(command));
	const session = caller(client);
	let taken_back;
	answers = [({ message }) => visit(link_in(message)).then(async (person) => {
		await eventually('hello', () => person.viewer);
		await person.control({ take: 'Ann' });
		await person.control({ give_back: true, message: 'from the page' });
		await new Promise((resolve) => { taken_back = resolve; }); // nobody answers here
		return { action: 'cancel' };
	})];
	assert.match(await session.call('request_human', { reason: 'Log in.' }), /from the page/);
	taken_back();
	await client.close();
});

test('a hundred viewers of one desktop all see it move, whoever leaves', async (t) => {
	const server = await serve_http({ backend: 'namespace', args: ['--max-connections', '400'] });
	t.after(() => server.stop());
	const call = async (name, args) => {
		const { result } = await raw_call(server, name, args);
		assert.ok(result && !result.isError, `${name}: ${JSON.stringify(result)}`);
		return text_in(result);
	};
	const enter = async () => {
		const person = await visit(link_in(await call('stream_url')));
		await eventually('hello', () => person.viewer);
		const url = new URL(`socket?viewer=${person.viewer}`, person.url);
		url.protocol = 'ws:';
		const viewer = new Viewer(url, { cookie: person.cookie, origin: server.origin }, undefined, person.leave);
		await viewer.opened;
		return viewer;
	};
	await call('run_command', { command: `printf '#!/bin/sh\nexec xterm -e sh -c "while :; do date +%%N; sleep 0.05; done"\n' > move
chmod +x move` });
	await call('launch', { application: '/home/user/move' });
	const viewers = [];
	while (viewers.length < 100) {
		viewers.push(...await Promise.all(Array.from({ length: 10 }, enter)));
	}
	const all_see_more = async (some) => {
		const before = some.map((viewer) => viewer.seen.updates);
		await eventually('each has three more updates', () => some.every((viewer, i) => viewer.seen.updates >= before[i] + 3));
		assert.deepEqual(some.map((viewer) => viewer.failed).filter(Boolean), []);
	};
	await all_see_more(viewers);
	await call('screenshot');
	const [leaving, staying] = [viewers.slice(0, 60), viewers.slice(60)];
	leaving.forEach((viewer) => viewer.close());
	await all_see_more(staying);
	staying.forEach((viewer) => viewer.close());
	await eventually('nobody is left', async () => !/[1-9]\d* (person|people) watch/.test(await call('stream_list')));
});
