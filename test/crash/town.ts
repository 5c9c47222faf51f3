/** A town whose people write on Telegram, in private. */

import type { Chat, Message, User } from 'grammy/types';
import type { TestDatabase } from '../support/database.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { createTestRedis, type TestRedis } from '../support/redis.ts';
import { BaseTown } from './base-town.ts';

export { INTERRUPTED, REPEAT } from './base-town.ts';

export type Backend = 'postgres' | 'redis';

export interface TownOptions {
  readonly backend?: Backend;
  readonly people?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly database?: TestDatabase;
}

export const GENEROUS = {
  FREE_DAILY_MESSAGES: '1000',
  FREE_DAILY_USD: '50',
  HOUSE_DAILY_USD: '500',
};

export class Town extends BaseTown<User, Message> {
  constructor(world: World, redis: TestRedis | undefined, count: number) {
    super(
      world,
      redis,
      Array.from({ length: count }, (_, i) =>
        world.telegram.addUser({ first_name: `Person ${i}` }),
      ),
    );
  }

  chat(person: User): Chat {
    return this.world.telegram.privateChat(person);
  }

  told(person: User): readonly string[] {
    return this.world.telegram
      .messages(this.chat(person))
      .filter((m) => m.from?.is_bot === true)
      .map((m) => `${m.reply_to_message?.text ?? ''} → ${m.text ?? ''}`);
  }

  /** Questions of whose answer a part has been seen so far. */
  shown(): ReadonlySet<string> {
    const drafts = this.world.telegram.callsOf('sendMessageDraft');
    const names = drafts.flatMap((c) => /A(\d+-\d+) /.exec(String(c.payload.text))?.[1] ?? []);
    return new Set(names);
  }

  protected say(person: User, text: string): Message {
    return this.world.telegram.say(this.chat(person), person, text);
  }

  protected areAllTakenIn(): boolean {
    return this.world.telegram.pendingUpdates().length === 0;
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
