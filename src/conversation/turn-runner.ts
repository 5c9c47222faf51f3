/** A turn from its claim to its answer on the platform. */

import { setTimeout as sleep } from 'node:timers/promises';
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
import { type Provider, ProviderError, type ProviderId } from '../llm/provider.ts';
import type { Log } from '../log.ts';
import type { Claim, Mailbox } from '../queue/mailbox.ts';
import { skippedFileRemark } from '../text/files.ts';
import { isOutcome, type Outcome, type OutcomeFacts } from '../text/outcomes.ts';
import { type StreamedAnswer, streamAnswer } from './answer-stream.ts';
import { fetchFiles } from './attachments.ts';
import { deliver, openReply } from './delivery.ts';
import { needsGroupConsent } from './group-consent.ts';
import { failureOutcome } from './provider-failures.ts';
import { prepareRequest } from './request.ts';
import type { AbortReason } from './running-turns.ts';
import { FenceLost, type RunningTurn, type TurnResult, type TurnStore } from './turn-store.ts';

export interface TurnRunnerParts extends FundingParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly store: TurnStore;
  readonly mailbox: Mailbox;
  readonly allowance: Allowance;
  readonly prices: Prices;
  readonly provider: (id: ProviderId) => Provider;
  readonly sender: (platform: PlatformName) => PlatformSender;
  /** A stable name for the user that leads nowhere, for the house key's provider. */
  readonly pseudonym: (userId: number) => string;
  readonly tellOperator: (
    warning: 'house-key-failed',
    facts: { provider: string; code: string },
  ) => void;
  /** The user's own key was refused just now. */
  readonly tellKeyRefused: (userId: number, provider: ProviderId) => Promise<void>;
  readonly limits: { readonly turnsPerDay: number; readonly mailboxLimit: number };
  readonly log: Log;
}

/** Whatever fails on our side is tried so often, then the user is told. */
const MOST_ATTEMPTS = 4;
/** An answer that the platform does not take is kept for so long, in milliseconds. */
const DELIVERY_PATIENCE_MS = 24 * 3_600_000;
/** How long a turn waits for a provider that asks for a moment, before the user is told, in milliseconds. */
const PROVIDER_PATIENCE_MS = 15_000;
const PROVIDER_TRIES = 3;

export type TurnRunner = (claim: Claim, signal: AbortSignal) => Promise<void>;

export function createTurnRunner(parts: TurnRunnerParts): TurnRunner {
  const { store, mailbox, allowance, log } = parts;

  /** Answers, or ends with an outcome; returns what was stored, ready for delivery. */
  async function answer(
    turn: RunningTurn,
    signal: AbortSignal,
  ): Promise<
    { result: TurnResult; remarks: readonly string[]; reply: Reply | undefined } | undefined
  > {
    const refuse = async (outcome: Outcome) => {
      const result: TurnResult = { answer: '', outcome };
      await store.store(turn, result, async () => {});
      return { result, remarks: [], reply: undefined };
    };

    const funding = await chooseFunding(parts, turn.userId);
    if (funding.kind === 'none') return refuse(funding.reason);
    if (funding.kind === 'own' && (await needsGroupConsent(parts.db, turn)))
      return refuse('consent-needed');

    const sender = parts.sender(turn.chat.platform);
    const files = await fetchFiles(turn.input, {
      sender,
      seesImages: seesImages(funding.provider, funding.model),
    });
    if (files.messagesWithKeys.length > 0) {
      for (const id of files.messagesWithKeys) await sender.deleteMessage(turn.chat, id);
      return refuse('key-in-file');
    }
    const remarks = files.skipped.map(skippedFileRemark);

    const price = parts.prices.priceOf(funding.provider, funding.model);
    const request = await prepareRequest(parts, turn, funding, files);
    if (request === undefined) {
      const refused = await refuse('nothing-to-read');
      return { ...refused, remarks };
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
        outputMicrosPerMillion: price.output,
        maxOutputTokens,
      });
      if (!reserved.ok) return refuse(reserved.reason);
      maxOutputTokens = reserved.maxOutputTokens;
    }
    const clamped = maxOutputTokens < request.maxOutputTokens;

    const reply = openReply({ db: parts.db, sender }, turn);
    try {
      await store.markCalled(turn, funding);
      const streamed = await streamWithRetries(turn, signal, reply, funding, {
        apiKey: funding.apiKey,
        model: funding.model,
        system: request.system,
        messages: request.messages,
        maxOutputTokens,
        ...(funding.kind === 'house' ? { safetyIdentifier: parts.pseudonym(turn.userId) } : {}),
        signal,
      });
      const result = conclude(turn, signal, funding, price, request.inputTokens, streamed, clamped);
      if (result === undefined) {
        await reply.abandon();
        return undefined;
      }
      await store.store(turn, result, async (tx) => {
        if (funding.kind !== 'house') return;
        await allowance.settle(tx, turn, result.costMicros ?? 0, result.answer.trim() !== '');
      });
      return { result, remarks, reply };
    } catch (error) {
      await reply.abandon();
      throw error;
    }
  }

  /** Asks again, a few times, as long as nothing has come and the provider may do better shortly. */
  async function streamWithRetries(
    turn: RunningTurn,
    signal: AbortSignal,
    reply: Reply,
    funding: Funding,
    completion: Parameters<Provider['complete']>[0],
  ): Promise<StreamedAnswer> {
    const begun = performance.now();
    for (let tries = 1; ; tries += 1) {
      const streamed = await streamAnswer(parts.provider(funding.provider), completion, {
        reply,
        checkpoint: (markdown) => store.checkpoint(turn, markdown),
      });
      const { ending } = streamed;
      await noteFailure(turn, funding, ending);
      if (ending.type === 'end' || streamed.text !== '' || !ending.error.retryable) return streamed;
      const waitMs = ending.error.retryAfterMs ?? 500 * 2 ** tries;
      const waited = performance.now() - begun;
      if (tries >= PROVIDER_TRIES || waited + waitMs > PROVIDER_PATIENCE_MS) return streamed;
      await sleep(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) {
        return { ...streamed, ending: { type: 'error', error: new ProviderError('aborted') } };
      }
    }
  }

  async function noteFailure(
    turn: RunningTurn,
    funding: Funding,
    ending: StreamedAnswer['ending'],
  ): Promise<void> {
    if (ending.type === 'end') {
      if (funding.kind === 'house') parts.breaker.succeeded();
      return;
    }
    const { code, status } = ending.error;
    if (code === 'aborted') return;
    log.warn({ turnId: turn.turnId, provider: funding.provider, code, status }, 'provider failed');
    if (funding.kind === 'house') {
      if (parts.breaker.failed(code)) {
        parts.tellOperator('house-key-failed', { provider: funding.provider, code });
      }
    } else if (code === 'key-refused') {
      const first = await parts.apiKeys.markRefused(
        turn.userId,
        funding.provider,
        funding.keyVersion,
      );
      if (first && turn.chat.kind === 'group')
        await parts.tellKeyRefused(turn.userId, funding.provider);
    }
  }

  /** What the stream came to; undefined: nothing is to be stored, the turn goes on elsewhere or nowhere. */
  function conclude(
    turn: RunningTurn,
    signal: AbortSignal,
    funding: Funding,
    price: ReturnType<Prices['priceOf']>,
    estimatedInput: number,
    streamed: StreamedAnswer,
    clamped: boolean,
  ): TurnResult | undefined {
    const { text, ending } = streamed;
    const reason = signal.aborted ? (signal.reason as AbortReason) : undefined;
    if (reason === 'lost') throw new FenceLost(`turn ${turn.turnId} was taken over`);

    const spent = spentOn(streamed, estimatedInput);
    const money = {
      ...(spent === undefined ? {} : { usage: spent }),
      ...(spent === undefined || price === undefined
        ? {}
        : { costMicros: parts.prices.costMicros(price, spent) }),
    };
    const blank = text.trim() === '';
    if (reason === 'shutdown' && blank) return undefined;
    if (reason !== undefined) {
      const outcome =
        reason === 'stopped' ? 'stopped' : reason === 'shutdown' ? 'interrupted' : null;
      return { answer: text, outcome, ...money };
    }
    if (ending.type === 'error') {
      const outcome = blank ? failureOutcome(ending.error, funding.kind) : 'broken';
      return { answer: text, outcome, ...money };
    }
    if (ending.reason === 'refusal' || blank) {
      return {
        answer: text,
        outcome: ending.reason === 'refusal' ? 'refused-by-model' : 'no-text',
        ...money,
      };
    }
    const outcome = ending.reason === 'length' ? (clamped ? 'cut-by-budget' : 'too-long') : null;
    return { answer: text, outcome, ...money };
  }

  async function bring(
    turn: RunningTurn,
    what: { answer: string; outcome: Outcome | null; remarks: readonly string[] },
    reply: Reply | undefined,
  ): Promise<void> {
    try {
      await deliver(
        { db: parts.db, sender: parts.sender(turn.chat.platform), facts: factsOf(turn) },
        turn,
        what,
        reply,
      );
      await mailbox.finish(
        turn,
        what.answer === '' && what.outcome !== null ? 'failed' : 'done',
        null,
      );
    } catch (error) {
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

  function factsOf(turn: RunningTurn, funding?: Funding): OutcomeFacts {
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
    if (turn.cancelReason !== null && turn.cancelReason !== 'stopped') {
      await mailbox.finish(turn, 'cancelled', turn.cancelReason);
      return;
    }
    if (turn.answered) {
      await bring(turn, { answer: turn.answer, outcome: known, remarks: [] }, undefined);
      return;
    }
    if (claim.attempt > 1) await allowance.settleLost(turn, turn.providerWasAsked);
    const closed = closeInstead(turn);
    if (closed !== undefined) {
      await store.store(turn, closed, async () => {});
      await bring(turn, { ...closed, remarks: [] }, undefined);
      return;
    }

    const answered = await answer(turn, signal);
    if (answered === undefined) {
      await mailbox.putBack(turn, 0);
      return;
    }
    if (signal.aborted && signal.reason === 'closed') {
      await answered.reply?.abandon();
      await mailbox.finish(turn, 'cancelled', null);
      return;
    }
    // The turn as it stands now: what was asked of whom is known only since `answer`.
    const told = await store.read(claim);
    await bring(told, { ...answered.result, remarks: answered.remarks }, answered.reply);
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

/** What the provider counted, or an estimate from above where it did not say. */
function spentOn(streamed: StreamedAnswer, estimatedInput: number): TurnResult['usage'] {
  if (streamed.usage !== undefined) return streamed.usage;
  const { ending, text } = streamed;
  if (ending.type === 'error' && text === '' && ending.error.code !== 'aborted') return undefined;
  return {
    inputTokens: estimatedInput,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    // No tokenizer makes more than one token of a byte.
    outputTokens: Math.ceil(Buffer.byteLength(text) / 2),
  };
}
