/** A turn from its claim to its answer on the platform. */

import type { PlatformName } from '../chat/message.ts';
import { type Notice, PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { PrivateNotices } from '../chat/private-notices.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import type { Allowance } from '../funding/allowance.ts';
import { chooseFunding, type Funding, type FundingParts } from '../funding/funding.ts';
import { nextHouseDay, nextHouseMonth } from '../funding/money.ts';
import type { OwnLimit } from '../funding/own-limit.ts';
import type { Prices } from '../funding/prices.ts';
import type { Vault } from '../keys/vault.ts';
import { providerEntry, seesImages } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import { serializeError } from '../log.ts';
import type { Claim, Mailbox } from '../queue/mailbox.ts';
import { skippedFileRemark } from '../text/files.ts';
import { generalText, QUOTED_IS_HIDDEN } from '../text/general.ts';
import { isOutcome, type Outcome, type OutcomeFacts } from '../text/outcomes.ts';
import { fetchFiles } from './attachments.ts';
import { deliver, openReply } from './delivery.ts';
import { needsGroupConsent } from './group-consent.ts';
import { askProvider, type ProviderCallParts } from './provider-call.ts';
import { prepareRequest } from './request.ts';
import type { AbortReason } from './running-turns.ts';
import { createTurnMoney } from './turn-money.ts';
import type { TurnObserver } from './turn-observer.ts';
import { concludeTurn, withCostNote } from './turn-result.ts';
import { FenceLost, type RunningTurn, type TurnResult } from './turn-store.ts';

export interface TurnRunnerParts extends FundingParts, ProviderCallParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly allowance: Allowance;
  readonly ownLimit: OwnLimit;
  readonly prices: Prices;
  readonly sender: (platform: PlatformName) => PlatformSender;
  readonly privateNotices: PrivateNotices;
  /** A stable name for the user that leads nowhere, for the house key's provider. */
  readonly pseudonym: (userId: number) => string;
  readonly limits: { readonly turnsPerDay: number; readonly mailboxLimit: number };
  readonly observer: TurnObserver;
}

/** Whatever fails on our side is tried so often, then the user is told. */
const MOST_ATTEMPTS = 4;
/** An answer that the platform does not take is kept for so long, in milliseconds. */
const DELIVERY_PATIENCE_MS = 24 * 3_600_000;
/** @returns how many turns of the user are still open; undefined where that is not known */
export type TurnRunner = (claim: Claim, signal: AbortSignal) => Promise<number | undefined>;

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
  const { store, mailbox, allowance, ownLimit, log, observer } = parts;
  const money = createTurnMoney(parts);

  /** Answers, or ends with an outcome; undefined: stopped before anything came, to be run again. */
  async function answer(turn: RunningTurn, signal: AbortSignal): Promise<Answered | undefined> {
    const refuse = async (outcome: Outcome, payer?: Funding): Promise<Answered> => {
      const result: TurnResult = { answer: '', outcome };
      await store.store(turn, result);
      return { result, reply: undefined, funding: payer };
    };

    if (turn.input.tooLong === true) return refuse('message-too-long');
    const funding = await observer.step(turn, 'funding', () => chooseFunding(parts, turn.userId));
    if (funding.kind === 'none') {
      const toldElsewhere =
        funding.reason === 'own-key-refused' && !funding.refusedByTurns.includes(turn.turnId);
      const refused = await refuse(toldElsewhere ? 'own-key-still-refused' : funding.reason);
      return 'provider' in funding ? { ...refused, provider: funding.provider } : refused;
    }
    observer.tell(turn, { type: 'paid', funding: funding.kind, provider: funding.provider });
    if (funding.kind === 'own' && (await needsGroupConsent(parts.db, turn))) {
      return refuse('consent-needed', funding);
    }

    const sender = parts.sender(turn.chat.platform);
    const files = await fetchFiles(turn.input, {
      sender,
      seesImages: seesImages(funding.provider, funding.model),
    });
    if (files.messagesWithKeys.length > 0) {
      for (const id of files.messagesWithKeys) await sender.deleteMessage(turn.chat, id);
      return refuse('key-in-file', funding);
    }
    const remarks = [
      ...files.skipped.map(skippedFileRemark),
      ...(hasHiddenQuote(turn, sender) ? [QUOTED_IS_HIDDEN] : []),
    ].join('\n\n');

    const price = parts.prices.priceOf(funding.provider, funding.model);
    const request = await observer.step(turn, 'context', () =>
      prepareRequest(parts, turn, funding, files, sender.traits),
    );
    if (request === undefined) {
      if (remarks === '') return refuse('nothing-to-read', funding);
      const result: TurnResult = { answer: remarks, outcome: null };
      await store.store(turn, result);
      return { result, reply: undefined, funding };
    }

    const reserved = await money.reserve(turn, funding, price, request);
    if (!reserved.ok) return refuse(reserved.reason, funding);
    const { maxOutputTokens } = reserved;
    const reply = openReply({ db: parts.db, sender }, turn);
    try {
      const completion = {
        apiKey: funding.apiKey,
        model: funding.model,
        system: request.system,
        messages: request.messages,
        maxOutputTokens,
        ...(funding.kind === 'house' ? { safetyIdentifier: parts.pseudonym(turn.userId) } : {}),
        signal,
      };
      const streamed = await observer.step(turn, 'provider', () =>
        askProvider(parts, turn, funding, completion, reply),
      );
      const aborted = abortReason(signal);
      if (aborted === 'lost') throw new FenceLost(`turn ${turn.turnId} was taken over`);
      if (aborted === 'shutdown' && streamed.text.trim() === '') {
        await reply.abandon();
        return undefined;
      }
      const concluded = concludeTurn({
        streamed,
        aborted,
        paidBy: funding.kind,
        costMicros:
          price === undefined ? undefined : (usage) => parts.prices.costMicros(price, usage),
        estimatedInput: request.inputTokens,
        clamped: maxOutputTokens < request.maxOutputTokens,
      });
      const isAnswered = concluded.answer.trim() !== '';
      // Stored with the answer: a second delivery has to send the same parts as the first.
      const result = await withCostNote(
        isAnswered && remarks !== ''
          ? { ...concluded, answer: `${concluded.answer}\n\n${remarks}` }
          : concluded,
        turn,
        { funding, allowance, ownLimit, reservedMicros: reserved.amountMicros },
      );
      const { costMicros = 0 } = result;
      await store.store(turn, result, money.settlement(turn, funding.kind, costMicros, isAnswered));
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
      const sender = parts.sender(turn.chat.platform);
      const facts = factsOf(turn, funding, provider);
      const delivery = { db: parts.db, sender, privateNotices: parts.privateNotices, facts };
      await observer.step(turn, 'deliver', () =>
        deliver(delivery, turn, { answer, outcome, costNote }, reply),
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

  function factsOf(
    turn: RunningTurn,
    funding: Funding | undefined,
    refusedBy: ProviderId | undefined,
  ): OutcomeFacts {
    const provider = refusedBy ?? funding?.provider ?? turn.provider ?? parts.house.provider;
    return {
      providerName: providerEntry(provider as ProviderId).name,
      model: funding?.model ?? turn.model ?? parts.house.model,
      resetsAt: nextHouseDay(new Date()),
      monthResetsAt: nextHouseMonth(new Date()),
      turnsPerDay: parts.limits.turnsPerDay,
      mailboxLimit: parts.limits.mailboxLimit,
    };
  }

  async function run(claim: Claim, signal: AbortSignal): Promise<number | undefined> {
    const turn = await observer.step(claim, 'read', () => store.read(claim));
    const { platform } = turn.chat;
    observer.tell(turn, { type: 'read', platform, ageMs: Date.now() - turn.createdAt.getTime() });
    const known = turn.outcome !== null && isOutcome(turn.outcome) ? turn.outcome : null;
    // First of all, so that no way out of here leaves a reservation behind.
    if (claim.attempt > 1) await money.settleLost(turn, turn.providerWasAsked);
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
    const closed = closeInstead(turn);
    if (closed !== undefined) {
      await store.store(turn, closed);
      return bring(turn, already(closed), signal);
    }

    const answered = await answer(turn, signal).catch(async (error: unknown) => {
      if (!(error instanceof FenceLost)) await settleOwn(claim);
      throw error;
    });
    if (answered === undefined) {
      await settleOwn(claim);
      await mailbox.putBack(turn, 0);
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
    await money.settleLost({ turnId, attempt: claim.attempt + 1 }, providerWasAsked);
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

/** Whether the platform kept the text of a message that was replied to. */
function hasHiddenQuote({ input }: RunningTurn, { traits }: PlatformSender): boolean {
  if (traits.showsQuoted === 'always') return false;
  return input.parts.some(
    ({ quoted }) => quoted !== undefined && quoted.text.trim() === '' && quoted.files.length === 0,
  );
}

/** What an earlier attempt stored. */
function already(result: TurnResult): Answered {
  return { result, reply: undefined, funding: undefined };
}

function abortReason(signal: AbortSignal): AbortReason | undefined {
  return signal.aborted ? (signal.reason as AbortReason) : undefined;
}
