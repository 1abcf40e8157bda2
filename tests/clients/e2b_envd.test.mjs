// envd of E2B's API, as its SDK uses it: commands, terminals, files, watching.  A sandbox of namespaces; the streams also on fake.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthenticationError, FileNotFoundError, InvalidArgumentError, NotFoundError, Sandbox, TimeoutError } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';

let server, fake, box, c, f;

before(async () => {
	[server, fake] = await Promise.all([serve_e2b({ backend: 'namespace' }), serve_e2b()]);
	box = await Sandbox.create('base', { ...server.connection, envs: { FROM_SANDBOX: 'box' } });
	[c, f] = [box.commands, box.files];
});
after(() => Promise.all([server.stop(), fake.stop()]));

const failure = (promise) => promise.then(() => assert.fail('it did not fail'), (e) => e);

/* ---- commands ---- */

test('a command has its outputs, its status and its environment', async () => {
	const { stdout, stderr, exitCode } = await c.run('echo out; echo err >&2; echo $FROM_SANDBOX $FROM_CALL; pwd; whoami; echo $HOME $USER $LOGNAME $LANG',
		{ envs: { FROM_CALL: 'call' } });
	assert.deepEqual([stdout, stderr, exitCode], ['out\nbox call\n/home/user\nuser\n/home/user user user C.UTF-8\n', 'err\n', 0]);
	assert.equal((await c.run('echo $FROM_CALL$FROM_SANDBOX', { envs: { FROM_SANDBOX: 'other' } })).stdout, 'other\n');
	const three = await failure(c.run('exit 3'));
	assert.deepEqual([three.exitCode, three.message], [3, 'exit status 3']);
	assert.equal((await c.run('pwd', { cwd: '/tmp' })).stdout, '/tmp\n');
	assert.equal((await c.run('pwd', { cwd: '~' })).stdout, '/home/user\n');
	assert.ok(await failure(c.run('pwd', { cwd: '/nope' })) instanceof InvalidArgumentError);
});

test('output comes as it is printed, and characters are not torn', async () => {
	const seen = [];
	const { stdout } = await c.run('printf "h\\303"; sleep 0.2; printf "\\251\\n"; seq 1 300000 | tail -n 1', { onStdout: (text) => seen.push(text) });
	assert.equal(stdout, 'hé\n300000\n');
	assert.ok(seen.length > 1);
	assert.equal((await c.run('seq 1 500000')).stdout.length, 3388895);
});

test('a process has stdin until it is closed, or none', async () => {
	const cat = await c.run('cat', { background: true, stdin: true });
	await c.sendStdin(cat.pid, 'one ');
	await c.sendStdin(cat.pid, 'x'.repeat(600_000)); // more than a pipe holds
	await c.closeStdin(cat.pid);
	assert.equal((await cat.wait()).stdout.length, 600_004);
	const none = await c.run('cat; echo $?; exec sleep 100', { background: true, stdin: false });
	assert.match((await failure(c.sendStdin(none.pid, 'x'))).message, /internal/);
	await none.kill();
});

test('processes are listed, found and killed', async () => {
	const sleeper = await c.run('sleep 1000', { background: true, envs: { A: '1' } });
	const row = (await c.list()).find(({ pid }) => pid === sleeper.pid);
	assert.deepEqual([row.cmd, row.args, row.envs], ['/bin/bash', ['-l', '-c', 'sleep 1000'], { A: '1' }]);
	assert.equal(await c.kill(sleeper.pid), true);
	const killed = await failure(sleeper.wait());
	assert.deepEqual([killed.exitCode, killed.message], [-1, 'signal: killed']);
	assert.equal(await c.kill(sleeper.pid), false, 'it is gone');
	assert.equal(await c.kill(999_999), false);
	for (let i = 0; i < 10; i++) {
		const terminal = await box.pty.create({ cols: 80, rows: 24, onData: () => {} });
		assert.equal(await box.pty.kill(terminal.pid), true);
		assert.equal((await c.run(`kill -0 ${terminal.pid} 2>/dev/null; echo $?`)).stdout, '1\n', 'it is gone when that is said');
	}
	assert.equal((await c.list()).find(({ pid }) => pid === sleeper.pid), undefined);
});

test('a client that left comes back, and a process that has just ended is found', async () => {
	const first = await c.run('read line; echo "$line"; exit 5', { background: true, stdin: true });
	await first.disconnect();
	const again = await c.connect(first.pid);
	await c.sendStdin(first.pid, 'back\n');
	const end = await failure(again.wait());
	assert.deepEqual([end.stdout, end.exitCode], ['back\n', 5]);
	assert.equal((await failure((await c.connect(first.pid)).wait())).exitCode, 5);
	assert.ok(await failure(c.connect(999_999)) instanceof NotFoundError);
});

test('the timeout of a start kills, that of a connection does not', async () => {
	const late = await c.run('sleep 1000', { background: true, timeoutMs: 300 });
	assert.ok(await failure(late.wait()) instanceof TimeoutError);
	// The client has a timer of its own, so the kill may be under way.
	assert.equal((await c.run(`while kill -0 ${late.pid} 2>/dev/null; do sleep 0.05; done; echo gone`)).stdout, 'gone\n');
	const kept = await c.run('sleep 1000', { background: true });
	assert.ok(await failure((await c.connect(kept.pid, { timeoutMs: 300 })).wait()) instanceof TimeoutError);
	assert.equal((await c.run(`kill -0 ${kept.pid}; echo $?`)).stdout, '0\n');
	await kept.kill();
});

test('a child in the background holds the end back, a kill does not wait for it', async () => {
	const holds = await c.run('(sleep 0.3; echo late) & echo first', { background: true });
	assert.equal((await holds.wait()).stdout, 'first\nlate\n');
	const held = await c.run('setsid sleep 3 & echo first; sleep 1000', { background: true });
	await held.kill();
	assert.equal((await failure(held.wait())).exitCode, -1);
});

test('another user is not there', async () => {
	for (const user of ['root', 'nobody-has-this', '../x']) {
		assert.ok(await failure(c.run('true', { user })) instanceof AuthenticationError, user);
		assert.ok(await failure(f.list('/', { user })) instanceof AuthenticationError, user);
		assert.ok(await failure(f.read('/etc/passwd', { user })) instanceof AuthenticationError, user);
	}
});

/* ---- terminals ---- */

test('a terminal has a size, input and an end', async () => {
	let seen = '';
	const terminal = await box.pty.create({ cols: 80, rows: 24, envs: { ABC: 'abc' }, onData: (data) => (seen += Buffer.from(data)) });
	await box.pty.resize(terminal.pid, { cols: 101, rows: 31 });
	await box.pty.sendInput(terminal.pid, Buffer.from('stty size; echo $ABC$TERM; exit 4\n'));
	await terminal.wait().catch(() => {});
	assert.equal(terminal.exitCode, 4);
	assert.match(seen, /31 101\r\nabcxterm-256color\r\n/);
	assert.match((await failure(c.sendStdin(terminal.pid, 'x'))).message, /\[/);
});

test('a terminal outlives its first client', async () => {
	let seen = '';
	const first = await box.pty.create({ cols: 80, rows: 24, onData: () => {} });
	await first.disconnect();
	const second = await box.pty.connect(first.pid, { onData: (data) => (seen += Buffer.from(data)) });
	await box.pty.sendInput(first.pid, Buffer.from('echo $((6 * 7))\nexit\n'));
	assert.equal((await second.wait()).exitCode, 0);
	assert.match(seen, /42/);
});

/* ---- files ---- */

test('files are written and read in every form', async () => {
	assert.deepEqual(await f.write('a.txt', 'text'), { name: 'a.txt', path: '/home/user/a.txt', type: 'file', metadata: undefined });
	assert.equal(await f.read('~/a.txt'), 'text');
	await f.write('new/dir/b', 'octets', { useOctetStream: true, gzip: true });
	assert.equal(await f.read('new/dir/b', { gzip: true }), 'octets');
	const bytes = crypto.getRandomValues(new Uint8Array(65_536));
	const big = Buffer.concat(Array(48).fill(bytes));
	await f.write('big', big.buffer.slice(big.byteOffset, big.byteOffset + big.length));
	assert.ok(big.equals(Buffer.from(await f.read('big', { format: 'bytes' }))));
	const many = await f.write([{ path: 'm 1', data: 'one' }, { path: 'ü"2', data: '' }]);
	assert.deepEqual(many.map(({ path }) => path), ['/home/user/m 1', '/home/user/ü"2']);
	assert.equal(await f.read('ü"2'), '');
	assert.match(await f.read('/proc/cpuinfo'), /^processor/);
	assert.ok(await failure(f.read('nope')) instanceof FileNotFoundError);
	assert.ok(await failure(f.read('new')) instanceof InvalidArgumentError);
});

test('metadata stay with a file until it is written without', async () => {
	assert.deepEqual((await f.write('meta', 'x', { metadata: { Author: 'mish' } })).metadata, { author: 'mish' });
	assert.deepEqual((await f.getInfo('meta')).metadata, { author: 'mish' });
	assert.deepEqual((await f.rename('meta', 'meta2')).metadata, { author: 'mish' });
	assert.equal((await f.write('meta2', 'y')).metadata, undefined);
	assert.equal((await f.getInfo('meta2')).metadata, undefined);
	assert.ok(await failure(f.write('meta2', 'z', { metadata: { k: 'v'.repeat(5000) } })) instanceof InvalidArgumentError);
});

test('entries are described, links by what they lead to', async () => {
	await c.run('mkdir d; echo hello >d/file; ln -s d/file good; ln -s nowhere broken; chmod 751 d');
	const { modifiedTime, ...file } = await f.getInfo('d/file');
	assert.deepEqual(file, { name: 'file', type: 'file', path: '/home/user/d/file', size: 6, mode: 0o644, permissions: '-rw-r--r--',
		owner: 'user', group: 'user', symlinkTarget: undefined, metadata: undefined });
	assert.ok(Math.abs(modifiedTime - Date.now()) < 3600_000);
	const dir = await f.getInfo('d');
	assert.deepEqual([dir.type, dir.mode, dir.permissions], ['dir', 0o751, 'drwxr-x--x']);
	const good = await f.getInfo('good');
	assert.deepEqual([good.type, good.mode, good.permissions, good.symlinkTarget], ['file', 0o644, 'Lrwxrwxrwx', '/home/user/d/file']);
	const broken = await f.getInfo('broken');
	assert.deepEqual([broken.type, broken.symlinkTarget], [undefined, '/home/user/broken']);
	assert.ok(await failure(f.getInfo('nope')) instanceof FileNotFoundError);
	assert.equal(await f.exists('nope'), false);
});

test('directories are made once, listed in order, moved and removed', async () => {
	assert.equal(await f.makeDir('t/b/c'), true);
	assert.equal(await f.makeDir('t/b'), false);
	await f.write('t/a', '');
	assert.deepEqual((await f.list('t')).map(({ name }) => name), ['a', 'b']);
	assert.deepEqual((await f.list('t', { depth: 9 })).map(({ path }) => path), ['a', 'b', 'b/c'].map((name) => `/home/user/t/${name}`));
	assert.ok(await failure(f.list('t/a')) instanceof InvalidArgumentError);
	assert.ok(await failure(f.makeDir('t/a')) instanceof InvalidArgumentError);
	assert.ok(await failure(f.list('nope')) instanceof FileNotFoundError);
	assert.equal((await f.rename('t/a', 'u/v/w')).path, '/home/user/u/v/w');
	assert.ok(await failure(f.rename('t/a', 't/z')) instanceof FileNotFoundError);
	await f.remove('t');
	await f.remove('t');
	assert.equal(await f.exists('t'), false);
});

test('signed URLs are for one file and one way', async () => {
	await f.write('s.txt', 'signed');
	const url = await box.downloadUrl('s.txt', { useSignatureExpiration: 1000 });
	const got = await fetch(url);
	assert.deepEqual([got.status, await got.text()], [200, 'signed']);
	assert.match(got.headers.get('content-disposition'), /^inline; filename="?s\.txt/);
	assert.equal((await fetch(url, { headers: { Range: 'bytes=1-2' } })).status, 206);
	const told = async (response) => [response.status, await response.json()];
	assert.deepEqual(await told(await fetch(url.replace('s.txt', 'a.txt'))), [401, { code: 401, message: 'invalid signature' }]);
	assert.deepEqual(await told(await fetch(await box.downloadUrl('s.txt', { useSignatureExpiration: -1000 }))),
		[401, { code: 401, message: 'signature is already expired' }]);
	const form = new FormData();
	form.append('file', new Blob(['up']), 'ignored');
	assert.deepEqual(await told(await fetch(await box.uploadUrl('up.txt'), { method: 'POST', body: form })),
		[200, [{ path: '/home/user/up.txt', name: 'up.txt', type: 'file' }]]);
	assert.equal((await fetch(url, { method: 'POST', body: form })).status, 401);
});

/* ---- watching ---- */

test('changes are told, with the entries, and below', async () => {
	const seen = [];
	await f.makeDir('w/sub');
	const watch = await f.watchDir('w', (event) => seen.push(event), { recursive: true, includeEntry: true });
	await f.write('w/sub/f', 'x');
	await f.rename('w/sub/f', 'w/g');
	await f.remove('w/g');
	while (!seen.some(({ type }) => type === 'remove')) {
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	await watch.stop();
	assert.deepEqual(seen.map(({ type, name }) => `${type} ${name}`),
		['create sub/f', 'chmod sub/f', 'write sub/f', 'rename sub/f', 'create g', 'remove g']);
	assert.equal(seen.find(({ type }) => type === 'create').name, 'sub/f');
	assert.ok(await failure(f.watchDir('nope', () => {})) instanceof FileNotFoundError);
	assert.ok(await failure(f.watchDir('/etc/passwd', () => {})) instanceof InvalidArgumentError);
});

/** A unary call as the Python SDK makes it. */
async function rpc(method, message) {
	const response = await fetch(`${server.url}/filesystem.Filesystem/${method}`, { method: 'POST', body: JSON.stringify(message, null, 2),
		headers: { 'Content-Type': 'application/json', 'E2b-Sandbox-Id': box.sandboxId, 'E2b-Sandbox-Port': '49983',
			'X-Access-Token': box.envdAccessToken ?? box.connectionConfig.headers?.['X-Access-Token'] } });
	return { status: response.status, ...(await response.json()) };
}

test('a watcher has everything that happened before it is asked', async () => {
	await f.makeDir('polled');
	const { watcherId } = await rpc('CreateWatcher', { path: 'polled', include_entry: true });
	for (let i = 0; i < 20; i++) {
		await f.write(`polled/${i}`, 'x');
		const { events } = await rpc('GetWatcherEvents', { watcherId });
		assert.deepEqual(events.map(({ type, name, entry }) => [type, name, entry.path]),
			['CREATE', 'CHMOD', 'WRITE'].map((type) => [`EVENT_TYPE_${type}`, `${i}`, `/home/user/polled/${i}`]));
	}
	assert.deepEqual(await rpc('GetWatcherEvents', { watcher_id: watcherId }), { status: 200, events: [] });
	assert.deepEqual(await rpc('RemoveWatcher', { watcherId }), { status: 200 });
	assert.equal((await rpc('GetWatcherEvents', { watcherId })).code, 'not_found');
	assert.equal((await rpc('CreateWatcher', { path: 'nope' })).status, 404);
	const many = await Promise.all(Array.from({ length: 70 }, () => rpc('CreateWatcher', { path: 'polled' })));
	assert.ok(many.some(({ code }) => code === 'resource_exhausted'), 'their number is bounded');
	await Promise.all(many.filter((m) => m.watcherId).map((m) => rpc('RemoveWatcher', m)));
});

/* ---- the end ---- */

test('streams are cut with the sandbox', async () => {
	for (const { connection } of [server, fake]) {
		const short = await Sandbox.create('base', connection);
		assert.equal(await short.isRunning(), true);
		const running = await short.commands.run('sleep 1000', { background: true });
		await short.kill();
		assert.match((await failure(running.wait())).message, /sandbox was killed or reached its end of life/);
		assert.equal(await short.isRunning(), false);
	}
});

test('a process that has ended is forgotten', async () => {
	const over = await c.run('cat', { background: true, stdin: true });
	await c.closeStdin(over.pid);
	await over.wait();
	assert.ok(await failure(c.sendStdin(over.pid, 'x')) instanceof NotFoundError);
	assert.ok(await failure(c.closeStdin(over.pid)) instanceof NotFoundError);
	const terminal = await box.pty.create({ cols: 80, rows: 24, onData: () => {} });
	await box.pty.sendInput(terminal.pid, Buffer.from('exit\n'));
	await terminal.wait();
	assert.ok(await failure(box.pty.resize(terminal.pid, { cols: 1, rows: 1 })) instanceof NotFoundError);
	assert.equal(await box.pty.kill(terminal.pid), false);
});
