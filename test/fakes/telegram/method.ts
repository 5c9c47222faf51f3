import type { MessageEntity } from 'grammy/types';
import type { Params } from './params.ts';

/** One request to one method of the Bot API. */
export interface MethodCall {
  readonly params: Params;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Takes note of entities that Telegram leaves out without a word. */
  readonly noteDropped: (entities: readonly MessageEntity[]) => void;
}

/** @throws BotApiError; whatever it returns, or resolves to, is the `result` */
export type Method = (call: MethodCall) => unknown;

export type MethodTable = Readonly<Record<string, Method>>;
