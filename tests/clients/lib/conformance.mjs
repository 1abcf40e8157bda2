// Runs the official conformance suite against a URL, and reads the checks it wrote down.  Its own summary is
// not enough: it calls a scenario good that checked nothing, and one that warns.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modules } from './server.mjs';

const suite = join(modules, '@modelcontextprotocol/conformance/dist/index.js');

function read(dir) {
	const scenarios = new Map();
	for (const entry of readdirSync(dir)) {
		const name = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(entry)?.[1];
		const file = join(dir, entry, 'checks.json');
		if (name && existsSync(file)) {
			scenarios.set(name, JSON.parse(readFileSync(file, 'utf8')));
		}
	}
	return scenarios;
}

/** Every scenario the revision has, by name: its checks, as {id, status, errorMessage, details}. */
export async function run_suite(url, revision) {
	const dir = mkdtempSync(join(tmpdir(), 'vitrine-conformance-'));
	try {
		const child = spawn(process.execPath, [suite, 'server', '--url', String(url), '--requirements',
			revision, '--output-dir', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
		child.stderr.resume();
		await once(child, 'close'); // its exit code counts scenarios that are not ours, too
		return read(dir);
	} finally {
		rmSync(dir, { recursive: true });
	}
}

/** What is wrong with a scenario, a line each; passed: how many checks are right.  `excused(check)`: this one
 * says nothing about the server. */
export function judge(checks, excused = () => false) {
	if (!checks) {
		return { passed: 0, wrong: ['the scenario did not run'] };
	}
	const wrong = checks.filter((c) => ['FAILURE', 'WARNING'].includes(c.status) && !excused(c))
		.map((c) => `${c.status} ${c.id}: ${c.errorMessage}`);
	const passed = checks.filter((c) => c.status === 'SUCCESS').length;
	return { passed, wrong: passed ? wrong : [...wrong, 'the scenario checked nothing'] };
}
