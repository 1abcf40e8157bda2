// What a task's end state is compared with.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const shorten = (text) => (text.length > 600 ? `${text.slice(0, 200)}…${text.slice(-400)}` : text);

/** The output of a command in the sandbox, once it is as expected; programs write their files when they like. */
export async function expect_output(desktop, command, expected) {
	let output;
	for (let i = 0; i < 50; i++) {
		output = await desktop.run(command);
		if (expected instanceof RegExp ? expected.test(output) : output === expected) {
			return;
		}
		await sleep(200);
	}
	assert.fail(`${command}: ${JSON.stringify(shorten(output))} instead of ${expected instanceof RegExp ? expected : JSON.stringify(expected)}`);
}
