import type { ChatAddress } from './message.ts';

/** The port that tells who may manage a chat. */
export interface ChatRights {
  /** Whether answers can stand in threads of their own, so that it is offered. */
  readonly opensThreads: boolean;
  /**
   * Whether this person may change how the bot behaves in the group or server.
   * @throws PlatformError where the platform could not be asked
   */
  mayManage(chat: ChatAddress, platformUserId: string): Promise<boolean>;
  /**
   * Whether this person is in the group or server; also where the platform does not tell.
   * @throws PlatformError where the platform could not be asked
   */
  isThere(chat: ChatAddress, platformUserId: string): Promise<boolean>;
}
