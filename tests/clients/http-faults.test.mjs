// Clients that vanish, stall, lie and come in thousands.  After each of them the server answers, and what it
// held for them is given back: descriptors, connections, streams, calls and memory.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ask, bearer, call, LEGACY, legacy_session, modern, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { descriptors, eventually, resident_kib } from './lib/server.mjs';

const TOKEN = 'a-token-for-the-faults-0123456789';
const GROWTH_KIB = 6 << 10; // what an allocator may keep; a leak of a few KiB a client is far more
const head = (method, path, headers) => [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1',
	`Authorization: Bearer ${TOKEN}`, ...Object.entries(headers).map(([n, v]) => `${n}: ${v}`), '', '']
	.join('\r\n');
const request_text = (method, params) => {
	const { headers, body } = modern(method, params);
	const text = JSON.stringify(body);
	return head('POST', '/mcp', { ...headers, 'Content-Length': Buffer.byteLength(text) }) + text;
};
const chunked = head('POST', '/mcp', { ...modern('server/discover').headers, 'Transfer-Encoding': 'chunked' });

/** A connection from one of the loopback's many addresses, with all it was told. */
class Raw {
	constructor(server, from = 1) {
		this.told = '';
		this.socket = connect({ port: server.port, host: '127.0.0.1', localAddress: `127.0.0.${from}`,
			allowHalfOpen: true });
		this.socket.setEncoding('latin1');
		this.socket.on('data', (text) => { this.told += text; });
		this.socket.on('error', () => {}); // reset by the server: it is closed
		this.closed = new Promise((resolve) => {
			this.socket.on('end', resolve);
			this.socket.on('close', resolve);
		});
		this.closed.then(() => { this.is_closed = true; });
	}

	async send(text) {
		await new Promise((resolve) => { this.socket.write(text, 'latin1', resolve); });
		return this;
	}

	/** Waits until it was told this so many times. */
	async hears(pattern, count = 1) {
		while (this.told.split(pattern).length <= count) {
			assert.ok(!this.is_closed, `closed before ${pattern} came: ${this.told.slice(-300)}`);
			await Promise.race([once(this.socket, 'data'), this.closed]);
		}
		return this;
	}

	vanish() {
		this.socket.resetAndDestroy();
	}

	get statuses() {
		return [...this.told.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));
	}
}

let server, held;
const times = async (n, run) => Promise.all(Array.from({ length: n }, (_, i) => run(i)));

async function metric(name) {
	const page = await (await fetch(new URL('/metrics', server.origin), { headers: bearer(TOKEN) })).text();
	const line = page.split('\n').find((l) => l.startsWith(`${name} `));
	assert.ok(line, `${name} is among the metrics: ${page.slice(0, 300)}`);
	return Number(line.slice(name.length));
}

const sockets_held = () => descriptors(server.pid).filter((d) => d.startsWith('socket:')).length;

/** fetch() keeps its own connections, so these are not counted by descriptors but by what is idle. */
async function is_well(what) {
	const { result } = await ask(server, 'server/discover', {}, { token: TOKEN });
	assert.deepEqual(result.supportedVersions.includes('2026-07-28'), true);
	const clicked = await call(server, 'left_click', { coordinate: [5, 6] }, { token: TOKEN });
	assert.match(text_in(clicked.result), /^Clicked/, what);
	await eventually(`${what}: no call goes on`, async () => await metric('vitrine_calls_in_flight') === 0);
	await eventually(`${what}: no stream is open`, async () => await metric('vitrine_http_streams') === 0);
	await eventually(`${what}: its connections are closed`, () => sockets_held() <= held + 8);
	assert.equal(await metric('vitrine_sandboxes{state="ready"}'), 1);
}

/** Runs a fault, then again and again: what the first round cost may stay, but must not grow. */
async function endures(what, round, rounds = 10) {
	await round();
	await round();
	await is_well(what);
	const before = resident_kib(server.pid);
	for (let i = 0; i < rounds; i++) {
		await round();
	}
	await is_well(what);
	const grown = resident_kib(server.pid) - before;
	assert.ok(grown < GROWTH_KIB, `${what}: ${grown} KiB more than after the first rounds`);
}

before(async () => {
	server = await serve_http({ tokens: [{ name: 'faults', token: TOKEN }],
		args: ['--max-connections', '12000'] });
	await call(server, 'screenshot', {}, { token: TOKEN });
	held = sockets_held();
});
after(() => server.stop());

describe('a client is gone', () => {
	test('in the middle of a call', () => endures('gone in a call', () => times(30, async (i) => {
		const raw = await new Raw(server).send(request_text('tools/call', i % 2
			? { name: 'wait', arguments: { duration: 290 } }
			: { name: 'hold_key', arguments: { text: 'shift', duration: 290 } }));
		await (await new Raw(server).send(request_text('server/discover'))).hears(/supportedVersions/)
			.then((other) => other.vanish());
		raw.vanish();
	})));
	test('before its screenshot was read', () => endures('gone before its picture', () => times(30,
		async () => (await new Raw(server).send(request_text('tools/call',
			{ name: 'screenshot', arguments: { format: 'png' } }))).vanish())));
	test('in the middle of an upload', () => endures('gone in an upload', () => times(50, async (i) => {
		const big = head('POST', '/mcp', { ...modern('server/discover').headers, 'Content-Length': 4 << 20 });
		(await new Raw(server).send(big + 'x'.repeat(i * 4000))).vanish();
	})));
	test('in the middle of a stream', () => endures('gone in a stream', async () => {
		const [screen] = (await ask(server, 'resources/list', {}, { token: TOKEN })).result.resources;
		const session = await legacy_session(server, { token: TOKEN });
		const stream = { Accept: 'text/event-stream' };
		await times(20, async (i) => {
			const raw = new Raw(server);
			await (i % 3 === 0
				? raw.send(request_text('subscriptions/listen',
					{ notifications: { resourceSubscriptions: [screen.uri] } }))
				: raw.send(i % 3 === 1 ? head('GET', '/sse', stream) : head('GET', '/mcp',
					{ ...stream, 'Mcp-Session-Id': session, 'MCP-Protocol-Version': LEGACY })));
			// Of the session's streams the newest ends the others.
			await raw.hears(i % 3 === 0 ? /acknowledged/ : i % 3 === 1 ? /event: endpoint/ : / 200 OK/);
			raw.vanish();
		});
		await fetch(server.mcp, { method: 'DELETE', headers: { ...bearer(TOKEN), 'Mcp-Session-Id': session } });
	}));
});

describe('a client says something wrong', () => {
	const wrong = {
		'a chunk size that is no number': `${chunked}zz\r\nabc\r\n0\r\n\r\n`,
		'a chunk size beyond all numbers': `${chunked}ffffffffffffffffffff\r\nabc\r\n`,
		'a negative chunk size': `${chunked}-5\r\nabc\r\n`,
		'a chunk longer than it says': `${chunked}1\r\nabcdef\r\n0\r\n\r\n`,
		'a length beside chunks': `${chunked.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n')}0\r\n\r\n`,
		'two lengths': head('POST', '/mcp', { 'Content-Length': '3\r\nContent-Length: 4' }),
		'a length that is no number': head('POST', '/mcp', { 'Content-Length': 'many' }),
		'a negative length': head('POST', '/mcp', { 'Content-Length': '-1' }),
		'a length beyond all numbers': head('POST', '/mcp', { 'Content-Length': '9'.repeat(40) }),
		'a header without end': `GET /mcp HTTP/1.1\r\nX: ${'x'.repeat(1 << 20)}`,
		'thousands of headers': `GET /mcp HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}\r\n`,
		'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
		'no Host': 'POST /mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
		'a request line of its own making': 'PURLOIN /mcp VITRINE/9.9\r\nHost: 127.0.0.1\r\n\r\n',
	};
	for (const [what, bytes] of Object.entries(wrong)) {
		test(what, () => endures(what, () => times(10, async () => {
			const raw = await new Raw(server).send(bytes);
			raw.socket.end();
			await raw.closed;
			assert.deepEqual(raw.statuses.filter((s) => s < 400), [], raw.told);
			raw.vanish();
		}), 1));
	}
	test('garbage behind a good request', () => endures('pipelined garbage', () => times(20, async () => {
		const raw = await new Raw(server).send(`${request_text('server/discover')}\x01\x02garbage\r\n\r\n\r\n`);
		await raw.closed;
		assert.equal(raw.statuses[0], 200, raw.told);
		assert.deepEqual(raw.statuses.slice(1).filter((s) => s < 400), []);
		raw.vanish();
	})));
	test('a hundred good requests at once on one connection', () => endures('pipelined requests',
		async () => {
			const raw = await new Raw(server).send(request_text('server/discover').repeat(100));
			await raw.hears(/supportedVersions/, 100);
			raw.vanish();
		}, 3));
});

describe('a client is slow', () => {
	test('half a header, and no more', async () => {
		const slow = await times(50, () => new Raw(server).send('POST /mcp HTTP/1.1\r\nHost: 127.0'));
		await is_served_beside();
		await Promise.all(slow.map((raw) => raw.closed)); // by the server
		slow.forEach((raw) => raw.vanish());
		await is_well('half a header');
	});
	test('a body that comes drop by drop', async () => {
		const slow = await times(50, () => new Raw(server).send(
			head('POST', '/mcp', { ...modern('server/discover').headers, 'Content-Length': 1 << 20 })));
		const drops = setInterval(() => slow.forEach((raw) => raw.socket.write(' ')), 100);
		await is_served_beside();
		await Promise.all(slow.map((raw) => raw.closed)).finally(() => clearInterval(drops));
		slow.forEach((raw) => raw.vanish());
		await is_well('a body drop by drop');
	});
	test('a body that never ends', async () => {
		const raw = await new Raw(server).send(chunked);
		const block = `10000\r\n${' '.repeat(65536)}\r\n`;
		for (let i = 0; i < 1000 && !raw.is_closed && !raw.statuses.length; i++) {
			await Promise.race([raw.send(block), raw.closed]);
		}
		await Promise.race([raw.closed, raw.hears(/HTTP/).catch(() => {})]);
		assert.deepEqual(raw.statuses.filter((s) => s !== 413), [], raw.told);
		raw.vanish();
		await is_well('a body that never ends');
	});
	test('a stream that is not read', async () => {
		const raw = await new Raw(server).send(request_text('server/discover'));
		raw.socket.pause();
		for (let i = 0; i < 200; i++) {
			raw.socket.write(request_text('tools/list', {}));
		}
		await is_served_beside();
		raw.vanish();
		await is_well('a stream that is not read');
	});
	const is_served_beside = async () => assert.match(text_in((await call(server, 'left_click',
		{ coordinate: [7, 8] }, { token: TOKEN })).result), /^Clicked/, 'others are served meanwhile');
});

// Node takes as many descriptors as it may have, and so do its children.
const may_have = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
const too_few = may_have < 12_000 && `only ${may_have} descriptors are allowed here`;

describe('clients come in thousands', { skip: too_few }, () => {
	const ADDRESSES = 50; // a single one may not have that many

	test('10,000 in waves of a thousand, each served', () => endures('waves', async () => {
		const wave = await times(1000, (i) => new Raw(server, 2 + i % ADDRESSES).send(
			request_text('server/discover')));
		await Promise.all(wave.map((raw) => raw.hears(/supportedVersions/)));
		assert.equal(wave.filter((raw) => raw.statuses[0] !== 200).length, 0);
		wave.forEach((raw) => raw.vanish());
	}));
	test('10,000 at once that say nothing', async () => {
		const silent = [];
		for (let i = 0; i < 10; i++) {
			silent.push(...await times(1000, async (j) => {
				const raw = new Raw(server, 2 + j % ADDRESSES);
				await Promise.race([once(raw.socket, 'connect'), raw.closed]);
				return raw;
			}));
		}
		await call(server, 'left_click', { coordinate: [5, 6] }, { token: TOKEN });
		silent.forEach((raw) => raw.vanish());
		await is_well('10,000 silent connections');
	});
	test('a loopback address is many clients, and has no limit of its own', async () => {
		const many = await times(300, () => new Raw(server, 200).send(request_text('server/discover')));
		await Promise.all(many.map((raw) => raw.hears(/supportedVersions/)));
		assert.equal(many.filter((raw) => raw.statuses[0] !== 200).length, 0);
		many.forEach((raw) => raw.vanish());
		await is_well('300 from one address of the loopback');
	});
});
