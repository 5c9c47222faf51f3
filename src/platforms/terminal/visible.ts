/** Makes text of strangers (users, models) harmless to a terminal. */

/** Control characters (C0, DEL, C1), line separators, and what overrides the direction of text. */
const UNSAFE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

const TAB = 0x09;
const LAST_C0 = 0x1f;
const DELETE = 0x7f;
/** Unicode has a picture for every C0 character, in the same order. */
const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = '\u2421';
const REPLACEMENT = '\ufffd';

/**
 * One line of text in which everything that could steer a terminal is shown instead of obeyed: an
 * escape sequence becomes readable text, `␛[31m`. Tabs stay.
 */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    if (code === TAB) return character;
    if (code <= LAST_C0) return String.fromCharCode(CONTROL_PICTURES + code);
    return code === DELETE ? DELETE_PICTURE : REPLACEMENT;
  });
}
