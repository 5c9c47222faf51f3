/** Keeps what looks like an API key off the screen while it is typed and afterwards. */

/**
 * Prefixes of the providers' keys, and what stands on the next lines of a key that was broken; at
 * `/setkey` whatever follows the command is one.
 */
const KEY =
  /(\b(?:sk-|gsk_|xai-|AIza|AQ\.|pplx-|hf_|r8_|nvapi-|csk-|tgp_v1_|gh[pousr]_|github_pat_))[\w.\p{Cf}-]{6,}(?:[ \t]{0,8}\r?\n[ \t]{0,8}[\w-]{8,})*/gu;
const SETKEY = /^(\s*\/setkey\s+)(\S.*)$/s;
const DOT = '•';

/** Same number of UTF-16 units, so that the cursor stays where it is. */
export function maskKeys(text: string): string {
  const setkey = SETKEY.exec(text);
  if (setkey) {
    const [, command = '', argument = ''] = setkey;
    return command + argument.replace(/\S{16,}/g, (word) => DOT.repeat(word.length));
  }
  return text.replace(
    KEY,
    (key, prefix: string) => prefix + key.slice(prefix.length).replace(/\S/g, DOT),
  );
}
