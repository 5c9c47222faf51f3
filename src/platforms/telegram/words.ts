/** What a person said: the text of a message, told apart from what only addresses the bot. */

import type { WireBaseMessage, WireEntity } from './wire.ts';

export interface BotIdentity {
  readonly id: number;
  /** Without the @. */
  readonly username: string;
}

export interface Words {
  /** Without the command and without mentions of the bot; code blocks as fenced Markdown. */
  readonly text: string;
  readonly command?: { readonly name: string; readonly argument: string };
  /** The command names another bot of the group. */
  readonly forOtherBot: boolean;
  readonly mentioned: boolean;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

type Said = Pick<WireBaseMessage, 'text' | 'entities' | 'caption' | 'caption_entities'>;

/** Text or caption as it was written, with its entities. */
export function rawText(message: Said): { text: string; entities: readonly WireEntity[] } {
  return message.text === undefined
    ? { text: message.caption ?? '', entities: message.caption_entities ?? [] }
    : { text: message.text, entities: message.entities ?? [] };
}

/** The text with its code blocks as Markdown, nothing else changed. */
export function plainText(message: Said): string {
  const { text, entities } = rawText(message);
  return apply(text, fences(text, entities), 0);
}

/**
 * Reads commands only where Telegram marked one at the very beginning, so that a pasted path like
 * `/usr/bin` is none.
 */
export function wordsOf(message: Said, bot: BotIdentity): Words {
  const { text, entities } = rawText(message);
  const mentions = entities.filter((entity) => isMention(text, entity, bot));
  const edits = [...fences(text, entities), ...mentions.map((entity) => removal(text, entity))];
  const mentioned = mentions.length > 0;
  // Of `/new-line` Telegram marks `/new`: a command ends where a word ends.
  const first = entities.find(
    ({ type, offset, length }) =>
      type === 'bot_command' && offset === 0 && !/\S/.test(text.charAt(length)),
  );
  const parsed =
    first === undefined
      ? null
      : /^\/([a-z0-9_]{1,64})(?:@(\w+))?$/i.exec(text.slice(0, first.length));
  if (first === undefined || parsed === null) {
    return { text: apply(text, edits, 0).trim(), forOtherBot: false, mentioned };
  }
  const named = parsed[2]?.toLowerCase();
  if (named !== undefined && named !== bot.username.toLowerCase()) {
    return { text: apply(text, edits, 0).trim(), forOtherBot: true, mentioned };
  }
  const argument = apply(text, edits, first.length).trim();
  const name = (parsed[1] ?? '').toLowerCase();
  return { text: argument, command: { name, argument }, forOtherBot: false, mentioned };
}

function isMention(text: string, entity: WireEntity, bot: BotIdentity): boolean {
  if (entity.type === 'text_mention') return entity.user?.id === bot.id;
  if (entity.type !== 'mention') return false;
  const name = text.slice(entity.offset + 1, entity.offset + entity.length);
  return name.toLowerCase() === bot.username.toLowerCase();
}

/** Takes out the mention, the sign that sets it off at the beginning, and one of the blanks around it. */
function removal(text: string, { offset, length }: WireEntity): Edit {
  let end = offset + length;
  const atStart = text.slice(0, offset).trim() === '';
  if (atStart) end += /^\s*[,:;]?/.exec(text.slice(end))?.[0].length ?? 0;
  const blankBefore = offset === 0 || /\s/.test(text.charAt(offset - 1));
  if (blankBefore && text.charAt(end) === ' ') end += 1;
  return { start: offset, end, replacement: '' };
}

/**
 * Telegram's clients turn what was typed between fences into an entity and drop the fences: a
 * model that is asked about the code needs them back. One line without a language stays as it is:
 * it may be a key or a value that somebody copied.
 */
function fences(text: string, entities: readonly WireEntity[]): Edit[] {
  return entities.flatMap(({ type, offset, length, language }) => {
    const code = text.slice(offset, offset + length);
    if (type !== 'pre' || (language === undefined && !code.includes('\n'))) return [];
    const longest = [...code.matchAll(/`+/g)].reduce(
      (most, [run]) => Math.max(most, run.length),
      2,
    );
    const fence = '`'.repeat(longest + 1);
    const before = offset === 0 || text.charAt(offset - 1) === '\n' ? '' : '\n';
    const after =
      offset + length >= text.length || text.charAt(offset + length) === '\n' ? '' : '\n';
    const info = (language ?? '').replaceAll(/[`\s]/g, '');
    const replacement = `${before}${fence}${info}\n${code.replace(/\n$/, '')}\n${fence}${after}`;
    return [{ start: offset, end: offset + length, replacement }];
  });
}

/** @returns well-formed text, even where an entity ends within a character */
function apply(text: string, edits: readonly Edit[], from: number): string {
  let result = '';
  let at = from;
  for (const { start, end, replacement } of [...edits].sort((a, b) => a.start - b.start)) {
    if (start < at) continue;
    result += text.slice(at, start) + replacement;
    at = end;
  }
  return (result + text.slice(at)).toWellFormed();
}
