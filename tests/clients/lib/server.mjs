// Where the server under test is, and what the kernel knows about its processes.
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const source = resolve(import.meta.dirname, '../../..');
export const build = process.env.VITRINE_BUILD ?? join(source, 'build');
export const vitrine = join(build, 'vitrine');
/** The same server, with what the official conformance suite calls. */
export const conformance = join(build, 'vitrine-conformance');
export const modules = join(import.meta.dirname, '../node_modules');
// State of this test file's servers alone; those of microVMs say themselves where their image is.
const state = mkdtempSync(join(tmpdir(), 'vitrine-state-'));
process.on('exit', () => rmSync(state, { recursive: true, force: true }));
// All tools, unless later arguments select others.
export const serve = (backend) => ['serve', '--backend', backend, '--tools', 'all',
	...(backend === 'microvm' ? [] : ['--state-dir', join(state, 'kept')])];

// pid, parent and start time; the start time tells a process from a later one with its number.
function process_read(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
		const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
		return { pid, name, state: rest[0], parent: Number(rest[1]), start: rest[19] };
	} catch {
		return null; // it ended while we looked
	}
}

function processes() {
	return readdirSync('/proc').filter((n) => /^\d+$/.test(n)).map((n) => process_read(Number(n)))
		.filter(Boolean);
}

/** Every process below pid, at this moment. */
export function descendants(pid) {
	const all = processes();
	const found = [];
	const parents = new Set([pid]);
	for (let grown = true; grown;) {
		grown = false;
		for (const p of all) {
			if (parents.has(p.parent) && !parents.has(p.pid)) {
				parents.add(p.pid);
				found.push(p);
				grown = true;
			}
		}
	}
	return found;
}

/** Those of the list that still run.  A zombie has ended; whoever inherited it has yet to collect it. */
export function still_running(list) {
	return list.filter((p) => {
		const now = process_read(p.pid);
		return now && now.start === p.start && now.state !== 'Z';
	});
}

/** Waits until `check` is true; a guard against hanging, not a measure of speed. */
export async function eventually(what, check, seconds = 180) {
	for (let i = 0; i < seconds * 20; i++) {
		if (await check()) {
			return;
		}
		await sleep(50);
	}
	throw new Error(`never came true: ${what}`);
}

export async function all_gone(list) {
	await eventually('every process of the sandbox has ended', () => still_running(list).length === 0)
		.catch((e) => {
			const left = still_running(list).map((p) => `${p.pid} ${p.name}`);
			throw new Error(`${e.message}; left: ${left.join(', ')}`);
		});
}

export function resident_kib(pid) {
	const status = readFileSync(`/proc/${pid}/status`, 'latin1');
	return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]);
}

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).map((n) => {
	try {
		return readlinkSync(`/proc/${pid}/fd/${n}`);
	} catch {
		return '';
	}
});
