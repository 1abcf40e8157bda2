// The bench of E2B's API, with E2B's own SDK as the client.
//
//   e2b_bench.mjs [--quick] [--row NAME] [--json FILE] [--state DIR]     --state: where the image of a microVM is; none: no microVM
//
// The peer is what a program does without a sandbox for the same thing: Node's child_process and fs, and a direct connection.
import { exec, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { serve_e2b } from '../clients/lib/e2b.mjs';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, row: { type: 'string' },
	json: { type: 'string' }, build: { type: 'string' }, source: { type: 'string' }, state: { type: 'string' } } });
const selected = (name) => !options.row || options.row === 'e2b' || options.row === name;
const dir = mkdtempSync(join(tmpdir(), 'vitrine-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const { Sandbox } = await import('../clients/node_modules/e2b/dist/index.mjs');
const { Sandbox: Desktop } = await import('../clients/node_modules/@e2b/desktop/dist/index.mjs');

/* ---- samples ---- */

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const figures = (samples) => {
	const sorted = [...samples].sort((a, b) => a - b);
	return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), n: sorted.length };
};

async function timed(fn) {
	const began = performance.now();
	await fn();
	return performance.now() - began;
}

const rows = [];

/** Ours and the peer's in turns.  peer: a function, or none. */
async function row(name, title, budget, n, ours, peer, way) {
	const [mine, theirs] = [[], []];
	await ours();
	await peer?.();
	for (let i = 0; i < (options.quick ? Math.ceil(n / 5) : n); i++) {
		mine.push(await timed(ours));
		if (peer) {
			theirs.push(await timed(peer));
		}
	}
	rows.push({ name, title, budget, ours: figures(mine), peer: peer ? figures(theirs) : null, way });
}

function print({ title, budget, ours, peer, way }) {
	const number = (x) => x.toFixed(x < 10 ? 2 : 1);
	const beside = peer ? `${way}: p50 ${number(peer.p50)}, p95 ${number(peer.p95)}, n ${peer.n}; ${(peer.p50 / ours.p50).toFixed(1)}x` : '-';
	console.log(`${title.padEnd(58)} p50 ${number(ours.p50).padStart(7)}  p95 ${number(ours.p95).padStart(7)}  n ${String(ours.n).padStart(3)}  `
		+ `budget ${budget} ${ours.p50 <= budget ? 'met' : 'NOT MET'}   ${beside}`);
}

/* ---- rows ---- */

const shell = promisify(exec);
const mebibyte = 'x'.repeat(1 << 20);

async function of_commands(sandbox) {
	await row('e2b-command', 'commands.run("true")', 5, 200, async () => {
		const { exitCode } = await sandbox.commands.run('true');
		if (exitCode !== 0) {
			throw new Error(`exit code ${exitCode}`);
		}
	}, () => shell('/bin/bash -l -c true', { env: { HOME: '/tmp' } }), 'child_process');
}

async function of_files(sandbox) {
	const path = join(dir, 'file');
	await row('e2b-files', 'files.write and files.read of 1 MiB', 10, 100, async () => {
		await sandbox.files.write('bench', mebibyte);
		if ((await sandbox.files.read('bench')).length !== mebibyte.length) {
			throw new Error('the file is another');
		}
	}, async () => {
		await writeFile(path, mebibyte);
		await readFile(path, 'utf8');
	}, 'fs');
}

/** The time until the first byte of the answer. */
const first_byte = (url, headers = {}) => new Promise((resolve, reject) => {
	get(url, { headers, agent: false }, (answer) => {
		answer.once('data', () => {
			answer.destroy();
			resolve();
		});
	}).on('error', reject);
});

const PAGE = 'import http.server, sys\nclass A(http.server.BaseHTTPRequestHandler):\n def do_GET(self):\n  self.send_response(200); '
	+ 'self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")\n def log_message(self, *a): pass\n'
	+ 's = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), A); print(s.server_port, flush=True); s.serve_forever()';

async function of_ports(server, sandbox) {
	await sandbox.files.write('page.py', PAGE);
	await sandbox.commands.run('python3 page.py 8000', { background: true });
	const direct = spawn('python3', ['-c', PAGE, '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
	const [port] = await new Promise((resolve) => direct.stdout.once('data', (text) => resolve(String(text).split('\n'))));
	const headers = { 'E2b-Sandbox-Id': sandbox.sandboxId, 'E2b-Sandbox-Port': '8000' };
	await sleep(500);
	await row('e2b-port', 'first byte of a port in the sandbox', Infinity, 200, () => first_byte(server.url, headers),
		() => first_byte(`http://127.0.0.1:${port}`), 'direct, without a sandbox');
	const { ours, peer } = rows.at(-1);
	console.log(`a proxied port: ${(ours.p50 - peer.p50).toFixed(2)} ms more than direct (budget 1)`);
	direct.kill();
}

async function of_desktop(server) {
	const desktop = await Desktop.create('desktop', { ...server.connection, resolution: [1024, 768] });
	await row('e2b-screenshot', 'desktop screenshot(), through scrot', 40, 50, async () => {
		if ((await desktop.screenshot()).length < 1000) {
			throw new Error('no picture');
		}
	});
	await desktop.kill();
}

async function of_namespace() {
	const server = await serve_e2b({ backend: 'namespace' });
	const sandbox = await Sandbox.create(server.connection);
	if (selected('e2b-command')) {
		await of_commands(sandbox);
	}
	if (selected('e2b-files')) {
		await of_files(sandbox);
	}
	if (selected('e2b-port')) {
		await of_ports(server, sandbox);
	}
	await sandbox.kill();
	if (selected('e2b-screenshot')) {
		await of_desktop(server);
	}
	await server.stop();
}

/** From the warm pool, which is full again before each. */
async function of_microvm() {
	const server = await serve_e2b({ backend: 'microvm', args: ['--state-dir', options.state, '--warm', '2'] });
	const samples = [];
	for (let i = 0; i < (options.quick ? 4 : 20) + 1; i++) {
		await sleep(i ? 8000 : 60000);
		let sandbox;
		samples.push(await timed(async () => {
			sandbox = await Sandbox.create({ ...server.connection, requestTimeoutMs: 600_000 });
		}));
		await sandbox.kill();
	}
	rows.push({ name: 'e2b-create', title: 'Sandbox.create() of a microVM, from the warm pool', budget: 60,
		ours: figures(samples.slice(1)), peer: null });
	await server.stop();
}

if (!options.row || options.row.startsWith('e2b')) {
	await of_namespace();
	if (options.state && selected('e2b-create')) {
		await of_microvm();
	}
	rows.forEach(print);
	if (options.json) {
		const report = existsSync(options.json) ? JSON.parse(readFileSync(options.json)) : {};
		report.e2b = rows;
		writeFileSync(options.json, `${JSON.stringify(report, null, '\t')}\n`);
	}
}
