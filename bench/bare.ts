/**
 * The least that answers: grammY and the SDK. Nothing is stored, nobody waits for anybody, no
 * message survives a restart. What Latchkey adds is measured against it.
 */

import { Bot } from 'grammy';
import OpenAI from 'openai';
import { z } from 'zod';

const { BARE_TOKEN, BARE_API_ROOT, BARE_BASE_URL, BARE_API_KEY } = z
  .object({
    BARE_TOKEN: z.string(),
    BARE_API_ROOT: z.string(),
    BARE_BASE_URL: z.string(),
    BARE_API_KEY: z.string(),
  })
  .parse(process.env);

const bot = new Bot(BARE_TOKEN, { client: { apiRoot: BARE_API_ROOT } });
const openai = new OpenAI({ apiKey: BARE_API_KEY, baseURL: BARE_BASE_URL });

async function answer(chatId: number, text: string): Promise<void> {
  const stream = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: text },
    ],
    stream: true,
    stream_options: { include_usage: true },
  });
  let said = '';
  for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
  await bot.api.sendMessage(chatId, said);
}

bot.on('message:text', (context) => {
  // Not awaited: grammY's polling handles one update after another.
  answer(context.chat.id, context.message.text).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
  });
});

process.once('SIGTERM', () => process.exit(0));
await bot.start({ onStart: () => void process.stdout.write('ready\n') });
