/** Two platforms' people on a real database, without any platform: for tests of linking. */

import { randomUUID } from 'node:crypto';
import { createIdentities } from '../../src/chat/identities.ts';
import { createLinkCodes } from '../../src/chat/link-codes.ts';
import { createLinking } from '../../src/chat/linking.ts';
import type { IncomingMessage, PlatformName } from '../../src/chat/message.ts';
import { createTurnIntake } from '../../src/chat/turn-intake.ts';
import { createTurnStore } from '../../src/conversation/turn-store.ts';
import { eq } from '../../src/db/drizzle.ts';
import { turns } from '../../src/db/schema.ts';
import { createOwnLimit } from '../../src/funding/own-limit.ts';
import { createApiKeys } from '../../src/keys/api-keys.ts';
import { createAudit } from '../../src/keys/audit.ts';
import type { Identity } from '../../src/keys/key-prompts.ts';
import { createVault } from '../../src/keys/vault.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { Secret } from '../../src/secret.ts';
import { SAMPLES } from '../keys/sample-keys.ts';
import type { TestDatabase } from './database.ts';
import { makeRing } from './key-ring.ts';
import { houseLedger } from './ledger.ts';

export async function linkingTown(database: TestDatabase) {
  const { db } = database;
  const ring = await makeRing();
  const clock = { ms: Date.now() };
  const now = () => new Date(clock.ms);
  const vault = createVault({ db, ring });
  const audit = createAudit({ db, ring, now });
  const identities = createIdentities({ db });
  const mailbox = createMailbox({ db, limit: 100 });
  const allowance = houseLedger({
    db,
    now,
    limits: { turnsPerDay: 20, microsPerDay: 100_000, houseMicrosPerDay: 100_000_000 },
  });
  const apiKeys = createApiKeys({
    db,
    vault,
    audit,
    now,
    providers: () => ({ checkKey: async () => ({ result: 'valid' }) }),
  });
  const ownLimit = createOwnLimit({ db, now });
  const linking = createLinking({ db, audit, now });
  const codes = createLinkCodes({ db, ring, now });
  const intake = createTurnIntake({ db, vault, mailbox });
  const store = createTurnStore({ db, vault });

  async function person(platform: PlatformName) {
    const identity: Identity = { platform, platformUserId: randomUUID() };
    const me = () => identities.personOf(platform, identity.platformUserId);
    const chat = { platform, chatId: `chat-${identity.platformUserId}`, kind: 'direct' as const };
    const messageOf = (text: string): IncomingMessage => ({
      chat,
      sender: { platformUserId: identity.platformUserId, displayName: 'Somebody' },
      messageId: randomUUID(),
      order: 1,
      sentAt: new Date(),
      text,
      addressed: 'direct',
      files: [],
    });
    await me();
    return {
      identity,
      me,
      chat,
      messageOf,
      /** As intake does: who it is, then into the mailbox. */
      async say(text: string) {
        return intake.accept(messageOf(text), await me(), await identities.chatOf(chat));
      },
      /** @returns what the worker reads */
      async answerNext(answer: string) {
        const { userId } = await me();
        const claim = await mailbox.claim(userId, 'w', 60_000);
        if (claim === undefined) throw new Error('nothing to claim');
        const turn = await store.read(claim);
        await store.store(turn, { answer, outcome: null, costMicros: 7 });
        await db.update(turns).set({ funding: 'house' }).where(eq(turns.id, turn.turnId));
        await mailbox.finish(claim, 'done', null);
        return turn;
      },
      async spend(micros: number) {
        const accepted = await this.say('for money');
        if (accepted.result !== 'accepted') throw new Error(accepted.result);
        const { userId } = await me();
        const claim = await mailbox.claim(userId, 'w', 60_000);
        if (claim?.turnId !== accepted.turnId) throw new Error('another turn came first');
        const fence = { turnId: claim.turnId, attempt: claim.attempt };
        const reserved = await allowance.reserve({
          ...fence,
          userId,
          inputMicros: micros,
          outputMicrosPerMillion: 0,
          maxOutputTokens: 300,
        });
        const turn = await store.read(claim);
        const settlement = allowance.settlement({ ...fence, spentMicros: micros, answered: true });
        await store.store(
          turn,
          { answer: 'paid', outcome: null, costMicros: micros },
          reserved.ok ? settlement : undefined,
        );
        await mailbox.finish(claim, 'done', null);
        return reserved.ok;
      },
      async used() {
        const [today] = (await allowance.state((await me()).userId)).windows;
        return { turnsUsed: today?.turnsUsed, spentMicros: today?.spentMicros };
      },
      async addKey(provider: 'openai' | 'anthropic' | 'groq') {
        const text = SAMPLES[provider]();
        const { userId } = await me();
        const added = await apiKeys.add(userId, provider, new Secret(text), identity);
        if (added.result !== 'saved') throw new Error(added.result);
        return text;
      },
      async keyFor(provider: 'openai' | 'anthropic' | 'groq') {
        return (await apiKeys.keyFor((await me()).userId, provider))?.apiKey.reveal();
      },
    };
  }
  type Someone = Awaited<ReturnType<typeof person>>;

  /** @returns the id of a code that `there` made and `here` has taken */
  async function codeFor(here: Someone, there: Someone): Promise<number> {
    const made = await codes.make(there.identity);
    if (made.result !== 'made') throw new Error(made.result);
    const taken = await codes.take(here.identity, made.code);
    if (taken.result !== 'taken') throw new Error(taken.result);
    return taken.id;
  }

  return {
    db,
    clock,
    ring,
    vault,
    audit,
    identities,
    turnIntake: intake,
    mailbox,
    apiKeys,
    ownLimit,
    linking,
    codes,
    person,
    codeFor,
    async link(here: Someone, there: Someone) {
      return linking.link(here.identity, await codeFor(here, there));
    },
  };
}
