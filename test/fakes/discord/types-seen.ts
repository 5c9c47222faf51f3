/** What a person sees: messages, and what came of an interaction. */

import type { APIApplicationCommandOptionChoice, APIMessage } from 'discord-api-types/v10';
import type { Modal } from './types.ts';

export interface SeenButton {
  readonly label: string;
  /** Absent in buttons that are links. */
  readonly customId?: string;
  readonly url?: string;
  readonly disabled: boolean;
}

export interface SeenFile {
  readonly id: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Signed for a day: works until the clock passes `ex`. */
  readonly url: string;
}

/** Whom a message named so that it makes a sound for them, with all that its edits named. */
export interface Pings {
  /** Ids of users, without those of replies. */
  readonly users: readonly string[];
  /** Ids of roles. */
  readonly roles: readonly string[];
  /** `@everyone` or `@here`. */
  readonly everyone: boolean;
  /** Whether the author of the message replied to was. */
  readonly repliedUser: boolean;
}

/** A message at a moment; `FakeDiscord.message(id)` has the newest. */
export interface SeenMessage {
  readonly id: string;
  readonly channelId: string;
  readonly authorId: string;
  readonly fromBot: boolean;
  readonly content: string;
  readonly buttons: readonly SeenButton[];
  readonly files: readonly SeenFile[];
  readonly pings: Pings;
  /** Links that show as previews; none where embeds are suppressed. */
  readonly previews: readonly string[];
  readonly ephemeral: boolean;
  /** “… is thinking”: deferred, with nothing said yet. */
  readonly thinking: boolean;
  /** Id of the message replied to. */
  readonly replyTo: string | undefined;
  readonly edited: boolean;
  /** What it said before, oldest first. */
  readonly history: readonly string[];
  /** Whether a thread started from it. */
  readonly hasThread: boolean;
  /** The message as the API gives it. */
  readonly raw: APIMessage;
}

/** `autocomplete` gives choices, `deferUpdate` and `update` keep the message with the button. */
export type AckKind = 'message' | 'defer' | 'deferUpdate' | 'update' | 'modal' | 'autocomplete';

/** Live: what it says changes as the bot goes on. */
export interface SeenInteraction {
  readonly id: string;
  readonly token: string;
  readonly channelId: string;
  readonly userId: string;
  /** The first response. */
  readonly ack: { readonly kind: AckKind; readonly afterMs: number } | undefined;
  /** “The application did not respond.” */
  readonly failed: boolean;
  readonly modal: Modal | undefined;
  readonly choices: readonly APIApplicationCommandOptionChoice[] | undefined;
  /** The response itself, or the message with the button after `deferUpdate` and `update`. */
  readonly original: SeenMessage | undefined;
  readonly followUps: readonly SeenMessage[];
  /** The response (not a message with the button) and the follow-ups that are not deleted. */
  readonly messages: readonly SeenMessage[];
  readonly ephemeral: readonly SeenMessage[];
  readonly public: readonly SeenMessage[];
  /** Edits of the original and of follow-ups. */
  readonly edits: number;

  /** Until the first response. @throws after `timeoutMs`, default 5000 */
  acknowledged(options?: {
    readonly timeoutMs?: number;
  }): Promise<{ readonly kind: AckKind; readonly afterMs: number }>;
  /**
   * Until the person sees a message that says something (of `fits`), not “is thinking”. After
   * `deferUpdate` and `update` the message with the button does not count.
   * @returns the newest of those
   */
  answered(
    fits?: (message: SeenMessage) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<SeenMessage>;
  /** Until a modal opens. */
  opened(options?: { readonly timeoutMs?: number }): Promise<Modal>;
}
