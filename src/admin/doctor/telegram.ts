import { z } from 'zod';
import type { TelegramConfig } from '../../config.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';
import type { Asking } from './http.ts';

const meSchema = z.object({
  result: z.object({
    username: z.string(),
    can_join_groups: z.boolean().default(true),
    can_read_all_group_messages: z.boolean().default(false),
  }),
});
const hookSchema = z.object({
  result: z.object({
    url: z.string(),
    pending_update_count: z.number(),
    last_error_date: z.number().optional(),
    last_error_message: z.string().optional(),
  }),
});

/** So many updates do not wait by chance. */
const MANY_PENDING = 100;
/** An error of the webhook older than this is history, in seconds. */
const RECENT_S = 3_600;

export async function checkTelegram(config: TelegramConfig, asking: Asking): Promise<Finding[]> {
  const ask = (method: string) =>
    asking.get(`${config.apiRoot}/bot${config.token.reveal()}/${method}`);
  const answer = await ask('getMe');
  const me = meSchema.safeParse(answer.body);
  if (answer.status === 401 || answer.status === 404) {
    return [
      wrong(
        'telegram token',
        'Telegram refuses TELEGRAM_BOT_TOKEN.',
        'Get the token from @BotFather (/mybots, API Token) and set it again.',
      ),
    ];
  }
  if (!me.success) return [unreachable(config, answer.status)];
  const { username, can_join_groups, can_read_all_group_messages } = me.data.result;
  const found = [ok('telegram token', `Telegram knows it as @${username}.`)];
  if (!can_join_groups) {
    found.push(
      warning(
        'telegram groups',
        'The bot can not be added to groups.',
        'Allow it with @BotFather: /setjoingroups.',
      ),
    );
  } else {
    found.push(
      ok(
        'telegram groups',
        can_read_all_group_messages
          ? 'It gets every message of its groups.'
          : 'In groups it gets commands, replies to it and mentions (privacy mode).',
      ),
    );
  }
  const hook = hookSchema.safeParse((await ask('getWebhookInfo')).body);
  if (hook.success) found.push(...checkHook(config, hook.data.result));
  return found;
}

function checkHook(
  config: TelegramConfig,
  hook: z.infer<typeof hookSchema>['result'],
): readonly Finding[] {
  const what = 'telegram intake';
  const waiting = `${hook.pending_update_count} updates wait at Telegram`;
  if (config.mode === 'polling') {
    if (hook.url !== '') {
      return [
        warning(
          what,
          'A webhook is set for this bot, and Latchkey would ask for updates instead.',
          'Start Latchkey, which removes the webhook; or, if another program set it, give one of them a bot of its own.',
        ),
      ];
    }
    return [
      hook.pending_update_count > MANY_PENDING
        ? warning(what, `${waiting}.`, 'See that a bot runs, and look at its log.')
        : ok(what, 'Long polling; no webhook is in its way.'),
    ];
  }
  if (hook.url !== config.url) {
    return [
      warning(
        what,
        hook.url === ''
          ? 'No webhook is set yet.'
          : 'The webhook that is set is not TELEGRAM_WEBHOOK_URL.',
        'Start Latchkey, which sets it; if that does not last, another program uses this token.',
      ),
    ];
  }
  const age = Date.now() / 1000 - (hook.last_error_date ?? 0);
  if (hook.last_error_message !== undefined && age < RECENT_S) {
    return [
      wrong(
        what,
        `Telegram can not deliver to the webhook: ${hook.last_error_message}. ${waiting}.`,
        'See that TELEGRAM_WEBHOOK_URL reaches HTTP_PORT of a bot from the internet, with a valid certificate, and that TELEGRAM_WEBHOOK_SECRET is the same in all bots.',
      ),
    ];
  }
  return [ok(what, `The webhook is set; ${waiting}.`)];
}

function unreachable(config: TelegramConfig, status: number): Finding {
  const { host } = new URL(config.apiRoot);
  return wrong(
    'telegram token',
    status === 0 ? `${host} does not answer.` : `${host} answers with HTTP ${status}.`,
    'Check the network of this machine, its proxy or firewall, and TELEGRAM_API_ROOT.',
  );
}
