/** The environment, parsed once. The only reader of `process.env`. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { MICROS_PER_USD } from './funding/money.ts';
import { otherHost } from './llm/other-host.ts';
import { parseRedisAddress } from './queue/redis-address.ts';
import type { Secret } from './secret.ts';
import { withSecretFiles } from './secret-files.ts';
import {
  address,
  dollars,
  type Operator,
  operators,
  secret,
  secretAddress,
  secretThat,
  whole,
} from './setting-shapes.ts';
import { StartError } from './start-error.ts';
import { systemCodeOf } from './system-code.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type { Operator };

export type TelegramConfig = { readonly token: Secret; readonly apiRoot: string } & (
  | { readonly mode: 'polling' }
  | { readonly mode: 'webhook'; readonly url: string; readonly secret: Secret }
);

export interface DiscordConfig {
  readonly token: Secret;
  readonly apiRoot: string;
  /** Asks for the privileged Message Content intent. */
  readonly messageContent: boolean;
}

export type HouseConfig =
  | { readonly provider: 'openai' | 'anthropic'; readonly model: string; readonly apiKey: Secret }
  | { readonly provider: 'offline' };

/** HashiCorp Vault's Transit engine. */
export interface VaultConfig {
  readonly kind: 'vault';
  /** Without a slash at the end. */
  readonly address: string;
  readonly token: Secret;
  readonly mount: string;
  readonly key: string;
}

/** Who is asked whether words may be answered by the house. */
export interface ModerationConfig {
  /**
   * Where nothing can be asked, `on` lets turns go on and warns the operator; `required` lets them
   * wait and then refuses them.
   */
  readonly mode: 'off' | 'on' | 'required';
  /** Undefined: there is no key that moderates. */
  readonly key: { readonly of: 'house' | 'moderation'; readonly apiKey: Secret } | undefined;
  /** How long what was decided is kept. */
  readonly days: number;
  /** Absolute; may be missing: the operator's own thresholds. */
  readonly file: string;
}

/** Where the KEKs are. */
export type KeyRingConfig = { readonly kind: 'file'; readonly file: string } | VaultConfig;

/** What OpenTelemetry's standard variables say. */
export interface TracesConfig {
  /** Without a slash at the end; traces go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** `name=value,name=value`, values percent-encoded. */
  readonly headers: Secret | undefined;
  readonly serviceName: string;
}

export interface Config {
  /** With neither platform set, the chat opens in the terminal. */
  readonly telegram: TelegramConfig | undefined;
  readonly discord: DiscordConfig | undefined;
  readonly house: HouseConfig;
  /** Other endpoints than the vendors', for house and user keys alike; without a slash at the end. */
  readonly baseUrls: {
    readonly openai: string | undefined;
    readonly anthropic: string | undefined;
  };
  readonly allowance: {
    /** Turns a user a day. */
    readonly dailyTurns: number;
    /** Micro-dollars a user a day. */
    readonly dailyMicros: number;
    /** Micro-dollars a day for everybody together. */
    readonly houseDailyMicros: number;
  };
  readonly database:
    | { readonly kind: 'embedded'; readonly dataDir: string }
    | { readonly kind: 'url'; readonly url: Secret };
  readonly queue: { readonly kind: 'postgres' } | { readonly kind: 'redis'; readonly url: Secret };
  /** Absolute. */
  readonly dataDir: string;
  readonly keyRing: KeyRingConfig;
  /** Absolute. What belongs beside the ring stands beside this, also where the KEKs are elsewhere. */
  readonly keyRingFile: string;
  readonly pricesFile: string | undefined;
  readonly plansFile: string | undefined;
  /** Absolute: the operator's own texts for /privacy and /terms. */
  readonly privacyFile: string | undefined;
  readonly termsFile: string | undefined;
  /** How long words are kept. */
  readonly historyDays: number;
  readonly moderation: ModerationConfig;
  readonly role: 'all' | 'bot' | 'worker';
  /** Turns at a time in one worker. */
  readonly workerConcurrency: number;
  /** Waiting turns a user. */
  readonly mailboxLimit: number;
  readonly http: {
    readonly port: number;
    /** The operator set the port: if it is taken, that is an error, not a reason to take another. */
    readonly isPortFixed: boolean;
    readonly publicUrl: string | undefined;
  };
  readonly operators: readonly Operator[];
  /** Where traces go, by OTLP over HTTP; undefined: nowhere. */
  readonly traces: TracesConfig | undefined;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

const TELEGRAM_API = 'https://api.telegram.org';
const DISCORD_API = 'https://discord.com/api';

const OPENAI_API = 'https://api.openai.com/v1';

const DEFAULT_MODELS = { openai: 'gpt-5.4-mini', anthropic: 'claude-haiku-4-5' } as const;

/** Values that no message repeats: they are secret, or hold a password. */
const NEVER_SHOWN = new Set([
  'TELEGRAM_BOT_TOKEN',
  'TELEGRAM_WEBHOOK_SECRET',
  'DISCORD_BOT_TOKEN',
  'OPENAI_API_KEY',
  'ANTHROPIC_API_KEY',
  'MODERATION_API_KEY',
  'DATABASE_URL',
  'REDIS_URL',
  'VAULT_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
]);

/** Those that may also be given as the path of a file that holds them, under `NAME_FILE`. */
export const SECRET_NAMES: readonly string[] = [...NEVER_SHOWN];

const HTTP = /^https?:$/;
const SECURE = /^https:$/;
const POSTGRES = /^postgres(ql)?:$/;

/** Each variable on its own; `error` says what it takes. */
const schema = z.object({
  TELEGRAM_BOT_TOKEN: secret(
    /^\d+:[\w-]{35}$/,
    'the token that @BotFather gives, like 123456:AbC…',
  ),
  TELEGRAM_API_ROOT: address(HTTP, 'an address that begins with https://').default(TELEGRAM_API),
  TELEGRAM_WEBHOOK_URL: address(HTTP, 'a public address that begins with https://').optional(),
  TELEGRAM_WEBHOOK_SECRET: secret(/^[\w-]{1,256}$/, '1 to 256 letters, digits, _ and -'),
  DISCORD_BOT_TOKEN: secret(
    /^[\w-]+\.[\w-]+\.[\w-]+$/,
    'the token from the Bot page of discord.com/developers, like MTIz….AbC….xYz…',
  ),
  DISCORD_API_ROOT: address(HTTP, 'an address that begins with https://').default(DISCORD_API),
  DISCORD_MESSAGE_CONTENT: z.enum(['on', 'off'], { error: 'on or off' }).default('off'),
  OPENAI_API_KEY: secret(/^[\x21-\x7e]{8,}$/, 'a key of OpenAI, without spaces'),
  ANTHROPIC_API_KEY: secret(/^[\x21-\x7e]{8,}$/, 'a key of Anthropic, without spaces'),
  OPENAI_BASE_URL: address(HTTP, 'an address that begins with https://').optional(),
  ANTHROPIC_BASE_URL: address(HTTP, 'an address that begins with https://').optional(),
  HOUSE_MODEL: z
    .string()
    .regex(/^(openai|anthropic)\/\S+$/, {
      error: `provider/model, such as openai/${DEFAULT_MODELS.openai}`,
    })
    .optional(),
  MODERATION: z.enum(['off', 'on', 'required'], { error: 'off, on or required' }).optional(),
  MODERATION_API_KEY: secret(/^[\x21-\x7e]{8,}$/, 'a key of OpenAI, without spaces'),
  MODERATION_DAYS: whole(1, 36_500).default(30),
  FREE_DAILY_MESSAGES: whole(0, 100_000).default(20),
  FREE_DAILY_USD: dollars().default(0.1 * MICROS_PER_USD),
  HOUSE_DAILY_USD: dollars().default(5 * MICROS_PER_USD),
  DATABASE_URL: secretAddress(
    POSTGRES,
    'postgres://host:port/database, with user:password@ before the host',
  ),
  REDIS_URL: secretThat(
    (value) => parseRedisAddress(value) !== undefined,
    'redis://host:port, with user:password@ before the host if it needs them, rediss:// with TLS, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/name',
  ),
  DATA_DIR: z.string().default('./data'),
  KEY_RING_FILE: z.string().optional(),
  VAULT_ADDR: address(HTTP, "Vault's address, such as https://vault.example.org:8200").optional(),
  VAULT_TOKEN: secret(/^[\x21-\x7e]+$/, 'a token of Vault, without spaces'),
  VAULT_TRANSIT_KEY: z
    .string()
    .regex(/^([\w-][\w.-]*\/)*[\w-][\w.-]*$/, {
      error: 'the name of a key of the Transit engine, or mount/name',
    })
    .optional(),
  PRICES_FILE: z.string().optional(),
  PLANS_FILE: z.string().optional(),
  PRIVACY_FILE: z.string().optional(),
  TERMS_FILE: z.string().optional(),
  HISTORY_DAYS: whole(1, 36_500).default(30),
  ROLE: z.enum(['all', 'bot', 'worker'], { error: 'all, bot or worker' }).default('all'),
  WORKER_CONCURRENCY: whole(1, 1_000).default(32),
  MAILBOX_LIMIT: whole(1, 1_000).default(10),
  HTTP_PORT: whole(0, 65_535).optional(),
  PUBLIC_URL: address(HTTP, 'an address that begins with https://').optional(),
  OPERATOR_IDS: operators().default([]),
  OTEL_EXPORTER_OTLP_ENDPOINT: address(
    HTTP,
    'the address of a collector, such as http://localhost:4318',
  ).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: secret(
    /^[^\s=,]+=[^\s,]*(,\s*[^\s=,]+=[^\s,]*)*$/,
    'name=value,name=value',
  ),
  OTEL_SERVICE_NAME: z.string().default('latchkey'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'trace, debug, info, warn, error, fatal or silent',
    })
    .default('info'),
});

type Settings = z.infer<typeof schema>;

/** The names of all settings, as the README and `.env.example` list them. */
export const SETTING_NAMES: readonly string[] = Object.keys(schema.shape);

/**
 * The environment of this process, over the file `.env` of the working directory if there is one.
 *
 * Secrets may stand in files of their own: see {@link withSecretFiles}.
 *
 * @throws StartError when there is one that can't be read.
 */
export function readEnvironment(directory: string = process.cwd()): Environment {
  const env = {
    ...withoutEmpty(readDotEnv(join(directory, '.env'))),
    ...withoutEmpty(process.env),
  };
  return withSecretFiles(env, SECRET_NAMES);
}

/** @throws StartError that lists everything that is wrong, and repeats no secret. */
export function parseConfig(env: Environment): Config {
  const parsed = schema.safeParse(withoutEmpty(env));
  if (!parsed.success) {
    throw refuse(
      parsed.error.issues.map(({ path, message }) => {
        const name = String(path[0]);
        const got = NEVER_SHOWN.has(name)
          ? 'has a value that it does not take'
          : `is ${JSON.stringify(env[name])}`;
        return `${name} ${got}; it takes ${message}.`;
      }),
    );
  }
  const problems: string[] = [];
  const config = compose(parsed.data, problems);
  if (problems.length > 0) throw refuse(problems);
  return config;
}

function compose(settings: Settings, problems: string[]): Config {
  const dataDir = resolve(settings.DATA_DIR);
  const telegram = composeTelegram(settings, problems);
  const discord = composeDiscord(settings);
  const { ROLE: role } = settings;
  if (role !== 'all' && settings.DATABASE_URL === undefined) {
    problems.push(
      `ROLE is ${role}, which needs DATABASE_URL: the embedded database serves one process only.`,
    );
  }
  if (role !== 'all' && telegram === undefined && discord === undefined) {
    problems.push(
      `ROLE is ${role}, which needs TELEGRAM_BOT_TOKEN or DISCORD_BOT_TOKEN: there is no platform to serve.`,
    );
  }
  const keyRingFile = resolve(settings.KEY_RING_FILE ?? join(dataDir, 'key-ring.json'));
  return {
    telegram,
    discord,
    house: composeHouse(settings, problems),
    baseUrls: { openai: settings.OPENAI_BASE_URL, anthropic: settings.ANTHROPIC_BASE_URL },
    allowance: {
      dailyTurns: settings.FREE_DAILY_MESSAGES,
      dailyMicros: settings.FREE_DAILY_USD,
      houseDailyMicros: settings.HOUSE_DAILY_USD,
    },
    database: settings.DATABASE_URL
      ? { kind: 'url', url: settings.DATABASE_URL }
      : { kind: 'embedded', dataDir },
    queue: settings.REDIS_URL ? { kind: 'redis', url: settings.REDIS_URL } : { kind: 'postgres' },
    dataDir,
    keyRing: composeVault(settings, problems) ?? { kind: 'file', file: keyRingFile },
    keyRingFile,
    pricesFile: settings.PRICES_FILE === undefined ? undefined : resolve(settings.PRICES_FILE),
    plansFile: settings.PLANS_FILE === undefined ? undefined : resolve(settings.PLANS_FILE),
    privacyFile: settings.PRIVACY_FILE === undefined ? undefined : resolve(settings.PRIVACY_FILE),
    termsFile: settings.TERMS_FILE === undefined ? undefined : resolve(settings.TERMS_FILE),
    historyDays: settings.HISTORY_DAYS,
    moderation: composeModeration(settings, dataDir),
    role,
    workerConcurrency: settings.WORKER_CONCURRENCY,
    mailboxLimit: settings.MAILBOX_LIMIT,
    http: {
      port: settings.HTTP_PORT ?? 8080,
      isPortFixed: settings.HTTP_PORT !== undefined,
      publicUrl: settings.PUBLIC_URL,
    },
    operators: settings.OPERATOR_IDS,
    traces:
      settings.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : {
            endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
            headers: settings.OTEL_EXPORTER_OTLP_HEADERS,
            serviceName: settings.OTEL_SERVICE_NAME,
          },
    logLevel: settings.LOG_LEVEL,
  };
}

function composeTelegram(settings: Settings, problems: string[]): TelegramConfig | undefined {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot } = settings;
  const { TELEGRAM_WEBHOOK_URL: url, TELEGRAM_WEBHOOK_SECRET: secret } = settings;
  if (token === undefined) return undefined;
  if (url === undefined && secret === undefined) return { token, apiRoot, mode: 'polling' };
  if (url === undefined || secret === undefined) {
    const [set, missing] = ['TELEGRAM_WEBHOOK_URL', 'TELEGRAM_WEBHOOK_SECRET'];
    problems.push(
      url === undefined
        ? `${missing} is set without ${set}: a webhook needs both.`
        : `${set} is set without ${missing}: a webhook needs both.`,
    );
    return undefined;
  }
  if (apiRoot === TELEGRAM_API && !SECURE.test(new URL(url).protocol)) {
    problems.push(`TELEGRAM_WEBHOOK_URL is "${url}"; Telegram calls https:// addresses only.`);
  }
  return { token, apiRoot, mode: 'webhook', url, secret };
}

function composeVault(settings: Settings, problems: string[]): VaultConfig | undefined {
  const { VAULT_ADDR: address, VAULT_TOKEN: token, VAULT_TRANSIT_KEY: path } = settings;
  if (path === undefined) {
    // The first two are often set for Vault's own tools: they alone mean nothing here.
    return undefined;
  }
  if (address === undefined || token === undefined) {
    const missing = address === undefined ? 'VAULT_ADDR' : 'VAULT_TOKEN';
    problems.push(`VAULT_TRANSIT_KEY is set without ${missing}: the key ring in Vault needs both.`);
    return undefined;
  }
  if (settings.KEY_RING_FILE !== undefined) {
    problems.push(
      'KEY_RING_FILE and VAULT_TRANSIT_KEY are both set: the key ring is in a file, or in Vault.',
    );
  }
  const slash = path.lastIndexOf('/');
  const mount = slash === -1 ? 'transit' : path.slice(0, slash);
  return { kind: 'vault', address, token, mount, key: path.slice(slash + 1) };
}

function composeDiscord(settings: Settings): DiscordConfig | undefined {
  const { DISCORD_BOT_TOKEN: token, DISCORD_API_ROOT: apiRoot } = settings;
  if (token === undefined) return undefined;
  return { token, apiRoot, messageContent: settings.DISCORD_MESSAGE_CONTENT === 'on' };
}

function composeHouse(settings: Settings, problems: string[]): HouseConfig {
  const keys = { openai: settings.OPENAI_API_KEY, anthropic: settings.ANTHROPIC_API_KEY };
  const [named, model] = splitModel(settings.HOUSE_MODEL);
  const provider = named ?? (keys.openai ? 'openai' : keys.anthropic ? 'anthropic' : undefined);
  if (provider === undefined) return { provider: 'offline' };
  const apiKey = keys[provider];
  if (apiKey === undefined) {
    problems.push(
      `HOUSE_MODEL is "${settings.HOUSE_MODEL}", which needs ${provider.toUpperCase()}_API_KEY.`,
    );
    return { provider: 'offline' };
  }
  return { provider, model: model ?? DEFAULT_MODELS[provider], apiKey };
}

/** A key for another host than OpenAI's is none that moderates, unless it was given for that. */
function composeModeration(settings: Settings, dataDir: string): ModerationConfig {
  const { MODERATION_API_KEY: own, OPENAI_API_KEY: house } = settings;
  const isOpenAi = otherHost(OPENAI_API, settings.OPENAI_BASE_URL) === undefined;
  const key =
    own !== undefined
      ? { of: 'moderation' as const, apiKey: own }
      : house !== undefined && (isOpenAi || settings.MODERATION !== undefined)
        ? { of: 'house' as const, apiKey: house }
        : undefined;
  return {
    mode: settings.MODERATION ?? (key === undefined ? 'off' : 'on'),
    key,
    days: settings.MODERATION_DAYS,
    file: join(dataDir, 'moderation.json'),
  };
}

function splitModel(text: string | undefined): ['openai' | 'anthropic', string] | [] {
  if (text === undefined) return [];
  const model = text.slice(text.indexOf('/') + 1);
  return [text.startsWith('openai/') ? 'openai' : 'anthropic', model];
}

function refuse(problems: readonly string[]): StartError {
  return new StartError(
    problems.length === 1
      ? (problems[0] ?? '')
      : ['These settings are wrong:', ...problems.map((line) => `- ${line}`)].join('\n'),
  );
}

function readDotEnv(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return {};
    throw new StartError(`The settings in ${file} can't be read.`);
  }
}

/** Empty counts as unset: that is what a Compose file or a unit file makes of a missing value. */
function withoutEmpty(env: Environment): Environment {
  const entries = Object.entries(env).map(([name, value]) => [name, value?.trim()] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== ''));
}
