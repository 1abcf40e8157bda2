// `vitrine serve --e2b` for tests: a server of its own on a free port, and what an SDK of E2B is given to find it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';
import { skip, state_with_image } from './machines.mjs';
import { serve, vitrine } from './server.mjs';

/** Those whose test failed before it stopped them. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The variables that it prints, all of them. */
function heard(child) {
	return new Promise((resolve, reject) => {
		let said = '';
		child.stderr.on('data', (text) => {
			said += text;
			const found = Object.fromEntries(said.matchAll(/^ *([A-Z][A-Z0-9_]+)=(\S+)$/gm).map(([, name, value]) => [name, value]));
			if (said.includes("serves E2B's API") && said.endsWith('\n\n')) {
				resolve({ ...found, MCP_URL: /serves MCP at (\S+)/.exec(said)?.[1] });
			}
		});
		child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
	});
}

/** options: backend, args.  `connection` is what every call of an SDK takes. */
export async function serve_e2b({ backend = 'fake', args = [] } = {}) {
	const child = spawn(vitrine, [...serve(backend), '--e2b', '127.0.0.1:0', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
	running.add(child);
	const ended = once(child, 'exit').then(([code, signal]) => {
		running.delete(child);
		return { code, signal };
	});
	const variables = await heard(child);
	return { variables, url: variables.E2B_API_URL, key: variables.E2B_API_KEY, pid: child.pid, ended,
		connection: { apiKey: variables.E2B_API_KEY, apiUrl: variables.E2B_API_URL, sandboxUrl: variables.E2B_SANDBOX_URL },
		async stop() {
			child.kill('SIGTERM');
			assert.deepEqual(await ended, { code: 0, signal: null }, 'it ends well when told to');
		} };
}

/** For the tests of a file, if there is an image: a server with microVMs, in `server` of what is returned.  begun: called then. */
export function serve_e2b_microvms(begun = () => {}) {
	const it = {};
	if (!skip) {
		before(async () => {
			it.state = state_with_image();
			it.server = await serve_e2b({ backend: 'microvm', args: ['--state-dir', it.state.path, '--start-timeout', '120'] });
			await begun(it.server);
		}, { timeout: 900_000 });
		after(async () => {
			await it.server.stop();
			it.state.remove();
		});
	}
	return it;
}
