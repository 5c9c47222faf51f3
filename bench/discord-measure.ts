/** What is measured on Discord, one measurement a function. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeUser } from '../test/fakes/discord.ts';
import type { DiscordStage } from './discord-stage.ts';
import { type Spread, spreadOf } from './stats.ts';

/** Everybody says something once in their direct chat, and is answered. */
export async function meet(stage: DiscordStage): Promise<void> {
  await Promise.all(stage.people.map((person) => say(stage, person)));
}

/**
 * One message at a time in direct chats, with a pause in which whatever follows an answer ends.
 * @returns milliseconds from a message's leaving the gateway to the provider's request
 */
export async function whenIdle(stage: DiscordStage, samples: number): Promise<Spread> {
  const waits: number[] = [];
  for (let i = 0; i < samples; i += 1) {
    const person = stage.people[i % stage.people.length];
    if (person === undefined) throw new Error('nobody is there');
    waits.push(await say(stage, person));
    await sleep(10 + (i % 20));
  }
  return spreadOf(waits);
}

/** @returns milliseconds from the message's leaving the gateway to the provider's request */
async function say(stage: DiscordStage, person: FakeUser): Promise<number> {
  const { discord } = stage;
  const chat = discord.dm(person);
  const question = stage.ask();
  const from = performance.now();
  person.says(chat, question.text);
  await stage.until(() => discord.messages(chat).some(question.isAnsweredBy));
  return (await question.requested) - from;
}

/**
 * Everybody asks in the server at the same moment, and so again as soon as all are answered.
 * @returns milliseconds from an interaction's leaving the gateway to its acknowledgement
 * @throws when one was not acknowledged in the time that Discord gives
 */
export async function acknowledgements(stage: DiscordStage, bursts: number): Promise<Spread> {
  const waits: number[] = [];
  for (let i = 0; i < bursts; i += 1) {
    const asked = stage.people.map((person) => {
      const question = stage.ask();
      const seen = person.slash('ask', { prompt: question.text }, stage.channel);
      return { seen, question };
    });
    await stage.until(() =>
      asked.every(({ seen: { ack, failed } }) => ack !== undefined || failed),
    );
    for (const { seen } of asked) {
      if (seen.ack === undefined) throw new Error('an interaction was not acknowledged in time');
      waits.push(seen.ack.afterMs);
    }
    await stage.until(() =>
      asked.every(({ seen, question }) => seen.messages.some(question.isAnsweredBy)),
    );
  }
  return spreadOf(waits);
}

/** How one long answer was shown while it was written. */
export interface Streamed {
  /** Edits while it grew: neither the first message nor the last edit, which completes it. */
  readonly edits: number;
  /** The least milliseconds between two of what was shown while it grew. */
  readonly leastGapMs: number;
  /** Milliseconds since the newest text was written that an edit shows, when it reaches Discord. */
  readonly age: Spread;
  /** Milliseconds from the last word to the edit that shows the whole. */
  readonly completeAfterMs: number;
}

const PIECE_MS = 20;
const EDIT = 'PATCH /channels/:channel/messages/:message';
const SHOWS = new Set(['POST /channels/:channel/messages', EDIT]);

/**
 * A long answer in the direct chat of one person, a word every 20 ms; the words are numbers.
 * @param slowMs how long Discord takes for an edit in this chat, as long as the answer grows
 */
export async function stream(
  stage: DiscordStage,
  person: FakeUser,
  { seconds, slowMs }: { readonly seconds: number; readonly slowMs: number },
): Promise<Streamed> {
  const { discord } = stage;
  const chat = discord.dm(person);
  const place = `/channels/${chat.id}/`;
  const before = discord.calls.length;
  const writtenAt: number[] = [];
  const last = (seconds * 1000) / PIECE_MS;
  const isGrowing = () => writtenAt[last] === undefined;
  if (slowMs > 0) {
    discord.fail({
      route: EDIT,
      slowMs,
      when: ({ path }) => isGrowing() && path.startsWith(place),
    });
  }
  const question = stage.ask({
    chunks: last,
    chunkMs: PIECE_MS,
    piece(index) {
      writtenAt[index] = discord.now();
      return ` ${index}`;
    },
  });
  person.says(chat, question.text);
  const shown = () =>
    discord.calls
      .slice(before)
      .filter(({ route, path }) => SHOWS.has(route) && path.startsWith(place))
      .map(({ at, body }) => ({ at, word: newestWord(body) }));
  await stage.until(() => shown().some(({ word }) => word === last));
  const endedAt = writtenAt[last] ?? Number.NaN;
  const growing = shown().filter(({ at, word }) => at < endedAt && word !== undefined);
  const gaps = growing.slice(1).map(({ at }, i) => at - (growing[i]?.at ?? Number.NaN));
  const complete = shown().find(({ word }) => word === last);
  return {
    edits: gaps.length,
    leastGapMs: Math.min(...gaps),
    age: spreadOf(growing.map(({ at, word = 0 }) => at - (writtenAt[word] ?? Number.NaN))),
    completeAfterMs: (complete?.at ?? Number.NaN) - endedAt,
  };
}

/** The number of the last word of an answer that is shown. */
function newestWord(body: unknown): number | undefined {
  const hasContent = typeof body === 'object' && body !== null && 'content' in body;
  const words = hasContent ? /^Answer #\d+:((?: \d+)*)/.exec(String(body.content))?.[1] : undefined;
  return words === undefined ? undefined : Number(words.split(' ').at(-1));
}
