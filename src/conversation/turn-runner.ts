/** A turn from its claim to its answer on the platform. */

import type { PlatformName } from '../chat/message.ts';
import { PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { PrivateNotices } from '../chat/private-notices.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import type { Allowance } from '../funding/allowance.ts';
import type { Funding, House } from '../funding/funding.ts';
import { nextHour } from '../funding/house-day.ts';
import type { Ledger } from '../funding/ledger.ts';
import { nextHouseDay, nextHouseMonth } from '../funding/money.ts';
import type { Payers } from '../funding/payers.ts';
import { FREE_PLAN, type PlanPeriod } from '../funding/plans-file.ts';
import type { Prices } from '../funding/prices.ts';
import type { Vault } from '../keys/vault.ts';
import { providerEntry } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import type { Moderation } from '../moderation/moderation.ts';
import type { Claim, Mailbox } from '../queue/mailbox.ts';
import { isOutcome, type Outcome, type OutcomeFacts } from '../text/outcomes.ts';
import { deliver, openReply, wasShown } from './delivery.ts';
import { prepareTurn, sharedOf } from './prepare-turn.ts';
import { askProvider, type ProviderCallParts } from './provider-call.ts';
import type { AbortReason } from './running-turns.ts';
import type { TurnObserver } from './turn-observer.ts';
import { concludeTurn, counts, withNotes } from './turn-result.ts';
import { FenceLost, type RunningTurn, type TurnResult } from './turn-store.ts';
import { createUndelivered } from './undelivered.ts';

export interface TurnRunnerParts extends ProviderCallParts {
  readonly house: House;
  readonly payers: Payers;
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly ledger: Ledger;
  readonly moderation: Moderation;
  readonly prices: Prices;
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly privateNotices: PrivateNotices;
  /** A stable name for the user that leads nowhere, for the house key's provider. */
  readonly pseudonym: (userId: number) => string;
  readonly observer: TurnObserver;
  readonly allowance: Pick<Allowance, 'state'>;
}

/** Whatever fails on our side is tried so often, then the user is told. */
const MOST_ATTEMPTS = 4;
/** Outcomes that tell of a pause or a suspension. */
const OF_SUSPENSIONS: ReadonlySet<Outcome> = new Set([
  'suspended',
  'input-flagged',
  'output-flagged',
]);
/** Outcomes that tell of a window of the user's plan. */
const OF_PLAN: Readonly<Partial<Record<Outcome, PlanPeriod>>> = {
  'turns-used': 'day',
  'money-used': 'day',
  'week-used': 'week',
  'month-used': 'month',
};
const MINUTE_MS = 60_000;
/** @returns how many turns of the user are still open; undefined where that is not known */
export type TurnRunner = (claim: Claim, signal: AbortSignal) => Promise<number | undefined>;

/** Nothing was shown and nothing is reserved: the turn is run again, after so many milliseconds. */
interface Postponed {
  readonly againInMs: number;
}

/** What was stored for a turn, ready for delivery. */
interface Answered {
  readonly result: TurnResult;
  /** The reply that was opened while the answer grew. */
  readonly reply: Reply | undefined;
  readonly funding: Funding | undefined;
  /** Whose key was refused, where nobody pays. */
  readonly provider?: ProviderId | undefined;
  /** When the one who refused would pay. */
  readonly againAt?: Date | undefined;
}

export function createTurnRunner(parts: TurnRunnerParts): TurnRunner {
  const { store, mailbox, ledger, log, observer } = parts;
  const undelivered = createUndelivered(parts);

  /** Answers, or ends with an outcome. */
  async function answer(turn: RunningTurn, signal: AbortSignal): Promise<Answered | Postponed> {
    // Shows from here on that the bot is at work: what is looked up and checked before the model is
    // asked delays no sign of life.
    const reply = openReply({ db: parts.db, sender: parts.sender(turn.chat.platform) }, turn);
    try {
      const answered = await answerOn(reply, turn, signal);
      // What is told instead of an answer may be for one person alone.
      if ('againInMs' in answered || answered.reply === undefined) await reply.abandon();
      return answered;
    } catch (error) {
      await reply.abandon();
      throw error;
    }
  }

  async function answerOn(
    reply: Reply,
    turn: RunningTurn,
    signal: AbortSignal,
  ): Promise<Answered | Postponed> {
    const refuse = async (outcome: Outcome, payer?: Funding): Promise<Answered> => {
      const result: TurnResult = { answer: '', outcome };
      await store.store(turn, result);
      return { result, reply: undefined, funding: payer };
    };

    if (turn.input.tooLong === true) return refuse('message-too-long');
    const sender = parts.sender(turn.chat.platform);
    const { turnId, userId, chat, rules, has, payerOrder: order, payerChoice: choice } = turn;
    const toPay = { userId, turn: { turnId, chat, rules, has }, order, choice };
    const shared = sharedOf(parts, turn, sender);
    const paid = await observer.step(turn, 'funding', () =>
      parts.payers.pay(toPay, (payer) => prepareTurn(parts, turn, payer, sender, shared)),
    );
    if (!paid.paid) {
      const refused = await refuse(paid.outcome, paid.funding);
      return { ...refused, provider: paid.provider, againAt: paid.againAt };
    }
    const { funding, value: prepared } = paid;
    observer.tell(turn, { type: 'paid', funding: funding.kind, provider: funding.provider });
    if ('againInMs' in prepared) return prepared;
    if (!prepared.ready) {
      await store.store(turn, prepared.result);
      return { result: prepared.result, reply: undefined, funding };
    }
    const { request, price, maxOutputTokens, reservedMicros, remarks, moderation } = prepared;
    if (abortReason(signal) === 'stopped') {
      // Nobody was asked yet: it costs nothing.
      const result: TurnResult = { answer: '', outcome: 'stopped' };
      const nothing = { turnId, attempt: turn.attempt, spentMicros: 0, answered: false };
      await store.store(turn, result, ledger.settlement(nothing));
      return { result, reply, funding };
    }
    const { watch } = moderation;
    const completion = {
      apiKey: funding.apiKey,
      model: funding.model,
      system: request.system,
      messages: request.messages,
      maxOutputTokens,
      // Whose key it is answers for what others ask with it.
      ...(funding.kind === 'own' ? {} : { safetyIdentifier: parts.pseudonym(turn.userId) }),
      signal: watch === undefined ? signal : AbortSignal.any([signal, watch.signal]),
    };
    const shown = watch?.around(reply) ?? reply;
    const streamed = await observer.step(turn, 'provider', () =>
      askProvider(parts, turn, funding, completion, shown),
    );
    const aborted = abortReason(signal);
    if (aborted === 'lost') throw new FenceLost(`turn ${turn.turnId} was taken over`);
    if (aborted === 'shutdown' && streamed.text.trim() === '') return { againInMs: 0 };
    const takenBack = await moderation.output(streamed.text);
    const concluded = concludeTurn({
      streamed,
      aborted,
      paidBy: funding.kind,
      costMicros:
        price === undefined ? undefined : (usage) => parts.prices.costMicros(price.price, usage),
      priceAssumed: price?.assumed === true,
      reservedMicros,
      estimatedInput: request.inputTokens,
      clamped: maxOutputTokens < request.maxOutputTokens,
    });
    // What was flagged counts, or trying again would be free; what could not be checked does not.
    const isAnswered = counts(concluded) && takenBack !== 'moderation-down';
    // Stored with the answer: a second delivery has to send the same parts as the first.
    const result = await withNotes(
      takenBack !== undefined
        ? { ...concluded, answer: '', outcome: takenBack }
        : concluded.answer.trim() !== '' && remarks !== ''
          ? { ...concluded, answer: `${concluded.answer}\n\n${remarks}` }
          : concluded,
      turn,
      { funding, reservedMicros, passed: paid.passed },
    );
    const { costMicros: spentMicros = 0, usage } = result;
    const tokens = usage && usage.inputTokens + usage.outputTokens;
    const settled = { turnId, attempt: turn.attempt, spentMicros, answered: isAnswered, tokens };
    const house = await store.store(turn, result, ledger.settlement(settled));
    if (house !== undefined) await funding.settled?.(house);
    return { result, reply, funding };
  }

  async function bring(
    turn: RunningTurn,
    { result, reply, funding, provider, againAt }: Answered,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { answer, outcome, costNote } = result;
    try {
      const delivery = deliveryParts(
        turn,
        await factsOf(turn, outcome, { funding, provider, againAt }),
      );
      await observer.step(turn, 'deliver', () =>
        deliver(delivery, turn, { answer, outcome, costNote }, reply),
      );
      const status = answer === '' && outcome !== null ? 'failed' : 'done';
      return await mailbox.finish(turn, status, null);
    } catch (error) {
      await reply?.abandon();
      if (!(error instanceof PlatformError)) throw error;
      log.warn({ turnId: turn.turnId, code: error.code }, 'an answer could not be delivered');
      const isClosed = abortReason(signal) === 'closed';
      return undelivered(turn, error, { hasAnswer: answer !== '', isClosed });
    }
  }

  /**
   * Of a turn that is cancelled: where something of it stands, it ends there, with no button to stop
   * it. Nothing is sent where nothing stands, nor to a place that is gone.
   */
  async function roundOff(
    turn: RunningTurn,
    { cancelReason }: Pick<RunningTurn, 'cancelReason'>,
    answer: string,
    reply: Reply | undefined,
  ): Promise<void> {
    await reply?.abandon();
    if (cancelReason === 'closed' || !(await wasShown(parts.db, turn))) return;
    try {
      const facts = await factsOf(turn, 'stopped', { funding: undefined });
      await deliver(deliveryParts(turn, facts), turn, { answer, outcome: 'stopped' }, reply);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      log.info({ turnId: turn.turnId, code: error.code }, 'what was begun stays as it is');
    }
  }

  const deliveryParts = (turn: RunningTurn, facts: OutcomeFacts) => ({
    db: parts.db,
    sender: parts.sender(turn.chat.platform),
    privateNotices: parts.privateNotices,
    facts,
  });

  async function factsOf(
    turn: RunningTurn,
    outcome: Outcome | null,
    { funding, provider: refusedBy, againAt }: Pick<Answered, 'funding' | 'provider' | 'againAt'>,
  ): Promise<OutcomeFacts> {
    const now = new Date();
    const provider = refusedBy ?? funding?.provider ?? turn.provider ?? parts.house.provider;
    return {
      providerName: providerEntry(provider as ProviderId).name,
      model: funding?.model ?? turn.model ?? parts.house.model,
      resetsAt: nextHouseDay(now),
      monthResetsAt: nextHouseMonth(now),
      hourResetsAt: nextHour(now),
      againAt: againAt ?? new Date(now.getTime() + MINUTE_MS),
      plan: await planFacts(turn.userId, outcome),
      pool: funding?.pool,
      ...(outcome !== null && OF_SUSPENSIONS.has(outcome)
        ? { suspension: await parts.moderation.suspension(turn.userId) }
        : {}),
    };
  }

  /** What the user's plan gives in the window that the outcome tells of. */
  async function planFacts(userId: number, outcome: Outcome | null): Promise<OutcomeFacts['plan']> {
    const period = outcome === null ? undefined : OF_PLAN[outcome];
    if (period === undefined) return undefined;
    const { plan, windows } = await parts.allowance.state(userId);
    const window = windows.find((w) => w.period === period);
    return window && { isFree: plan === FREE_PLAN, window };
  }

  async function run(claim: Claim, signal: AbortSignal): Promise<number | undefined> {
    const turn = await observer.step(claim, 'read', () => store.open(claim));
    const { platform } = turn.chat;
    observer.tell(turn, { type: 'read', platform, ageMs: Date.now() - turn.createdAt.getTime() });
    const known = turn.outcome !== null && isOutcome(turn.outcome) ? turn.outcome : null;
    // First of all, so that no way out of here leaves a reservation behind.
    if (claim.attempt > 1) await ledger.settleLost(turn, turn.providerWasAsked);
    if (turn.cancelReason !== null && turn.cancelReason !== 'stopped') {
      await roundOff(turn, turn, turn.answer, undefined);
      return mailbox.finish(turn, 'cancelled', turn.cancelReason);
    }
    if (turn.unreadable) {
      // Nothing is stored: what is there opens again when the operator mends the key ring.
      log.error({ turnId: turn.turnId }, 'a turn can not be opened');
      return bring(turn, already({ answer: '', outcome: 'words-sealed' }), signal);
    }
    if (turn.answered) {
      const { answer, costNote } = turn;
      return bring(
        turn,
        already({ answer, outcome: known, ...(costNote === null ? {} : { costNote }) }),
        signal,
      );
    }
    const closed = await checked(turn, closeInstead(turn));
    if (closed !== undefined) {
      await store.store(turn, closed);
      return bring(turn, already(closed), signal);
    }

    const answered = await answer(turn, signal).catch(async (error: unknown) => {
      if (!(error instanceof FenceLost)) await settleOwn(claim);
      throw error;
    });
    if ('againInMs' in answered) {
      await settleOwn(claim);
      await mailbox.putBack(turn, answered.againInMs);
      return undefined;
    }
    if (signal.aborted && signal.reason === 'closed') {
      await roundOff(turn, await store.read(claim), answered.result.answer, answered.reply);
      return mailbox.finish(turn, 'cancelled', null);
    }
    return bring(turn, answered, signal);
  }

  /** Before a turn goes back into the line, where it may be cancelled and never be run again. */
  async function settleOwn(claim: Claim): Promise<void> {
    const { turnId, providerWasAsked } = await store.read(claim);
    await ledger.settleLost({ turnId, attempt: claim.attempt + 1 }, providerWasAsked);
  }

  /** What an attempt had shown when it died may not have been checked to its end. */
  async function checked(
    turn: RunningTurn,
    closed: TurnResult | undefined,
  ): Promise<TurnResult | undefined> {
    if (closed === undefined || closed.answer === '') return closed;
    const takenBack = await parts.moderation
      .of(turn, { kind: turn.paidBy ?? 'house' })
      .output(closed.answer);
    return takenBack === undefined ? closed : { answer: '', outcome: takenBack };
  }

  /** A turn that must not be run (again) ends with what there is. */
  function closeInstead(turn: RunningTurn): TurnResult | undefined {
    if (turn.cancelReason === 'stopped') return { answer: turn.answer, outcome: 'stopped' };
    // It has shown something: running it again would show something else, and cost twice.
    if (turn.answer !== '') return { answer: turn.answer, outcome: 'interrupted' };
    if (turn.attempt > MOST_ATTEMPTS) return { answer: '', outcome: 'internal' };
    return undefined;
  }

  return (claim, signal) => observer.attempt(claim, () => run(claim, signal));
}

/** What an earlier attempt stored. */
function already(result: TurnResult): Answered {
  return { result, reply: undefined, funding: undefined };
}

function abortReason(signal: AbortSignal): AbortReason | undefined {
  return signal.aborted ? (signal.reason as AbortReason) : undefined;
}
