/** Short words for what journeys do again and again: who says what, and what the bot says to it. */

import { randomBytes } from 'node:crypto';
import type { Chat, Message, User } from 'grammy/types';
import type { World } from './latchkey.ts';

/**
 * A well-formed OpenAI key that no simulator knows; put together at run time, so that no scanner
 * finds one, and of characters that mostly stand in no dump in hex.
 */
export function madeKey(...prefix: readonly string[]): string {
  const letters = randomBytes(48).map((byte) => 'gh2jk4mn6pq8st9w'.charCodeAt(byte % 16));
  return [
    ...(prefix.length === 0 ? ['sk', 'proj'] : prefix),
    Buffer.from(letters).toString('latin1'),
  ].join('-');
}

/** Text or caption. */
export function textOf(message: Message | undefined): string {
  return message?.text ?? message?.caption ?? '';
}

export interface View {
  readonly thread?: number;
  /** Also what this user alone sees. */
  readonly as?: User;
}

/** What the bot said in a chat, in order. */
export function botMessages(world: World, chat: Chat, view: View = {}): readonly Message[] {
  return world.telegram.messages(chat, view).filter((m) => m.from?.id === world.telegram.bot.id);
}

/** Waits for a message of the bot. @returns the last that fits */
export function botSays(
  world: World,
  chat: Chat,
  what: RegExp,
  { timeoutMs = 10_000, ...view }: View & { readonly timeoutMs?: number } = {},
): Promise<Message> {
  return world.telegram
    .waitFor(() => botMessages(world, chat, view).findLast((m) => what.test(textOf(m))), {
      timeoutMs,
    })
    .catch((error: unknown) => {
      const said = botMessages(world, chat, view).map(textOf);
      throw new Error(`The bot did not say ${what}, but ${JSON.stringify(said)}`, { cause: error });
    });
}

/** Waits until the bot has taken in everything that people did. */
export function takenIn(world: World): Promise<true> {
  return world.telegram.waitFor(() => world.telegram.pendingUpdates().length === 0 || undefined);
}

/** The completions whose bodies hold the word. */
export function asked(world: World, word: string) {
  return world.openai.completions().filter((r) => JSON.stringify(r.body).includes(word));
}

/** The text of the system prompt and of the users' messages of a completion. */
export function promptOf(body: unknown): { system: string; said: string } {
  const { messages = [] } = body as { messages?: readonly { role: string; content: unknown }[] };
  const of = (is: (role: string) => boolean) =>
    messages
      .filter((m) => is(m.role))
      .map((m) => (typeof m.content === 'string' ? m.content : JSON.stringify(m.content)))
      .join('\n');
  const isSystem = (role: string) => role === 'system' || role === 'developer';
  return { system: of(isSystem), said: of((role) => role === 'user') };
}

/** What was logged as an error or worse, each line cut short. */
export function loggedErrors(world: World): readonly string[] {
  return world.logged
    .filter((line) => /"level":"(?:error|fatal)"/.test(line) || line.startsWith('fatal:'))
    .map((line) => line.slice(0, 300));
}
