/**
 * A text with its entities, as the server takes it. It refuses entities outside the text, drops
 * empty ones and those that are nested as Telegram does not allow (code in bold, a link in code,
 * a quotation in a quotation …), and adds those that it finds by itself.
 */

import type { MessageEntity } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from './api-error.ts';
import { findEntities } from './found-entities.ts';
import { linkProblem } from './links.ts';
import type { Params } from './params.ts';
import { checkBounds, cleanText, isBlank, type Span } from './text-cleaning.ts';

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  /** What the bot asked for, and Telegram silently leaves out. */
  readonly dropped: readonly MessageEntity[];
}

const SPLITTABLE: readonly string[] = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler'];
const QUOTES: readonly string[] = ['blockquote', 'expandable_blockquote'];
const PRE: readonly string[] = ['pre', 'code', 'date_time'];

const place = { offset: z.number().int(), length: z.number().int() };
const dateFormat = z.custom<MessageEntity.DateTimeMessageEntity['date_time_format']>(
  (value) => typeof value === 'string' && /^(?:r|w?[dD]?[tT]?)$/.test(value),
  'Invalid date-time format specified',
);
const user = z.object({ id: z.number().int(), is_bot: z.boolean(), first_name: z.string() });

const entitySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.enum([
      ...(['bold', 'italic', 'underline', 'strikethrough', 'spoiler', 'code'] as const),
      ...(['blockquote', 'expandable_blockquote'] as const),
      ...(['mention', 'hashtag', 'cashtag', 'bot_command', 'url'] as const),
      ...(['email', 'phone_number'] as const),
    ]),
    ...place,
  }),
  z.object({ type: z.literal('pre'), ...place, language: z.string().optional() }),
  z.object({ type: z.literal('text_link'), ...place, url: z.string() }),
  z.object({ type: z.literal('text_mention'), ...place, user }),
  z.object({ type: z.literal('custom_emoji'), ...place, custom_emoji_id: z.string() }),
  z.object({
    type: z.literal('date_time'),
    ...place,
    unix_time: z.number().int(),
    date_time_format: dateFormat,
  }),
]);
type InputEntity = z.infer<typeof entitySchema>;
type Placed = Span & { readonly input: InputEntity };

/**
 * @param names the parameters that hold the text and its entities
 * @throws BotApiError
 */
export function readFormattedText(
  params: Params,
  names: { readonly text: string; readonly entities: string },
): FormattedText {
  const text = params.text(names.text);
  if (Buffer.byteLength(text) > 1 << 15) throw badRequest('Text is too long');
  const mode = params.text('parse_mode').toLowerCase();
  if (text !== '' && mode !== '' && mode !== 'none') {
    if (!['markdown', 'markdownv2', 'html'].includes(mode)) {
      throw badRequest('Unsupported parse_mode');
    }
    throw badRequest('the simulator takes entities only, no parse_mode');
  }
  const entities = params.json(names.entities, z.array(entitySchema), 'MessageEntity') ?? [];
  return formatText(text, entities);
}

/** @throws BotApiError */
export function formatText(raw: string, inputs: readonly InputEntity[]): FormattedText {
  // The server finds these by itself, and takes no bot's word for them.
  const found = ['mention', 'hashtag', 'cashtag', 'bot_command', 'url', 'email', 'phone_number'];
  const asked = inputs.filter((entity) => !found.includes(entity.type));
  for (const entity of asked) {
    if (entity.type !== 'text_link') continue;
    const problem = linkProblem(entity.url);
    if (problem !== undefined) {
      throw badRequest(`Entity URL '${entity.url}' is invalid: ${problem}`);
    }
  }
  if (!raw.isWellFormed()) throw badRequest('Strings must be encoded in UTF-8');
  checkBounds(raw, asked);
  const placed = asked
    .map((input): Placed => ({ offset: input.offset, length: input.length, input }))
    .filter((span) => span.length > 0);
  const { text, spans } = cleanText(raw, placed);
  const kept = nest(spans);
  const survivors = new Set(kept.map((span) => span.input));
  const firm = kept.filter(
    ({ input }) => !SPLITTABLE.includes(input.type) && !QUOTES.includes(input.type),
  );
  const entities = [...kept.map(toEntity), ...findEntities(text, firm)];
  return {
    text,
    entities: entities.sort((one, other) => one.offset - other.offset || other.length - one.length),
    dropped: asked
      .filter((input) => !survivors.has(input))
      .map((input) => toEntity({ offset: input.offset, length: input.length, input })),
  };
}

/** TDLib's `fix_entities`, but for the cutting of styles at the edges of what they contain. */
function nest(spans: readonly Placed[]): Placed[] {
  const sorted = [...spans].sort(
    (one, other) => one.offset - other.offset || other.length - one.length,
  );
  const quotes = apart(sorted.filter(({ input }) => QUOTES.includes(input.type)));
  const firm = apart(
    sorted.filter(({ input }) => !QUOTES.includes(input.type) && !SPLITTABLE.includes(input.type)),
  ).filter((span) => quotes.every((quote) => !crosses(span, quote)));
  const code = firm.filter(({ input }) => PRE.includes(input.type));
  const styles = sorted.filter(({ input }) => SPLITTABLE.includes(input.type));
  return [...quotes, ...firm, ...styles.flatMap((style) => outside(style, code))];
}

/** Entities of these kinds cannot overlap, nor lie in one another: the first one stays. */
function apart(sorted: readonly Placed[]): Placed[] {
  let end = 0;
  return sorted.filter((span) => {
    if (span.offset < end) return false;
    end = span.offset + span.length;
    return true;
  });
}

function crosses(span: Span, quote: Span): boolean {
  const end = span.offset + span.length;
  const overlap = span.offset < quote.offset + quote.length && quote.offset < end;
  return overlap && (span.offset < quote.offset || end > quote.offset + quote.length);
}

/** The parts of a style that lie in no code. */
function outside(style: Placed, code: readonly Placed[]): Placed[] {
  let parts = [style];
  for (const hole of code) {
    const holeEnd = hole.offset + hole.length;
    parts = parts.flatMap((part) => {
      const end = part.offset + part.length;
      if (end <= hole.offset || part.offset >= holeEnd) return [part];
      return [
        { ...part, length: hole.offset - part.offset },
        { ...part, offset: holeEnd, length: end - holeEnd },
      ].filter((piece) => piece.length > 0);
    });
  }
  return parts;
}

function toEntity({ offset, length, input }: Placed): MessageEntity {
  const at = { offset, length };
  switch (input.type) {
    case 'pre':
      return input.language === undefined || input.language === ''
        ? { type: 'pre', ...at }
        : { type: 'pre', ...at, language: input.language };
    case 'text_link':
      return { type: 'text_link', ...at, url: withPath(input.url) };
    case 'text_mention':
      return { type: 'text_mention', ...at, user: input.user };
    case 'custom_emoji':
      return { type: 'custom_emoji', ...at, custom_emoji_id: input.custom_emoji_id };
    case 'date_time':
      return {
        type: 'date_time',
        ...at,
        unix_time: input.unix_time,
        date_time_format: input.date_time_format,
      };
    default:
      return { type: input.type, ...at };
  }
}

/** The server writes addresses out: with a scheme, and a path after the host. */
function withPath(url: string): string {
  const full = /^[a-z]+:/i.test(url) ? url : `http://${url}`;
  return /^https?:\/\/[^/?#]+$/i.test(full) ? `${full}/` : full;
}

/** Telegram counts characters; UTF-16 units are never fewer, so this is the strict reading. */
export const MAX_TEXT = 4096;
export const MAX_CAPTION = 1024;

/** @throws BotApiError when nothing visible would be left, or more than Telegram takes */
export function checkLength(
  formatted: FormattedText,
  limit: { readonly atMost: number; readonly tooLong: string; readonly mayBeEmpty: boolean },
): FormattedText {
  if (isBlank(formatted.text) && !limit.mayBeEmpty) throw badRequest('Text must be non-empty');
  if (formatted.text.length > limit.atMost) throw badRequest(limit.tooLong);
  return formatted;
}
