/** Which addresses Telegram takes in a `text_link`; one that it does not take loses the whole message. */

/** UTF-16 code units; longer ones are shown as text. */
const MAX_ADDRESS = 2048;

/** A host with a dot (Telegram refuses `localhost`), without a user's name before it. */
const HOST = /^(?:[a-z0-9_-]+\.)+[a-z0-9-]+$/i;

/** `tg://user?id=…` would mention a person. */
const TELEGRAM = /^tg:\/\/(?!user(?:[/?#]|$))[a-z0-9_-]+(?:[/?][\x21-\x7e]*)?$/i;

/**
 * @returns the address as it is sent, or undefined where it can only be shown. `mailto:` is such:
 * Telegram takes it for the user's name of an `http` address, but links bare e-mail addresses itself.
 */
export function linkable(address: string): string | undefined {
  if (address.length > MAX_ADDRESS) return undefined;
  if (TELEGRAM.test(address)) return address;
  if (!/^https?:\/\//i.test(address)) return undefined;
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '' || url.port === '0')
    return undefined;
  return HOST.test(url.hostname) && url.href.length <= MAX_ADDRESS ? url.href : undefined;
}
