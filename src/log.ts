import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';
import { describeDatabaseError, isDrizzleError } from './db/errors.ts';
import { scrub } from './keys/detection.ts';
import { StartError } from './start-error.ts';

export type Log = Logger;
export type LogLevel = LevelWithSilent;

/** A message or a stack longer than this many characters is cut: payloads hide in long ones. */
const MAX_TEXT = 4_000;

const REDACTED = '[redacted]';

/** Names under which libraries keep secrets, at the top and one level down. */
const SECRET_FIELDS = [
  'apiKey',
  'api_key',
  'authorization',
  'Authorization',
  'x-api-key',
  'token',
  'password',
  'secret',
  'params',
  'parameters',
];

const context = new AsyncLocalStorage<Readonly<Record<string, string | number>>>();

/**
 * What is logged while `work` runs, by whomever, has these fields. What a line says itself wins.
 */
export function withLogFields<T>(
  fields: Readonly<Record<string, string | number>>,
  work: () => Promise<T>,
): Promise<T> {
  return context.run({ ...context.getStore(), ...fields }, work);
}

export interface LogOptions {
  readonly level: LogLevel;
  /** For people instead of machines: colours, one readable line each. */
  readonly pretty?: boolean;
  /** Default: standard error, so that standard output belongs to the chat in the terminal. */
  readonly stream?: DestinationStream;
}

/**
 * The log. Nothing that looks like a key leaves through it: known fields are redacted, errors are
 * reduced by {@link serializeError}, and a last net goes over each finished line.
 */
export async function createLog(options: LogOptions): Promise<Log> {
  return pino(
    {
      level: options.level,
      base: null,
      mixin: () => ({ ...context.getStore() }),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
        censor: REDACTED,
      },
      serializers: { err: serializeError, error: serializeError },
      hooks: {
        streamWrite: scrubLine,
        logMethod(args, method) {
          Reflect.apply(method, this, withSafeMessage(args));
        },
      },
    },
    options.stream ??
      (options.pretty ? await prettyStream() : pino.destination({ fd: 2, sync: true })),
  );
}

export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
}

/**
 * What may be logged of anything that was thrown: its class, its code, its message and stack with
 * keys scrubbed out. Never its `cause` or other fields: there libraries keep requests, answers,
 * tokens and parameters.
 */
export function serializeError(error: unknown): SerializedError {
  if (isSerialized(error)) return error;
  if (!(error instanceof Error)) {
    const message = typeof error === 'string' ? tidy(error) : `a thrown ${typeof error}`;
    return remember({ type: 'not an error', message });
  }
  const message = isDrizzleError(error) ? describeDatabaseError(error) : tidy(error.message);
  const code = 'code' in error ? error.code : undefined;
  return remember({
    type: error.name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error instanceof StartError || error.stack === undefined
      ? {}
      : { stack: framesOf(error.stack) }),
  });
}

const made = new WeakSet<object>();

function remember(error: SerializedError): SerializedError {
  made.add(error);
  return error;
}

/** pino would make the raw message of an error the line's own where the caller gives none. */
function withSafeMessage(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args;
  const fields = first instanceof Error ? { err: first } : first;
  if (rest.length > 0 || typeof fields !== 'object' || fields === null || !('err' in fields)) {
    return [fields, ...rest];
  }
  return [fields, serializeError(fields.err).message];
}

/**
 * Looser than `scrub`, which goes over the line as well: keys of providers, masked echoes of them,
 * tokens of bots. No word boundary in front: in a line of
 * JSON the letter of an escaped line break stands there. Every repetition in front of something is
 * bounded, so that no line takes more than linear time.
 */
const SECRETS =
  /(?:sk|gsk|xai|pplx|hf)[-_][\w-]{16,}|AIza[\w-]{30,}|AQ\.[\w-]{40,}|[\w-]{0,24}\*{4,100}\w{2,4}|\d{6,20}(?::|%3A)[\w-]{35}(?![\w-])|(?<!\\)[MNO][\w-]{19,35}\.[\w-]{6,7}\.[\w-]{27,45}|aW50ZXJhY3Rpb246[\w-]{16,}/gi;

/** What is kept of a line when everything that looks like a secret is taken out. */
export function scrubLine(line: string): string {
  const loose = line
    .replace(SECRETS, REDACTED)
    .replace(PASSWORD_IN_ADDRESS, (_, before: string) => `${before}${REDACTED}@`);
  return scrub(loose);
}

const PASSWORD_IN_ADDRESS = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"]{0,200}:)[^\s@/"]{1,400}@/gi;

export interface CrashHandlerOptions {
  readonly log: Log;
  /** Ends the process; called once, after the line is written. */
  readonly exit: (code: number) => void;
}

/**
 * Errors that nobody caught end the process as they would by default, but are written through the
 * log's net instead of raw. @returns what takes the handlers away again.
 */
export function installCrashHandlers(options: CrashHandlerOptions): () => void {
  const onCrash = (error: unknown) => {
    if (error instanceof StartError) {
      options.log.fatal(error.message);
      options.exit(error.exitCode);
    } else {
      options.log.fatal({ err: error }, `Latchkey crashed: ${serializeError(error).message}`);
      options.exit(1);
    }
  };
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  return () => {
    process.off('uncaughtException', onCrash);
    process.off('unhandledRejection', onCrash);
  };
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination: 2,
    sync: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
  });
}

function tidy(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return scrubLine(short);
}

/** The calls alone: the lines before them repeat the message, which may have been reduced. */
function framesOf(stack: string): string {
  const start = stack.search(/^\s+at /m);
  return start === -1 ? '' : tidy(stack.slice(start));
}

/** Call sites serialize by themselves, and the logger's serializers then meet the result. */
function isSerialized(value: unknown): value is SerializedError {
  return typeof value === 'object' && value !== null && made.has(value);
}
