// PCManFM, a file manager.
import { click, drag, key, type, wait } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

const open = (path) => ({ launch: { application: 'pcmanfm', uri: path } });

export default [
	{
		name: 'rename-a-file',
		files: { 'project/draft.txt': 'text' },
		turns: (home) => [open(`${home}/project`),
			{ actions: [key('ctrl+a'), key('F2'), wait(1), key('ctrl+a'), type('final.txt'), key('Return')] }],
		check: (desktop) => expect_output(desktop, 'ls ~/project', 'final.txt\n'),
	},
	{
		name: 'sort-files',
		files: { 'project/music/.keep': '', 'project/song.ogg': 's', 'project/text.txt': 't' },
		turns: (home) => [open(`${home}/project`),
			{ actions: [click(622, 249), key('ctrl+x'), key('ctrl+l'), type(`${home}/project/music\n`)] },
			{ actions: [click(700, 500), key('ctrl+v')] }],
		check: (desktop) => expect_output(desktop, 'cd ~/project; ls -d */* *.txt', 'music/song.ogg\ntext.txt\n'),
	},
	{
		name: 'drag-between-windows',
		files: { 'from/photo.txt': 'a caption' },
		turns: (home) => [{ launch: { application: 'mousepad' } },
			{ actions: [drag([600, 142], [290, 142])] },
			open(`${home}/from`),
			{ actions: [drag([845, 385], [300, 400])] },
			{ actions: [click(300, 500), key('ctrl+Home'), type('dropped: '), key('ctrl+s')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/from/photo.txt', 'dropped: a caption'),
	},
];
