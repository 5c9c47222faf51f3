import { createHash } from 'node:crypto';
import { chatKey } from '../../chat/message.ts';
import type { ReplyTarget } from '../../chat/reply.ts';
import { MAY_BE_A_REPEAT } from '../../text/discord.ts';
import { marksRepeat, type Part } from './answer-parts.ts';
import type { Body } from './api.ts';
import { certainlyNotDone, toPlatformError } from './errors.ts';
import { Retries, type RetryTimes, retrying } from './retries.ts';
import type { Surface } from './surface.ts';

/**
 * Sends the parts of one answer that its delivery log does not know as sent. What Discord keeps from
 * standing twice (by a nonce, or because it takes the place of “is thinking”) is repeated silently;
 * any other part of which nobody knows whether it arrived is sent again and says so.
 */
export class Delivery {
  readonly #target: ReplyTarget;
  readonly #surface: Surface;
  /** When this process first sent a part, by number. */
  readonly #tried = new Map<number, number>();
  /** How often a part was found gone that had been sent: Discord may still know its nonce. */
  readonly #rounds = new Map<number, number>();

  constructor(target: ReplyTarget, surface: Surface) {
    this.#target = target;
    this.#surface = surface;
  }

  /**
   * Puts part 0 there, or finds it.
   * @returns undefined where only the answer itself should come, since it may stand there already
   */
  async placeholder(body: Body): Promise<string | undefined> {
    const { deliveries } = this.#target;
    const state = await deliveries.begin(0);
    if (state.state === 'sent') {
      await this.#surface.edit(state.messageId, body);
      return state.messageId;
    }
    if (state.state === 'unknown' && (await this.#doubles(0))) return undefined;
    let messageId: string;
    try {
      messageId = await this.#put(0, body);
    } catch (failure) {
      if (state.state === 'new' && certainlyNotDone(failure)) await deliveries.notSent(0);
      throw failure;
    }
    await deliveries.sent(0, messageId);
    return messageId;
  }

  /** @throws PlatformError when the rest has to wait for another attempt, or can't be sent at all */
  async finish(parts: readonly Part[], times: RetryTimes): Promise<void> {
    const retries = new Retries(times);
    for (const [index, part] of parts.entries()) await this.#deliver(index, part, retries);
  }

  async #deliver(index: number, part: Part, retries: Retries): Promise<void> {
    const { deliveries } = this.#target;
    for (;;) {
      const state = await deliveries.begin(index);
      if (state.state === 'sent') {
        if (index > 0 || (await this.#takesOver(state.messageId, part, retries))) return;
        // What stood there is gone: sent afresh.
        await deliveries.notSent(index);
        this.#rounds.set(index, (this.#rounds.get(index) ?? 0) + 1);
        this.#tried.delete(index);
        continue;
      }
      let messageId: string;
      try {
        const mayBeRepeat = state.state === 'unknown' && (await this.#doubles(index));
        messageId = await this.#send(index, part, mayBeRepeat);
      } catch (failure) {
        // That a repeat was not done says nothing of what it would have repeated.
        if (state.state === 'new' && certainlyNotDone(failure)) await deliveries.notSent(index);
        await retries.after(failure);
        continue;
      }
      // Not in the `try`: when this fails, the part stands there all the same.
      await deliveries.sent(index, messageId);
      return;
    }
  }

  /**
   * Part 0 is a placeholder, or what an earlier attempt made of it: editing it again does no harm.
   * @returns false when it is not there any more
   */
  async #takesOver(messageId: string, part: Part, retries: Retries): Promise<boolean> {
    const edit = (body: Body) => this.#surface.edit(messageId, body);
    try {
      await retrying(retries, () => edit(withoutFiles(part)), { repeatable: true });
      return true;
    } catch (failure) {
      const error = toPlatformError(failure, 'send');
      // A message that can't be edited for whatever reason must not keep the answer back.
      if (error.code === 'gone' || error.code === 'refused') return false;
      throw error;
    }
  }

  async #send(index: number, part: Part, mayBeRepeat: boolean): Promise<string> {
    const marked = mayBeRepeat ? marksRepeat(part) : part;
    if (marked === undefined) {
      await this.#put(index, { content: MAY_BE_A_REPEAT, components: [] }, 'mark');
    }
    const what = marked ?? part;
    try {
      return await this.#put(index, what, '', part);
    } catch (failure) {
      const { code } = toPlatformError(failure, 'attach');
      if (part.files.length === 0 || code !== 'refused') throw failure;
      return await this.#sendAsTexts(index, part);
    }
  }

  /** Channels may forbid files and allow texts: then the code comes as text. */
  async #sendAsTexts(index: number, part: Part): Promise<string> {
    let messageId = '';
    for (const [at, content] of part.insteadOfFiles.entries()) {
      const isLast = at === part.insteadOfFiles.length - 1;
      const components = isLast ? part.components : [];
      messageId = await this.#put(index, { content, components }, `text${at}`);
    }
    return messageId;
  }

  async #put(index: number, body: Body, variant = '', instead: Body = body): Promise<string> {
    if (!this.#tried.has(index)) this.#tried.set(index, performance.now());
    const nonce = this.#nonce(index, variant);
    return index === 0 && variant === ''
      ? await this.#surface.first(body, nonce, instead)
      : await this.#surface.add(body, nonce, instead);
  }

  async #doubles(index: number): Promise<boolean> {
    const tried = this.#tried.get(index);
    return await this.#surface.doubles(
      index,
      tried === undefined ? undefined : performance.now() - tried,
    );
  }

  /** The same in every process, so that what another one sent moments ago is found by Discord. */
  #nonce(index: number, variant: string): string {
    const { turnId, chat, replyTo } = this.#target;
    const round = this.#rounds.get(index) ?? 0;
    const what = [chatKey(chat), replyTo, turnId, index, round, variant].join('\n');
    return createHash('sha256').update(what).digest('base64url').slice(0, 24);
  }
}

function withoutFiles({ content, components }: Part): Body {
  return { content, components };
}
