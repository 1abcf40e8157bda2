// `vitrine ls`, exec, cp and shell, against a server over stdio (by its socket) and over HTTP (by its URL).
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { vitrine } from './lib/server.mjs';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-remote-'));
const state = join(dir, 'state');
const client = new Client({ name: 'remote-test', version: '1.0.0' });
const env = { ...process.env, VITRINE_URL: undefined, VITRINE_TOKEN: undefined };
let id;

before(async () => {
	await client.connect(new StdioClientTransport({ command: vitrine,
		args: ['serve', '--backend', 'namespace', '--state-dir', state, '--tools', 'all'] }));
	id = /[a-z0-9]{20}/.exec(text_in(await client.callTool({ name: 'sandbox_create', arguments: {} })))[0];
});
after(async () => {
	await client.close();
	rmSync(dir, { recursive: true, force: true });
});

/** The command's end: {status, stdout, stderr}. */
function run(args, input = '') {
	const [name, ...rest] = args;
	const r = spawnSync(vitrine, [name, '--state-dir', state, ...rest], { input, env, maxBuffer: 1 << 28 });
	return { status: r.status, stdout: r.stdout.toString('latin1'), stderr: r.stderr.toString() };
}

test('the sandboxes are listed, on a socket that only its user can open', () => {
	const { status, stdout } = run(['ls']);
	assert.equal(status, 0);
	assert.match(stdout, new RegExp(`^${id} +ready +namespace +stdio$`, 'm'));
	const [socket] = readdirSync(join(state, 'servers'));
	assert.equal(statSync(join(state, 'servers', socket)).mode & 0o777, 0o600);
	assert.equal(statSync(join(state, 'servers')).mode & 0o777, 0o700);
});

test('a command has our streams and its status', () => {
	assert.deepEqual(run(['exec', id, '--', 'sh', '-c', 'cat; echo bad >&2; exit 7'], 'in \0 \xff'),
		{ status: 7, stdout: 'in \0 \xc3\xbf', stderr: 'bad\n' });
	assert.equal(run(['exec', id.slice(0, 8), '--', 'printf', '%s|', 'a b', '', '--help']).stdout, 'a b||--help|');
	assert.equal(run(['exec', '--cwd', '/tmp', '--env', 'X=1=2', id, '--', 'sh', '-c', 'pwd; echo $X']).stdout,
		'/tmp\n1=2\n');
	assert.equal(run(['exec', id, '--', 'sh', '-c', 'kill -TERM $$']).status, 143);
	const flood = run(['exec', id, '--', 'seq', '1', '3000000']);
	assert.equal(createHash('sha256').update(flood.stdout).digest('hex'),
		createHash('sha256').update(spawnSync('seq', ['1', '3000000'], { maxBuffer: 1 << 28 }).stdout).digest('hex'));
});

test('what is wrong is said', () => {
	const none = run(['exec', 'zzz', '--', 'true']);
	assert.equal(none.status, 125);
	assert.match(none.stderr, /no sandbox begins with 'zzz'/);
	assert.match(run(['exec', id, '--', '/no/such']).stderr, /\/no\/such/);
	assert.equal(run(['exec', id]).status, 2);
	assert.equal(run(['cp', 'a', 'b']).status, 2);
	assert.match(run(['cp', `${id}:/no/such`, join(dir, 'x')]).stderr, /ENOENT/);
	assert.match(run(['shell', id]).stderr, /terminal/);
	const nobody = spawnSync(vitrine, ['ls', '--state-dir', join(dir, 'other')], { env });
	assert.match(nobody.stderr.toString(), /no server/);
});

test('one that is interrupted kills its command', async () => {
	const child = spawn(vitrine, ['exec', '--state-dir', state, id, '--', 'sh', '-c', 'echo $$; exec sleep 1000'], { env });
	const pid = await new Promise((resolve) => child.stdout.once('data', (d) => resolve(String(d).trim())));
	const ended = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGINT');
	await ended;
	assert.equal(run(['exec', id, '--', 'sh', '-c', `for i in $(seq 100); do kill -0 ${pid} 2>/dev/null || exit 9; sleep .1; done`])
		.status, 9);
});

test('files are copied there and back, byte for byte', async () => {
	const bytes = randomBytes(20_000_000);
	writeFileSync(join(dir, 'big'), bytes, { mode: 0o640 });
	assert.equal(run(['cp', join(dir, 'big'), `${id}:new/dir/`]).status, 0);
	assert.match(run(['ls', `${id}:new/dir`]).stdout, /^-rw-r----- user +\S+ +20000000 .*big$/m);
	assert.equal(run(['cp', `${id}:new/dir/big`, join(dir, 'back')]).status, 0);
	assert.ok(readFileSync(join(dir, 'back')).equals(bytes));
	assert.equal(run(['cp', `${id}:new/dir/big`, '-']).stdout.length, bytes.length);
	assert.equal(run(['cp', '-', `${id}:/tmp/in`], 'piped').status, 0);
	assert.equal(run(['exec', id, '--', 'cat', '/tmp/in']).stdout, 'piped');
	assert.deepEqual(readdirSync(dir).filter((n) => n.includes('part')), []);
	// A file keeps its mode, a link its target, and what is no file is written as it is.
	writeFileSync(join(dir, 'private'), 'old', { mode: 0o600 });
	symlinkSync('private', join(dir, 'link'));
	assert.equal(run(['cp', `${id}:/tmp/in`, join(dir, 'link')]).status, 0);
	assert.equal(readFileSync(join(dir, 'private'), 'utf8'), 'piped');
	assert.equal(statSync(join(dir, 'private')).mode & 0o777, 0o600);
	assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink());
	spawnSync('mkfifo', [join(dir, 'fifo')]);
	const reader = spawn('cat', [join(dir, 'fifo')]);
	const got = new Promise((resolve) => reader.stdout.once('data', (d) => resolve(String(d))));
	assert.equal(run(['cp', `${id}:/tmp/in`, join(dir, 'fifo')]).status, 0);
	assert.equal(await got, 'piped');
	assert.ok(statSync(join(dir, 'fifo')).isFIFO());
});

test('a shell is a terminal of its own', async () => {
	const child = spawn('script', ['-qec', `${vitrine} shell --state-dir ${state} ${id}`, '/dev/null'],
		{ env: { ...env, TERM: 'xterm' } });
	const ended = new Promise((resolve) => child.once('exit', resolve));
	let seen = '';
	child.stdout.on('data', (d) => { seen += d; });
	const until = async (pattern) => {
		while (!pattern.test(seen)) {
			await new Promise((resolve) => child.stdout.once('data', resolve));
		}
	};
	child.stdin.write('stty -echo; test -t 0 && echo is-a-$((1 + 1))-tty\n');
	await until(/is-a-2-tty/);
	child.stdin.write('echo go-$((3 + 4)); sleep 1000\n');
	await until(/go-7/);
	// bash itself ignores one that comes while it starts the program.  It discards what was typed before.
	const interrupting = setInterval(() => child.stdin.write('\x03'), 300);
	await until(/go-7[^$]*\$ /);
	clearInterval(interrupting);
	child.stdin.write('echo after-$((2 + 3)); exit 4\n');
	await until(/after-5/);
	assert.equal(await ended, 4);
});

test('a server that was killed leaves a socket, which the next one removes', async () => {
	const place = join(dir, 'killed');
	const start = () => spawn(vitrine, ['serve', '--backend', 'fake', '--state-dir', place], { env });
	const sockets = () => { try { return readdirSync(join(place, 'servers')); } catch { return []; } };
	const until = async (condition) => { while (!condition()) { await new Promise((r) => setTimeout(r, 20)); } };
	const first = start();
	await until(() => sockets().length === 1);
	const [left] = sockets();
	first.kill('SIGKILL');
	await new Promise((resolve) => first.once('exit', resolve));
	assert.deepEqual(sockets(), [left]);
	const second = start();
	await until(() => sockets().length === 1 && sockets()[0] !== left);
	second.stdin.end();
	await new Promise((resolve) => second.once('exit', resolve));
	assert.deepEqual(sockets(), []);
});

test('the same over HTTP, with a token', async () => {
	const server = spawn(vitrine, ['serve', '--backend', 'fake', '--http', '127.0.0.1:0', '--state-dir', join(dir, 'http')],
		{ env: { ...env, VITRINE_TOKEN: 'a-token-of-sufficient-length-0123456789' } });
	try {
		let said = '';
		while (!/http:\/\/127\.0\.0\.1:\d+/.test(said)) {
			said += await new Promise((resolve) => server.stderr.once('data', resolve));
		}
		const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)[0];
		const ls = (token) => spawnSync(vitrine, ['ls', '--url', url], { env: { ...env, VITRINE_TOKEN: token } });
		const good = ls('a-token-of-sufficient-length-0123456789');
		assert.equal(good.status, 0, String(good.stderr));
		assert.match(ls('wrong').stderr.toString(), /refuses the token/);
	} finally {
		server.kill('SIGTERM');
		await new Promise((resolve) => server.once('exit', resolve));
	}
});
