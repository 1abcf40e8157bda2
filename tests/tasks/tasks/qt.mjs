// FeatherPad, a Qt 5 editor.
import { click, key } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

export default [
	{
		name: 'qt-menu',
		files: { 'quiet.txt': 'quiet words' },
		turns: (home) => [{ launch: { application: 'featherpad', uri: `${home}/quiet.txt` } },
			{ actions: [key('ctrl+a'), click(346, 152)] },
			{ actions: [click(400, 366), key('ctrl+s')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/quiet.txt', 'QUIET WORDS\n'),
	},
];
