// Every kind of message in every revision, checked against the specification's schema by RawClient.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { image_in, text_in } from './lib/image.mjs';
import { RawClient } from './lib/raw.mjs';

/** Every request there is in both eras; answers errors as {code}. */
async function tour(client) {
	const ask = async (...request) => {
		const answer = await client.request(...request);
		return answer.result ?? { code: answer.error.code };
	};
	const { tools } = await ask('tools/list');
	assert.ok(tools.length >= 20);
	assert.match(text_in(await ask('tools/call', { name: 'left_click',
		arguments: { coordinate: [3, 4] } })), /^Clicked\./);
	assert.equal(image_in(await ask('tools/call', { name: 'screenshot', arguments: {} })).width, 1280);
	const failed = await ask('tools/call', { name: 'left_click', arguments: { coordinate: [1] } });
	assert.equal(failed.isError, true);
	assert.equal((await ask('tools/call', { name: 'nothing', arguments: {} })).code, -32602);
	const { resources } = await ask('resources/list');
	for (const { uri } of resources) {
		assert.equal((await ask('resources/read', { uri })).contents[0].uri, uri);
	}
	await ask('resources/templates/list');
	const { prompts } = await ask('prompts/list');
	await ask('prompts/get', { name: prompts[0].name });
	await ask('completion/complete', { ref: { type: 'ref/resource', uri: 'desktop://{sandbox}/screen' },
		argument: { name: 'sandbox', value: '' } });
	assert.equal((await ask('tools/list', { cursor: 'nonsense' })).code, -32602);
	const missing = await ask('resources/read', { uri: 'desktop://aaaaaaaaaaaaaaaaaaaa/screen' });
	assert.equal(missing.code, client.modern ? -32602 : -32002);
	assert.equal((await ask('no/such/method')).code, -32601);
}

for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
	test(`${revision}: every answer fits the schema`, async () => {
		const client = new RawClient({ revision });
		const { result } = await client.open();
		assert.equal(result.protocolVersion, revision);
		assert.deepEqual((await client.request('ping')).result, {});
		assert.deepEqual((await client.request('logging/setLevel', { level: 'debug' })).result, {});
		await tour(client);
		const { resources } = (await client.request('resources/list')).result;
		const { uri } = resources[0];
		assert.deepEqual((await client.request('resources/subscribe', { uri })).result, {});
		assert.deepEqual((await client.request('resources/unsubscribe', { uri })).result, {});
		assert.equal((await client.close()).code, 0);
	});
}

test('2026-07-28: every answer fits the schema', async () => {
	const client = new RawClient({ revision: '2026-07-28' });
	const { result } = await client.open();
	assert.ok(result.supportedVersions.includes('2026-07-28'));
	await tour(client);
	for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe']) {
		assert.equal((await client.request(method, { uri: 'desktop://x/screen', level: 'debug',
			protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }))
			.error.code, -32601, method);
	}
	assert.equal((await client.close()).code, 0);
});

describe('2026-07-28 is strict about what a request carries', () => {
	const meta = 'io.modelcontextprotocol/';
	const send = async (_meta) => {
		const client = new RawClient({ revision: '2026-07-28' });
		const answer = client.answer(77);
		client.line(JSON.stringify({ jsonrpc: '2.0', id: 77, method: 'tools/list', params: { _meta } }));
		const { error } = await answer;
		await client.close();
		return error;
	};
	test('an unknown version is -32022 and names the known ones', async () => {
		const error = await send({ [`${meta}protocolVersion`]: '2031-01-01',
			[`${meta}clientCapabilities`]: {} });
		assert.equal(error.code, -32022);
		assert.equal(error.data.requested, '2031-01-01');
		assert.ok(error.data.supported.includes('2026-07-28'));
	});
	test('missing capabilities are -32602', async () => {
		assert.equal((await send({ [`${meta}protocolVersion`]: '2026-07-28' })).code, -32602);
	});
});

test('an unknown revision gets the newest legacy one', async () => {
	const client = new RawClient({ revision: '1999-01-01' });
	assert.equal((await client.open()).result.protocolVersion, '2025-11-25');
	await client.close();
});

test('2025-03-26 answers batches, the later revisions refuse them', async () => {
	const old = new RawClient({ revision: '2025-03-26' });
	await old.open();
	const batch = [old.make('ping'), old.make('tools/list'), old.make('tools/call',
		{ name: 'cursor_position', arguments: {} })];
	const answers = batch.map((request) => old.answer(request.id));
	old.line(JSON.stringify([...batch, { jsonrpc: '2.0', method: 'notifications/x' }]));
	assert.equal((await Promise.all(answers)).filter((a) => a.result).length, 3);
	const last = await old.message((m) => Array.isArray(m));
	assert.equal(last.length, 3, 'one array with one answer a request');
	await old.close();

	const young = new RawClient({ revision: '2025-11-25' });
	await young.open();
	young.line('[{"jsonrpc":"2.0","id":1,"method":"ping"}]');
	assert.equal((await young.message((m) => m.error)).error.code, -32600);
	await young.close();
});

for (const revision of ['2025-11-25', '2026-07-28']) {
	test(`${revision}: a cancelled request gets no answer`, async () => {
		const client = new RawClient({ revision });
		await client.open();
		const waiting = client.make('tools/call', { name: 'wait', arguments: { duration: 250 } });
		client.line(JSON.stringify(waiting));
		await client.call('sandbox_list');
		client.notify('notifications/cancelled', { requestId: waiting.id, reason: 'enough' });
		await client.call('left_click', { coordinate: [1, 1] });
		await client.call('screenshot');
		assert.equal((await client.close()).code, 0);
		assert.deepEqual(client.messages.filter((m) => m.id === waiting.id), []);
	});
}

test('the pages of a list put together are the list', async () => {
	const client = new RawClient();
	await client.open();
	const names = [];
	let cursor;
	do {
		const { result } = await client.request('tools/list', cursor ? { cursor } : undefined);
		names.push(...result.tools.map((t) => t.name));
		cursor = result.nextCursor;
	} while (cursor);
	assert.equal(new Set(names).size, names.length);
	await client.close();
});

test('progress carries the token and is sent before the answer', async () => {
	const client = new RawClient();
	await client.open();
	await client.call('screenshot', {}, { progressToken: 'tok-1' });
	const told = client.messages.filter((m) => m.method === 'notifications/progress');
	assert.ok(told.every((m) => m.params.progressToken === 'tok-1'));
	await client.call('screenshot');
	assert.equal(client.messages.filter((m) => m.method === 'notifications/progress').length,
		told.length, 'nothing is sent without a token');
	await client.close();
});
