/** The parts of Latchkey that a turn passes, in this process, on the storage of an installation. */

import { randomUUID } from 'node:crypto';
import { type ChatRow, createIdentities } from '../src/chat/identities.ts';
import { encodeTurnInput } from '../src/chat/turn-input.ts';
import { createUsage } from '../src/commands/usage.ts';
import { parseConfig } from '../src/config.ts';
import { readContext } from '../src/conversation/context-window.ts';
import { prepareTurn, sharedOf } from '../src/conversation/prepare-turn.ts';
import { NOBODY } from '../src/conversation/turn-observer.ts';
import { createTurnStore } from '../src/conversation/turn-store.ts';
import { openDatabase } from '../src/db/open.ts';
import { createAllowance } from '../src/funding/allowance.ts';
import { createCreditFunding } from '../src/funding/credit-funding.ts';
import { createHouseBreaker } from '../src/funding/house-breaker.ts';
import { createHouseFunding } from '../src/funding/house-funding.ts';
import { createHouseWatch } from '../src/funding/house-watch.ts';
import { createLedger, type Ledger } from '../src/funding/ledger.ts';
import { createOwnFunding } from '../src/funding/own-funding.ts';
import { createOwnLimit } from '../src/funding/own-limit.ts';
import { createPayers } from '../src/funding/payers.ts';
import { createUserPlans } from '../src/funding/plans.ts';
import { createApiKeys } from '../src/keys/api-keys.ts';
import { createAudit } from '../src/keys/audit.ts';
import { openKeyRing } from '../src/keys/open-key-ring.ts';
import { createVault } from '../src/keys/vault.ts';
import { createLog } from '../src/log.ts';
import { openModeration } from '../src/moderation/open-moderation.ts';
import { createTelegram } from '../src/platforms/telegram/telegram.ts';
import { createPoolMembers } from '../src/pools/members.ts';
import { createPoolFunding } from '../src/pools/pool-funding.ts';
import { createPools } from '../src/pools/pools.ts';
import { preflight } from '../src/preflight.ts';
import { createMailbox } from '../src/queue/mailbox.ts';

/** Milliseconds that the steps of one turn took. */
export interface TurnTimes {
  readonly accept: number;
  readonly claim: number;
  /** Reading the turn, its context, who pays, setting the money aside. */
  readonly prepare: number;
  /** Of it, deciding who pays and setting the money aside. */
  readonly funding: number;
  /** Of it, the window of context. */
  readonly context: number;
  /** Storing the answer, settling, ending the turn. */
  readonly settle: number;
  /** /usage of the same user. */
  readonly usage: number;
}

export interface TurnParts {
  /** A turn of one of the people under test from its words to its end, without a provider. */
  run(person: number): Promise<TurnTimes>;
  close(): Promise<void>;
}

const LEASE_MS = 60_000;
const FIRST_PERSON = 6_000_000;
const QUESTION = 'How do I read a file line by line without holding all of it in memory? '.repeat(
  3,
);
const ANSWER = 'Open it as a stream and iterate over its lines; each is given as it comes. '.repeat(
  9,
);

/** @param environment the settings with which a bot would start on that storage */
export async function openTurnParts(
  environment: Readonly<Record<string, string>>,
): Promise<TurnParts> {
  const closers: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>) => void closers.push(close);
  const config = parseConfig(environment);
  if (config.telegram === undefined) throw new Error('a bot of Telegram is measured');
  const { prices, plans, house, legal, thresholds } = await preflight(config, {
    servesElsewhere: false,
  });
  const { connection } = await openDatabase({
    database: config.database,
    maxConnections: 8,
    onStep: () => {},
    onLost: () => {},
    onClose,
  });
  const { db } = connection;
  const { ring } = await openKeyRing({
    db,
    config: config.keyRing,
    mayCreate: true,
    onStep: () => {},
    onProblem: () => {},
    onClose,
  });
  const log = await createLog({ level: 'silent', pretty: false });
  const vault = createVault({ db, ring });
  const audit = createAudit({ db, ring });
  const apiKeys = createApiKeys({
    db,
    vault,
    audit,
    providers: () => ({ checkKey: async () => ({ result: 'valid' }) }),
  });
  const userPlans = createUserPlans({ db, plans, onUnknown: () => {} });
  const houseMicrosPerDay = config.allowance.houseDailyMicros;
  const allowance = createAllowance({ db, house, plans, userPlans, houseMicrosPerDay });
  const ownLimit = createOwnLimit({ db });
  const housePause = { isPaused: false };
  const houseKey = {
    house,
    breaker: createHouseBreaker(),
    pause: housePause,
    tellOperator: () => {},
  };
  const pools = createPools({ db });
  const payers = createPayers({
    db,
    sources: [
      createOwnFunding({ db, apiKeys, ownLimit }),
      createPoolFunding({
        db,
        apiKeys,
        pools,
        members: createPoolMembers({ db, vault, ring }),
        tellOwner: () => {},
        lookForOwner: () => {},
      }),
      createCreditFunding({ ...houseKey, db }),
      createHouseFunding({
        ...houseKey,
        allowance,
        chatDayMicros: plans.house.chatDayMicros,
        watch: createHouseWatch({ db, houseMicrosPerDay, warn: () => {}, onError: () => {} }),
      }),
    ],
  });
  const { moderation } = openModeration({
    config: config.moderation,
    thresholds,
    db,
    ring,
    baseUrl: undefined,
    ownKeysToo: legal.moderatesOwnKeys,
    onDown: () => {},
    onSuspended: () => {},
    log,
  });
  const mailbox = createMailbox({
    db,
    limit: (userId) => userPlans.waiting(userId, config.mailboxLimit),
  });
  const store = createTurnStore({ db, vault });
  const bookkeeping = createLedger({ db });
  let reserving = 0;
  const ledger: Ledger = {
    ...bookkeeping,
    async reserve(request) {
      const begun = performance.now();
      const reserved = await bookkeeping.reserve(request);
      reserving = performance.now() - begun;
      return reserved;
    },
  };
  const { sender } = createTelegram({ ...config.telegram, log });
  const usage = createUsage({
    db,
    apiKeys,
    house,
    allowance,
    ownLimit,
    payers,
    mailbox,
    housePause,
    charts: { draw: async () => new Uint8Array(), close: async () => {} },
    log,
  });
  const identities = createIdentities({ db });
  const known = new Map<number, { readonly userId: number; readonly chat: ChatRow }>();
  let order = 0;

  async function meet(person: number) {
    const there = known.get(person);
    if (there !== undefined) return there;
    const id = String(FIRST_PERSON + person);
    const userId = await identities.userOf('telegram', id);
    const chat = await identities.chatOf({ platform: 'telegram', chatId: id, kind: 'direct' });
    const made = { userId, chat };
    known.set(person, made);
    return made;
  }

  return {
    async run(person) {
      const { userId, chat } = await meet(person);
      const platformUserId = String(FIRST_PERSON + person);
      order += 1;
      const messageId = String(order);
      const rowKey = randomUUID();
      const input = await vault.seal(
        userId,
        { purpose: 'turn-input', row: rowKey },
        encodeTurnInput({ authorName: 'Ada', parts: [{ messageId, text: QUESTION, files: [] }] }),
      );
      const [accept] = await timed(() =>
        mailbox.accept({
          platform: 'telegram',
          platformChatId: platformUserId,
          messageId,
          userId,
          platformUserId,
          chatId: chat.id,
          conversation: chat.conversation,
          rowKey,
          input,
          sentAt: new Date(),
          sentOrder: order,
          replyTo: messageId,
          followsTurnId: undefined,
          isPrivate: false,
          mergeKey: undefined,
          waitMs: 0,
        }),
      );
      const [claimMs, claim] = await timed(() => mailbox.claim(userId, 'bench', LEASE_MS));
      if (claim === undefined) throw new Error('there was nothing to claim');

      const [context] = await timed(() =>
        readContext(
          { db, vault },
          {
            chatId: chat.id,
            conversation: chat.conversation,
            kind: 'direct',
            chainEnd: undefined,
            privateTurnsOf: undefined,
            turnId: claim.turnId,
            budgetTokens: Number.POSITIVE_INFINITY,
            countTokens: () => 0,
          },
        ),
      );
      let preparing = 0;
      const begun = performance.now();
      const turn = await store.open(claim);
      const deciding = performance.now();
      const paid = await payers.pay(
        {
          userId,
          turn: { turnId: turn.turnId, chat: turn.chat, rules: turn.rules, has: turn.has },
          order: turn.payerOrder,
          choice: turn.payerChoice,
        },
        async (payer) => {
          const from = performance.now();
          const parts = { db, vault, ledger, prices, moderation, observer: NOBODY };
          const prepared = await prepareTurn(
            parts,
            turn,
            payer,
            sender,
            sharedOf(parts, turn, sender),
          );
          preparing = performance.now() - from;
          return prepared;
        },
      );
      const ended = performance.now();
      if (!paid.paid || !('ready' in paid.value) || !paid.value.ready) {
        throw new Error(`nobody pays: ${JSON.stringify(paid)}`);
      }
      const [settle] = await timed(async () => {
        const what = {
          turnId: turn.turnId,
          attempt: turn.attempt,
          spentMicros: 100,
          answered: true,
          tokens: 220,
        };
        const tokens = { inputTokens: 200, cachedInputTokens: 0, cacheWriteTokens: 0 };
        const house = await store.store(
          turn,
          {
            answer: ANSWER,
            outcome: null,
            usage: { ...tokens, outputTokens: 20 },
            costMicros: 100,
          },
          bookkeeping.settlement(what),
        );
        if (house !== undefined) await paid.funding.settled?.(house);
        await mailbox.finish(turn, 'done', null);
      });
      const [usageMs] = await timed(() =>
        usage.run({
          chat: { platform: 'telegram', chatId: platformUserId, kind: 'direct' },
          sender: { platformUserId, displayName: 'Ada' },
          userId,
          argument: '',
          answer: () => {},
          post: async () => undefined,
          replace: () => {},
          endButton: () => {},
          // The picture, which is drawn afterwards.
          later: () => {},
        }),
      );
      return {
        accept,
        claim: claimMs,
        prepare: ended - begun,
        funding: ended - deciding - preparing + reserving,
        context,
        settle,
        usage: usageMs,
      };
    },
    async close() {
      await moderation.settled();
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const begun = performance.now();
  const result = await work();
  return [performance.now() - begun, result];
}
