// A state directory of a test run's own, with the image that .ci/test-image keeps.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { source } from './server.mjs';

// .ci/test has said why when it sets this to nothing.
export const skip = process.env.VITRINE_TEST_STATE === '' && 'there is no image: run .ci/test-image';

/** also: what else to take over of the kept directory: 'templates', for a test that needs no boot. */
export function state_with_image(...also) {
	const kept = execFileSync(join(source, '.ci/test-image'),
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
	const state = mkdtempSync(`${kept}-`); // on the same file system: the image is linked, not copied
	for (const part of ['images', ...also].filter((p) => existsSync(join(kept, p)))) {
		execFileSync('cp', ['-al', join(kept, part), state]);
	}
	return { path: state, remove: () => rmSync(state, { recursive: true }) };
}

/** What `picture` gives when two in a row are the same: programs on a busy machine may still be drawing. */
export async function still(picture) {
	for (let last = await picture(), next; ; last = next) {
		next = await picture();
		if (next === last) {
			return next;
		}
	}
}
