// The stream itself: what no well-behaved client sends, how it ends, and what is left behind.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { text_in } from './lib/image.mjs';
import { RawClient } from './lib/raw.mjs';
import { all_gone, descendants, eventually, resident_kib, still_running } from './lib/server.mjs';

const MESSAGE_MAX = 8 << 20; // bytes of a line, README
const ended_well = { code: 0, signal: null };

async function opened(options) {
	const client = new RawClient(options);
	await client.open();
	return client;
}

describe('lines that are not messages', () => {
	const garbage = [
		['not JSON', '{"jsonrpc": "2.0", "id": 1, "method"', -32700],
		['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), -32700],
		['a number', '17', -32600],
		['no version', '{"id": 901, "method": "ping"}', -32600],
		['a method that is a number', '{"jsonrpc": "2.0", "id": 902, "method": 5}', -32600],
		['an id that is an object', '{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600],
		['a key twice', '{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', -32700],
		['nested too deep', '['.repeat(100_000), -32700],
		['a NUL inside', '{"jsonrpc": "2.0",\u0000 "id": 1}', -32700],
	];
	for (const [what, bytes, code] of garbage) {
		test(`${what} is ${code}, and the stream goes on`, async () => {
			const client = await opened();
			client.child.stdin.write(bytes);
			client.child.stdin.write('\n');
			const { error } = await client.message((m) => m.error);
			assert.equal(error.code, code, error.message);
			assert.ok(error.message.length > 10);
			assert.deepEqual((await client.request('ping')).result, {});
			assert.equal((await client.close()).code, 0);
		});
	}
	test('empty lines and CR LF are fine', async () => {
		const client = await opened();
		client.child.stdin.write('\n\r\n{"jsonrpc":"2.0","id":"crlf","method":"ping"}\r\n');
		assert.deepEqual((await client.message((m) => m.id === 'crlf')).result, {});
		assert.equal((await client.close()).code, 0);
	});
	test('answers and notifications nobody asked for are ignored', async () => {
		const client = await opened();
		client.line('{"jsonrpc":"2.0","id":55,"result":{}}');
		client.line('{"jsonrpc":"2.0","id":56,"error":{"code":1,"message":"x"}}');
		client.notify('notifications/cancelled', { requestId: 'never-was' });
		client.notify('notifications/no_such_thing');
		const before = client.messages.length;
		assert.deepEqual((await client.request('ping')).result, {});
		assert.equal(client.messages.length, before + 1);
		await client.close();
	});
});

test('a line of the largest size is taken, a longer one refused, and the stream goes on', async () => {
	const client = await opened();
	const envelope = JSON.stringify({ jsonrpc: '2.0', id: 'big', method: 'ping', params: { _meta: { x: '' } } });
	const fits = envelope.replace('""', `"${'a'.repeat(MESSAGE_MAX - envelope.length)}"`);
	client.line(fits);
	assert.deepEqual((await client.message((m) => m.id === 'big')).result, {});
	client.line(fits.replace('aa', 'aaa'));
	const { error } = await client.message((m) => m.error);
	assert.match(error.message, /8 ?MiB|8388608|8,388,608/);
	client.line('b'.repeat(3 * MESSAGE_MAX));
	assert.deepEqual((await client.request('ping')).result, {});
	assert.equal(client.messages.filter((m) => m.error).length, 2, 'one error a line');
	assert.equal((await client.close()).code, 0);
});

test('a message may come in single bytes, or many in one write', async () => {
	const client = await opened();
	for (const byte of '{"jsonrpc":"2.0","id":"slow","method":"ping"}\n') {
		client.child.stdin.write(byte);
		await sleep(1);
	}
	await client.message((m) => m.id === 'slow');
	const many = [...Array(200).keys()].map((i) => `{"jsonrpc":"2.0","id":"m${i}","method":"ping"}\n`);
	client.child.stdin.write(many.join(''));
	await client.message((m) => m.id === 'm199');
	const ids = client.messages.map((m) => m.id).filter((id) => /^m\d/.test(id));
	assert.deepEqual(ids, many.map((_, i) => `m${i}`), 'pings are answered in order');
	await client.close();
});

describe('stdin as a file', () => {
	const requests = [
		{ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25',
			capabilities: {}, clientInfo: { name: 'file', version: '1' } } },
		{ jsonrpc: '2.0', method: 'notifications/initialized' },
		{ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'screenshot', arguments: {} } },
		{ jsonrpc: '2.0', id: 3, method: 'tools/list' },
	].map((r) => JSON.stringify(r));

	async function from_file(text) {
		const dir = mkdtempSync(join(tmpdir(), 'stdin-'));
		writeFileSync(join(dir, 'in.jsonl'), text);
		const client = new RawClient({ stdin: openSync(join(dir, 'in.jsonl')) });
		const end = await client.close();
		await client.closed;
		rmSync(dir, { recursive: true });
		return { end, ids: client.messages.map((m) => m.id).sort() };
	}
	test('is read to its end, and what was asked is answered', async () => {
		assert.deepEqual(await from_file(`${requests.join('\n')}\n`), { end: ended_well, ids: [1, 2, 3] });
	});
	test('its last line needs no line end', async () => {
		assert.deepEqual(await from_file(requests.join('\n')), { end: ended_well, ids: [1, 2, 3] });
	});
	test('/dev/null ends at once', async () => {
		const client = new RawClient({ stdin: 'ignore' });
		assert.deepEqual(await client.close(), ended_well);
	});
});

describe('the end', () => {
	for (const backend of ['fake', 'namespace']) {
		const started = async () => {
			const client = await opened({ backend });
			const { result } = await client.call('screenshot');
			assert.notEqual(result.isError, true, text_in(result));
			const sandbox = descendants(client.pid);
			assert.equal(sandbox.length > 0, backend === 'namespace');
			return { client, sandbox };
		};
		test(`${backend}: EOF ends the process and its sandbox`, async () => {
			const { client, sandbox } = await started();
			assert.deepEqual(await client.close(), ended_well);
			await all_gone(sandbox);
		});
		test(`${backend}: EOF waits for a long call, and answers it`, async () => {
			const { client, sandbox } = await started();
			const long = client.call('wait', { duration: 5 });
			const ended = client.close();
			assert.match(text_in((await long).result), /^Waited 5s/);
			assert.deepEqual(await ended, ended_well);
			await all_gone(sandbox);
		});
		test(`${backend}: EOF of a client that is gone ends a long call`, async () => {
			const { client, sandbox } = await started();
			client.line(JSON.stringify(client.make('tools/call', { name: 'wait', arguments: { duration: 290 } })));
			await client.call('sandbox_list');
			client.child.stdout.destroy();
			assert.deepEqual(await client.close(), ended_well);
			await all_gone(sandbox);
		});
		for (const [how, at_end] of [['', () => {}], [' after EOF', (client) => client.child.stdin.end()]]) {
			test(`${backend}: SIGTERM${how} answers a long call with an error`, async () => {
				const { client, sandbox } = await started();
				const long = client.call('wait', { duration: 290 });
				await client.call('sandbox_list');
				at_end(client);
				client.child.kill('SIGTERM');
				const { result } = await long;
				assert.equal(result.isError, true);
				assert.match(text_in(result), /the server is shutting down/);
				assert.deepEqual(await client.ended, ended_well);
				await all_gone(sandbox);
			});
		}
		test(`${backend}: SIGTERM is a clean stop`, async () => {
			const { client, sandbox } = await started();
			client.child.kill('SIGTERM');
			assert.deepEqual(await client.ended, ended_well);
			await all_gone(sandbox);
		});
		test(`${backend}: after SIGKILL of the server nothing is left`, async () => {
			const { client, sandbox } = await started();
			client.child.kill('SIGKILL');
			assert.equal((await client.ended).signal, 'SIGKILL');
			await all_gone(sandbox);
		});
	}
	test('a client that closes its end of stdout ends the server', async () => {
		const { client, sandbox } = { client: await opened(), sandbox: [] };
		client.child.stdout.destroy();
		for (let i = 0; i < 20; i++) {
			client.line('{"jsonrpc":"2.0","id":1,"method":"ping"}');
		}
		assert.deepEqual(await client.ended, ended_well);
		await all_gone(sandbox);
	});
});

test('errors do not tell where the host keeps its files; the log does', async () => {
	const dir = mkdtempSync(join(tmpdir(), 'hidden-'));
	writeFileSync(join(dir, 'file'), '');
	const state = join(dir, 'file', 'state');
	const client = await opened({ args: ['--state-dir', state] });
	await client.call('screenshot');
	const { result } = await client.call('sandbox_snapshot');
	assert.equal(result.isError, true);
	assert.match(text_in(result), /the state directory/);
	assert.ok(!text_in(result).includes(dir), text_in(result));
	assert.deepEqual(await client.close(), ended_well);
	assert.ok(client.log.includes(dir), client.log);
	rmSync(dir, { recursive: true });
});

test('a client that does not read neither stops the server nor fills its memory', async () => {
	const client = new RawClient({ read: false });
	const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call',
		params: { name: 'screenshot', arguments: {} } });
	const init = JSON.stringify(client.make('initialize', { protocolVersion: '2025-11-25',
		capabilities: {}, clientInfo: { name: 'slow', version: '1' } }));
	client.line(init);
	// Far more answers than may ever be queued: 1,000 pictures and 10,000 lists, some 190 MB.
	for (let i = 0; i < 1000; i++) {
		client.line(call.replace('"id":1', `"id":"s${i}"`));
	}
	for (let i = 0; i < 10000; i++) {
		client.line(`{"jsonrpc":"2.0","id":"t${i}","method":"tools/list"}`);
	}
	await sleep(3000); // let it take what it will
	assert.equal(still_running([{ ...descendants(process.pid).find((p) => p.pid === client.pid) }]).length, 1);
	assert.ok(resident_kib(client.pid) < 128 << 10, `${resident_kib(client.pid)} KiB resident`);
	client.read(); // and now it reads: every request gets its answer
	await client.message((m) => m.id === 't9999');
	await eventually('all 1,000 screenshots were answered', () =>
		client.messages.filter((m) => String(m.id).startsWith('s')).length === 1000, 120);
	assert.ok(resident_kib(client.pid) < 128 << 10);
	assert.equal((await client.close()).code, 0);
});
