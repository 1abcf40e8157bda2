// Runs a command-line client to its end.
import { spawn } from 'node:child_process';
import { text as read } from 'node:stream/consumers';

export async function run(argv, options = {}) {
	const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
	const ended = new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ code, signal }));
	});
	const [out, err, { code, signal }] = await Promise.all(
		[read(child.stdout), read(child.stderr), ended]);
	return { code, signal, out, err };
}
