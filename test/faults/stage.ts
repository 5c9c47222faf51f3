/** A town under load, its processes, and what is counted when all is over. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { ledgerDifferences } from '../../src/funding/ledger-check.ts';
import { type BaseTown, INTERRUPTED, REPEAT } from '../crash/base-town.ts';
import { pseudonyms } from '../crash/scenarios.ts';
import { type Supervised, supervise } from '../crash/supervised.ts';
import { createTown, type Town, type TownOptions } from '../crash/town.ts';
import { waitFor } from '../support/wait-for.ts';
import { createRandom, type Random } from './random.ts';

/** What stands in the report of one scenario. */
export interface Count {
  readonly scenario: string;
  readonly turns: number;
  readonly faults: number;
  /** Neither answered nor told why not. */
  readonly lost: number;
  /** Answered again without a word on it. */
  readonly doubled: number;
  /** Told again because nobody knew whether the first one stands; the second one says so. */
  readonly unknown: number;
  /** Closed in the middle, with a word on why. */
  readonly interrupted: number;
  /** Told why not, instead of an answer. */
  readonly refused: number;
  /** Questions that the provider was asked more than once. */
  readonly askedAgain: number;
  /** People whose answers came in another order than their questions. */
  readonly outOfOrder: number;
  /** People with more than one turn at the provider at a time. */
  readonly atOnce: number;
  /** Sums of the books that are not those of their rows, and what is reserved for no turn. */
  readonly wrongSums: number;
}

declare module 'vitest' {
  interface TaskMeta {
    fault?: Count;
  }
}

/** As vitest hands it to a test. */
interface TestContext {
  readonly task: { readonly name: string; readonly meta: { fault?: Count } };
  readonly onTestFinished: (close: () => Promise<void>) => void;
}

export interface Load {
  /** Resolves when nobody asks any more. */
  stop(): Promise<void>;
}

type Someone = { readonly id: number | string };
/** On whichever platform. */
type AnyTown<Person extends Someone = Someone> = BaseTown<Person, unknown>;

export interface FaultStage<Place = Town> {
  readonly place: Place;
  readonly random: Random;
  supervise(...options: SuperviseOptions): Promise<Supervised>;
  /** People ask, each one numbered questions, until it is stopped. @param everyMs on average */
  load(everyMs?: number): Load;
  /** One of the things that go wrong has done so. */
  struck(): void;
  /** Waits until all is answered, counts, and reports. @throws where an invariant is broken */
  settle(timeoutMs?: number): Promise<Count>;
}

type SuperviseOptions =
  Parameters<typeof supervise> extends [unknown, ...infer Rest] ? Rest : never;

/** The settings of every scenario. */
export const FAULT_ENV = { MAILBOX_LIMIT: '200', LOG_LEVEL: 'info' };

export async function openFaultStage(
  context: TestContext,
  options: TownOptions = {},
): Promise<FaultStage> {
  const place = await createTown({ people: 16, ...options, env: { ...FAULT_ENV, ...options.env } });
  return setFaultStage(context, place);
}

/** @param place the stage closes it */
export function setFaultStage<Person extends Someone, Place extends AnyTown<Person>>(
  { task, onTestFinished }: TestContext,
  place: Place & AnyTown<Person>,
): FaultStage<Place> {
  const random = createRandom(task.name);
  place.behave = () => ({ chunkDelayMs: Math.round(random.between(2, 50)) });
  const processes: Supervised[] = [];
  const loads: Load[] = [];
  let faults = 0;
  onTestFinished(async () => {
    for (const load of loads) await load.stop();
    await Promise.all(processes.map((each) => each.stop()));
    await place.close();
  });
  return {
    place,
    random,
    async supervise(...given) {
      const started = await supervise(place, ...given);
      processes.push(started);
      return started;
    },
    load(everyMs = 120) {
      const load = startLoad(place, random, everyMs);
      loads.push(load);
      return load;
    },
    struck: () => {
      faults += 1;
    },
    async settle(timeoutMs = 90_000) {
      for (const load of loads) await load.stop();
      await place.settled(timeoutMs).catch((error: unknown) => {
        const said = processes.map((each) => `${each.name}:\n${each.output().slice(-4_000)}`);
        throw new Error(`${String(error)}\n${said.join('\n')}`);
      });
      // What is told beside the turns, such as a full mailbox, may still be on its way.
      await waitFor(() => lostOf(place).length === 0, { timeoutMs: 10_000 }).catch(() => undefined);
      const counted = await count(place, { scenario: task.name, faults });
      task.meta.fault = counted;
      const none = { lost: 0, doubled: 0, outOfOrder: 0, atOnce: 0, wrongSums: 0 };
      expect({ ...counted, questions: wrongOf(place) }).toMatchObject({ ...none, questions: [] });
      expect(processes.flatMap(({ ends }) => ends.map((end) => end.slice(-3_000)))).toEqual([]);
      return counted;
    },
  };
}

/** How many questions each person has asked so far. */
const numbers = new WeakMap<Someone, number>();

export function askNext<Person extends Someone>(place: AnyTown<Person>, person: Person): void {
  const number = (numbers.get(person) ?? 0) + 1;
  numbers.set(person, number);
  place.ask(person, number);
}

function startLoad<Person extends Someone>(
  place: AnyTown<Person>,
  random: Random,
  everyMs: number,
): Load {
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      askNext(place, random.pick(place.people));
      await sleep(random.between(0, 2 * everyMs));
    }
  };
  const running = run();
  return {
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

function lostOf(place: Pick<AnyTown, 'replies'>): readonly string[] {
  return [...place.replies()].filter(([, said]) => said.length === 0).map(([name]) => name);
}

function originals(said: readonly string[]): readonly string[] {
  return said.filter((text) => !REPEAT.test(text));
}

/** Questions that were lost, doubled, or answered with something else's answer. */
function wrongOf(place: Pick<AnyTown, 'replies'>): readonly unknown[] {
  return [...place.replies()].filter(
    ([name, said]) =>
      said.length === 0 ||
      originals(said).length > 1 ||
      said.some((text) => /A\d+-\d+ /.test(text) && !text.includes(`A${name} `)),
  );
}

async function count<Person extends Someone>(
  place: AnyTown<Person>,
  { scenario, faults }: { readonly scenario: string; readonly faults: number },
): Promise<Count> {
  const replies = [...place.replies()];
  const howMany = (is: (said: readonly string[]) => boolean) =>
    replies.filter(([, said]) => is(said)).length;
  const { openai, database } = place.world;
  const [books] = await database.db.execute<{ reserved: number }>(
    'select (select count(*) from budgets where reserved_micros <> 0)::int + (select count(*) from reservations where settled_at is null)::int as reserved',
  );
  return {
    scenario,
    turns: replies.length,
    faults,
    lost: lostOf(place).length,
    doubled: howMany((said) => originals(said).length > 1),
    unknown: replies.flatMap(([, said]) => said).filter((text) => REPEAT.test(text)).length,
    interrupted: howMany((said) => said.some((text) => INTERRUPTED.test(text))),
    refused: howMany((said) => said.length > 0 && !said.some((text) => /A\d+-\d+ /.test(text))),
    askedAgain: [...place.asked.values()].filter((times) => times > 1).length,
    outOfOrder: (await place.outOfOrder()).length,
    atOnce: [...pseudonyms(place)].filter((name) => openai.maxConcurrent(name) > 1).length,
    wrongSums: (await ledgerDifferences(database.db)).length + (books?.reserved ?? 0),
  };
}
