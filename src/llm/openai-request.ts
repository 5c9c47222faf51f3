/** What Latchkey asks, in the words of Chat Completions. */

import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import type { RemoteEntry } from './catalogue.ts';
import type { Completion, ContentPart, ModelMessage } from './provider.ts';

/** How a request is put; what a provider refuses about it is changed, and it is asked again. */
export interface RequestShape {
  readonly api: 'chat' | 'responses';
  readonly stream: boolean;
  readonly outputLimit: RemoteEntry['outputLimit'];
  /** OpenAI's newer parameters, that a server which only speaks its API may not know. */
  readonly extras: boolean;
  /** Asks Chat Completions for usage in the stream. */
  readonly asksForUsage: boolean;
  /** In tokens. */
  readonly maxOutputTokens: number;
}

export function chatMessages(completion: Completion): ChatCompletionMessageParam[] {
  return [{ role: 'system', content: completion.system }, ...completion.messages.map(chatMessage)];
}

function chatMessage({ role, content }: ModelMessage): ChatCompletionMessageParam {
  // Plain text goes as a string: not every service that speaks this API takes a list of parts.
  if (role === 'assistant' || content.every((part) => part.type === 'text')) {
    return { role, content: plainText(content) };
  }
  return {
    role,
    content: content.map((part) =>
      part.type === 'text'
        ? { type: 'text', text: part.text }
        : { type: 'image_url', image_url: { url: dataUrl(part) } },
    ),
  };
}

export function plainText(content: readonly ContentPart[]): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}

export function dataUrl(image: Extract<ContentPart, { type: 'image' }>): string {
  return `data:${image.mediaType};base64,${Buffer.from(image.data).toString('base64')}`;
}

/** `store: false`: what users say is not kept by OpenAI for its dashboard. */
export function openAiExtras(completion: Completion): {
  store?: false;
  safety_identifier?: string;
} {
  return {
    store: false,
    ...(completion.safetyIdentifier === undefined
      ? {}
      : { safety_identifier: completion.safetyIdentifier }),
  };
}
