// The toolset "sandbox" through a real client: create, list, fork, roll back, kill, with progress; on the fake
// backend, whose desktops can all be copied.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { serve, vitrine } from './lib/server.mjs';

const state = mkdtempSync(join(tmpdir(), 'vitrine-state-'));
const client = new Client({ name: 'sandboxes-test', version: '1.0.0' });

const transport = new StdioClientTransport({ command: vitrine, args: serve('fake'),
	env: { ...process.env, STATE_DIRECTORY: state } });
let told = []; // the SDK forgets progress that comes in one piece with the answer, so it is read here, too

before(async () => {
	await client.connect(transport);
	const { onmessage } = transport;
	transport.onmessage = (message, extra) => {
		if (message.method === 'notifications/progress') {
			told.push(message.params);
		}
		onmessage(message, extra);
	};
});
after(async () => {
	await client.close();
	rmSync(state, { recursive: true });
});

async function call(name, args = {}, options = {}) {
	const result = await client.callTool({ name, arguments: args }, undefined, options);
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return text_in(result);
}

async function refused(name, args = {}) {
	const result = await client.callTool({ name, arguments: args });
	assert.equal(result.isError, true, `${name} ${JSON.stringify(args)} was taken`);
	return text_in(result);
}

const ids_in = (text) => text.match(/\b[a-z0-9]{20}\b/g) ?? [];
const typed_in = (sandbox) => call('run_command', { sandbox, command: 'cat typed' });

/** What a call told of its progress: it must go up, and have words. */
async function progress_of(name, args) {
	told = [];
	const text = await call(name, args, { onprogress: () => {} });
	assert.ok(told.length > 0, `${name} told no progress`);
	assert.ok(told.every((p) => p.message), 'each with a message');
	assert.ok(told.every((p, i) => !i || p.progress > told[i - 1].progress), 'it goes up');
	assert.ok(told.every((p) => p.progress <= p.total), 'and not beyond its end');
	return text;
}

test('a sandbox is made, with the stages of its start, and shows its labels', async () => {
	const text = await progress_of('sandbox_create',
		{ screen: '800x600', labels: { task: 'first' } });
	const [id] = ids_in(text);
	assert.ok(told.length >= 3, `${told.length} stages`);
	assert.match(await call('sandbox_list'), new RegExp(`^1 sandbox:\n${id}: ready, fake, 800x600`));
	assert.match(await call('sandbox_info', { sandbox: id }), /labels task=first/);
	const info = await client.readResource({ uri: `desktop://${id}/info` });
	assert.deepEqual(JSON.parse(info.contents[0].text).labels, { task: 'first' });
	await call('sandbox_kill', { sandbox: id });
	assert.match(await call('sandbox_list'), /^You have no sandbox/);
});

test('a fork has the half-typed text, and each copy goes its own way', async () => {
	await call('type', { text: 'half a sent' });
	const text = await progress_of('sandbox_fork', { count: 3 });
	const [source, ...copies] = ids_in(text);
	assert.equal(copies.length, 3, text);
	for (const [i, sandbox] of copies.entries()) {
		await call('type', { sandbox, text: ` ${i}` });
	}
	for (const [i, sandbox] of copies.entries()) {
		assert.equal(await typed_in(sandbox), `half a sent ${i}`);
	}
	assert.equal(await typed_in(source), 'half a sent');
	for (const sandbox of copies) {
		await call('sandbox_kill', { sandbox });
	}
});

test('a paused one tells its state without waking, and is woken by its next call', async () => {
	const text = await progress_of('sandbox_pause', {});
	const [id] = ids_in(text);
	const info = await client.readResource({ uri: `desktop://${id}/info` });
	assert.equal(JSON.parse(info.contents[0].text).state, 'paused');
	assert.match(await call('sandbox_list'), /: paused, your default/);
	assert.equal(await typed_in(), 'half a sent');
	assert.match(await call('sandbox_list'), /: ready, your default/);
});

test('a snapshot, and back to it', async () => {
	await progress_of('sandbox_snapshot', { name: 'half' });
	await call('type', { text: 'ence' });
	await progress_of('sandbox_rollback', { snapshot: 'half' });
	assert.equal(await typed_in(), 'half a sent');
	assert.match(await call('snapshot_list'), /^1 snapshot:\n[a-z0-9]{20} "half": of sandbox /);
	await call('snapshot_delete', { snapshot: 'half' });
	assert.match(await refused('sandbox_rollback', { snapshot: 'half' }), /no snapshot/);
});

test('a fork that is taken back ends its copies', async () => {
	await call('run_command', { command: 'set slow' });
	const controller = new AbortController();
	const fork = call('sandbox_fork', { count: 5 },
		{ signal: controller.signal, onprogress: () => controller.abort() });
	await assert.rejects(fork);
	for (let i = 0; i < 600 && !/^1 sandbox/.test(await call('sandbox_list')); i++) {
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	assert.match(await call('sandbox_list'), /^1 sandbox:/);
});

test('a wrong argument is told what is right', async () => {
	assert.match(await refused('sandbox_fork', { count: 101 }), /integer from 1 to 100/);
	assert.match(await refused('sandbox_create', { labels: { a: 1 } }), /object of at most 32 strings/);
	assert.match(await refused('sandbox_create', { screen: 'big' }), /WIDTHxHEIGHT/);
});
