// envd of E2B's API in a microVM: its users, files everywhere, and what a pause leaves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotFoundError, Sandbox } from 'e2b';
import { serve_e2b_microvms } from './lib/e2b.mjs';
import { skip } from './lib/machines.mjs';

const slow = { timeout: 900_000, skip }; // software emulation on a busy machine
let box;
const it = serve_e2b_microvms(async ({ connection }) => {
	box = await Sandbox.create('base', { ...connection, timeoutMs: 900_000 });
});

const root = { user: 'root' };
const shell = async (command, options) => (await box.commands.run(command, options)).stdout;

test('root has its own home, commands and files', slow, async () => {
	assert.equal(await shell('id -u; pwd; echo $HOME', root), '0\n/root\n/root\n');
	assert.equal(await shell('id -u; pwd', { ...root, cwd: '/tmp' }), '0\n/tmp\n');
	assert.equal((await box.files.write('a', 'of root', root)).path, '/root/a');
	assert.equal(await box.files.read('~/a', root), 'of root');
	assert.equal((await box.files.getInfo('/root/a', root)).owner, 'root');
	const sleeper = await box.commands.run('sleep 1000', { ...root, background: true });
	assert.equal(await sleeper.kill(), true);
	assert.equal((await sleeper.wait().catch((e) => e)).exitCode, -1);
});

test('a user of the sandbox can be named as soon as there is one', slow, async () => {
	assert.equal((await shell('id -un', { user: 'ana' }).catch((e) => e)).name, 'AuthenticationError');
	await shell('sudo useradd -m ana');
	assert.equal(await shell('id -un; pwd', { user: 'ana' }), 'ana\n/home/ana\n');
	assert.equal((await box.files.write('x', '', { user: 'ana' })).path, '/home/ana/x');
});

test('files are written everywhere, and are the user\'s', slow, async () => {
	await box.files.write([{ path: '/app/one', data: '1' }, { path: 'two', data: '2' }], { metadata: { of: 'both' } });
	assert.equal(await shell('stat -c "%U:%G %a" /app /app/one two'), 'user:user 755\nuser:user 644\nuser:user 644\n');
	for (const path of ['/app/one', 'two']) {
		assert.deepEqual((await box.files.getInfo(path)).metadata, { of: 'both' });
	}
	assert.deepEqual((await box.files.rename('/app/one', '/srv/one')).metadata, { of: 'both' });
	assert.equal(await box.files.read('/srv/one'), '1');
	assert.ok((await box.files.list('/root')).some(({ name }) => name === 'a'));
	const seen = [];
	const watch = await box.files.watchDir('/srv', ({ type, name }) => seen.push(`${type} ${name}`));
	await box.files.write('/srv/new', 'x');
	await box.files.remove('/srv/new');
	while (seen.length < 4) {
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	await watch.stop();
	assert.deepEqual(seen, ['create new', 'chmod new', 'write new', 'remove new']);
});

/** A unary call as the Python SDK makes it. */
async function rpc(method, message) {
	const response = await fetch(`${it.server.url}/filesystem.Filesystem/${method}`, { method: 'POST', body: JSON.stringify(message),
		headers: { 'Content-Type': 'application/json', 'E2b-Sandbox-Id': box.sandboxId, 'E2b-Sandbox-Port': '49983',
			'X-Access-Token': box.envdAccessToken ?? box.connectionConfig.headers?.['X-Access-Token'] } });
	return response.json();
}

test('a watcher outlives a pause', slow, async () => {
	await box.files.makeDir('polled');
	const { watcherId } = await rpc('CreateWatcher', { path: 'polled' });
	await box.files.write('polled/before', '');
	assert.equal((await rpc('GetWatcherEvents', { watcherId })).events.length, 2);
	await box.pause();
	await box.connect();
	assert.deepEqual((await rpc('GetWatcherEvents', { watcherId })).events, []);
	await box.files.write('polled/after', 'x');
	assert.deepEqual((await rpc('GetWatcherEvents', { watcherId })).events.map(({ name }) => name), ['after', 'after', 'after']);
	assert.deepEqual(await rpc('RemoveWatcher', { watcherId }), {});
});

test('a pause cuts connections and keeps processes, files and metadata', slow, async () => {
	const kept = await box.commands.run('read line; echo "$line"; exit 7', { background: true, stdin: true });
	await box.pause();
	assert.match((await kept.wait().catch((e) => e)).message, /sandbox was killed or reached its end of life/);
	assert.equal(await box.isRunning(), false);
	await box.connect();
	const again = await box.commands.connect(kept.pid);
	await box.commands.sendStdin(kept.pid, 'on\n');
	const end = await again.wait().catch((e) => e);
	assert.deepEqual([end.stdout, end.exitCode], ['on\n', 7]);
	assert.equal(await box.files.read('a', root), 'of root');
	assert.deepEqual((await box.files.getInfo('two')).metadata, { of: 'both' });
	assert.ok(await box.commands.connect(999_999).catch((e) => e) instanceof NotFoundError);
});
