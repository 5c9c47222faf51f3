import { z } from 'zod';
import type { DiscordConfig } from '../../config.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';
import type { Answer, Asking } from './http.ts';

const meSchema = z.object({ username: z.string() });
const applicationSchema = z.object({
  flags: z.number().default(0),
  interactions_endpoint_url: z.string().nullish(),
});
const gatewaySchema = z.object({
  shards: z.number(),
  session_start_limit: z.object({ total: z.number(), remaining: z.number() }),
});
const serversSchema = z.array(z.object({ id: z.string(), permissions: z.string() }));

/** Of an application: the Message Content intent was granted, or (below 100 servers) switched on. */
const MESSAGE_CONTENT_FLAGS = (1 << 18) | (1 << 19);

/** What the bot needs in a server. https://docs.discord.com/developers/topics/permissions */
const RIGHTS = [
  ['View Channels', 1n << 10n],
  ['Send Messages', 1n << 11n],
  ['Attach Files', 1n << 15n],
  ['Read Message History', 1n << 16n],
  ['Send Messages in Threads', 1n << 38n],
] as const;
const ADMINISTRATOR = 1n << 3n;

/** Starts of a connection that should be left for a day of trouble, and whole starts of the bot. */
const FEW_STARTS = 50;
const FEW_WHOLE_STARTS = 5;
const SHOWN = 5;
/** Discord tells of so many servers at once; what is beyond so many pages is not looked at. */
const PAGE = 200;
const MOST_PAGES = 10;

export async function checkDiscord(config: DiscordConfig, asking: Asking): Promise<Finding[]> {
  const ask = (path: string) =>
    asking.get(`${config.apiRoot}/v10${path}`, {
      authorization: `Bot ${config.token.reveal()}`,
    });
  const answer = await ask('/users/@me');
  const me = meSchema.safeParse(answer.body);
  if (answer.status === 401) {
    return [
      wrong(
        'discord token',
        'Discord refuses DISCORD_BOT_TOKEN.',
        'Make a new one at discord.com/developers: your application, Bot, Reset Token.',
      ),
    ];
  }
  if (!me.success) {
    const { host } = new URL(config.apiRoot);
    return [
      wrong(
        'discord token',
        answer.status === 0
          ? `${host} does not answer.`
          : `${host} answers with HTTP ${answer.status}.`,
        'Check the network of this machine, its proxy or firewall, and DISCORD_API_ROOT.',
      ),
    ];
  }
  const found = [ok('discord token', `Discord knows it as ${me.data.username}.`)];
  const [application, gateway, servers] = await Promise.all([
    ask('/applications/@me'),
    ask('/gateway/bot'),
    readServers(ask),
  ]);
  const app = applicationSchema.safeParse(application.body);
  if (app.success) found.push(...checkApplication(config, app.data));
  const start = gatewaySchema.safeParse(gateway.body);
  if (start.success) found.push(checkStarts(start.data));
  if (servers.length > 0) found.push(checkServers(servers));
  return found;
}

type Servers = z.infer<typeof serversSchema>;

async function readServers(ask: (path: string) => Promise<Answer>): Promise<Servers> {
  const servers: Servers = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const last = servers.at(-1)?.id;
    const { body } = await ask(`/users/@me/guilds${last === undefined ? '' : `?after=${last}`}`);
    const read = serversSchema.safeParse(body);
    servers.push(...(read.data ?? []));
    if (read.data === undefined || read.data.length < PAGE) break;
  }
  return servers;
}

function checkApplication(
  { messageContent }: DiscordConfig,
  { flags, interactions_endpoint_url }: z.infer<typeof applicationSchema>,
): readonly Finding[] {
  const isGranted = (flags & MESSAGE_CONTENT_FLAGS) !== 0;
  const intents =
    messageContent && !isGranted
      ? wrong(
          'discord intents',
          'DISCORD_MESSAGE_CONTENT is on, and Discord does not grant the Message Content Intent.',
          'Switch it on at discord.com/developers: your application, Bot, Message Content Intent; or set DISCORD_MESSAGE_CONTENT=off.',
        )
      : ok(
          'discord intents',
          messageContent
            ? 'The Message Content Intent is granted.'
            : 'No privileged intent is needed.',
        );
  if (interactions_endpoint_url == null || interactions_endpoint_url === '') return [intents];
  return [
    intents,
    wrong(
      'discord commands',
      'Discord sends commands and buttons to an address of the web, not to Latchkey.',
      'Empty “Interactions Endpoint URL” at discord.com/developers: your application, General Information.',
    ),
  ];
}

function checkStarts({ shards, session_start_limit: limit }: z.infer<typeof gatewaySchema>) {
  const says = `${limit.remaining} of ${limit.total} starts are left today, for ${shards} ${shards === 1 ? 'connection' : 'connections'}.`;
  return limit.remaining < Math.max(FEW_STARTS, FEW_WHOLE_STARTS * shards)
    ? warning('discord starts', says, 'See why it starts so often: look at its log.')
    : ok('discord starts', says);
}

function checkServers(servers: Servers): Finding {
  const what = 'discord rights';
  const lacking = servers.flatMap(({ id, permissions }) => {
    const held = /^\d+$/.test(permissions) ? BigInt(permissions) : 0n;
    if ((held & ADMINISTRATOR) !== 0n) return [];
    const missing = RIGHTS.filter(([, bit]) => (held & bit) === 0n).map(([name]) => name);
    return missing.length === 0 ? [] : [`${id} (${missing.join(', ')})`];
  });
  const isPart = servers.length >= PAGE * MOST_PAGES;
  const many = `${servers.length} servers${isPart ? ' or more, of which the first were looked at,' : ''}`;
  const count = servers.length === 1 ? '1 server' : many;
  if (lacking.length === 0) return ok(what, `It is in ${count} and lacks no right there.`);
  const more = lacking.length > SHOWN ? `, and ${lacking.length - SHOWN} more` : '';
  return warning(
    what,
    `It is in ${count} and lacks rights in ${lacking.length}: ${lacking.slice(0, SHOWN).join('; ')}${more}.`,
    'Who manages that server gives them to the bot’s role: Server Settings, Roles.',
  );
}
