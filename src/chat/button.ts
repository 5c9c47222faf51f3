/** A button below a message of the bot. */
export type Button =
  | { readonly label: string; readonly action: string }
  | { readonly label: string; readonly url: string }
  /** Opens the direct chat with the bot and sends `/start payload` there (at most 64 of [\w-]). */
  | { readonly label: string; readonly directChat: string };
