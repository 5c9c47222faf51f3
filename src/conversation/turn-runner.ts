/** A turn from its claim to its answer on the platform. */

import type { PlatformName } from '../chat/message.ts';
import { type Notice, PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { PrivateNotices } from '../chat/private-notices.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import type { Funding, House } from '../funding/funding.ts';
import type { Ledger } from '../funding/ledger.ts';
import { nextHouseDay, nextHouseMonth } from '../funding/money.ts';
import type { Payers } from '../funding/payers.ts';
import type { Prices } from '../funding/prices.ts';
import type { Vault } from '../keys/vault.ts';
import { providerEntry } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import { serializeError } from '../log.ts';
import type { Moderation } from '../moderation/moderation.ts';
import type { Claim, Mailbox } from '../queue/mailbox.ts';
import { generalText } from '../text/general.ts';
import { isOutcome, type Outcome, type OutcomeFacts } from '../text/outcomes.ts';
import { deliver, openReply } from './delivery.ts';
import { prepareTurn } from './prepare-turn.ts';
import { askProvider, type ProviderCallParts } from './provider-call.ts';
import type { AbortReason } from './running-turns.ts';
import { concludeTurn, withNotes } from './turn-result.ts';
import { FenceLost, type RunningTurn, type TurnResult } from './turn-store.ts';

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
  readonly limits: { readonly turnsPerDay: number; readonly mailboxLimit: number };
}

/** Whatever fails on our side is tried so often, then the user is told. */
const MOST_ATTEMPTS = 4;
/** Outcomes that tell of a pause or a suspension. */
const OF_SUSPENSIONS: ReadonlySet<Outcome> = new Set([
  'suspended',
  'input-flagged',
  'output-flagged',
]);
/** An answer that the platform does not take is kept for so long, in milliseconds. */
const DELIVERY_PATIENCE_MS = 24 * 3_600_000;
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
}

export function createTurnRunner(parts: TurnRunnerParts): TurnRunner {
  const { store, mailbox, ledger, log } = parts;

  /** Answers, or ends with an outcome. */
  async function answer(turn: RunningTurn, signal: AbortSignal): Promise<Answered | Postponed> {
    const refuse = async (outcome: Outcome, payer?: Funding): Promise<Answered> => {
      const result: TurnResult = { answer: '', outcome };
      await store.store(turn, result);
      return { result, reply: undefined, funding: payer };
    };

    if (turn.input.tooLong === true) return refuse('message-too-long');
    const sender = parts.sender(turn.chat.platform);
    const { turnId, userId, chat, rules, payerOrder: order, payerChoice: choice } = turn;
    const paid = await parts.payers.pay(
      { userId, turn: { turnId, chat, rules }, order, choice },
      (payer) => prepareTurn(parts, turn, payer, sender),
    );
    if (!paid.paid) {
      const refused = await refuse(paid.outcome, paid.funding);
      return paid.provider === undefined ? refused : { ...refused, provider: paid.provider };
    }
    const { funding, value: prepared } = paid;
    if ('againInMs' in prepared) return prepared;
    if (!prepared.ready) {
      await store.store(turn, prepared.result);
      return { result: prepared.result, reply: undefined, funding };
    }
    const { request, price, maxOutputTokens, reservedMicros, remarks, moderation } = prepared;
    const reply = openReply({ db: parts.db, sender }, turn);
    const { watch } = moderation;
    try {
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
      const streamed = await askProvider(parts, turn, funding, completion, shown);
      const aborted = abortReason(signal);
      if (aborted === 'lost') throw new FenceLost(`turn ${turn.turnId} was taken over`);
      if (aborted === 'shutdown' && streamed.text.trim() === '') {
        await reply.abandon();
        return { againInMs: 0 };
      }
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
      const isAnswered = concluded.answer.trim() !== '' && takenBack !== 'moderation-down';
      // Stored with the answer: a second delivery has to send the same parts as the first.
      const result = await withNotes(
        takenBack !== undefined
          ? { ...concluded, answer: '', outcome: takenBack }
          : isAnswered && remarks !== ''
            ? { ...concluded, answer: `${concluded.answer}\n\n${remarks}` }
            : concluded,
        turn,
        { funding, payers: parts.payers, reservedMicros, passed: paid.passed },
      );
      const { costMicros: spentMicros = 0, usage } = result;
      const tokens = usage && usage.inputTokens + usage.outputTokens;
      const settled = { turnId, attempt: turn.attempt, spentMicros, answered: isAnswered, tokens };
      await store.store(turn, result, ledger.settlement(settled, 'stored'));
      return { result, reply, funding };
    } catch (error) {
      await reply.abandon();
      throw error;
    }
  }

  async function bring(
    turn: RunningTurn,
    { result, reply, funding, provider }: Answered,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { answer, outcome, costNote } = result;
    try {
      await deliver(
        {
          db: parts.db,
          sender: parts.sender(turn.chat.platform),
          privateNotices: parts.privateNotices,
          facts: await factsOf(turn, outcome, funding, provider),
        },
        turn,
        { answer, outcome, costNote },
        reply,
      );
      const status = answer === '' && outcome !== null ? 'failed' : 'done';
      return await mailbox.finish(turn, status, null);
    } catch (error) {
      await reply?.abandon();
      if (!(error instanceof PlatformError)) throw error;
      log.warn({ turnId: turn.turnId, code: error.code }, 'an answer could not be delivered');
      if (error.code === 'expired') {
        const offer = generalText.answerTooLate(turn.turnId);
        return putAside(turn, () => tellInPrivate(turn, offer));
      }
      // Who asked there is told by what closed it.
      if (abortReason(signal) === 'closed') return mailbox.finish(turn, 'cancelled', null);
      if (isLeft(turn, error)) await mailbox.cancel({ chatIds: [turn.chatId] }, 'closed');
      const tooLate = Date.now() - turn.createdAt.getTime() > DELIVERY_PATIENCE_MS;
      if (!error.retryable || tooLate) return giveUp(turn, answer !== '');
      const tries = await store.countDeliveryTry(turn);
      const backoffMs = Math.min(60_000, 1_000 * 2 ** Math.min(tries, 6));
      await mailbox.putBack(turn, Math.max(error.retryAfterMs, backoffMs));
      return undefined;
    }
  }

  /**
   * The platform takes no more until the user presses "Continue", which the reply may have left in
   * its place: the rest waits for that.
   */
  async function putAside(turn: RunningTurn, offer: () => Promise<unknown>): Promise<undefined> {
    // False: it was pressed meanwhile, and goes on with what that brought; or the fence is lost.
    if (await mailbox.expire(turn, turn.sealedInput)) await offer();
    else await mailbox.putBack(turn, 0);
  }

  /** It can't stand where it was asked for: who asked is told so in private, if that is elsewhere. */
  async function giveUp(turn: RunningTurn, hasAnswer: boolean): Promise<number | undefined> {
    const { showsPrivately } = parts.sender(turn.chat.platform).traits;
    // A press brings a way to answer where it was pressed: other platforms have no such thing.
    if (turn.chat.kind === 'group' && hasAnswer && showsPrivately === 'on-request') {
      const isOffered = await tellInPrivate(turn, generalText.answerHasNoPlace(turn.turnId));
      if (isOffered) return putAside(turn, async () => {});
    } else if (turn.chat.kind === 'group') {
      await tellInPrivate(turn, generalText.couldNotAnswerThere());
    }
    return mailbox.finish(turn, 'failed', null);
  }

  /** Never throws. @returns whether the platform took it */
  async function tellInPrivate(turn: RunningTurn, notice: Notice): Promise<boolean> {
    const sender = parts.sender(turn.chat.platform);
    try {
      await sender.notify({ chat: sender.directChat(turn) }, notice);
      return true;
    } catch (error) {
      log.warn({ turnId: turn.turnId, error: serializeError(error) }, 'nobody could be told');
      return false;
    }
  }

  async function factsOf(
    turn: RunningTurn,
    outcome: Outcome | null,
    funding: Funding | undefined,
    refusedBy: ProviderId | undefined,
  ): Promise<OutcomeFacts> {
    const provider = refusedBy ?? funding?.provider ?? turn.provider ?? parts.house.provider;
    return {
      providerName: providerEntry(provider as ProviderId).name,
      model: funding?.model ?? turn.model ?? parts.house.model,
      resetsAt: nextHouseDay(new Date()),
      monthResetsAt: nextHouseMonth(new Date()),
      turnsPerDay: parts.limits.turnsPerDay,
      mailboxLimit: parts.limits.mailboxLimit,
      pool: funding?.pool,
      ...(outcome !== null && OF_SUSPENSIONS.has(outcome)
        ? { suspension: await parts.moderation.suspension(turn.userId) }
        : {}),
    };
  }

  async function run(claim: Claim, signal: AbortSignal): Promise<number | undefined> {
    const turn = await store.read(claim);
    const known = turn.outcome !== null && isOutcome(turn.outcome) ? turn.outcome : null;
    // First of all, so that no way out of here leaves a reservation behind.
    if (claim.attempt > 1) await ledger.settleLost(turn, turn.providerWasAsked);
    if (turn.cancelReason !== null && turn.cancelReason !== 'stopped') {
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
      await answered.reply?.abandon();
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

  return run;
}

/**
 * Nobody reads there any more, whether or not an event says so: what else waits there is to cost
 * nothing. Where a message brings its own way to answer, the others may have one that works.
 */
function isLeft({ chat, input }: RunningTurn, { code }: PlatformError): boolean {
  const isClosed = code === 'blocked' || code === 'gone';
  return isClosed && chat.kind === 'direct' && input.replyHandle === undefined;
}

/** What an earlier attempt stored. */
function already(result: TurnResult): Answered {
  return { result, reply: undefined, funding: undefined };
}

function abortReason(signal: AbortSignal): AbortReason | undefined {
  return signal.aborted ? (signal.reason as AbortReason) : undefined;
}
