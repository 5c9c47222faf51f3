/** A turn that somebody may pay for: what its provider will be asked, with the money set aside. */

import type { PlatformSender } from '../chat/platform.ts';
import type { Database } from '../db/client.ts';
import type { Funding } from '../funding/funding.ts';
import type { Ledger } from '../funding/ledger.ts';
import type { Attempt } from '../funding/payers.ts';
import type { AppliedPrice, Price, Prices } from '../funding/prices.ts';
import { SHORT_WAIT_MS } from '../funding/rates.ts';
import type { Vault } from '../keys/vault.ts';
import { seesImages } from '../llm/catalogue.ts';
import type { Moderation, TurnModeration } from '../moderation/moderation.ts';
import { skippedFileRemark } from '../text/files.ts';
import { QUOTED_IS_HIDDEN } from '../text/general.ts';
import { type FetchedFiles, fetchFiles } from './attachments.ts';
import { plainText } from './context-window.ts';
import { needsGroupConsent } from './group-consent.ts';
import { userText } from './prompt.ts';
import { type ModelRequest, prepareRequest } from './request.ts';
import type { TurnObserver } from './turn-observer.ts';
import { FenceLost, type RunningTurn, type TurnResult } from './turn-store.ts';

export interface PrepareParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly moderation: Moderation;
  readonly observer: Pick<TurnObserver, 'step'>;
}

/** Ready to be asked, or ended without asking anybody. */
export type Prepared =
  | {
      readonly ready: true;
      readonly request: ModelRequest;
      readonly price: AppliedPrice | undefined;
      /** Clamped to what the budgets pay for. */
      readonly maxOutputTokens: number;
      readonly reservedMicros: number;
      /** What the answer has to say of files and quotes that the model does not see. */
      readonly remarks: string;
      /** Goes on with the answer. */
      readonly moderation: TurnModeration;
    }
  | { readonly ready: false; readonly result: TurnResult }
  /** It can't be checked, or would be too fast, just now. */
  | { readonly againInMs: number };

/** A turn that was too fast so often, since others came before it, is told so instead. */
const MOST_WAITS = 2;

/** What is the same for all who may pay for a turn: looked up once. */
export interface Shared {
  filesFor(seesImages: boolean): Promise<FetchedFiles>;
  isSuspended(): Promise<boolean>;
}

export function sharedOf(
  { moderation }: Pick<PrepareParts, 'moderation'>,
  turn: RunningTurn,
  sender: PlatformSender,
): Shared {
  const files = new Map<boolean, Promise<FetchedFiles>>();
  let suspension: Promise<unknown> | undefined;
  return {
    filesFor(seesImages) {
      const known = files.get(seesImages) ?? fetchFiles(turn.input, { sender, seesImages });
      files.set(seesImages, known);
      return known;
    },
    async isSuspended() {
      if (!turn.anySuspension) return false;
      suspension ??= moderation.suspension(turn.userId);
      return (await suspension) !== undefined;
    },
  };
}

/**
 * @param shared what others who might have paid for the turn have looked up
 * @throws FenceLost
 */
export async function prepareTurn(
  parts: PrepareParts,
  turn: RunningTurn,
  funding: Funding,
  sender: PlatformSender,
  { filesFor, isSuspended }: Shared,
): Promise<Attempt<Prepared>> {
  const end = (result: TurnResult): Attempt<Prepared> => ({ value: { ready: false, result } });
  if (funding.kind === 'own' && needsGroupConsent(turn)) {
    return end({ answer: '', outcome: 'consent-needed' });
  }
  const moderation = parts.moderation.of(turn, funding);
  // A user's own key answers for itself.
  if (funding.kind !== 'own' && (await isSuspended())) return { refused: 'suspended' };
  // Checked while the rest is prepared.
  moderation.read(userText(turn.input, turn.chat.kind, new Map()));

  const files = await filesFor(seesImages(funding.provider, funding.model));
  if (files.messagesWithKeys.length > 0) {
    for (const id of files.messagesWithKeys) await sender.deleteMessage(turn.chat, id);
    return end({ answer: '', outcome: 'key-in-file' });
  }
  moderation.readFiles(
    [...files.texts.values()].map(({ text }) => text),
    files.images.filter((part) => part.type === 'image'),
  );
  const remarks = [
    ...files.skipped.map(skippedFileRemark),
    ...(hasHiddenQuote(turn, sender) ? [QUOTED_IS_HIDDEN] : []),
  ].join('\n\n');

  const request = await parts.observer.step(turn, 'context', () =>
    prepareRequest(parts, turn, funding, files, sender.traits),
  );
  if (request === undefined) {
    return end(
      remarks === ''
        ? { answer: '', outcome: 'nothing-to-read' }
        : { answer: remarks, outcome: null },
    );
  }

  moderation.readContext(request.messages.slice(0, -1).map(({ content }) => plainText(content)));
  const checked = await moderation.input();
  if (checked.result === 'refused') return end({ answer: '', outcome: checked.outcome });
  if (checked.result === 'later') return { value: { againInMs: checked.waitMs } };

  const price = parts.prices.priceFor(funding.provider, funding.model);
  const { kind, id, provider, model, caps, rates = [], unpriced } = funding;
  const { turnId, attempt, userId } = turn;
  const { inputTokens, maxOutputTokens } = request;
  const reserved = await parts.ledger.reserve({
    turnId,
    attempt,
    userId,
    payer: { kind, id, provider, model },
    inputTokens,
    maxOutputTokens,
    cost: price && callCost(parts.prices, price.price, inputTokens),
    caps,
    rates,
  });
  if (!reserved.ok && 'waitMs' in reserved) {
    const { reason, waitMs } = reserved;
    if (waitMs <= SHORT_WAIT_MS && attempt <= MOST_WAITS) return { value: { againInMs: waitMs } };
    return { refused: reason, againAt: new Date(Date.now() + waitMs) };
  }
  if (!reserved.ok) {
    const { reason } = reserved;
    if (reason === 'taken-over') throw new FenceLost(`turn ${turnId} was taken over`);
    return { refused: reason === 'price-unknown' ? unpriced : reason };
  }
  return {
    value: {
      ready: true,
      request,
      price,
      remarks,
      moderation,
      maxOutputTokens: reserved.maxOutputTokens,
      reservedMicros: reserved.amountMicros,
    },
  };
}

function callCost(prices: Prices, price: Price, inputTokens: number) {
  return {
    // The dearest way to read it.
    inputMicros: prices.costMicros(price, {
      inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: inputTokens,
      outputTokens: 0,
    }),
    outputMicrosPerMillion: prices.ratesFor(price, inputTokens).output,
  };
}

/** Whether the platform kept the text of a message that was replied to. */
function hasHiddenQuote({ input }: RunningTurn, { traits }: PlatformSender): boolean {
  if (traits.showsQuoted === 'always') return false;
  return input.parts.some(
    ({ quoted }) => quoted !== undefined && quoted.text.trim() === '' && quoted.files.length === 0,
  );
}
