// A terminal, and what is copied between it and an editor.
import { click, key, middle_click, triple_click, type } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

export default [
	{
		name: 'edit-in-vim',
		needs: 'vi',
		light: true,
		files: { 'notes.txt': 'first\nsecond\nthird\n' },
		turns: () => [{ launch: { application: 'xterm' } },
			{ actions: [type('vi notes.txt\n'), type('jdd'), type('Go'), type('последняя'), key('Escape'), type(':wq\n')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/notes.txt', 'first\nthird\nпоследняя\n'),
	},
	{
		name: 'editor-to-terminal',
		light: true,
		files: { 'command.txt': 'echo "from the editor" > pasted.txt' },
		turns: (home) => [{ launch: { application: 'mousepad', uri: `${home}/command.txt` } },
			{ actions: [key('ctrl+a'), key('ctrl+c')] },
			{ launch: { application: 'xterm' } },
			{ actions: [key('shift+Insert'), key('Return')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/pasted.txt', 'from the editor\n'),
	},
];
