// `vitrine serve --http` for tests: a server of its own on a free port, with or without tokens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve, vitrine } from './server.mjs';

const META = 'io.modelcontextprotocol/';
export const MODERN = '2026-07-28', LEGACY = '2025-11-25';

/** Those whose test failed before it stopped them. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function tokens_file(tokens) {
	const dir = mkdtempSync(join(tmpdir(), 'vitrine-tokens-'));
	const file = join(dir, 'tokens.json');
	writeFileSync(file, JSON.stringify(tokens), { mode: 0o600 });
	return { file, remove: () => rmSync(dir, { recursive: true }) };
}

/** Where it listens, from what it says on stderr. */
function heard(child) {
	return new Promise((resolve, reject) => {
		let said = '';
		child.stderr.on('data', (text) => {
			said += text;
			const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
			if (url) {
				resolve(url[0]);
			}
		});
		child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
	});
}

/** options: program, backend, port, args, and tokens: [{name, token, ...}] (none: --no-auth). */
export async function serve_http({ program = vitrine, backend = 'fake', port = 0, args = [], tokens } = {}) {
	const kept = tokens && tokens_file(tokens);
	const auth = kept ? ['--tokens', kept.file] : ['--no-auth'];
	const child = spawn(program, [...serve(backend), '--http', `127.0.0.1:${port}`, ...auth, ...args],
		{ stdio: ['ignore', 'ignore', 'pipe'] });
	running.add(child);
	const ended = once(child, 'exit').then(([code, signal]) => {
		running.delete(child);
		return { code, signal };
	});
	const origin = await heard(child).finally(() => kept?.remove());
	return { origin, port: Number(new URL(origin).port), pid: child.pid, ended,
		mcp: new URL('/mcp', origin), sse: new URL('/sse', origin),
		async stop() {
			child.kill('SIGTERM');
			assert.deepEqual(await ended, { code: 0, signal: null }, 'it ends well when told to');
		} };
}

export const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/* ---- requests by hand ---- */

let next_id = 1;

/** A modern request with all it needs: {headers, body}. */
export function modern(method, params = {}, { token, meta, headers } = {}) {
	const name = params.name ?? params.uri;
	const body = { jsonrpc: '2.0', id: next_id++, method, params: { ...params, _meta: {
		[`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {}, ...meta } } };
	return { body, headers: { 'Content-Type': 'application/json',
		Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': MODERN,
		'Mcp-Method': method, ...(name ? { 'Mcp-Name': name } : {}), ...bearer(token), ...headers } };
}

/** A request of a legacy session. */
export function legacy(method, params = {}, { token, session, headers } = {}) {
	return { body: { jsonrpc: '2.0', id: next_id++, method, params },
		headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream',
			...(session ? { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': LEGACY } : {}),
			...bearer(token), ...headers } };
}

export const post = (server, { headers, body }, options = {}) => fetch(server.mcp,
	{ method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body), ...options });

/** Events of a stream as they come: {id, event, data, retry}. */
export async function* events(response) {
	let rest = '';
	for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
		const blocks = (rest + text).split('\n\n');
		rest = blocks.pop();
		for (const block of blocks) {
			const event = {};
			for (const [, field, value] of block.matchAll(/^(id|event|data|retry): ?(.*)$/gm)) {
				event[field] = field === 'data' && event.data !== undefined
					? `${event.data}\n${value}` : value;
			}
			if (Object.keys(event).length) {
				yield event;
			}
		}
	}
}

/** The answer to a request, whether it came as JSON or at the end of a stream. */
export async function answer_of(response, id) {
	if (response.headers.get('content-type')?.startsWith('application/json')) {
		return response.json();
	}
	for await (const { data } of events(response)) {
		const message = data && JSON.parse(data);
		if (message && message.id === id && !message.method) {
			return message;
		}
	}
	throw new Error(`status ${response.status}, and no answer`);
}

/** A modern request and its answer. */
export async function ask(server, method, params, options) {
	const request = modern(method, params, options);
	return answer_of(await post(server, request), request.body.id);
}

export const call = (server, name, args = {}, options) =>
	ask(server, 'tools/call', { name, arguments: args }, options);

/** A legacy session: its id, after initialize and initialized. */
export async function legacy_session(server, { token } = {}) {
	const request = legacy('initialize', { protocolVersion: LEGACY, capabilities: {},
		clientInfo: { name: 'raw', version: '1' } }, { token });
	const response = await post(server, request);
	const answer = await answer_of(response, request.body.id);
	assert.equal(answer.result?.protocolVersion, LEGACY, JSON.stringify(answer));
	const session = response.headers.get('mcp-session-id');
	const ready = legacy('notifications/initialized', {}, { token, session });
	delete ready.body.id;
	assert.equal((await post(server, ready)).status, 202);
	return session;
}
