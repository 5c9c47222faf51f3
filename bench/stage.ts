/** The two stand-ins with a clock between them: asks as a user, and says when what happened. */

import {
  type AnswerPlan,
  AT_ONCE,
  type ProviderStandIn,
  questionIn,
  startProvider,
} from './provider.ts';
import { startTelegram, type TelegramStandIn } from './telegram.ts';

/** When what happened to one question; `performance.now()` of this process throughout. */
export interface Asked {
  readonly writtenAt: number;
  /** Telegram hands the update out. */
  readonly handedOutAt: number;
  /** The provider gets the request. */
  readonly requestedAt: number;
  /** Telegram gets the answer. */
  readonly answeredAt: number;
}

export interface Stage {
  readonly telegram: TelegramStandIn;
  readonly provider: ProviderStandIn;
  /** The settings with which a bot finds its way here. */
  readonly platform: Readonly<Record<string, string>>;
  /** @throws when there is no answer within a minute */
  ask(userId: number, plan?: AnswerPlan): Promise<Asked>;
  /** How many questions were answered. */
  readonly answered: number;
  /** Messages of the bot that answer no question, such as refusals. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

interface Open {
  readonly plan: AnswerPlan;
  readonly writtenAt: number;
  handedOutAt: number;
  requestedAt: number;
  readonly answered: (at: number) => void;
}

export async function openStage(): Promise<Stage> {
  const open = new Map<number, Open>();
  const byUpdate = new Map<number, Open>();
  const unexpected: string[] = [];
  let lastQuestion = 0;
  let answered = 0;

  const provider = await startProvider({
    onQuestion(question, at) {
      const asked = open.get(question);
      if (asked === undefined) return AT_ONCE;
      asked.requestedAt = at;
      return asked.plan;
    },
  });
  const telegram = await startTelegram({
    onHandOut(updateId, at) {
      const asked = byUpdate.get(updateId);
      if (asked !== undefined) asked.handedOutAt = at;
      byUpdate.delete(updateId);
    },
    onMessage(_, text, at) {
      const question = questionIn(text);
      const asked = question === undefined ? undefined : open.get(question);
      if (question === undefined || asked === undefined) unexpected.push(text);
      else {
        open.delete(question);
        answered += 1;
        asked.answered(at);
      }
    },
  });

  return {
    telegram,
    provider,
    platform: { TELEGRAM_BOT_TOKEN: telegram.token, TELEGRAM_API_ROOT: telegram.url },
    unexpected,
    get answered() {
      return answered;
    },
    async ask(userId, plan = AT_ONCE) {
      lastQuestion += 1;
      const question = lastQuestion;
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const patience = setTimeout(() => {
        const said = unexpected.at(-1);
        const hint = said === undefined ? '' : `; the bot said instead: ${said}`;
        reject(new Error(`question ${question} was not answered in a minute${hint}`));
      }, PATIENCE_MS);
      const asked: Open = {
        plan,
        writtenAt: performance.now(),
        handedOutAt: Number.NaN,
        requestedAt: Number.NaN,
        answered: resolve,
      };
      open.set(question, asked);
      byUpdate.set(telegram.write(userId, `Question #${question}`), asked);
      try {
        const answeredAt = await promise;
        const { writtenAt, handedOutAt, requestedAt } = asked;
        return { writtenAt, handedOutAt, requestedAt, answeredAt };
      } finally {
        clearTimeout(patience);
      }
    },
    async close() {
      await Promise.all([telegram.close(), provider.close()]);
    },
  };
}
