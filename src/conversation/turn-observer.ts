/** The hooks by which somebody watches turns: metrics and traces. None of them sees words or users. */

import type { PlatformName } from '../chat/message.ts';
import type { Funding } from '../funding/funding.ts';
import type { ProviderErrorCode, ProviderId } from '../llm/provider.ts';
import type { Acceptance, FinalStatus, Mailbox } from '../queue/mailbox.ts';

/** What an attempt at a turn consists of. */
export type TurnStep = 'read' | 'funding' | 'context' | 'provider' | 'deliver';

export type TurnEvent =
  /** Its row was read, `ageMs` after it was accepted. */
  | { readonly type: 'read'; readonly platform: PlatformName; readonly ageMs: number }
  | {
      readonly type: 'paid';
      readonly funding: Funding['kind'];
      readonly provider: ProviderId;
    }
  /** The model said its first word. */
  | { readonly type: 'first-text' }
  | {
      readonly type: 'provider-failed';
      readonly provider: ProviderId;
      readonly code: ProviderErrorCode;
    }
  /** `put-back`: it waits again. `expired`: its user has to press "Continue". */
  | { readonly type: 'ended'; readonly state: FinalStatus | 'expired' | 'put-back' };

export interface TurnAttempt {
  readonly turnId: number;
  readonly attempt: number;
}

export interface TurnObserver {
  /** Runs an attempt at a turn. What `work` comes to, or throws, is passed on. */
  attempt<T>(turn: TurnAttempt, work: () => Promise<T>): Promise<T>;
  /** Runs a step of it; same. */
  step<T>(turn: TurnAttempt, step: TurnStep, work: () => Promise<T>): Promise<T>;
  /** Never throws. */
  tell(turn: TurnAttempt, event: TurnEvent): void;
}

/** Watches nothing. */
export const NOBODY: TurnObserver = {
  attempt: (_turn, work) => work(),
  step: (_turn, _step, work) => work(),
  tell: () => {},
};

/** Each is told of everything; the first is the outermost. */
export function watchedBy(observers: readonly TurnObserver[]): TurnObserver {
  return observers.reduceRight(
    (inner, outer) => ({
      attempt: (turn, work) => outer.attempt(turn, () => inner.attempt(turn, work)),
      step: (turn, step, work) => outer.step(turn, step, () => inner.step(turn, step, work)),
      tell(turn, event) {
        outer.tell(turn, event);
        inner.tell(turn, event);
      },
    }),
    NOBODY,
  );
}

export interface MailboxObserver {
  accepted(platform: string, result: Acceptance['result']): void;
  /** So many turns were cancelled before they ran. */
  cancelled(count: number): void;
}

/**
 * A mailbox that tells what comes in, and how the turns end that it ends: where a fence was lost,
 * it tells nothing.
 */
export function observeMailbox(
  mailbox: Mailbox,
  observer: Pick<TurnObserver, 'tell'>,
  intake: MailboxObserver,
): Mailbox {
  return {
    ...mailbox,
    async accept(turn) {
      const acceptance = await mailbox.accept(turn);
      intake.accepted(turn.platform, acceptance.result);
      return acceptance;
    },
    async cancel(which, reason) {
      const count = await mailbox.cancel(which, reason);
      intake.cancelled(count.waiting);
      return count;
    },
    async finish(fence, status, outcome) {
      const open = await mailbox.finish(fence, status, outcome);
      if (open !== undefined) observer.tell(fence, { type: 'ended', state: status });
      return open;
    },
    async expire(fence, input) {
      const expired = await mailbox.expire(fence, input);
      if (expired) observer.tell(fence, { type: 'ended', state: 'expired' });
      return expired;
    },
    async putBack(fence, delayMs) {
      const held = await mailbox.putBack(fence, delayMs);
      if (held) observer.tell(fence, { type: 'ended', state: 'put-back' });
      return held;
    },
  };
}
