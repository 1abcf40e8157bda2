// The life of a microVM through E2B's API with its SDK: what stays through pause, fork and snapshot, and what wakes one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Sandbox } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';
import { skip, state_with_image } from './lib/machines.mjs';

describe('on microvm', { skip, timeout: 1_800_000 }, () => {
	const slow = { timeout: 900_000 };
	let state, server;
	const serve = () => serve_e2b({ backend: 'microvm', args: ['--state-dir', state.path, '--start-timeout', '120', '--keep'] });
	before(async () => {
		state = state_with_image();
		server = await serve();
	}, slow);
	after(async () => {
		await server.stop();
		state.remove();
	});

	test('files and variables stay through pause, fork and snapshot', slow, async () => {
		const sandbox = await Sandbox.create('base', { ...server.connection, envs: { COLOUR: 'dark blue' }, timeoutMs: 600_000 });
		const look = async (one) => (await one.commands.run('cat kept; echo "$COLOUR"')).stdout;
		await sandbox.files.write('kept', 'one\n');
		await sandbox.pause();
		assert.equal(await sandbox.isRunning(), false);
		await sandbox.connect();
		assert.equal(await look(sandbox), 'one\ndark blue\n');
		const [fork] = await sandbox.fork();
		await fork.files.write('kept', 'two\n');
		assert.equal(await look(sandbox), 'one\ndark blue\n');
		assert.equal(await look(fork), 'two\ndark blue\n');
		await fork.kill();
		const { snapshotId } = await sandbox.createSnapshot();
		await sandbox.kill();
		const copy = await Sandbox.create(snapshotId, server.connection);
		assert.equal((await copy.commands.run('cat kept')).stdout, 'one\n');
		await copy.kill();
		await Sandbox.deleteSnapshot(snapshotId, server.connection);
	});

	test('one that sleeps at its timeout is woken by a request', slow, async () => {
		const sandbox = await Sandbox.create('base', { ...server.connection, timeoutMs: 600_000,
			lifecycle: { onTimeout: 'pause', autoResume: true } });
		await sandbox.files.write('kept', 'one\n');
		await sandbox.pause();
		assert.equal((await sandbox.getInfo()).state, 'paused');
		assert.equal(await sandbox.files.read('kept'), 'one\n');
		assert.equal((await sandbox.getInfo()).state, 'running');
		await sandbox.kill();
	});

	test('a paused one outlives its server, with its token', slow, async () => {
		const { sandboxId, envdAccessToken } = await Sandbox.create('base', { ...server.connection, metadata: { a: '1' }, timeoutMs: 60_000 });
		await Sandbox.pause(sandboxId, server.connection);
		await server.stop();
		server = await serve();
		const again = await Sandbox.connect(sandboxId, server.connection);
		assert.equal(again.envdAccessToken, envdAccessToken);
		assert.deepEqual((await again.getInfo()).metadata, { a: '1' });
		assert.equal((await again.commands.run('echo runs')).stdout, 'runs\n');
		await again.kill();
	});
});
