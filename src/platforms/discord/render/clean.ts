/** Takes out what steers a client instead of being read. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]/g;
const LINE_ENDS = /\r\n?|[\u2028\u2029\u0085]/g;
/** Marks above one letter: more than any language puts there draws over the lines around it. */
const PILED_MARKS = /(\p{M}{6})\p{M}+/gu;

/** Text outside of code. Bidi controls reach beyond their message; marks alone turn text around. */
export function clean(text: string): string {
  return cleanCode(text).replaceAll('\t', ' ').replace(PILED_MARKS, '$1');
}

/** Code keeps its tabs and its marks. */
export function cleanCode(code: string): string {
  return code.toWellFormed().replace(LINE_ENDS, '\n').replace(CONTROL, '');
}

const INVISIBLE = /^[\s\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164\uffa0]*$/u;

/** Discord refuses a message of which nothing can be seen. */
export function isInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}
