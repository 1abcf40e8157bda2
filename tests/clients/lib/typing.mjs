// What people type, and the editor on the desktop that says what arrived.
import { readFileSync } from 'node:fs';

const editor = readFileSync(new URL('../../support/editor.py', import.meta.url), 'utf8');

/** Where the editor keeps its text. */
export const written = '/home/user/text';

/** A command that installs it as /home/user/editor. */
export const install_editor = `cd; cat > editor.py <<'END'\n${editor}\nEND
printf '#!/bin/sh\\nexec python3 /home/user/editor.py ${written}\\n' > editor; chmod +x editor`;

/* By keys; what an input method composes first, and then; what is inserted. */
export const SCRIPTS = {
	Latin: ['déjà vu, señor', 'e', 'é', 'œuvre'],
	Polish: ['zażółć gęślą jaźń', 'l', 'ł', 'ŻÓŁW'],
	German: ['Größe, Übermaß', 'u', 'ü', 'ẞ „so“'],
	Greek: ['ξεσκεπάζω', 'ι', 'ΐ', 'Ψυχή'],
	Cyrillic: ['съешь ещё этих мягких', 'и', 'й', 'Ґудзик'],
	Hebrew: ['שלום עולם', 'ש', 'שׁ', 'תודה'],
	Arabic: ['السلام عليكم', 'ل', 'لا', 'شكراً'],
	Hindi: ['नमस्ते दुनिया', 'क', 'क्षि', 'धन्यवाद'],
	Chinese: ['天地玄黃', 'ni hao', '你好', '宇宙洪荒，日月盈昃'],
	Japanese: ['いろはにほへと', 'にほん', '日本', 'ガギグ。'],
	Korean: ['안녕', 'ㅎ', '한', '한국어'],
	emoji: ['☺✂', '😀', '😀', '👍🏽🇵🇱👩‍💻🎉'],
};
