import type { Body } from './api.ts';
import { toPlatformError } from './errors.ts';

/**
 * A refused reply or refused buttons must not cost the text: it is tried without them. Discord
 * refuses as a whole, so nothing is sent twice.
 */
export async function degrading<T>(
  body: Body,
  reference: { readonly replyTo?: string },
  send: (body: Body, reference: { readonly replyTo?: string }) => Promise<T>,
): Promise<T> {
  const bare = { ...body, components: [] };
  const attempts: readonly (readonly [Body, { readonly replyTo?: string }])[] = [
    [body, reference],
    ...(reference.replyTo === undefined ? [] : [[body, {}] as const]),
    ...(body.components.length === 0 ? [] : [[bare, {}] as const]),
  ];
  let refusal: unknown;
  for (const [what, how] of attempts) {
    try {
      return await send(what, how);
    } catch (error) {
      const { code, missingRight } = toPlatformError(error, 'send');
      if (code !== 'refused' || missingRight === 'send') throw error;
      refusal = error;
    }
  }
  throw refusal;
}
