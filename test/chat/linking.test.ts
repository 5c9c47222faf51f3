/** One user on several platforms: joined in one transaction, separated in another. */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readContext } from '../../src/conversation/context-window.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { turns, users } from '../../src/db/schema.ts';
import { adjust, ownHolder } from '../../src/funding/budgets.ts';
import { usageSince } from '../../src/funding/usage.ts';
import { windowOf } from '../../src/funding/windows.ts';
import { ownersOf } from '../../src/keys/linked-keys.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { linkingTown } from '../support/linking.ts';

let database: TestDatabase;
let town: Awaited<ReturnType<typeof linkingTown>>;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 30 });
  town = await linkingTown(database);
});
afterAll(() => database.close());

async function pair() {
  return [await town.person('telegram'), await town.person('discord')] as const;
}

describe('linked accounts', () => {
  test('have one mailbox, in which two turns never run at once', async () => {
    const [here, there] = await pair();
    expect((await town.link(here, there)).result).toBe('linked');
    const [a, b] = [await here.me(), await there.me()];
    expect(a.userId).toBe(b.userId);
    await here.say('one');
    await there.say('two');
    expect(await town.mailbox.open(a.userId)).toBe(2);
    const first = await town.mailbox.claim(a.userId, 'w', 60_000);
    expect(first).toBeDefined();
    expect(await town.mailbox.claim(b.userId, 'w', 60_000)).toBeUndefined();
  });

  test('use each other’s keys, and after /unlink each those that it added', async () => {
    const [here, there] = await pair();
    const own = await here.addKey('openai');
    const other = await there.addKey('anthropic');
    await town.link(here, there);
    const later = await there.addKey('groq');
    for (const who of [here, there]) {
      expect(await who.keyFor('openai')).toBe(own);
      expect(await who.keyFor('anthropic')).toBe(other);
      expect(await who.keyFor('groq')).toBe(later);
    }
    expect((await town.linking.unlink(there.identity)).result).toBe('unlinked');
    expect([await here.keyFor('openai'), await there.keyFor('openai')]).toEqual([own, undefined]);
    expect(await here.keyFor('anthropic')).toBeUndefined();
    expect(await there.keyFor('anthropic')).toBe(other);
    expect(await there.keyFor('groq')).toBe(later);
  });

  test('with a key each of one provider use that of the side that confirmed; the other is put aside and comes back', async () => {
    const [here, there] = await pair();
    const own = await here.addKey('openai');
    const other = await there.addKey('openai');
    expect(await town.linking.preview(here.identity, there.identity)).toEqual({
      bothHave: [{ provider: 'openai', stays: own.slice(-4), aside: other.slice(-4) }],
    });
    await town.link(here, there);
    expect(await there.keyFor('openai')).toBe(own);
    expect(await town.apiKeys.listAside((await here.me()).userId)).toEqual([
      { provider: 'openai', hint: other.slice(-4) },
    ]);
    await town.linking.unlink(here.identity);
    expect(await here.keyFor('openai')).toBe(own);
    expect(await there.keyFor('openai')).toBe(other);
  });

  test('what becomes of a key stands in the trail, for whose it is', async () => {
    const [here, there] = await pair();
    await here.addKey('openai');
    await there.addKey('openai');
    await there.addKey('anthropic');
    const [mine, theirs] = [(await here.me()).userId, (await there.me()).userId];
    /** Newest first. */
    const trail = async (...userIds: number[]) =>
      (await town.audit.of(userIds, 50)).map(({ action, provider }) => `${action} ${provider}`);
    await town.link(here, there);
    expect((await trail(theirs)).slice(0, 2).sort()).toEqual([
      'key.joined anthropic',
      'key.put-aside openai',
    ]);
    // Together they have one history.
    expect((await trail(...(await ownersOf(database.db, mine)))).length).toBe(5);
    const newer = (await there.addKey('openai')).slice(-4);
    await town.linking.unlink(here.identity);
    expect(await trail(mine)).toEqual(['key.replaced openai', 'key.added openai']);
    expect((await trail(theirs)).slice(0, 3).sort()).toEqual([
      'key.deleted openai',
      'key.returned anthropic',
      'key.returned openai',
    ]);
    expect((await there.keyFor('openai'))?.slice(-4)).toBe(newer);

    const before = await town.apiKeys.list(theirs);
    const codeId = await town.codeFor(here, there);
    const full = vi.spyOn(town.audit, 'append').mockRejectedValue(new Error('the disk is full'));
    await expect(town.linking.link(here.identity, codeId)).rejects.toThrow('full');
    full.mockRestore();
    expect(await there.me()).toEqual({ userId: theirs, ownerId: theirs });
    expect(await town.apiKeys.list(theirs)).toEqual(before);
  });

  test('a key that replaces both goes with who added it; a deleted one takes along what was put aside', async () => {
    const [here, there] = await pair();
    await here.addKey('openai');
    await there.addKey('openai');
    await town.link(here, there);
    const newer = await there.addKey('openai');
    expect(await here.keyFor('openai')).toBe(newer);
    await town.linking.unlink(here.identity);
    expect(await there.keyFor('openai')).toBe(newer);
    expect(await here.keyFor('openai')).toBeUndefined();

    await here.addKey('openai');
    await town.link(here, there);
    const { userId } = await there.me();
    const [key] = await town.apiKeys.list(userId);
    if (key === undefined) throw new Error('no key');
    expect(await town.apiKeys.removeKey(userId, key)).toBeDefined();
    await town.linking.unlink(here.identity);
    expect(await there.keyFor('openai')).toBeUndefined();
  });

  test('limits on own keys: the lower one holds, and what both have spent counts', async () => {
    const [here, there] = await pair();
    const [mine, theirs] = [await here.me(), await there.me()];
    await town.ownLimit.set(mine.userId, 'day', 5_000_000);
    await town.ownLimit.set(theirs.userId, 'day', 2_000_000);
    await town.ownLimit.set(theirs.userId, 'month', 9_000_000);
    for (const { userId } of [mine, theirs]) {
      for (const [period, micros] of [
        ['day', 300_000],
        ['month', 400_000],
      ] as const) {
        const window = windowOf(period, new Date(town.clock.ms));
        await adjust(town.db, { holder: ownHolder(userId), window }, { turns: 1, micros }, 'test');
      }
    }
    await town.link(here, there);
    const joint = [
      { period: 'day', limitMicros: 2_000_000, usedMicros: 600_000 },
      { period: 'month', limitMicros: 9_000_000, usedMicros: 800_000 },
    ];
    expect(await town.ownLimit.state((await here.me()).userId)).toMatchObject(joint);
    await town.linking.unlink(here.identity);
    for (const side of [here, there]) {
      expect(await town.ownLimit.state((await side.me()).userId)).toMatchObject(joint);
    }
  });

  test('a key whose check was under way while they were linked serves both', async () => {
    const [here, there] = await pair();
    const before = await there.me();
    await town.link(here, there);
    const { Secret } = await import('../../src/secret.ts');
    const { SAMPLES } = await import('../keys/sample-keys.ts');
    const text = SAMPLES.openai();
    await town.apiKeys.add(before.userId, 'openai', new Secret(text), there.identity);
    expect(await here.keyFor('openai')).toBe(text);
  });

  test('a key that is added at the very moment of linking is never left where nobody uses it', async () => {
    for (let round = 0; round < 15; round += 1) {
      const [here, there] = await pair();
      const code = await town.codeFor(here, there);
      const [text] = await Promise.all([
        there.addKey('openai'),
        town.linking.link(here.identity, code),
      ]);
      expect(await here.keyFor('openai')).toBe(text);
    }
  });

  test('have used today what both had used, and separated still have', async () => {
    const [here, there] = await pair();
    await here.spend(30_000);
    await there.spend(40_000);
    await town.link(here, there);
    for (const who of [here, there]) {
      expect(await who.used()).toEqual({ turnsUsed: 2, spentMicros: 70_000 });
    }
    expect(await there.spend(40_000)).toBe(false);
    expect(await there.spend(20_000)).toBe(true);
    await town.linking.unlink(there.identity);
    for (const who of [here, there]) {
      expect(await who.used()).toEqual({ turnsUsed: 3, spentMicros: 90_000 });
      expect(await who.spend(20_000)).toBe(false);
    }
  });

  test('linked, separated and linked again on one day have used no more and no less than they did', async () => {
    for (const swap of [false, true]) {
      const [here, there] = await pair();
      await here.spend(10_000);
      await there.spend(20_000);
      await town.link(here, there);
      await there.spend(5_000);
      await town.linking.unlink(here.identity);
      await here.spend(1_000);
      await there.spend(2_000);
      await (swap ? town.link(there, here) : town.link(here, there));
      for (const who of [here, there]) {
        expect(await who.used()).toEqual({ turnsUsed: 5, spentMicros: 38_000 });
      }
      await town.linking.unlink(here.identity);
      expect(await here.used()).toEqual({ turnsUsed: 5, spentMicros: 38_000 });
      // With somebody else nothing of it was shared.
      const other = await town.person('terminal');
      await other.spend(1_000);
      await town.link(other, there);
      expect(await other.used()).toEqual({ turnsUsed: 6, spentMicros: 39_000 });
    }
  });

  test('/usage sums both, and afterwards each has what it said itself', async () => {
    const [here, there] = await pair();
    const count = async (who: typeof here) => {
      const { userId } = await who.me();
      const [house] = await usageSince(database.db, userId, new Date(Date.now() - 60_000));
      return house?.turns ?? 0;
    };
    const answered = async (who: typeof here) => {
      await who.say('hello');
      await who.answerNext('hi');
    };
    await answered(here);
    await answered(there);
    await town.link(here, there);
    await answered(there);
    expect([await count(here), await count(there)]).toEqual([3, 3]);
    await town.linking.unlink(here.identity);
    expect([await count(here), await count(there)]).toEqual([1, 2]);
  });

  test('what was said stays readable where it was said, before, while and after', async () => {
    const [here, there] = await pair();
    const inChat = async () => {
      const chat = await town.identities.chatOf(there.chat);
      const messages = await readContext(
        { db: database.db, vault: town.vault },
        {
          chatId: chat.id,
          conversation: chat.conversation,
          kind: 'direct',
          chainEnd: undefined,
          privateTurnsOf: undefined,
          turnId: Number.MAX_SAFE_INTEGER,
          budgetTokens: 10_000,
          countTokens: (text) => text.length,
        },
      );
      return messages.flatMap((m) => m.content.map((c) => (c.type === 'text' ? c.text : '')));
    };
    await there.say('before');
    await there.answerNext('one');
    await town.link(here, there);
    await there.say('while');
    const turn = await there.answerNext('two');
    expect(turn.ownerId).not.toBe(turn.userId);
    await here.say('elsewhere');
    await here.answerNext('none of that');
    expect(await inChat()).toEqual(['before', 'one', 'while', 'two']);
    await town.linking.unlink(there.identity);
    await there.say('after');
    await there.answerNext('three');
    expect(await inChat()).toEqual(['before', 'one', 'while', 'two', 'after', 'three']);
    // Under the data key of who said it: forgetting the one leaves the other's words alone.
    await database.db.execute(
      sql`delete from data_keys where user_id = ${(await here.me()).userId}`,
    );
    town.vault.forget((await here.me()).userId);
    expect(await inChat()).toContain('two');
  });

  test('the settings of the side that confirmed stay; separated, both have them', async () => {
    const [here, there] = await pair();
    const set = async (who: typeof here, values: Partial<typeof users.$inferInsert>) =>
      database.db
        .update(users)
        .set(values)
        .where(eq(users.id, (await who.me()).userId));
    const get = async (who: typeof here) => {
      const [row] = await database.db
        .select({ model: users.model, showCost: users.showCost, consent: users.groupConsentAt })
        .from(users)
        .where(eq(users.id, (await who.me()).userId));
      return row;
    };
    await set(there, { provider: 'openai', model: 'theirs', groupConsentAt: new Date() });
    await set(here, { showCost: true });
    await town.link(here, there);
    // Consent is given by a person on a side, never carried to another.
    expect(await get(there)).toEqual({ model: 'theirs', showCost: true, consent: null });
    await set(there, { model: 'ours' });
    await town.linking.unlink(here.identity);
    expect((await get(here))?.model).toBe('ours');
    expect(await get(there)).toEqual({ model: 'ours', showCost: true, consent: null });
  });

  test('three of them separate into three', async () => {
    const [here, there] = await pair();
    const third = await town.person('terminal');
    const key = await there.addKey('openai');
    await town.link(here, there);
    const joined = await third.addKey('openai');
    expect((await town.link(third, there)).result).toBe('linked');
    expect(await here.keyFor('openai')).toBe(joined);
    await town.linking.unlink(here.identity);
    const ids = [await here.me(), await there.me(), await third.me()].map((p) => p.userId);
    expect(new Set(ids).size).toBe(3);
    expect(await there.keyFor('openai')).toBe(key);
    expect(await third.keyFor('openai')).toBe(joined);
    expect(await here.keyFor('openai')).toBeUndefined();
  });
});

describe('linking', () => {
  test('two accounts of one platform is refused, also by way of a third', async () => {
    const [here, there] = await pair();
    const second = await town.person('telegram');
    await town.link(here, there);
    expect(await town.link(there, second)).toEqual({
      result: 'platform-taken',
      platform: 'telegram',
    });
    expect((await second.me()).userId).not.toBe((await there.me()).userId);
  });

  test('waits until neither side has open turns, and so does separating', async () => {
    const [here, there] = await pair();
    const code = await town.codeFor(here, there);
    await there.say('under way');
    expect((await town.linking.link(here.identity, code)).result).toBe('busy');
    await there.answerNext('done');
    await here.say('under way');
    expect((await town.linking.link(here.identity, code)).result).toBe('busy');
    await here.answerNext('done');
    expect((await town.linking.link(here.identity, code)).result).toBe('linked');
    await there.say('under way');
    expect((await town.linking.unlink(here.identity)).result).toBe('busy');
    await there.answerNext('done');
    expect((await town.linking.unlink(here.identity)).result).toBe('unlinked');
  });

  test('no turn slips in: whoever writes at that moment ends in the mailbox of the user that it then is', async () => {
    for (let round = 0; round < 25; round += 1) {
      const [here, there] = await pair();
      const code = await town.codeFor(here, there);
      // As intake reads it, a moment before.
      const said = Array.from({ length: 6 }, () => there.say('now'));
      const linked = await town.linking.link(here.identity, code);
      const results = await Promise.all(said);
      const { userId } = await there.me();
      const rows = await database.db
        .select({ userId: turns.userId, ownerId: turns.ownerId })
        .from(turns)
        .where(eq(turns.platformUserId, there.identity.platformUserId));
      const accepted = results.filter((r) => r.result === 'accepted').length;
      expect(rows).toHaveLength(accepted);
      expect(results.every((r) => r.result === 'accepted' || r.result === 'moved')).toBe(true);
      expect(new Set(rows.map((row) => row.userId)).size).toBeLessThanOrEqual(1);
      expect(rows.every((row) => row.userId === userId)).toBe(true);
      if (linked.result === 'linked') expect(rows.every((r) => r.ownerId !== null)).toBe(true);
      else expect(linked.result).toBe('busy');
    }
  });

  test('who reads an account and writes after it was joined is told to look again', async () => {
    const [here, there] = await pair();
    const before = await there.me();
    await town.link(here, there);
    const chat = await town.identities.chatOf(there.chat);
    const late = {
      platform: 'discord',
      platformChatId: there.chat.chatId,
      messageId: 'late',
      userId: before.userId,
      platformUserId: there.identity.platformUserId,
      chatId: chat.id,
      conversation: 1,
      rowKey: 'late',
      input: new Uint8Array([1]),
      sentAt: new Date(),
      sentOrder: 1,
      replyTo: 'late',
      mergeKey: undefined,
      waitMs: 0,
      followsTurnId: undefined,
      isPrivate: false,
    };
    expect(await town.mailbox.accept(late)).toEqual({ result: 'moved' });
    expect((await town.mailbox.accept({ ...late, userId: (await there.me()).userId })).result).toBe(
      'accepted',
    );
  });

  test('in opposite directions at once does not lock up, and ends as one user', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [here, there] = await pair();
      const [one, other] = [await town.codeFor(here, there), await town.codeFor(there, here)];
      const results = await Promise.all([
        town.linking.link(here.identity, one),
        town.linking.link(there.identity, other),
      ]);
      expect(results.map((r) => r.result).sort()).toEqual(['already', 'linked']);
      expect((await here.me()).userId).toBe((await there.me()).userId);
    }
  });

  test('three accounts in a circle at once end as one user, or say why not', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [here, there] = await pair();
      const third = await town.person('terminal');
      const codes = [
        [here, await town.codeFor(here, there)],
        [there, await town.codeFor(there, third)],
        [third, await town.codeFor(third, here)],
      ] as const;
      const results = await Promise.all(
        codes.map(([who, code]) => town.linking.link(who.identity, code)),
      );
      expect(results.map((r) => r.result).sort()).toEqual(['already', 'linked', 'linked']);
      const ids = [await here.me(), await there.me(), await third.me()].map((p) => p.userId);
      expect(new Set(ids).size).toBe(1);
    }
  });

  test('pressed twice at once happens once, and the allowance is summed once', async () => {
    const [here, there] = await pair();
    await there.spend(10_000);
    const code = await town.codeFor(here, there);
    const results = await Promise.all(
      Array.from({ length: 5 }, () => town.linking.link(here.identity, code)),
    );
    expect(results.filter((r) => r.result === 'linked')).toHaveLength(1);
    expect(await here.used()).toEqual({ turnsUsed: 1, spentMicros: 10_000 });
  });

  test('that fails in the middle changes nothing', async () => {
    const [here, there] = await pair();
    await there.spend(10_000);
    await there.addKey('openai');
    const code = await town.codeFor(here, there);
    // The last step of the transaction fails.
    await database.db.execute(
      sql`alter table budgets add constraint planted check (turns < 0) not valid`,
    );
    await expect(town.linking.link(here.identity, code)).rejects.toThrow();
    await database.db.execute(sql`alter table budgets drop constraint planted`);
    expect((await here.me()).userId).not.toBe((await there.me()).userId);
    expect(await here.keyFor('openai')).toBeUndefined();
    expect(await there.keyFor('openai')).toBeDefined();
    expect((await town.linking.link(here.identity, code)).result).toBe('linked');
    expect(await here.keyFor('openai')).toBeDefined();
  });
});

describe('a code', () => {
  test('is kept nowhere in clear, and takes small letters and no dash', async () => {
    const [here, there] = await pair();
    const made = await town.codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    const rows = await database.db.execute(sql`select * from link_codes`);
    const dump = JSON.stringify(rows);
    expect(dump).not.toContain(made.code);
    expect(dump).not.toContain(made.code.replace('-', ''));
    const typed = made.code.toLowerCase().replace('-', ' ');
    expect((await town.codes.take(here.identity, typed)).result).toBe('taken');
  });

  test('is nothing to its own maker, nor on the maker’s platform', async () => {
    const [here, there] = await pair();
    const neighbour = await town.person('discord');
    const made = await town.codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    expect((await town.codes.take(there.identity, made.code)).result).toBe('own');
    expect((await town.codes.take(neighbour.identity, made.code)).result).toBe('same-platform');
    expect((await town.codes.take(here.identity, made.code)).result).toBe('taken');
  });

  test('is over after ten minutes, before and after it was sent in', async () => {
    const [here, there] = await pair();
    const id = await town.codeFor(here, there);
    const late = await town.codes.make(there.identity);
    if (late.result !== 'made') throw new Error(late.result);
    expect((await town.linking.link(here.identity, id)).result).toBe('over');
    const again = await town.codeFor(here, there);
    town.clock.ms += 10 * 60_000 + 1;
    expect((await town.linking.link(here.identity, again)).result).toBe('over');
    expect((await town.codes.take(here.identity, late.code)).result).toBe('wrong');
  });

  test('sent in by two at the same moment is one’s alone', async () => {
    const there = await town.person('discord');
    const [one, other] = [await town.person('telegram'), await town.person('terminal')];
    const made = await town.codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    const taken = await Promise.all(
      [one, other].map((who) => town.codes.take(who.identity, made.code)),
    );
    expect(taken.map((t) => t.result).sort()).toEqual(['taken', 'wrong']);
    const found = taken.find((t) => t.result === 'taken');
    const loser = taken[0] === found ? other : one;
    const id = found?.result === 'taken' ? found.id : 0;
    expect((await town.linking.link(loser.identity, id)).result).toBe('over');
  });

  test('may be guessed five times in ten minutes, however many tries come at once', async () => {
    const [here, there] = await pair();
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) => town.codes.take(here.identity, `AAAA-AA${i}`)),
    );
    expect(tries.filter((t) => t.result === 'wrong')).toHaveLength(5);
    const limited = tries.find((t) => t.result === 'limited');
    expect(limited?.result === 'limited' && limited.retryAt.getTime()).toBeGreaterThan(
      town.clock.ms,
    );
    const made = await town.codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    // The right one too: being limited tells nothing.
    expect((await town.codes.take(here.identity, made.code)).result).toBe('limited');
    town.clock.ms += 9 * 60_000;
    const fresh = await town.codes.make(there.identity);
    town.clock.ms += 60_001;
    if (fresh.result !== 'made') throw new Error(fresh.result);
    expect((await town.codes.take(here.identity, fresh.code)).result).toBe('taken');
  });

  test('may be made five times in ten minutes', async () => {
    const [here] = await pair();
    const made = await Promise.all(
      Array.from({ length: 12 }, () => town.codes.make(here.identity)),
    );
    expect(made.filter((m) => m.result === 'made')).toHaveLength(5);
    expect(
      (
        await database.db.execute(
          sql`select from link_codes where platform_user_id = ${here.identity.platformUserId}`,
        )
      ).length,
    ).toBe(1);
  });

  test('that is dropped, or refused by who took it, is void', async () => {
    const [here, there] = await pair();
    const made = await town.codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    await town.codes.drop({ text: made.code });
    expect((await town.codes.take(here.identity, made.code)).result).toBe('wrong');
    const id = await town.codeFor(here, there);
    await town.codes.drop({ id, taker: there.identity });
    await town.codes.drop({ id, taker: here.identity });
    expect((await town.linking.link(here.identity, id)).result).toBe('over');
  });
});
