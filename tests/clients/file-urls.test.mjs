// Files over HTTP: with a token, and by the URLs of file_url, of a server with --http and of one over stdio.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { text_in } from './lib/image.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { serve, vitrine } from './lib/server.mjs';

const TOKENS = [{ name: 'alice', token: 'alices-secret-token' }, { name: 'bob', token: 'bobs-secret-token' }];
const [alice, bob] = TOKENS.map(({ token }) => bearer(token));

let server, sandbox;
const client = new Client({ name: 'file-urls-test', version: '1.0.0' });

before(async () => {
	server = await serve_http({ backend: 'namespace', tokens: TOKENS });
	await client.connect(new StreamableHTTPClientTransport(server.mcp, { requestInit: { headers: alice } }));
	sandbox = /sandbox ([a-z0-9]+)/.exec(await said('file_url', { path: 'x' }))[1];
});
after(async () => {
	await client.close();
	await server.stop();
});

const said = async (name, args, of = client) => {
	const result = await of.callTool({ name, arguments: args });
	assert.notEqual(result.isError, true, text_in(result));
	return text_in(result);
};
const shell = (command, of = client) => said('run_command', { command }, of);
const url_in = (text) => /^http\S+$/m.exec(text)[0];
const file_url = async (args, of = client) => url_in(await said('file_url', args, of));
const file_at = (path, id = sandbox) => new URL(`/api/sandboxes/${id}/files?path=${encodeURIComponent(path)}`, server.origin);
const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('with a token, a file is stored, read and read in part', async () => {
	const stored = await fetch(file_at('d/naïve "name"'), { method: 'PUT', headers: alice, body: 'hello' });
	assert.deepEqual([stored.status, await stored.json()],
		[200, [{ path: '/home/user/d/naïve "name"', name: 'naïve "name"', bytes: 5 }]]);
	const read = await fetch(file_at('~/d/naïve "name"'), { headers: alice });
	assert.deepEqual([read.status, read.headers.get('content-length'), await read.text()], [200, '5', 'hello']);
	const part = await fetch(file_at('d/naïve "name"'), { headers: { ...alice, Range: 'bytes=1-2' } });
	assert.deepEqual([part.status, await part.text()], [206, 'el']);
	const same = await fetch(file_at('d/naïve "name"'), { headers: { ...alice, 'If-None-Match': read.headers.get('etag') } });
	assert.equal(same.status, 304);
	const head = await fetch(file_at('d/naïve "name"'), { method: 'HEAD', headers: alice });
	assert.deepEqual([head.status, head.headers.get('content-length')], [200, '5']);
});

test('large files travel both ways as they are', async () => {
	const bytes = Buffer.alloc(50_000_000);
	for (let i = 0; i < bytes.length; i += 4) {
		bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
	}
	const stream = () => new Blob([bytes]).stream();
	const stored = await fetch(file_at('large'), { method: 'PUT', headers: alice, body: stream(), duplex: 'half' });
	assert.equal((await stored.json())[0].bytes, bytes.length);
	assert.match(await shell('sha256sum large'), new RegExp(sum(bytes)));
	const read = await fetch(file_at('large'), { headers: alice });
	assert.equal(sum(Buffer.from(await read.arrayBuffer())), sum(bytes));
	const zipped = stream().pipeThrough(new CompressionStream('gzip'));
	const again = await fetch(file_at('again'), { method: 'PUT', body: zipped, duplex: 'half',
		headers: { ...alice, 'Content-Encoding': 'gzip' } });
	assert.equal(again.status, 200);
	assert.equal(await shell('cmp large again && rm large again && echo same'), 'same\n');
});

test('forms store one file at the path, or several in a directory', async () => {
	const form = new FormData();
	form.append('note', 'not a file');
	form.append('file', new Blob(['1']), 'a/one.txt');
	assert.equal((await fetch(file_at('form'), { method: 'POST', headers: alice, body: form })).status, 200);
	assert.equal(await shell('cat form'), '1');
	form.append('file', new Blob(['22']), 'zwei "2".txt');
	const two = await fetch(file_at('form'), { method: 'POST', headers: alice, body: form });
	assert.equal(two.status, 400, await two.text());
	const many = await fetch(file_at('many/'), { method: 'POST', headers: alice, body: form });
	assert.deepEqual((await many.json()).map(({ name, bytes }) => [name, bytes]), [['one.txt', 1], ['zwei "2".txt', 2]]);
	assert.equal(await shell('ls many'), 'one.txt\nzwei "2".txt\n');
});

test('what cannot be done is refused with a status', async () => {
	await shell('mkdir -p dir; echo x >closed; chmod 0 closed');
	const status = async (path, options = {}) => (await fetch(file_at(path), { headers: alice, ...options })).status;
	assert.equal(await status('none'), 404);
	assert.equal(await status('dir'), 400);
	assert.equal(await status('closed'), 403);
	assert.equal(await status(''), 400);
	assert.equal(await status('/usr/x', { method: 'PUT', body: 'x' }), 403);
	assert.equal(await status('x', { method: 'DELETE' }), 405);
	assert.equal((await fetch(file_at('x', 'nosuchid'), { headers: alice })).status, 404);
	assert.equal((await fetch(file_at('form'), { headers: bob })).status, 404, "another one's sandbox is not there");
	const none = await fetch(file_at('form'));
	assert.deepEqual([none.status, none.headers.get('www-authenticate')], [401, 'Bearer']);
	assert.equal((await fetch(new URL(`/api/sandboxes/${sandbox}/talk`, server.origin))).status, 401);
});

test('a URL is for one path, one way and a time', async () => {
	const write = await file_url({ path: 'signed name', method: 'write' });
	assert.equal((await fetch(write, { method: 'PUT', body: 'signed' })).status, 200);
	assert.equal((await fetch(write)).status, 401, 'it is not for reading');
	const read = await file_url({ path: 'signed name' });
	assert.equal(await (await fetch(read)).text(), 'signed');
	assert.equal((await fetch(read, { method: 'PUT', body: 'x' })).status, 401);
	for (const [from, to] of [['signed%20name', 'form'], ['expires=1', 'expires=2'], ['signature=', 'signature=0'],
		[/signature=.*/, 'signature='], [`/${sandbox}/`, '/another/']]) {
		assert.notEqual(read.replace(from, to), read);
		assert.equal((await fetch(read.replace(from, to))).status, 401, to);
	}
	const brief = await file_url({ path: 'signed name', expires: 1 });
	const at = Number(new URL(brief).searchParams.get('expires')) * 1000;
	while (Date.now() < at) {
		await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
	}
	const late = await fetch(brief);
	assert.deepEqual([late.status, /expired/.test(await late.text())], [401, true]);
});

test('over stdio, the URLs are of the listener for streams', async () => {
	const own = new Client({ name: 'file-urls-test', version: '1.0.0' });
	await own.connect(new StdioClientTransport({ command: vitrine, args: serve('namespace') }));
	const write = await file_url({ path: 'up', method: 'write' }, own);
	assert.equal((await fetch(write, { method: 'PUT', body: 'over stdio' })).status, 200);
	assert.equal(await (await fetch(await file_url({ path: 'up' }, own))).text(), 'over stdio');
	assert.equal((await fetch(new URL(write).origin + new URL(write).pathname + '?path=up')).status, 401);
	assert.equal((await fetch(new URL('/api/sandboxes', write))).status, 404, 'nothing else is served there');
	await own.close();
});
