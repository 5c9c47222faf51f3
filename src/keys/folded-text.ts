/** Text without what hides a key from a pattern, and the way back to the text as it was written. */

export interface FoldedText {
  readonly text: string;
  /** Where the folded character at this index begins in the original. */
  startOf(index: number): number;
  /** Where the folded character at this index ends in the original (exclusive). */
  endOf(index: number): number;
}

/**
 * - characters that show nothing: soft hyphen, zero-width ones, direction marks, variation selectors,
 *   fillers, tags
 * - backslashes that Markdown puts before `_`, `-` and `.`, and JSON doubles
 * - dashes that a phone's keyboard makes of hyphens; no em dash, which joins two words instead
 * - full-width letters and digits, which East Asian keyboards make
 * - percent-encoding, also when it was applied several times, and JavaScript's `\u002d`
 * Each alternative begins with another character, or tells itself apart in the next few, and repeats
 * nothing ambiguously: linear.
 */
const FOLDS =
  /([\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]|[\ufe00-\ufe0f]|\u034f|\udb40[\udc00-\udc7f]|\\{1,8}(?=[-_.]))|([\u2010-\u2013\u2212\ufe63\uff0d](?=[\w\u2010-\u2013\uff0d\uff10-\uff5a-]))|(?:%(?:25)*|\\{1,8}u00)([2-7][0-9A-Fa-f])|([\uff0e\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a])/g;

/** From a full-width character to the plain one. */
const FULL_WIDTH = 0xfee0;

const MAY_FOLD = /[^\0-\u007f]|[%\\]/;

export function foldText(original: string): FoldedText {
  if (!MAY_FOLD.test(original)) {
    return { text: original, startOf: (index) => index, endOf: (index) => index + 1 };
  }
  const starts = new Uint32Array(original.length + 1);
  const ends = new Uint32Array(original.length + 1);
  const pieces: string[] = [];
  let length = 0;

  const copy = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) {
      starts[length] = at;
      ends[length] = at + 1;
      length += 1;
    }
    pieces.push(original.slice(from, to));
  };
  const put = (character: string, from: number, to: number) => {
    starts[length] = from;
    ends[length] = to;
    length += 1;
    pieces.push(character);
  };

  let done = 0;
  for (const match of original.matchAll(FOLDS)) {
    const [whole, invisible, dash, hex, fullWidth] = match;
    copy(done, match.index);
    done = match.index + whole.length;
    if (dash !== undefined) put('-', match.index, done);
    else if (fullWidth !== undefined)
      put(String.fromCharCode(fullWidth.charCodeAt(0) - FULL_WIDTH), match.index, done);
    else if (invisible === undefined && hex !== undefined)
      put(String.fromCharCode(Number.parseInt(hex, 16)), match.index, done);
  }
  copy(done, original.length);

  return {
    text: pieces.join(''),
    startOf: (index) => starts[index] ?? original.length,
    endOf: (index) => ends[index] ?? original.length,
  };
}

/** Line breaks, with a quote's marks after them, and single spaces: inside a word. */
const GAPS = /(?<=[\w-]|AQ\.)(?:[ \t]{0,8}\r?\n[ \t>|]{0,8}|[ \u00a0])(?=[\w-]|\.[\w-])/g;

/**
 * The text with its words run together: a key that was broken after its first letters, by the width
 * of a terminal or of a chat, is whole in it.
 * @param staysApart whether the word at that index of the text is not run together with the one before
 */
export function joinWords(folded: FoldedText, staysApart: (index: number) => boolean): FoldedText {
  const { text } = folded;
  const from: number[] = [];
  const pieces: string[] = [];
  let done = 0;
  const copy = (to: number) => {
    for (let at = done; at < to; at += 1) from.push(at);
    pieces.push(text.slice(done, to));
  };
  for (const { 0: gap, index } of text.matchAll(GAPS)) {
    if (staysApart(index + gap.length)) continue;
    copy(index);
    done = index + gap.length;
  }
  if (done === 0) return folded;
  copy(text.length);
  const at = (index: number) => from[index] ?? text.length;
  return {
    text: pieces.join(''),
    startOf: (index) => folded.startOf(at(index)),
    endOf: (index) => folded.endOf(at(index)),
  };
}
