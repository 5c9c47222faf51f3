/** Text that Discord's clients show as it is, and that reaches nobody. */

/** Word joiner: no width, and no line breaks at it. */
export const JOINER = '\u2060';

const SPECIAL = /[\\*_~|`[\]<]|@(?=everyone|here)|(?<=[a-z]):(?=\/\/)/gi;

/**
 * Mentions are read from the source of a message, where a backslash changes nothing: those are
 * broken by a joiner. Everything else keeps its characters.
 * @param text one line
 * @param atStart whether it begins a line, where more takes effect
 */
export function escapeText(text: string, atStart: boolean): string {
  const escaped = text.replace(SPECIAL, (found, at: number) => {
    if (found === '@') return `@${JOINER}`;
    if (found !== '<') return `\\${found}`;
    return /^(?:[@#/:]|(?:t|a|id):)/.test(text.slice(at + 1, at + 4)) ? `\\<${JOINER}` : '\\<';
  });
  if (!atStart) return escaped;
  return escaped.replace(/^(\s*)([#>-])/, '$1\\$2').replace(/^(\s*\d+)\./, '$1\\.');
}

/** One line of code. @param text not blank, without line ends */
export function inlineCode(text: string): string {
  if (!text.includes('`')) return `\`${text}\``;
  const single = text.replace(/`(?=`)/g, `\`${JOINER}`);
  const before = single.startsWith('`') ? ' ' : '';
  const after = single.endsWith('`') ? ' ' : '';
  return `\`\`${before}${single}${after}\`\``;
}

/** Discord knows fences of three backticks only: none may stand inside. */
export function fenced(content: string, language: string): string {
  return `\`\`\`${language}\n${content.replace(/``(?=`)/g, `\`\`${JOINER}`)}\n\`\`\``;
}
