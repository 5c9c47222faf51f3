/**
 * What Telegram's servers do to a text before they count offsets, done first, so that entities stay
 * where they belong. After TDLib's `clean_input_string`.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u2028-\u202e]|\u030a|\u0333|\u033f/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they become spaces
const TO_SPACE = /[\u0000-\u0009\u000b\u000c\u000e-\u001f]/g;
/** Bidi controls that reach beyond their message, and marks that draw lines through others. */
const REMOVED = /[\r\u202a-\u202e]|\u030a|\u0333|\u033f/g;

export function clean(text: string): string {
  if (!CONTROL.test(text)) return text;
  return text
    .replace(/\p{L}\u030a/gu, (letter) => letter.normalize('NFC'))
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(TO_SPACE, ' ')
    .replace(REMOVED, '');
}

const TAB_WIDTH = 4;

/** Code keeps its columns: Telegram would make one space of a tab. */
export function cleanCode(code: string): string {
  if (!code.includes('\t')) return clean(code);
  const lines = code.split('\n').map((line) => {
    if (!line.includes('\t')) return line;
    let out = '';
    for (const piece of line.split(/(\t)/)) {
      out += piece === '\t' ? ' '.repeat(TAB_WIDTH - (out.length % TAB_WIDTH)) : piece;
    }
    return out;
  });
  return clean(lines.join('\n'));
}
