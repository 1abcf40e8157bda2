// The control plane of E2B's API with its SDK, unmodified: sandboxes, their lists and life, keys, and the other door (MCP).
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { AuthenticationError, Sandbox, SandboxNotFoundError } from 'e2b';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { serve_e2b } from './lib/e2b.mjs';
import { vitrine } from './lib/server.mjs';

const limit = { timeout: 120_000 };

async function mcp(server) {
	const client = new Client({ name: 'test', version: '1' });
	await client.connect(new StreamableHTTPClientTransport(new URL(server.variables.MCP_URL),
		{ requestInit: { headers: { Authorization: `Bearer ${server.key}` } } }));
	return client;
}

const text_of = ({ content }) => content.map(({ text }) => text).join('\n');

async function all(paginator) {
	const found = [];
	while (paginator.hasNext) {
		found.push(...await paginator.nextItems());
	}
	return found;
}

for (const backend of ['fake', 'namespace']) {
	describe(`on ${backend}`, limit, () => {
		let server;
		const create = (options) => Sandbox.create('base', { ...server.connection, ...options });
		const list = (options) => all(Sandbox.list({ ...server.connection, ...options }));
		before(async () => {
			server = await serve_e2b({ backend, args: ['--http', '127.0.0.1:0'] });
		});
		after(() => server.stop());

		test('a sandbox is created, described, found and ended', limit, async () => {
			const metadata = { user: 'ann & bob=%+', 'a b': 'ü' };
			const sandbox = await create({ metadata, timeoutMs: 60_000 });
			const info = await sandbox.getInfo();
			assert.equal(info.sandboxId, sandbox.sandboxId);
			assert.deepEqual(info.metadata, metadata);
			assert.equal(info.state, 'running');
			assert.equal(info.templateId, 'base');
			assert.ok(info.endAt - info.startedAt > 50_000);
			const found = await list({ query: { metadata } });
			assert.deepEqual(found.map(({ sandboxId }) => sandboxId), [sandbox.sandboxId]);
			assert.deepEqual(await list({ query: { metadata: { user: 'ann' } } }), []);
			assert.equal(await sandbox.kill(), true);
			assert.equal(await Sandbox.kill(sandbox.sandboxId, server.connection), false);
			await assert.rejects(Sandbox.getInfo(sandbox.sandboxId, server.connection), SandboxNotFoundError);
		});

		test('timeouts move the end, connecting only extends it', limit, async () => {
			const sandbox = await create({ timeoutMs: 300_000 });
			const end = async () => (await sandbox.getInfo()).endAt.getTime();
			const first = await end();
			await Sandbox.connect(sandbox.sandboxId, { ...server.connection, timeoutMs: 1000 });
			assert.equal(await end(), first);
			await sandbox.connect({ timeoutMs: 900_000 });
			assert.ok(await end() > first + 500_000);
			await sandbox.setTimeout(60_000);
			assert.ok(await end() < first);
			await sandbox.kill();
		});

		test('lists have an order and pages', limit, async () => {
			const made = [await create({ metadata: { list: '1' } }), await create({ metadata: { list: '1' } })];
			const ids = made.map(({ sandboxId }) => sandboxId);
			const query = { metadata: { list: '1' }, state: ['running'] };
			const ids_of = async (options) => (await list({ query, ...options })).map(({ sandboxId }) => sandboxId);
			assert.deepEqual(await ids_of({ order: 'asc' }), ids);
			assert.deepEqual(await ids_of({ limit: 1 }), ids.toReversed(), 'two pages of one');
			const { startedAt } = await made[1].getInfo();
			assert.deepEqual(await ids_of({ query: { ...query, startedAfter: startedAt } }), [ids[1]]);
			await Promise.all(made.map((sandbox) => sandbox.kill()));
		});

		test('the other door shows the same sandboxes, with their variables', limit, async () => {
			const client = await mcp(server);
			const sandbox = await create({ envs: { COLOUR: 'dark blue' } });
			assert.match(text_of(await client.callTool({ name: 'sandbox_list', arguments: {} })), new RegExp(sandbox.sandboxId));
			if (backend === 'namespace') {
				const said = await client.callTool({ name: 'run_command',
					arguments: { sandbox: sandbox.sandboxId, command: 'echo "it is $COLOUR"' } });
				assert.match(text_of(said), /it is dark blue/);
			}
			const text = text_of(await client.callTool({ name: 'sandbox_create', arguments: { labels: { door: 'mcp' } } }));
			const [id] = /\b[a-z0-9]{20}\b/.exec(text);
			const [found] = await list({ query: { metadata: { door: 'mcp' } } });
			assert.equal(found.sandboxId, id);
			assert.equal(await Sandbox.kill(id, server.connection), true);
			await sandbox.kill();
			await client.close();
		});

		test('what cannot be had is said', limit, async () => {
			await assert.rejects(Sandbox.create('nothing', server.connection), /template 'nothing' not found/);
			await assert.rejects(create({ network: { allowOut: ['1.1.1.1'], denyOut: ['0.0.0.0/0'] } }), /destinations/);
			await assert.rejects(Sandbox.connect('aaaaaaaaaaaaaaaaaaaa', server.connection), SandboxNotFoundError);
			await assert.rejects(Sandbox.create('base', { ...server.connection, apiKey: `e2b_${'0'.repeat(40)}` }), AuthenticationError);
		});
	});
}

describe('saved sandboxes, on fake', limit, () => {
	let server;
	before(async () => {
		server = await serve_e2b();
	});
	after(() => server.stop());

	test('a paused one is listed as such, and continues', limit, async () => {
		const sandbox = await Sandbox.create('base', { ...server.connection, metadata: { a: '1' } });
		const { startedAt } = await sandbox.getInfo();
		assert.equal(await sandbox.pause(), true);
		assert.equal(await sandbox.pause(), false);
		const [paused] = await all(Sandbox.list({ ...server.connection, query: { state: ['paused'] } }));
		assert.equal(paused.sandboxId, sandbox.sandboxId);
		assert.deepEqual(paused.startedAt, startedAt);
		await sandbox.connect();
		assert.equal((await sandbox.getInfo()).state, 'running');
		await sandbox.kill();
	});

	test('forks are sandboxes of their own', limit, async () => {
		const sandbox = await Sandbox.create('base', server.connection);
		const forks = await sandbox.fork({ count: 2 });
		const ids = new Set([sandbox, ...forks].map(({ sandboxId }) => sandboxId));
		assert.equal(ids.size, 3);
		await Promise.all([sandbox, ...forks].map((one) => one.kill()));
	});

	test('snapshots are listed, used and deleted', limit, async () => {
		const sandbox = await Sandbox.create('base', server.connection);
		const { snapshotId, names } = await sandbox.createSnapshot({ name: 'mine' });
		assert.deepEqual(names, ['default/mine:default']);
		const found = await all(sandbox.listSnapshots());
		assert.deepEqual(found.map((one) => one.snapshotId), [snapshotId]);
		assert.deepEqual(await all(Sandbox.listSnapshots({ ...server.connection, name: 'yours' })), []);
		for (const template of [snapshotId, 'mine']) {
			await (await Sandbox.create(template, server.connection)).kill();
		}
		assert.equal(await Sandbox.deleteSnapshot(snapshotId, server.connection), true);
		assert.equal(await Sandbox.deleteSnapshot(snapshotId, server.connection), false);
		await sandbox.kill();
	});
});

describe('keys', limit, () => {
	const state = mkdtempSync(join(tmpdir(), 'vitrine-keys-'));
	const key = (...args) => execFileSync(vitrine, ['key', ...args, '--state-dir', state], { encoding: 'utf8', stdio: 'pipe' }).trim();
	after(() => rmSync(state, { recursive: true }));

	test('one is good until it is removed, and owns what it created', limit, async () => {
		const [ann, bob] = [key('add', 'ann'), key('add', 'bob')];
		assert.match(ann, /^e2b_[0-9a-f]{40}$/);
		const server = await serve_e2b({ args: ['--state-dir', state] });
		const [hers, his] = [ann, bob].map((apiKey) => ({ ...server.connection, apiKey }));
		const sandbox = await Sandbox.create('base', hers);
		assert.equal((await all(Sandbox.list(hers))).length, 1);
		assert.deepEqual(await all(Sandbox.list(his)), []);
		assert.equal(await Sandbox.kill(sandbox.sandboxId, his), false);
		assert.deepEqual(key('list').split('\n'), ['ann', 'bob']);
		key('remove', 'ann');
		let refused;
		while (!refused) { // the server watches the file
			refused = await all(Sandbox.list(hers)).then(() => null, (why) => why);
		}
		assert.ok(refused instanceof AuthenticationError);
		assert.deepEqual(await all(Sandbox.list(his)), []);
		await server.stop();
	});
});

test('TLS by name, with the certificate that was made', limit, async () => {
	const server = await serve_e2b({ args: ['--e2b-tls', '127.0.0.1:0'] });
	const { E2B_API_KEY, E2B_DOMAIN, NODE_EXTRA_CA_CERTS } = server.variables;
	// Browsers resolve names below localhost; the C library does not.
	const program = `
		import dns from 'node:dns';
		const lookup = dns.lookup;
		dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest);
		const { Sandbox } = await import('e2b');
		const sandbox = await Sandbox.create('base');
		const answer = await fetch('https://' + sandbox.getHost(49983) + '/nothing');
		console.log(sandbox.getHost(8080).replace(sandbox.sandboxId, 'ID'), answer.headers.get('content-type'));
		await sandbox.kill();`;
	const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program],
		{ cwd: import.meta.dirname, env: { PATH: process.env.PATH, E2B_API_KEY, E2B_DOMAIN, NODE_EXTRA_CA_CERTS } });
	assert.equal(stdout, `8080-ID.${E2B_DOMAIN} application/json\n`);
	await server.stop();
});
