// What those who run the server meet: tokens, health, metrics, limits, and the end.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { answer_of, ask, bearer, call, events, modern, post, serve_http } from './lib/http.mjs';
import { serve, vitrine } from './lib/server.mjs';

const TOKEN = 'a-token-for-those-who-run-it-0123456789';
const tokens = [{ name: 'ann', token: TOKEN, calls: 1 }];
const get = (server, path, headers = {}) => fetch(new URL(path, server.origin), { headers });

/** The samples of /metrics: {"name{labels}": value}. */
async function samples(server, token) {
	const response = await get(server, '/metrics', bearer(token));
	assert.equal(response.status, 200);
	assert.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
	return Object.fromEntries([...(await response.text()).matchAll(/^([a-z][^ ]*) ([-+.e0-9]+)$/gm)]
		.map(([, name, value]) => [name, Number(value)]));
}

/** A server by hand: {child, origin, said}. */
async function start(args, env = {}) {
	const child = spawn(vitrine, [...serve('fake'), '--http', '127.0.0.1:0', ...args],
		{ stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
	const makes_token = !env.VITRINE_TOKEN && !args.includes('--tokens') && !args.includes('--no-auth');
	let said = '';
	for await (const text of child.stderr.setEncoding('utf8')) {
		said += text;
		const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
		/* The last thing it says is how to try it, or the place alone. */
		if (url && (!makes_token || said.includes('"clientInfo"'))) {
			return { child, origin: url[0], mcp: new URL('/mcp', url[0]), said };
		}
	}
	throw new Error(`it ended: ${said}`);
}

async function end({ child }) {
	child.kill('SIGTERM');
	assert.deepEqual(await once(child, 'exit'), [0, null]);
}

async function until(what, condition) {
	for (let i = 0; i < 100; i++) {
		if (await condition()) {
			return;
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	assert.fail(`in vain: ${what}`);
}

describe('tokens', () => {
	test('one is made, told with lines to paste, and good', async () => {
		const server = await start([]);
		const [token] = /\be2b_[0-9a-f]{40}\b/.exec(server.said);
		for (const line of ['claude mcp add --transport http vitrine', '"servers"', '"mcpServers"',
			'curl -s', `${server.origin}/mcp`, `Authorization: Bearer ${token}`]) {
			assert.ok(server.said.includes(line), line);
		}
		assert.ok((await ask(server, 'tools/list', {}, { token })).result.tools.length > 10);
		assert.equal((await post(server, modern('tools/list', {}, { token: `${token}x` }))).status, 401);
		await end(server);
	});
	test('the environment holds one, and nobody reads it there afterwards', async () => {
		const server = await start([], { VITRINE_TOKEN: TOKEN });
		assert.ok(!server.said.includes('vt_') && !server.said.includes(TOKEN), server.said);
		assert.ok(!readFileSync(`/proc/${server.child.pid}/environ`, 'utf8').includes(TOKEN));
		assert.ok((await ask(server, 'tools/list', {}, { token: TOKEN })).result);
		await end(server);
	});
	test('what would be open by mistake is refused in a sentence', () => {
		const dir = mkdtempSync(join(tmpdir(), 'vitrine-tokens-'));
		const file = join(dir, 'tokens.json');
		writeFileSync(file, JSON.stringify(tokens));
		chmodSync(file, 0o644);
		for (const [args, sentence] of [
			[['--http', '127.0.0.1:0', '--tokens', file], /mode 644.* chmod 600/],
			[['--http', '0.0.0.0:0', '--no-auth'], /--no-auth .*127\.0\.0\.1/],
			[['--http', '127.0.0.1:0', '--no-auth', '--behind-proxy'], /exclude each other/],
			[['--http', '0.0.0.0:0'], /other machines could read/],
		]) {
			const { status, stderr } = spawnSync(vitrine, ['serve', ...args], { encoding: 'utf8' });
			assert.equal(status, 2, stderr);
			assert.match(stderr, sentence);
			assert.ok(!stderr.includes(TOKEN));
		}
		rmSync(dir, { recursive: true });
	});
});

describe('pages', () => {
	test('health and readiness need no token', async () => {
		const server = await serve_http({ tokens });
		const health = await get(server, '/healthz');
		assert.deepEqual([health.status, await health.text()], [200, 'ok\n']);
		await until('a backend that works', async () => {
			const response = await get(server, '/readyz');
			const text = await response.text();
			assert.ok(response.status === 200 || (response.status === 503 &&
				/^not ready: it is not known yet/.test(text)), text);
			return response.status === 200;
		});
		await server.stop();
	});
	test('metrics count what was done, behind the token', async () => {
		const server = await serve_http({ tokens });
		assert.equal((await get(server, '/metrics')).status, 401);
		assert.ok(!(await call(server, 'left_click', { coordinate: [1, 2] }, { token: TOKEN })).result.isError);
		assert.ok((await call(server, 'left_click', { coordinate: [1] }, { token: TOKEN })).result.isError);
		await post(server, modern('tools/list', {}, { token: 'wrong' }));
		await samples(server, TOKEN); /* pings the sandbox */
		await until('a round trip', async () =>
			(await samples(server, TOKEN)).vitrine_link_round_trip_seconds_count > 0);
		const now = await samples(server, TOKEN);
		for (const [name, value] of Object.entries({
			'vitrine_calls_total{tool="left_click",outcome="ok"}': 1,
			'vitrine_calls_total{tool="left_click",outcome="argument"}': 1,
			'vitrine_call_seconds_count{tool="left_click"}': 2,
			'vitrine_sandboxes{state="ready"}': 1,
			vitrine_sandbox_start_seconds_count: 1,
			'vitrine_http_rejected_total{reason="token"}': 2,
			vitrine_calls_in_flight: 0,
		})) {
			assert.equal(now[name], value, name);
		}
		assert.ok(now.process_resident_memory_bytes > 1e6);
		await server.stop();
	});
	test('metrics are open when that is asked for, and MCP is not', async () => {
		const server = await serve_http({ tokens, args: ['--open-metrics'] });
		assert.ok((await samples(server)).vitrine_http_requests_total > 0);
		assert.equal((await post(server, modern('tools/list'))).status, 401);
		await server.stop();
	});
	test('an authorization server is named only where there is one', async () => {
		const path = '/.well-known/oauth-protected-resource';
		const plain = await serve_http({ tokens });
		assert.equal((await get(plain, path)).status, 404);
		assert.equal((await post(plain, modern('ping'))).headers.get('www-authenticate'), 'Bearer');
		await plain.stop();

		const server = await serve_http({ tokens, args: ['--auth-server', 'https://login.example'] });
		const refused = await post(server, modern('ping'));
		const [, url] = /resource_metadata="([^"]*)"/.exec(refused.headers.get('www-authenticate'));
		assert.equal(url, `${server.origin}${path}/mcp`);
		for (const place of [url, new URL(path, server.origin)]) {
			const metadata = await (await fetch(place)).json();
			assert.equal(metadata.resource, server.mcp.href);
			assert.deepEqual(metadata.authorization_servers, ['https://login.example']);
		}
		await server.stop();
	});
});

test('a principal has the calls its token allows, and is told when to come back', async () => {
	const server = await serve_http({ tokens });
	const first = post(server, modern('tools/call', { name: 'wait', arguments: { duration: 2 } }, { token: TOKEN }));
	await until('a call in flight', async () => (await samples(server, TOKEN)).vitrine_calls_in_flight === 1);
	const request = modern('tools/call', { name: 'wait', arguments: { duration: 0 } }, { token: TOKEN });
	const response = await post(server, request);
	assert.equal(response.headers.get('retry-after'), '1');
	const { result } = await answer_of(response, request.body.id);
	assert.ok(result.isError);
	assert.match(result.content[0].text, /you have 1 call in flight/);
	assert.equal((await samples(server, TOKEN))['vitrine_calls_total{tool="wait",outcome="limit"}'], 1);
	await (await first).text();
	await server.stop();
});

/** Whether somebody listens there. */
async function is_open(port) {
	const socket = connect(port, '127.0.0.1');
	try {
		await once(socket, 'connect');
		return true;
	} catch {
		return false;
	} finally {
		socket.destroy();
	}
}

describe('the end', () => {
	test('what is in flight is answered, streams end with their answer, nobody new comes in', async () => {
		const server = await serve_http();
		await call(server, 'cursor_position');
		const waiting = modern('tools/call', { name: 'wait', arguments: { duration: 2 } });
		const listening = modern('subscriptions/listen', { notifications: {} });
		const stream = await post(server, listening);
		const heard = events(stream);
		assert.equal(JSON.parse((await heard.next()).value.data).method,
			'notifications/subscriptions/acknowledged');
		const answer = post(server, waiting).then((response) => answer_of(response, waiting.body.id));
		await until('a call in flight', async () => (await samples(server)).vitrine_calls_in_flight === 1);

		process.kill(server.pid, 'SIGTERM');
		const last = JSON.parse((await heard.next()).value.data);
		assert.deepEqual([last.id, last.result?.resultType], [listening.body.id, 'complete']);
		assert.equal((await heard.next()).done, true);
		assert.equal(await is_open(server.port), false);
		assert.match((await answer).result.content[0].text, /^Waited 2s/);
		assert.deepEqual(await server.ended, { code: 0, signal: null });
	});
	test('what takes too long then is answered with an error', async () => {
		const server = await serve_http();
		const waiting = modern('tools/call', { name: 'wait', arguments: { duration: 100 } });
		const answer = post(server, waiting).then((response) => answer_of(response, waiting.body.id));
		await until('a call in flight', async () => (await samples(server)).vitrine_calls_in_flight === 1);
		process.kill(server.pid, 'SIGTERM');
		const { result } = await answer;
		assert.equal(result.isError, true);
		assert.match(result.content[0].text, /the server is shutting down/);
		assert.deepEqual(await server.ended, { code: 0, signal: null });
	});
	test('told twice, it does not wait', async () => {
		const server = await serve_http();
		const waiting = modern('tools/call', { name: 'wait', arguments: { duration: 100 } });
		const answer = post(server, waiting).then((response) => response.text(), () => 'gone');
		await until('a call in flight', async () => (await samples(server)).vitrine_calls_in_flight === 1);
		process.kill(server.pid, 'SIGTERM');
		await until('nobody listens', async () => !(await is_open(server.port)));
		process.kill(server.pid, 'SIGTERM');
		assert.deepEqual(await server.ended, { code: 0, signal: null });
		assert.equal(await answer, 'gone');
	});
});
