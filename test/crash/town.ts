/** A world with many users, who ask numbered questions and count what they are told. */

import type { Chat, Message, User } from 'grammy/types';
import { expect } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import type { TestDatabase } from '../support/database.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { type LatchkeyProcess, type ProcessOptions, startProcess } from '../support/process.ts';
import { createTestRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

export type Backend = 'postgres' | 'redis';

export interface TownOptions {
  readonly backend?: Backend;
  readonly people?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly database?: TestDatabase;
}

/** Said by an answer of which nobody knows whether it stands already. */
export const REPEAT = /may stand here twice/;
export const INTERRUPTED = /I was interrupted here/;

const WORDS = 'one two three four five six seven eight nine ten eleven twelve END';
const GENEROUS = { FREE_DAILY_MESSAGES: '1000', FREE_DAILY_USD: '50', HOUSE_DAILY_USD: '500' };

/** A question's name: who asked, and the number that they gave it. */
const QUESTION = /Q(\d+-\d+)/;

export class Town {
  readonly world: World;
  readonly redis: TestRedis | undefined;
  readonly people: readonly User[];
  /** How the provider answers a question. */
  behave: (name: string) => Behaviour = () => ({});
  /** How often the provider was asked, by question. */
  readonly asked = new Map<string, number>();
  readonly #questions = new Map<string, Message>();
  readonly #processes: LatchkeyProcess[] = [];

  constructor(world: World, redis: TestRedis | undefined, count: number) {
    this.world = world;
    this.redis = redis;
    this.people = Array.from({ length: count }, (_, i) =>
      world.telegram.addUser({ first_name: `Person ${i}` }),
    );
    world.openai.script((question) => {
      const name = QUESTION.exec(question)?.[1] ?? '';
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
      return { text: `A${name} ${WORDS}`, ...this.behave(name) };
    });
  }

  get first(): User {
    const [first] = this.people;
    if (first === undefined) throw new Error('nobody lives here');
    return first;
  }

  chat(person: User): Chat {
    return this.world.telegram.privateChat(person);
  }

  ask(person: User, number: number): Message {
    const name = `${person.id}-${number}`;
    const message = this.world.telegram.say(this.chat(person), person, `Q${name}?`);
    this.#questions.set(name, message);
    return message;
  }

  askAll(...numbers: readonly number[]): void {
    for (const number of numbers) for (const person of this.people) this.ask(person, number);
  }

  /** What the bot said to a person, oldest first. */
  told(person: User): readonly string[] {
    return this.world.telegram
      .messages(this.chat(person))
      .filter((m) => m.from?.is_bot === true)
      .map((m) => `${m.reply_to_message?.text ?? ''} → ${m.text ?? ''}`);
  }

  /** Every lasting message of the bot, by the question that it replies to. */
  replies(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const name of this.#questions.keys()) found.set(name, []);
    for (const said of this.people.flatMap((person) => this.told(person))) {
      const name = /[QA](\d+-\d+)/.exec(said)?.[1] ?? '';
      found.set(name, [...(found.get(name) ?? []), said.slice(said.indexOf('→') + 2)]);
    }
    return found;
  }

  /** How many questions have a reply. */
  answered(): number {
    return [...this.replies().values()].filter((said) => said.length > 0).length;
  }

  /** Questions of whose answer a part has been seen so far. */
  shown(): ReadonlySet<string> {
    const drafts = this.world.telegram.callsOf('sendMessageDraft');
    const names = drafts.flatMap((c) => /A(\d+-\d+) /.exec(String(c.payload.text))?.[1] ?? []);
    return new Set(names);
  }

  async start(options: Partial<ProcessOptions> = {}): Promise<LatchkeyProcess> {
    const { world, redis } = this;
    const started = await startProcess({
      ...options,
      env: {
        ...world.env,
        OPENAI_BASE_URL: world.openai.url,
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
        ...options.env,
      },
    });
    this.#processes.push(started);
    return started;
  }

  /** Waits until every update is taken in and no turn waits or runs. */
  async settled(timeoutMs = 30_000): Promise<void> {
    const what = 'that every turn ended';
    await waitFor(async () => this.#allTakenIn() && (await this.openTurns()) === 0, {
      timeoutMs,
      what,
    });
  }

  async openTurns(): Promise<number> {
    const [row] = await this.world.database.db.execute<{ n: number }>(
      sql`select count(*)::int as n from turns where status in ('queued', 'running')`,
    );
    return row?.n ?? 0;
  }

  #allTakenIn(): boolean {
    return this.world.telegram.pendingUpdates().length === 0;
  }

  /**
   * Every question has one reply: whole, or closed with a word on why. A second one is allowed
   * only where it says that it may be one, and only as often as `repeats` allows.
   */
  expectOneReplyEach({ repeats = 0 } = {}): void {
    const wrong = [...this.replies()].filter(([name, said]) => {
      const originals = said.filter((text) => !REPEAT.test(text));
      const [only] = said;
      const complete = said.every((text) => text.endsWith('END') || INTERRUPTED.test(text));
      const ofIt = said.every((text) => !text.includes('END') || text.includes(`A${name} `));
      return only === undefined || originals.length > 1 || !complete || !ofIt;
    });
    expect(wrong).toEqual([]);
    const doubled = [...this.replies()].filter(([, said]) => said.length > 1);
    expect(doubled.length, JSON.stringify(doubled)).toBeLessThanOrEqual(repeats);
  }

  /** Each person's replies come in the order of their questions. */
  expectOrder(): void {
    for (const person of this.people) {
      const numbers = this.told(person).flatMap((said) => /^Q\d+-(\d+)/.exec(said)?.[1] ?? []);
      expect(numbers.map(Number)).toEqual(numbers.map(Number).toSorted((a, b) => a - b));
    }
  }

  /** Nothing is reserved any more, and the house's books agree with what each turn cost. */
  async expectBooksClosed({ open = 0 } = {}): Promise<void> {
    const [books] = await this.world.database.db.execute(sql`
      select (select coalesce(sum(reserved_micros), 0)::int from budgets) as reserved,
             (select count(*)::int from reservations where settled_at is null) as unsettled,
             (select sum(open)::int from mailbox) as open`);
    expect(books).toEqual({
      reserved: 0,
      unsettled: 0,
      open,
    });
    await expectSums(this.world.database.db);
  }

  async close(): Promise<void> {
    for (const each of this.#processes) await each.kill();
    await this.redis?.close();
    await this.world.close();
  }
}

export async function createTown({
  backend = 'postgres',
  people = 1,
  env = {},
  database,
}: TownOptions = {}): Promise<Town> {
  const world = await createWorld({
    env: { ...GENEROUS, ...env },
    ...(database === undefined ? {} : { database }),
  });
  return new Town(world, backend === 'redis' ? await createTestRedis() : undefined, people);
}
