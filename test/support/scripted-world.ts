/** The whole of Latchkey on a platform of the test's own. */

import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from './latchkey.ts';
import { madeKey } from './people.ts';
import { createScriptedPlatform, direct, type ScriptedPlatform } from './scripted-platform.ts';
import { waitFor } from './wait-for.ts';

export interface TurnRow extends Record<string, unknown> {
  readonly id: number;
  readonly status: string;
  readonly outcome: string | null;
}

export interface ScriptedWorld extends World {
  readonly chat: ScriptedPlatform;
  /** Brings a key that works, through a form. */
  withKey(who: string, key?: string): Promise<string>;
  /** Waits until so many turns have ended. @returns those, oldest first */
  ended(count: number): Promise<readonly TurnRow[]>;
}

export async function createScriptedWorld(
  env: Readonly<Record<string, string>> = {},
): Promise<ScriptedWorld> {
  const chat = createScriptedPlatform();
  const world = await createWorld({ env, platforms: [chat] });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start();
  return {
    ...world,
    chat,
    async withKey(who, key = madeKey()) {
      world.openai.keys.add('valid', key);
      await chat.says(who, direct(who), '', {
        command: { name: 'setkey', argument: `openai ${key}` },
        leavesNoMessage: true,
      });
      await chat.reads(who, direct(who), /Saved: your OpenAI key/);
      return key;
    },
    async ended(count) {
      return waitFor(async () => {
        const rows = await world.database.db.execute<TurnRow>(
          sql`select id, status, outcome from turns
              where status not in ('queued', 'running') order by id`,
        );
        return rows.length >= count ? rows : undefined;
      });
    },
  };
}
