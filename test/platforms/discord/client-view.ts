/**
 * What a Discord client shows of a message, after the rules of the Markdown parser that its web
 * client is built on, in their order. Written apart from the renderer, to judge it.
 */

export interface View {
  /** Without marks; line breaks as they are. */
  readonly text: string;
  /** Everything that took effect: `mention`, `link https://…`, `bold`, `code`, `heading` … */
  readonly effects: readonly string[];
}

type Rule = readonly [
  pattern: RegExp,
  show: (match: RegExpExecArray, inner: (text: string) => string) => string,
  effect: string | ((match: RegExpExecArray) => string),
];

const inside = (match: RegExpExecArray, inner: (text: string) => string) => inner(match[1] ?? '');

const RULES: readonly Rule[] = [
  [/^```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/i, (m) => m[2] ?? '', 'block'],
  [/^\\([^0-9A-Za-z\s])/, (m) => m[1] ?? '', ''],
  [/^<((?:https?|steam):\/\/[^ >]+)>/, (m) => m[1] ?? '', (m) => `link ${m[1]}`],
  [
    /^\[((?:\[[^\]]*\]|[^[\]]|\](?=[^[]*\]))*)\]\(\s*<?((?:[^\s\\]|\\.)*?)>?(?:\s+['"]([\s\S]*?)['"])?\s*\)/,
    (m, inner) => inner(m[1] ?? ''),
    (m) => `masked ${m[1]} ${m[2]}`,
  ],
  [/^(?:https?|steam):\/\/[^\s<]+[^<.,:;"'\]\s]/, (m) => m[0], (m) => `link ${m[0]}`],
  [/^<(?:@[!&]?|#)\d+>/, () => '@somebody', 'mention'],
  [/^@(?:everyone|here)/, (m) => m[0], 'mention'],
  [/^<\/[^:>]+:\d+>/, () => '/command', 'mention'],
  [/^<t:-?\d+(?::[a-z])?>/i, () => 'a time', 'time'],
  [/^<a?:\w+:\d+>/, () => 'emoji', 'emoji'],
  [/^<id:\w+>/, () => 'place', 'mention'],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (m) => (m[2] ?? '').replace(/^ (?= *`)|(` *) $/g, '$1'), 'code'],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, inside, 'bold'],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, inside, 'underlined'],
  [/^~~([\s\S]+?)~~(?!_)/, inside, 'struck'],
  [/^\|\|([\s\S]+?)\|\|/, inside, 'spoiler'],
  [/^\b_((?:__|\\[\s\S]|[^\\_])+?)_\b/, inside, 'italic'],
  [/^_((?:__|\\[\s\S]|[^\\_])+?)_(?!\w)/, inside, 'italic'],
  [/^\*(?=\S)((?:\*\*|\s+(?:[^*\s]|\*\*)|[^\s*])+?)\*(?!\*)/, inside, 'italic'],
];

const LINE_RULES: readonly (readonly [RegExp, string, string])[] = [
  [/^#{1,3} +/, '', 'heading'],
  [/^-# +/, '', 'small'],
  [/^(?:>>>|>) /, '', 'quote'],
  [/^( *)[*-] +/, '$1• ', 'item'],
  [/^( *)(\d+\.) +/, '$1$2 ', 'item'],
];

export function viewOf(content: string): View {
  const effects: string[] = [];

  function inline(source: string): string {
    let text = '';
    let rest = source;
    let atStart = source === content;
    while (rest !== '') {
      if (atStart) {
        rest = lineStart(rest);
        atStart = false;
      }
      const step = next(rest);
      text += step.text;
      rest = rest.slice(step.length);
      atStart = step.text.endsWith('\n') && step.length === 1;
    }
    return text;
  }

  function lineStart(rest: string): string {
    let left = rest;
    for (const [pattern, shown, effect] of LINE_RULES) {
      if (!pattern.test(left)) continue;
      left = left.replace(pattern, shown);
      effects.push(effect);
    }
    return left;
  }

  function next(rest: string): { text: string; length: number } {
    for (const [pattern, show, effect] of RULES) {
      const match = pattern.exec(rest);
      if (match === null) continue;
      const name = typeof effect === 'string' ? effect : effect(match);
      if (name !== '') effects.push(name);
      return { text: show(match, inline), length: match[0].length };
    }
    const plain = /^[\s\S]+?(?=[^0-9A-Za-z\s\u00c0-\uffff]|\n|\w+:\S|$)/.exec(rest);
    const length = Math.max(1, plain?.[0].length ?? 1);
    return { text: rest.slice(0, length), length };
  }

  return { text: inline(content), effects };
}

/** Without the characters that only keep something from taking effect. */
export function readable(content: string): string {
  return viewOf(content).text.replaceAll('\u2060', '');
}

/** Whom the source of a message could name, code apart: read from the source, as Discord does. */
export function namesSomebody(content: string): boolean {
  const outside = content.replace(/```[\s\S]*?```|(`+)[^`](?:[\s\S]*?[^`])?\1(?!`)/g, '');
  return /<@[!&]?\d+>|<#\d+>|<\/[^>]*:\d+>|@everyone|@here/.test(outside);
}

/** Whether each fence that opens closes. */
export function fencesBalanced(content: string): boolean {
  return (content.match(/```/g) ?? []).length % 2 === 0;
}
