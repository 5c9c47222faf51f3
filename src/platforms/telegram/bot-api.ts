import { Api } from 'grammy';
import type { UserFromGetMe } from 'grammy/types';
import type { Secret } from '../../secret.ts';

/** Seconds after which a call that did not answer has failed, with an unknown outcome. */
const SENDING_TIMEOUT = 30;
/** Seconds; longer than {@link POLL_SECONDS}. */
const POLLING_TIMEOUT = 50;
/** Seconds for which Telegram holds `getUpdates` open while nothing comes. */
export const POLL_SECONDS = 30;

export interface BotApi {
  readonly sending: Api;
  readonly polling: Api;
  /** The bot's own account; asked for once. */
  me(): Promise<UserFromGetMe>;
}

/** One client for all that is sent, and one for long polling, which waits longer. */
export function createBotApi(options: {
  readonly token: Secret;
  readonly apiRoot: string;
}): BotApi {
  const apiRoot = options.apiRoot.replace(/\/+$/, '');
  const client = (timeoutSeconds: number) =>
    new Api(options.token.reveal(), { apiRoot, timeoutSeconds });
  const sending = client(SENDING_TIMEOUT);
  let known: Promise<UserFromGetMe> | undefined;
  return {
    sending,
    polling: client(POLLING_TIMEOUT),
    me() {
      known ??= sending.getMe().catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
  };
}
