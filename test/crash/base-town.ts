/** A world with many users, who ask numbered questions and count what they are told, on any platform. */

import { expect } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import type { World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { type LatchkeyProcess, type ProcessOptions, startProcess } from '../support/process.ts';
import type { TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

/** Said by an answer of which nobody knows whether it stands already. */
export const REPEAT = /may stand here twice/;
export const INTERRUPTED = /I was interrupted here/;

const WORDS = 'one two three four five six seven eight nine ten eleven twelve END';

/** A question's name: who asked, and the number that they gave it. */
const QUESTION = /Q(\d+-\d+)/;

/** Processes, the people who ask them, and what each of those was told. */
export abstract class BaseTown<Person extends { readonly id: number | string }, Question> {
  readonly world: World;
  readonly redis: TestRedis | undefined;
  readonly people: readonly Person[];
  /** How the provider answers a question. */
  behave: (name: string) => Behaviour = () => ({});
  /** How often the provider was asked, by question. */
  readonly asked = new Map<string, number>();
  readonly #questions = new Set<string>();
  readonly #processes: LatchkeyProcess[] = [];

  constructor(world: World, redis: TestRedis | undefined, people: readonly Person[]) {
    this.world = world;
    this.redis = redis;
    this.people = people;
    world.openai.script((question) => {
      const name = QUESTION.exec(question)?.[1] ?? '';
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
      return { text: `A${name} ${WORDS}`, ...this.behave(name) };
    });
  }

  protected abstract say(person: Person, text: string): Question;
  /** What the bot said to a person, oldest first: what it replied to, an arrow, and its words. */
  abstract told(person: Person): readonly string[];
  /** Whether nothing is on its way from the platform any more. */
  protected abstract areAllTakenIn(): boolean | Promise<boolean>;

  get first(): Person {
    const [first] = this.people;
    if (first === undefined) throw new Error('nobody lives here');
    return first;
  }

  ask(person: Person, number: number): Question {
    const name = `${person.id}-${number}`;
    this.#questions.add(name);
    return this.say(person, `Q${name}?`);
  }

  /** How many questions there were so far. */
  get questions(): number {
    return this.#questions.size;
  }

  askAll(...numbers: readonly number[]): void {
    for (const number of numbers) for (const person of this.people) this.ask(person, number);
  }

  /** Every lasting message of the bot, by the question that it replies to. */
  replies(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const name of this.#questions) found.set(name, []);
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
    await waitFor(async () => (await this.areAllTakenIn()) && (await this.openTurns()) === 0, {
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

  /** People whose answers came in another order than their questions. */
  outOfOrder(): readonly Person[] | Promise<readonly Person[]> {
    return this.people.filter((person) => {
      const numbers = this.told(person).flatMap((said) => /^Q\d+-(\d+)/.exec(said)?.[1] ?? []);
      return numbers.some((number, index) => Number(number) < Number(numbers[index - 1] ?? 0));
    });
  }

  /** Each person's replies come in the order of their questions. */
  expectOrder(): void {
    expect(this.outOfOrder()).toEqual([]);
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
