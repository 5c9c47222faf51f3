/** Text without what hides a key from a pattern, and the way back to the text as it was written. */

export interface FoldedText {
  readonly text: string;
  /** Where the folded character at this index begins in the original. */
  startOf(index: number): number;
  /** Where the folded character at this index ends in the original (exclusive). */
  endOf(index: number): number;
}

/**
 * - characters that show nothing: soft hyphen, zero-width ones, direction marks, variation selectors
 * - a backslash that Markdown puts before `_` and `-`
 * - dashes that a phone's keyboard makes of hyphens; no em dash, which joins two words instead
 * - percent-encoding, also when it was applied several times
 * Each alternative begins with another character and repeats nothing ambiguously: linear.
 */
const FOLDS =
  /([\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|[\ufe00-\ufe0f]|\u034f|\\(?=[-_]))|([\u2010-\u2013\u2212\ufe63\uff0d](?=[\w\u2010-\u2013-]))|%(?:25)*([2-7][0-9A-Fa-f])/g;

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
    const [whole, invisible, dash, hex] = match;
    copy(done, match.index);
    done = match.index + whole.length;
    if (dash !== undefined) put('-', match.index, done);
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
