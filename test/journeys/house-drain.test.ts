/** What the operator sees, and can do, while the house's day is being drained. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adjust, HOUSE } from '../../src/funding/budgets.ts';
import { houseShare } from '../../src/funding/house-day.ts';
import { windowOf } from '../../src/funding/windows.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

let world: World;
let folder: string;
let people: ReturnType<typeof poolPeople>;
let operator: ReturnType<ReturnType<typeof poolPeople>['person']>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-drain-'));
  const file = join(folder, 'plans.json');
  await writeFile(file, JSON.stringify({ house: { hourly: true } }));
  world = await createWorld({ env: { PLANS_FILE: file } });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  people = poolPeople(world);
  operator = people.person('Olga');
  await world.start({ OPERATOR_IDS: `telegram:${operator.user.id}` });
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const spend = (micros: number) =>
  adjust(
    world.database.db,
    { holder: HOUSE, window: windowOf('day', new Date()) },
    { turns: 0, micros },
    'test',
  );

// In the last hour the whole day is handed out.
test.skipIf(new Date().getUTCHours() === 23)(
  'an hour whose slice is used up is told once, with who spends it and the switch below',
  async () => {
    const day = { microsPerDay: 5_000_000, hourly: true };
    const [ann, ben] = [people.person('Ann'), people.person('Ben')];
    await ann.asks('one', /Answer to/);
    await spend(houseShare(day, new Date()).micros);
    await ann.asks('two', /given away everything that it had for this hour/);
    await ben.asks('three', /given away everything that it had for this hour/);
    const told = await operator.sees(/handed out by this hour is used up: \$\d.* of \$5\.00/);
    expect(operator.said().filter((text) => /handed out by this hour/.test(text))).toHaveLength(1);
    operator.press(told, 'Who spends it');
    const top = await operator.sees(/Most expensive, today/);
    expect(textOf(top)).toContain(`telegram:${ann.user.id}`);
    operator.press(top, 'Back');
    const home = await operator.sees(/The house pays[\s\S]*spent and \$0\.00 set aside of \$5\.00/);
    operator.press(home, 'Pause the house');
    await operator.sees(/The house is paused since/);
    await ben.asks('four', /paused by its operator/);
  },
);
