/** A turn from its claim to its answer on the platform. */

import type { PlatformName } from '../chat/message.ts';
import { PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { Reply } from '../chat/reply.ts';
import type { Database } from '../db/client.ts';
import type { Allowance } from '../funding/allowance.ts';
import { chooseFunding, type Funding, type FundingParts } from '../funding/funding.ts';
import { nextHouseDay } from '../funding/money.ts';
import type { Prices } from '../funding/prices.ts';
import type { Vault } from '../keys/vault.ts';
import { providerEntry, seesImages } from '../llm/catalogue.ts';
import type { ProviderId } from '../llm/provider.ts';
import type { Claim, Mailbox } from '../queue/mailbox.ts';
import { skippedFileRemark } from '../text/files.ts';
import { isOutcome, type Outcome, type OutcomeFacts } from '../text/outcomes.ts';
import { fetchFiles } from './attachments.ts';
import { deliver, openReply } from './delivery.ts';
import { needsGroupConsent } from './group-consent.ts';
import { askProvider, type ProviderCallParts } from './provider-call.ts';
import { prepareRequest } from './request.ts';
import type { AbortReason } from './running-turns.ts';
import { concludeTurn } from './turn-result.ts';
import { FenceLost, type RunningTurn, type TurnResult } from './turn-store.ts';

export interface TurnRunnerParts extends FundingParts, ProviderCallParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly mailbox: Mailbox;
  readonly allowance: Allowance;
  readonly prices: Prices;
  readonly sender: (platform: PlatformName) => PlatformSender;
  /** A stable name for the user that leads nowhere, for the house key's provider. */
  readonly pseudonym: (userId: number) => string;
  readonly limits: { readonly turnsPerDay: number; readonly mailboxLimit: number };
}

/** Whatever fails on our side is tried so often, then the user is told. */
const MOST_ATTEMPTS = 4;
/** An answer that the platform does not take is kept for so long, in milliseconds. */
const DELIVERY_PATIENCE_MS = 24 * 3_600_000;
export type TurnRunner = (claim: Claim, signal: AbortSignal) => Promise<void>;

/** What was stored for a turn, ready for delivery. */
interface Answered {
  readonly result: TurnResult;
  /** The reply that was opened while the answer grew. */
  readonly reply: Reply | undefined;
  readonly funding: Funding | undefined;
}

export function createTurnRunner(parts: TurnRunnerParts): TurnRunner {
  const { store, mailbox, allowance, log } = parts;

  /** Answers, or ends with an outcome; undefined: stopped before anything came, to be run again. */
  async function answer(turn: RunningTurn, signal: AbortSignal): Promise<Answered | undefined> {
    const refuse = async (outcome: Outcome, payer?: Funding): Promise<Answered> => {
      const result: TurnResult = { answer: '', outcome };
      await store.store(turn, result, async () => {});
      return { result, reply: undefined, funding: payer };
    };

    if (turn.input.tooLong === true) return refuse('message-too-long');
    const funding = await chooseFunding(parts, turn.userId);
    if (funding.kind === 'none') return refuse(funding.reason);
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
    const remarks = files.skipped.map(skippedFileRemark).join('\n\n');

    const price = parts.prices.priceOf(funding.provider, funding.model);
    const request = await prepareRequest(parts, turn, funding, files);
    if (request === undefined) {
      if (remarks === '') return refuse('nothing-to-read', funding);
      const result: TurnResult = { answer: remarks, outcome: null };
      await store.store(turn, result, async () => {});
      return { result, reply: undefined, funding };
    }

    let { maxOutputTokens } = request;
    if (funding.kind === 'house') {
      if (price === undefined) throw new Error('the house model has no price');
      const reserved = await allowance.reserve({
        turnId: turn.turnId,
        attempt: turn.attempt,
        userId: turn.userId,
        inputMicros: parts.prices.costMicros(price, {
          inputTokens: request.inputTokens,
          cachedInputTokens: 0,
          cacheWriteTokens: request.inputTokens,
          outputTokens: 0,
        }),
        outputMicrosPerMillion: parts.prices.ratesFor(price, request.inputTokens).output,
        maxOutputTokens,
      });
      if (!reserved.ok) return refuse(reserved.reason, funding);
      maxOutputTokens = reserved.maxOutputTokens;
    }
    const reply = openReply({ db: parts.db, sender }, turn);
    try {
      await store.markCalled(turn, funding);
      const completion = {
        apiKey: funding.apiKey,
        model: funding.model,
        system: request.system,
        messages: request.messages,
        maxOutputTokens,
        ...(funding.kind === 'house' ? { safetyIdentifier: parts.pseudonym(turn.userId) } : {}),
        signal,
      };
      const streamed = await askProvider(parts, turn, funding, completion, reply);
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
      const result =
        isAnswered && remarks !== ''
          ? { ...concluded, answer: `${concluded.answer}\n\n${remarks}` }
          : concluded;
      await store.store(turn, result, async (tx) => {
        if (funding.kind !== 'house') return;
        await allowance.settle(tx, turn, result.costMicros ?? 0, isAnswered);
      });
      return { result, reply, funding };
    } catch (error) {
      await reply.abandon();
      throw error;
    }
  }

  async function bring(
    turn: RunningTurn,
    { result: { answer, outcome }, reply, funding }: Answered,
  ): Promise<void> {
    try {
      await deliver(
        { db: parts.db, sender: parts.sender(turn.chat.platform), facts: factsOf(turn, funding) },
        turn,
        { answer, outcome },
        reply,
      );
      await mailbox.finish(turn, answer === '' && outcome !== null ? 'failed' : 'done', null);
    } catch (error) {
      await reply?.abandon();
      if (!(error instanceof PlatformError)) throw error;
      log.warn({ turnId: turn.turnId, code: error.code }, 'an answer could not be delivered');
      const tooLate = Date.now() - turn.createdAt.getTime() > DELIVERY_PATIENCE_MS;
      if (!error.retryable || tooLate) {
        await mailbox.finish(turn, 'failed', null);
        return;
      }
      const tries = await store.countDeliveryTry(turn);
      const backoffMs = Math.min(60_000, 1_000 * 2 ** Math.min(tries, 6));
      await mailbox.putBack(turn, Math.max(error.retryAfterMs, backoffMs));
    }
  }

  function factsOf(turn: RunningTurn, funding: Funding | undefined): OutcomeFacts {
    const provider = (funding?.provider ?? turn.provider ?? parts.house.provider) as ProviderId;
    return {
      providerName: providerEntry(provider).name,
      model: funding?.model ?? turn.model ?? parts.house.model,
      resetsAt: nextHouseDay(new Date()),
      turnsPerDay: parts.limits.turnsPerDay,
      mailboxLimit: parts.limits.mailboxLimit,
    };
  }

  async function run(claim: Claim, signal: AbortSignal): Promise<void> {
    const turn = await store.read(claim);
    const known = turn.outcome !== null && isOutcome(turn.outcome) ? turn.outcome : null;
    // First of all, so that no way out of here leaves a reservation behind.
    if (claim.attempt > 1) await allowance.settleLost(turn, turn.providerWasAsked);
    if (turn.cancelReason !== null && turn.cancelReason !== 'stopped') {
      await mailbox.finish(turn, 'cancelled', turn.cancelReason);
      return;
    }
    if (turn.unreadable) {
      // Nothing is stored: what is there opens again when the operator mends the key ring.
      log.error({ turnId: turn.turnId }, 'a turn can not be opened');
      await bring(turn, already({ answer: '', outcome: 'words-sealed' }));
      return;
    }
    if (turn.answered) {
      await bring(turn, already({ answer: turn.answer, outcome: known }));
      return;
    }
    const closed = closeInstead(turn);
    if (closed !== undefined) {
      await store.store(turn, closed, async () => {});
      await bring(turn, already(closed));
      return;
    }

    const answered = await answer(turn, signal).catch(async (error: unknown) => {
      if (!(error instanceof FenceLost)) await settleOwn(claim);
      throw error;
    });
    if (answered === undefined) {
      await settleOwn(claim);
      await mailbox.putBack(turn, 0);
      return;
    }
    if (signal.aborted && signal.reason === 'closed') {
      await answered.reply?.abandon();
      await mailbox.finish(turn, 'cancelled', null);
      return;
    }
    await bring(turn, answered);
  }

  /** Before a turn goes back into the line, where it may be cancelled and never be run again. */
  async function settleOwn(claim: Claim): Promise<void> {
    const { turnId, providerWasAsked } = await store.read(claim);
    await allowance.settleLost({ turnId, attempt: claim.attempt + 1 }, providerWasAsked);
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

/** What an earlier attempt stored. */
function already(result: TurnResult): Answered {
  return { result, reply: undefined, funding: undefined };
}

function abortReason(signal: AbortSignal): AbortReason | undefined {
  return signal.aborted ? (signal.reason as AbortReason) : undefined;
}
