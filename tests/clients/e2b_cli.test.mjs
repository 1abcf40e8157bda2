// E2B's own command line, unmodified, against a server with desktops of namespaces.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Sandbox } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';
import { modules } from './lib/server.mjs';

const program = join(modules, '@e2b/cli/dist/index.js');
let server, sandbox;

before(async () => {
	server = await serve_e2b({ backend: 'namespace' });
	sandbox = await Sandbox.create({ ...server.connection, metadata: { purpose: 'cli' } });
});
after(() => server.stop());

const environment = () => ({ ...process.env, ...server.variables, FORCE_COLOR: '0', NO_COLOR: '1' });
/** Its stdin is passed on by `exec`, so it must end. */
function e2b(...args) {
	const running = promisify(execFile)(process.execPath, [program, ...args], { env: environment(), timeout: 60_000 });
	running.child.stdin.end();
	return running;
}

test('sandbox list and info', async () => {
	const { stdout } = await e2b('sandbox', 'list');
	assert.match(stdout, new RegExp(`${sandbox.sandboxId}.*base.*Running.*"purpose":"cli"`));
	assert.match((await e2b('sandbox', 'info', sandbox.sandboxId)).stdout, /State: running/);
});

test('sandbox exec passes output and exit codes on', async () => {
	const { stdout } = await e2b('sandbox', 'exec', sandbox.sandboxId, '--', 'echo', 'hello from', '$HOME');
	assert.equal(stdout, 'hello from $HOME\n');
	await assert.rejects(e2b('sandbox', 'exec', sandbox.sandboxId, '--', 'sh', '-c', 'exit 3'), ({ code }) => {
		assert.equal(code, 3);
		return true;
	});
});

/** In a terminal, which it requires; what is typed after its prompt has come. */
function in_terminal(command, typed) {
	return new Promise((resolve) => {
		const child = spawn('script', ['-qec', command, '/dev/null'], { env: environment(), timeout: 60_000 });
		let said = '';
		child.stdout.on('data', (text) => {
			said += text;
			if (typed.length && said.includes('$ ')) {
				child.stdin.write(`${typed.shift()}\n`);
			}
		});
		child.on('exit', () => resolve(said));
	});
}

test('sandbox connect is a terminal', async () => {
	const said = await in_terminal(`${process.execPath} ${program} sandbox connect ${sandbox.sandboxId}`,
		['echo $((6*7)) $USER $PWD; exit']);
	assert.match(said, /42 user \/home\/user/);
});

test('sandbox logs and metrics', async () => {
	await e2b('sandbox', 'logs', sandbox.sandboxId);
	await e2b('sandbox', 'metrics', sandbox.sandboxId);
});

test('sandbox kill', async () => {
	await e2b('sandbox', 'kill', sandbox.sandboxId);
	assert.equal(await sandbox.isRunning(), false);
});
