/** The tables. Sealed columns hold what `keys/vault.ts` made, never clear text. */

import { FUNDING_KINDS } from '../funding/funding-kind.ts';
import {
  bigint,
  boolean,
  check,
  customType,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  sql,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from './drizzle.ts';

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => 'bytea',
});
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const bigintNumber = (name: string) => bigint(name, { mode: 'number' });
const identity = () => bigintNumber('id').generatedAlwaysAsIdentity().primaryKey();

export const users = pgTable('users', {
  id: identity(),
  createdAt: moment('created_at').notNull().defaultNow(),
  /**
   * The provider whose key answers (/model, or "Make default" in /keys), and the model there; null:
   * the newest key, its provider's usual model.
   */
  provider: text('provider'),
  model: text('model'),
  /** When the user agreed that what others said in groups is context on their own key. */
  groupConsentAt: moment('group_consent_at'),
  /** Below each answer in private: what it cost and what is left. */
  showCost: boolean('show_cost').notNull().default(false),
  /** In which order those pay who can. */
  payerOrder: text('payer_order', { enum: ['own-first', 'own-only', 'house-first', 'ask'] })
    .notNull()
    .default('own-first'),
  /** When the user took /export within the last day: at most two. */
  exportedAt: moment('exported_at').array().notNull().default(sql`'{}'`),
});

/**
 * A user on a platform. Linked identities are one user: that user's keys, allowance, settings and
 * mailbox are theirs together. What an identity adds or says while it is linked is sealed under
 * its own user's data key all the same, so that nothing is sealed anew when it comes or goes.
 */
export const identities = pgTable(
  'identities',
  {
    platform: text('platform').notNull(),
    platformUserId: text('platform_user_id').notNull(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    /** While it is linked: the user that it was before, and is again after /unlink. */
    ownUserId: bigintNumber('own_user_id').references(() => users.id),
  },
  (t) => [
    primaryKey({ columns: [t.platform, t.platformUserId] }),
    index('identities_user').on(t.userId),
  ],
);

/** A user's data key, wrapped by the key ring. */
export const dataKeys = pgTable('data_keys', {
  userId: bigintNumber('user_id')
    .primaryKey()
    .references(() => users.id),
  /** The KEK that wraps it; must match the header inside `wrapped`. */
  kid: text('kid').notNull(),
  wrapped: jsonb('wrapped').notNull(),
  version: integer('version').notNull().default(1),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/**
 * Data keys whose KEK the ring had lost when their user began afresh. Kept as they are: what they
 * sealed opens again when that KEK is put back.
 */
export const lostDataKeys = pgTable(
  'lost_data_keys',
  {
    id: identity(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    kid: text('kid').notNull(),
    wrapped: jsonb('wrapped').notNull(),
    lostAt: moment('lost_at').notNull().defaultNow(),
  },
  (t) => [index('lost_data_keys_user').on(t.userId)],
);

/** One API key a user and provider. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: identity(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    /** Whose data key seals it, where that is another's: of the linked identity that added it. */
    ownerId: bigintNumber('owner_id').references(() => users.id),
    provider: text('provider').notNull(),
    sealed: bytea('sealed').notNull(),
    /** The last four characters. */
    hint: text('hint').notNull(),
    state: text('state', { enum: ['valid', 'limited', 'unchecked', 'refused'] }).notNull(),
    version: integer('version').notNull().default(1),
    createdAt: moment('created_at').notNull().defaultNow(),
    checkedAt: moment('checked_at'),
    lastUsedAt: moment('last_used_at'),
    /** The turn whose call was refused: it tells the owner the whole of it, the next ones in brief. */
    refusedByTurn: bigintNumber('refused_by_turn'),
    /** The user's wish; it holds for the key that replaces this one too. Null: kept until deleted. */
    forgetAfterDays: integer('forget_after_days'),
    expiresAt: moment('expires_at'),
  },
  (t) => [
    unique('api_keys_user_provider').on(t.userId, t.provider),
    index('api_keys_expiry').on(t.expiresAt).where(sql`expires_at is not null`),
  ],
);

/** A key that was pasted without /setkey: kept ten minutes behind the button "Use this key". */
export const pastedKeys = pgTable('pasted_keys', {
  id: identity(),
  userId: bigintNumber('user_id')
    .notNull()
    .references(() => users.id)
    .unique(),
  provider: text('provider').notNull(),
  sealed: bytea('sealed').notNull(),
  hint: text('hint').notNull(),
  expiresAt: moment('expires_at').notNull(),
});

/** A guided /setkey that waits for the key as the next message of this identity in this chat. */
export const keyPrompts = pgTable(
  'key_prompts',
  {
    platform: text('platform').notNull(),
    platformUserId: text('platform_user_id').notNull(),
    /** Null until the user has chosen one. */
    provider: text('provider'),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.platform, t.platformUserId] })],
);

/** One row a check of a key with its provider, for the limit of five a minute. */
export const keyChecks = pgTable(
  'key_checks',
  {
    id: identity(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [index('key_checks_user_at').on(t.userId, t.at)],
);

/** A chat, or a thread of one. */
export const chats = pgTable(
  'chats',
  {
    id: identity(),
    platform: text('platform').notNull(),
    platformChatId: text('platform_chat_id').notNull(),
    /** Empty in a chat without threads. */
    threadId: text('thread_id').notNull().default(''),
    kind: text('kind', { enum: ['direct', 'group'] }).notNull(),
    /** Counts up with /new: only turns of the same number are context. */
    conversation: integer('conversation').notNull().default(1),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** What its settings are kept under: the whole (a server) that it is part of, or itself. */
    wholeId: text('whole_id').notNull().default(''),
  },
  (t) => [unique('chats_address').on(t.platform, t.platformChatId, t.threadId)],
);

/** What those who may manage a chat have set with /chat, for all its threads or channels together. */
export const chatSettings = pgTable(
  'chat_settings',
  {
    platform: text('platform').notNull(),
    wholeId: text('whole_id').notNull(),
    /** `ChatPlaces`; null: it answers everywhere. */
    places: jsonb('places'),
    answersIn: text('answers_in', { enum: ['replies', 'threads'] })
      .notNull()
      .default('replies'),
    openTo: text('open_to', { enum: ['everybody', 'managers'] })
      .notNull()
      .default('everybody'),
    /** Of the house, a day (UTC); null: no cap but the house's own. */
    turnsPerDay: integer('turns_per_day'),
    microsPerDay: bigintNumber('micros_per_day'),
  },
  (t) => [primaryKey({ columns: [t.platform, t.wholeId] })],
);

/** Codes of /link: one for each identity that asked, for ten minutes, used once. */
export const linkCodes = pgTable(
  'link_codes',
  {
    id: identity(),
    /** What the key ring makes of the code: the code itself is kept nowhere. */
    digest: text('digest').notNull().unique(),
    platform: text('platform').notNull(),
    platformUserId: text('platform_user_id').notNull(),
    expiresAt: moment('expires_at').notNull(),
    /** Who has sent the code in and is asked to confirm: nobody else can use it from then on. */
    takenByPlatform: text('taken_by_platform'),
    takenByUserId: text('taken_by_user_id'),
  },
  (t) => [unique('link_codes_maker').on(t.platform, t.platformUserId)],
);

/** Codes that an identity made, and codes that it got wrong, for the limits of ten minutes. */
export const linkAttempts = pgTable(
  'link_attempts',
  {
    id: identity(),
    platform: text('platform').notNull(),
    platformUserId: text('platform_user_id').notNull(),
    kind: text('kind', { enum: ['made', 'wrong'] }).notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [index('link_attempts_identity').on(t.platform, t.platformUserId, t.at)],
);

/** Every message that came in and what became of it: recognises redelivery. */
export const inbox = pgTable(
  'inbox',
  {
    platform: text('platform').notNull(),
    platformChatId: text('platform_chat_id').notNull(),
    messageId: text('message_id').notNull(),
    /** Where to speak of it: empty in a chat without threads. */
    threadId: text('thread_id').notNull().default(''),
    chatKind: text('chat_kind', { enum: ['direct', 'group'] })
      .notNull()
      .default('direct'),
    /** `closed`: a turn whose place is gone, of which its user is still to be told, or was. */
    outcome: text('outcome', { enum: ['turn', 'command', 'refused', 'key', 'closed'] }).notNull(),
    turnId: bigintNumber('turn_id'),
    receivedAt: moment('received_at').notNull().defaultNow(),
    /** The process that carries out the command. */
    handler: text('handler'),
    /** Not of turns: null until it has been carried out, or told. */
    handledAt: moment('handled_at'),
  },
  (t) => [
    primaryKey({ columns: [t.platform, t.platformChatId, t.messageId] }),
    index('inbox_received').on(t.receivedAt),
    index('inbox_unhandled')
      .on(t.receivedAt)
      .where(sql`outcome in ('command', 'key') and handled_at is null`),
  ],
);

/** How many turns of a user wait or run, and the number of the last one. */
export const mailbox = pgTable('mailbox', {
  userId: bigintNumber('user_id')
    .primaryKey()
    .references(() => users.id),
  lastSeq: bigintNumber('last_seq').notNull(),
  open: integer('open').notNull(),
});

export const turns = pgTable(
  'turns',
  {
    id: identity(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    /** Whose data key seals the words, and whose usage it is, where the sender's identity was linked. */
    ownerId: bigintNumber('owner_id').references(() => users.id),
    /** Null once the turn's words are gone: what it cost needs no place. */
    chatId: bigintNumber('chat_id').references(() => chats.id),
    conversation: integer('conversation').notNull(),
    /** The order of commit in the user's mailbox. */
    seq: bigintNumber('seq').notNull(),
    status: text('status', {
      enum: ['queued', 'running', 'done', 'failed', 'cancelled'],
    }).notNull(),
    /** Counts the claims; the fence of every later write. */
    attempt: integer('attempt').notNull().default(0),
    worker: text('worker'),
    leaseUntil: moment('lease_until'),
    /** Not to be claimed before: merging, waiting for a rate or for the platform. */
    notBefore: moment('not_before'),
    mergeKey: text('merge_key'),
    /** The platform's date and order of the first message: turns run in this order. */
    sentAt: moment('sent_at').notNull(),
    sentOrder: bigintNumber('sent_order').notNull(),
    platformUserId: text('platform_user_id').notNull(),
    /** The message that is answered. */
    replyTo: text('reply_to').notNull(),
    /** The turn of the same chat whose question or answer this one replies to. */
    followsTurnId: bigintNumber('follows_turn_id'),
    /** Random: what binds the sealed words to this row (`keys/vault.ts`). */
    rowKey: text('row_key').notNull(),
    /** Sealed `TurnInput`. */
    input: bytea('input').notNull(),
    /** In a group, nobody but the sender sees the answer: it is context for their private turns alone. */
    isPrivate: boolean('is_private').notNull().default(false),
    /** Set by /stop, a block or a removal; the worker sees it by NOTIFY or at its heartbeat. */
    cancelReason: text('cancel_reason'),
    /** Sealed Markdown: first what was shown so far (a checkpoint), in the end the answer. */
    answer: bytea('answer'),
    /** Set when the provider was asked: from then on money may have been spent. */
    calledAt: moment('called_at'),
    /** Set when `answer` is whole and funding is settled: only delivery remains. */
    answeredAt: moment('answered_at'),
    /** A code of `text/outcomes.ts`: the note below the answer, or why there is none. */
    outcome: text('outcome'),
    /**
     * Shown below the answer: who pays from now on, where that has changed; what it cost and what was
     * left, where its user wants that.
     */
    costNote: text('cost_note'),
    /**
     * Set when the platform's leave to answer was over before all was sent: what is missing waits
     * for the user's press of "Continue".
     */
    expiredAt: moment('expired_at'),
    /** How often delivery was put off because the platform failed. */
    deliveryTries: integer('delivery_tries').notNull().default(0),
    funding: text('funding', { enum: FUNDING_KINDS }),
    /** Which pool, or which credit. */
    fundingId: bigintNumber('funding_id'),
    /** Who was to pay, where its user was asked. */
    payerChoice: text('payer_choice', { enum: FUNDING_KINDS }),
    provider: text('provider'),
    model: text('model'),
    inputTokens: bigintNumber('input_tokens'),
    cachedInputTokens: bigintNumber('cached_input_tokens'),
    outputTokens: bigintNumber('output_tokens'),
    /** Millionths of a dollar; null: nothing was spent, or the model's price is unknown. */
    costMicros: bigintNumber('cost_micros'),
    /** The cost was counted at the price that the operator assumes where none is known. */
    priceAssumed: boolean('price_assumed').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  (t) => [
    unique('turns_user_seq').on(t.userId, t.seq),
    index('turns_open')
      .on(t.userId, t.sentAt, t.sentOrder, t.seq)
      .where(sql`status in ('queued', 'running')`),
    uniqueIndex('turns_one_running').on(t.userId).where(sql`status = 'running'`),
    index('turns_sweep').on(t.createdAt).where(sql`status in ('queued', 'running')`),
    index('turns_context').on(t.chatId, t.conversation, t.id),
    index('turns_usage').on(t.userId, t.finishedAt),
    index('turns_owner').on(t.ownerId, t.finishedAt).where(sql`owner_id is not null`),
    // What the retention job has yet to clear, oldest first.
    index('turns_words')
      .on(t.finishedAt)
      .where(sql`finished_at is not null and chat_id is not null`),
  ],
);

/** What was sent for a turn, part by part; see `DeliveryLog`. */
export const deliveries = pgTable(
  'deliveries',
  {
    turnId: bigintNumber('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    part: integer('part').notNull(),
    messageId: text('message_id'),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.turnId, t.part] }), index('deliveries_message').on(t.messageId)],
);

/**
 * Something for one person of a group that the platform can show to them alone only when they press
 * a button. Kept for a day.
 */
export const heldNotices = pgTable(
  'held_notices',
  {
    /** Random: it stands in the button, and binds the sealed words to this row. */
    id: text('id').primaryKey(),
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    /** Sealed `Notice`. */
    notice: bytea('notice').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [index('held_notices_created').on(t.createdAt)],
);

/** Whose budget it is: what `holder_id` names. */
const HOLDERS = ['house', 'pool', 'credit', 'chat', 'user', 'member', 'own'] as const;

/**
 * What was used, and is set aside, of one budget in one window of time (`funding/ledger.ts`). The
 * limits are not here: they may change within a window.
 */
export const budgets = pgTable(
  'budgets',
  {
    /** The order in which these rows are locked, by everybody. */
    id: identity(),
    holderKind: text('holder_kind', { enum: HOLDERS }).notNull(),
    /** Empty for the house, `new` for what it gives those who are new; `platform:whole` of a chat; the user's number; `pool:row` of a member. */
    holderId: text('holder_id').notNull(),
    /** Whose it is, where it is a person's. */
    userId: bigintNumber('user_id').references(() => users.id),
    period: text('period', { enum: ['hour', 'day', 'week', 'month', 'total'] }).notNull(),
    /** When the window begins; of a total, the epoch. */
    starts: moment('starts').notNull(),
    /** Answered, or under way. */
    turns: integer('turns').notNull().default(0),
    spentMicros: bigintNumber('spent_micros').notNull().default(0),
    reservedMicros: bigintNumber('reserved_micros').notNull().default(0),
    /** Of a credit: all that was ever put in. */
    grantedMicros: bigintNumber('granted_micros').notNull().default(0),
    /** What of it is counted on this user too since they were separated: once, if they join again. */
    sharedWith: bigintNumber('shared_with'),
    sharedTurns: integer('shared_turns').notNull().default(0),
    sharedMicros: bigintNumber('shared_micros').notNull().default(0),
  },
  (t) => [
    unique('budgets_window').on(t.holderKind, t.holderId, t.period, t.starts),
    index('budgets_user').on(t.userId).where(sql`user_id is not null`),
    check(
      'budgets_not_negative',
      sql`turns >= 0 and spent_micros >= 0 and reserved_micros >= 0 and granted_micros >= 0`,
    ),
  ],
);

/**
 * Movements of budgets that are no turn's: what was put in, joined, carried over, taken back.
 * Append-only; with {@link reservations} it explains every sum in {@link budgets}.
 */
export const budgetEntries = pgTable(
  'budget_entries',
  {
    id: identity(),
    budgetId: bigintNumber('budget_id')
      .notNull()
      .references(() => budgets.id, { onDelete: 'cascade' }),
    /** A grant raises `granted_micros`; an adjustment changes what was used. */
    kind: text('kind', { enum: ['grant', 'adjust'] }).notNull(),
    turns: integer('turns').notNull().default(0),
    micros: bigintNumber('micros').notNull().default(0),
    /** A word: `carried-over`, `linked`, `forgotten` … */
    reason: text('reason').notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [index('budget_entries_budget').on(t.budgetId)],
);

/** The most that one attempt at a turn can cost, until it is settled with what it did cost. */
export const reservations = pgTable(
  'reservations',
  {
    turnId: bigintNumber('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    attempt: integer('attempt').notNull(),
    userId: bigintNumber('user_id').notNull(),
    funding: text('funding', { enum: FUNDING_KINDS }).notNull(),
    /** Which pool, or which credit. */
    fundingId: bigintNumber('funding_id'),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    amountMicros: bigintNumber('amount_micros').notNull(),
    /** Input and allowed output, from above; once settled, those that were used. */
    tokens: bigintNumber('tokens').notNull(),
    at: moment('at').notNull(),
    settledAt: moment('settled_at'),
    /** What it did cost; null until settled. */
    settledMicros: bigintNumber('settled_micros'),
    /** Null until settled. Where nothing was answered, the turn is given back. */
    answered: boolean('answered'),
    /** The rows of `budgets` that are charged whatever it cost. */
    spentBudgets: bigintNumber('spent_budgets').array().notNull().default(sql`'{}'`),
    /** Those that are charged only where something was answered. */
    answeredBudgets: bigintNumber('answered_budgets').array().notNull().default(sql`'{}'`),
  },
  (t) => [
    primaryKey({ columns: [t.turnId, t.attempt] }),
    // What was asked for within the last minute.
    index('reservations_user_at').on(t.userId, t.at),
    index('reservations_payer_at').on(t.funding, t.fundingId, t.at),
    index('reservations_model_at').on(t.provider, t.model, t.at),
  ],
);

/** Plans that the operator granted, one a user; whoever has none, or one that has ended, is on the free one. */
export const planGrants = pgTable('plan_grants', {
  userId: bigintNumber('user_id')
    .primaryKey()
    .references(() => users.id),
  /** Its name in PLANS_FILE. */
  plan: text('plan').notNull(),
  /** Null: until it is taken back. */
  until: moment('until'),
  at: moment('at').notNull().defaultNow(),
  /** Who granted it: `operator` from the shell. */
  by: text('by').notNull(),
});

/** What the operator was told of the house's day: once a day each, whichever process saw it. */
export const houseWarnings = pgTable(
  'house_warnings',
  {
    /** UTC's. */
    day: date('day', { mode: 'string' }).notNull(),
    /** `50`, `80`, `100`, in hundredths of the day; `new-users`. */
    warning: text('warning').notNull(),
  },
  (t) => [primaryKey({ columns: [t.day, t.warning] })],
);

/**
 * Codes that the operator made, each for a sum (`funding/vouchers.ts`). What the key ring makes of a
 * code is all that is kept of it.
 */
export const vouchers = pgTable(
  'vouchers',
  {
    id: identity(),
    digest: text('digest').notNull().unique(),
    /** The operator's name for those that were made at once: a person redeems one of them. */
    batch: text('batch').notNull(),
    micros: bigintNumber('micros').notNull(),
    uses: integer('uses').notNull(),
    used: integer('used').notNull().default(0),
    /** Until when it can be redeemed, and its credits last. */
    expiresAt: moment('expires_at').notNull(),
    /** `provider/model`; none: the house's. */
    models: text('models').array().notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    revokedAt: moment('revoked_at'),
  },
  (t) => [
    index('vouchers_batch').on(t.batch),
    check('vouchers_used', sql`micros > 0 and used between 0 and uses`),
  ],
);

/**
 * Who redeemed one of a batch, as the key ring's pseudonyms: it outlasts /forget, which would
 * otherwise give the next person's share away.
 */
export const voucherRedemptions = pgTable(
  'voucher_redemptions',
  {
    batch: text('batch').notNull(),
    identityPseudonym: text('identity_pseudonym').notNull(),
    voucherId: bigintNumber('voucher_id')
      .notNull()
      .references(() => vouchers.id),
  },
  (t) => [primaryKey({ columns: [t.batch, t.identityPseudonym] })],
);

/** Codes that somebody got wrong, under the key ring's pseudonym, for ten minutes. */
export const voucherAttempts = pgTable(
  'voucher_attempts',
  {
    id: identity(),
    identityPseudonym: text('identity_pseudonym').notNull(),
    at: moment('at').notNull(),
  },
  (t) => [index('voucher_attempts_of').on(t.identityPseudonym, t.at)],
);

/** Prepaid sums. What is left of one stands in its budget (`budgets`, holder `credit`, total). */
export const credits = pgTable(
  'credits',
  {
    id: identity(),
    /** Whose turns it pays for. */
    userId: bigintNumber('user_id')
      .notNull()
      .references(() => users.id),
    /** Whose identity redeemed it, where that is linked to the user: it leaves with that one. */
    ownerId: bigintNumber('owner_id').references(() => users.id),
    voucherId: bigintNumber('voucher_id')
      .notNull()
      .references(() => vouchers.id),
    grantedMicros: bigintNumber('granted_micros').notNull(),
    expiresAt: moment('expires_at').notNull(),
    /** As in `vouchers`. */
    models: text('models').array().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** When what was left of it had expired and was taken back. */
    closedAt: moment('closed_at'),
  },
  (t) => [
    index('credits_user').on(t.userId, t.expiresAt),
    index('credits_owner').on(t.ownerId).where(sql`owner_id is not null`),
    index('credits_open').on(t.expiresAt).where(sql`closed_at is null`),
  ],
);

/** What a user may spend on their own keys together; null: no limit. Days and months are UTC's. */
export const ownLimits = pgTable(
  'own_limits',
  {
    userId: bigintNumber('user_id')
      .primaryKey()
      .references(() => users.id),
    dayLimitMicros: bigintNumber('day_limit_micros'),
    monthLimitMicros: bigintNumber('month_limit_micros'),
  },
  () => [
    check(
      'own_limits_not_negative',
      sql`coalesce(day_limit_micros, 1) > 0 and coalesce(month_limit_micros, 1) > 0`,
    ),
  ],
);

/**
 * What was done with API keys and the key ring, and decided by the operator (`keys/audit.ts`). Append-only: a trigger refuses
 * everything but INSERT, and each row's MAC covers the one before.
 */
export const audit = pgTable(
  'audit',
  {
    /** Without gaps: it is chosen under a lock. */
    seq: bigintNumber('seq').primaryKey(),
    at: moment('at').notNull(),
    action: text('action').notNull(),
    actor: text('actor', { enum: ['user', 'system', 'operator'] }).notNull(),
    /** The key ring's pseudonym of the user; null where it is about nobody. */
    subject: text('subject'),
    provider: text('provider'),
    platform: text('platform'),
    /** Names and numbers, never key material. */
    detail: jsonb('detail').notNull(),
    mac: text('mac').notNull(),
  },
  (t) => [index('audit_subject').on(t.subject, t.seq)],
);

/** Small facts about this installation: the bot's registered commands, the operator's last warning. */
export const installation = pgTable('installation', {
  name: text('name').primaryKey(),
  value: jsonb('value').notNull(),
});

/** What was said in direct chats, but for answers, within the last two days: /forget deletes it there. */
export const sentNotices = pgTable(
  'sent_notices',
  {
    platform: text('platform').notNull(),
    platformChatId: text('platform_chat_id').notNull(),
    messageId: text('message_id').notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.platform, t.platformChatId, t.messageId] }),
    index('sent_notices_at').on(t.at),
  ],
);

/** A question of /forget that waits for its button. */
export const forgetPrompts = pgTable('forget_prompts', {
  userId: bigintNumber('user_id')
    .primaryKey()
    .references(() => users.id),
  /** Random: only the newest question's button forgets. */
  token: text('token').notNull(),
  expiresAt: moment('expires_at').notNull(),
});

/** Who was forgotten, as HMACs; see `keys/tombstones.ts`. */
export const tombstones = pgTable('tombstones', {
  userPseudonym: text('user_pseudonym').primaryKey(),
  identityPseudonyms: jsonb('identity_pseudonyms').$type<readonly string[]>().notNull(),
  forgottenAt: moment('forgotten_at').notNull(),
});

/** What a forgotten user had used up in a window of time, so that forgetting does not renew it. */
export const keptLimits = pgTable(
  'kept_limits',
  {
    identityPseudonym: text('identity_pseudonym').notNull(),
    period: text('period', { enum: ['hour', 'day', 'week', 'month', 'total'] })
      .notNull()
      .default('day'),
    starts: moment('starts').notNull(),
    /** Of the house allowance. */
    turns: integer('turns').notNull(),
    spentMicros: bigintNumber('spent_micros').notNull(),
    /** When keys were checked last. */
    keyChecks: moment('key_checks').array().notNull(),
  },
  (t) => [primaryKey({ columns: [t.identityPseudonym, t.period, t.starts] })],
);

/** What the turns of forgotten users cost, for the books: by day, under a name drawn at random. */
export const forgottenUsage = pgTable(
  'forgotten_usage',
  {
    id: identity(),
    pseudonym: text('pseudonym').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    funding: text('funding', { enum: FUNDING_KINDS }),
    provider: text('provider'),
    model: text('model'),
    turns: integer('turns').notNull(),
    inputTokens: bigintNumber('input_tokens').notNull(),
    cachedInputTokens: bigintNumber('cached_input_tokens').notNull(),
    outputTokens: bigintNumber('output_tokens').notNull(),
    costMicros: bigintNumber('cost_micros').notNull(),
    /** What of it the house paid, credits that it gave included. */
    houseMicros: bigintNumber('house_micros').notNull(),
  },
  (t) => [index('forgotten_usage_day').on(t.day)],
);

/** Messages of the bot that are yet to be deleted on the platform; a row lives two days at most. */
export const messageDeletions = pgTable('message_deletions', {
  id: identity(),
  platform: text('platform').notNull(),
  platformChatId: text('platform_chat_id').notNull(),
  messageIds: jsonb('message_ids').$type<readonly string[]>().notNull(),
  /** Not to be taken up by another process before. */
  notBefore: moment('not_before').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** What moderation decided, without any words: for MODERATION_DAYS, and for the operator alone. */
export const moderationLog = pgTable(
  'moderation_log',
  {
    id: identity(),
    at: moment('at').notNull().defaultNow(),
    /** Null once the user was forgotten; then `pseudonym` is set. */
    userId: bigintNumber('user_id'),
    /** The name under which a forgotten user's costs are kept. */
    pseudonym: text('pseudonym'),
    turnId: bigintNumber('turn_id'),
    /** The pool that was to pay, whose owner sees how many flags there were. */
    poolId: bigintNumber('pool_id'),
    direction: text('direction', { enum: ['input', 'output'] }).notNull(),
    /** `unchecked`: the service could not be asked. */
    action: text('action', { enum: ['passed', 'flagged', 'unchecked'] }).notNull(),
    /** Those whose score reached their threshold. */
    categories: text('categories').array().notNull(),
    /** The highest score of each category over all that was checked, from 0 to 1. */
    scores: jsonb('scores').$type<Readonly<Record<string, number>>>().notNull(),
    /** What it led to for the user; see `suspensions.kind`. */
    consequence: text('consequence', { enum: ['warning', 'pause', 'suspension'] }),
  },
  (t) => [index('moderation_log_at').on(t.at), index('moderation_log_user').on(t.userId)],
);

/**
 * Warnings, pauses and suspensions. Whom they are of stands in `suspension_identities`, as the key
 * ring's pseudonyms, so that they outlast /forget and follow every account of the person.
 */
export const suspensions = pgTable(
  'suspensions',
  {
    id: identity(),
    kind: text('kind', { enum: ['warning', 'pause', 'suspension'] }).notNull(),
    at: moment('at').notNull().defaultNow(),
    /** Null: until it is lifted. Of a warning: until when it counts. */
    until: moment('until'),
    /** Categories, or what the operator wrote. */
    reason: text('reason').notNull(),
    by: text('by', { enum: ['moderation', 'operator'] }).notNull(),
    /** So that a turn that is run again counts once. */
    turnId: bigintNumber('turn_id').unique(),
    liftedAt: moment('lifted_at'),
    /** For the operator, to see who it is; null once the user was forgotten. */
    userId: bigintNumber('user_id'),
    appealedAt: moment('appealed_at'),
    /** Sealed under the data key of `appeal_owner_id`. */
    appeal: bytea('appeal'),
    appealOwnerId: bigintNumber('appeal_owner_id'),
  },
  (t) => [index('suspensions_at').on(t.at)],
);

export const suspensionIdentities = pgTable(
  'suspension_identities',
  {
    suspensionId: bigintNumber('suspension_id')
      .notNull()
      .references(() => suspensions.id, { onDelete: 'cascade' }),
    identityPseudonym: text('identity_pseudonym').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.suspensionId, t.identityPseudonym] }),
    index('suspension_identities_pseudonym').on(t.identityPseudonym),
  ],
);

/** A key that its owner shares with members, each with a budget (`pools/`). */
export const pools = pgTable(
  'pools',
  {
    id: identity(),
    /** Its owner; null once they were forgotten. */
    userId: bigintNumber('user_id').references(() => users.id),
    /** Whose data key seals the names: the user that made it, before any linking. */
    ownerId: bigintNumber('owner_id').references(() => users.id),
    /** One word, as its owner calls it. */
    name: text('name').notNull(),
    provider: text('provider').notNull(),
    /** The row in `api_keys`: another key in its place is not shared unasked. */
    keyId: bigintNumber('key_id').notNull(),
    state: text('state', { enum: ['draft', 'open', 'paused', 'closed'] }).notNull(),
    /** Why it is paused or closed. */
    reason: text('reason', { enum: ['owner', 'key', 'owner-left'] }),
    /** `PoolSettings` */
    settings: jsonb('settings').notNull(),
    /** The failure of its key that its owner was told of last; null: it works. */
    problem: text('problem'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('pools_user').on(t.userId),
    uniqueIndex('pools_name').on(t.userId, t.name).where(sql`state <> 'closed'`),
  ],
);

/** Who is paid by a pool, and those who were: what they have used stays with the row. */
export const poolMembers = pgTable(
  'pool_members',
  {
    /** Names the member in the ledger. */
    id: identity(),
    poolId: bigintNumber('pool_id')
      .notNull()
      .references(() => pools.id, { onDelete: 'cascade' }),
    /** Null once they were forgotten. */
    userId: bigintNumber('user_id').references(() => users.id),
    /** Who joined, where that account was linked since: whose it is again after /unlink. */
    ownerId: bigintNumber('owner_id').references(() => users.id),
    /** The account that joined: whoever comes back finds what they had used. */
    identityPseudonym: text('identity_pseudonym').notNull(),
    /** `guest`: asks in a chat that the pool is bound to. */
    state: text('state', { enum: ['member', 'guest', 'left', 'removed'] }).notNull(),
    /** Sealed under the data key of the pool's `owner_id`. */
    name: bytea('name'),
    /** Of the pool's; null: its first. */
    model: text('model'),
    joinedAt: moment('joined_at').notNull(),
    /** Agreed that the pool's owner reads what they ask from then on, and the answers. */
    reviewedSince: moment('reviewed_since'),
    /** By /pool use: the latest is the one that pays. */
    chosenAt: moment('chosen_at'),
  },
  (t) => [
    unique('pool_members_identity').on(t.poolId, t.identityPseudonym),
    uniqueIndex('pool_members_user').on(t.userId, t.poolId).where(sql`user_id is not null`),
  ],
);

/** Links into pools. The token itself is kept nowhere. */
export const poolInvites = pgTable(
  'pool_invites',
  {
    id: identity(),
    poolId: bigintNumber('pool_id')
      .notNull()
      .references(() => pools.id, { onDelete: 'cascade' }),
    /** What the key ring makes of the token. */
    digest: text('digest').notNull().unique(),
    /** Sealed, for one person: used once. Null: for whoever has the link. */
    name: bytea('name'),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [index('pool_invites_pool').on(t.poolId)],
);

/** The groups and servers in which a pool pays for whoever asks: one each. */
export const poolChats = pgTable(
  'pool_chats',
  {
    platform: text('platform').notNull(),
    wholeId: text('whole_id').notNull(),
    poolId: bigintNumber('pool_id')
      .notNull()
      .references(() => pools.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.platform, t.wholeId] }), index('pool_chats_pool').on(t.poolId)],
);
