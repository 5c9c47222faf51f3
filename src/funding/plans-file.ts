/** The operator's plans: what the house gives to whom, and how it keeps its day from being drained. */

import { readFile } from 'node:fs/promises';
import { DateTime } from 'luxon';
import { z } from 'zod';
import { StartError } from '../start-error.ts';
import { MICROS_PER_USD } from './money.ts';

/** Whoever was granted nothing else has it. */
export const FREE_PLAN = 'free';

/** What a plan gives in one window; null: not limited. */
export interface PlanLimit {
  readonly turns: number | null;
  readonly micros: number | null;
}

export const PLAN_PERIODS = ['day', 'week', 'month'] as const;
export type PlanPeriod = (typeof PLAN_PERIODS)[number];

/** Within any sixty seconds; null: not limited. */
export interface MinuteLimit {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

export interface Plan extends MinuteLimit {
  readonly name: string;
  /** All of them hold at once; those that are absent do not limit. */
  readonly windows: Readonly<Partial<Record<PlanPeriod, PlanLimit>>>;
  /** `provider/model`, the first answers where its user chose none; empty: HOUSE_MODEL. */
  readonly models: readonly string[];
  /** Waiting turns; null: MAILBOX_LIMIT. */
  readonly waiting: number | null;
  /** IANA name: where its days, weeks and months begin. */
  readonly timeZone: string;
}

/** How the house keeps its day from being drained; null: it does not. */
export interface HouseRules {
  /** What each group may cost the house a day, in micros. */
  readonly chatDayMicros: number | null;
  /** For how many days somebody is new. */
  readonly newUserDays: number;
  /** What somebody new may cost the house a day, and all of them together, in micros. */
  readonly newUserDayMicros: number | null;
  readonly newUsersDayMicros: number | null;
  /** The day is handed out by the hour. */
  readonly hourly: boolean;
  /** `platform:ID`: the house answers them alone; null: everybody. */
  readonly allow: readonly string[] | null;
  /** For everybody together, by `provider/model`. */
  readonly models: Readonly<Record<string, MinuteLimit>>;
}

export interface Plans {
  /** By name; {@link FREE_PLAN} is always among them. */
  readonly plans: ReadonlyMap<string, Plan>;
  readonly free: Plan;
  readonly house: HouseRules;
}

const MOST_USD = 100_000;
const usd = z
  .number()
  .min(0)
  .max(MOST_USD)
  // 0.1 × 1,000,000 is not always whole.
  .transform((dollars) => Math.round(dollars * MICROS_PER_USD));
const count = z.number().int().min(0).max(1_000_000_000);
const atLeastOne = count.min(1);

const limit = z
  .strictObject({ turns: count.optional(), usd: usd.optional() })
  .transform(({ turns = null, usd: micros = null }) => ({ turns, micros }));

const perMinute = {
  requestsPerMinute: atLeastOne.nullable().default(null),
  tokensPerMinute: atLeastOne.nullable().default(null),
};

const modelName = z.string().regex(/^[a-z]+\/\S+$/, { error: 'provider/model' });

const plan = z.strictObject({
  day: limit.optional(),
  week: limit.optional(),
  month: limit.optional(),
  models: z.array(modelName).default([]),
  ...perMinute,
  waiting: atLeastOne.max(1_000).nullable().default(null),
  timeZone: z
    .string()
    .refine((zone) => DateTime.utc().setZone(zone).isValid, {
      error: 'a time zone such as Europe/Berlin',
    })
    .default('UTC'),
});

const houseRules = z.strictObject({
  chatDayUsd: usd.nullable().default(null),
  newUserDays: z.number().min(0).max(3_650).default(7),
  newUserDayUsd: usd.nullable().default(null),
  newUsersDayUsd: usd.nullable().default(null),
  hourly: z.boolean().default(false),
  allow: z
    .array(z.string().regex(/^[a-z]+:\S+$/, { error: 'platform:ID, such as telegram:123456' }))
    .nullable()
    .default(null),
  models: z.record(modelName, z.strictObject(perMinute)).default({}),
});

/** More of what is wrong than this says nobody reads. */
const MOST_ISSUES = 8;

const planName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'a name of a-z, 0-9 and -' });

const file = z.object({ house: houseRules.prefault({}) }).catchall(plan);

/** What FREE_DAILY_MESSAGES and FREE_DAILY_USD say. */
export interface FreeSettings {
  readonly turnsPerDay: number;
  readonly microsPerDay: number;
}

/** The operator's plans, or those without a file. @throws StartError */
export function plansOf({
  plansFile,
  allowance,
}: {
  readonly plansFile: string | undefined;
  readonly allowance: { readonly dailyTurns: number; readonly dailyMicros: number };
}): Promise<Plans> {
  const free = { turnsPerDay: allowance.dailyTurns, microsPerDay: allowance.dailyMicros };
  return plansFile === undefined
    ? Promise.resolve(defaultPlans(free))
    : readPlansFile(plansFile, free);
}

/** The plans without a file. */
export function defaultPlans(free: FreeSettings): Plans {
  return compose(houseRules.parse({}), {}, free);
}

/** @throws StartError when the file can't be read or is not what it should be */
export async function readPlansFile(path: string, free: FreeSettings): Promise<Plans> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new StartError(`PLANS_FILE ${path} can't be read.`);
  }
  return parsePlans(text, free, path);
}

/** @throws StartError that lists what is wrong */
export function parsePlans(text: string, free: FreeSettings, path = ''): Plans {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new StartError(`PLANS_FILE ${path} is no JSON.`);
  }
  const parsed = file.safeParse(json);
  const wrong = parsed.success
    ? Object.keys(parsed.data)
        .filter((name) => name !== 'house' && !planName.safeParse(name).success)
        .map((name) => `${JSON.stringify(name)} is no name of a plan`)
    : parsed.error.issues.slice(0, MOST_ISSUES).map(sayIssue);
  if (!parsed.success || wrong.length > 0) {
    throw new StartError(
      `PLANS_FILE ${path} can't be read as plans (${wrong.join('; ')}): it takes JSON like {"free": {"day": {"turns": 20, "usd": 0.1}}, "pro": {"month": {"usd": 5}, "models": ["openai/gpt-5.4-mini"], "timeZone": "Europe/Berlin"}, "house": {"hourly": true}}.`,
    );
  }
  const { house, ...named } = parsed.data;
  return compose(house, named, free);
}

/** On one line, whatever the names in the file are. */
function sayIssue({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`.replace(/\p{Cc}+/gu, ' ').slice(0, 200);
}

function compose(
  house: z.infer<typeof houseRules>,
  named: Readonly<Record<string, z.infer<typeof plan>>>,
  settings: FreeSettings,
): Plans {
  const { turnsPerDay: turns, microsPerDay: micros } = settings;
  const all = { [FREE_PLAN]: plan.parse({}), ...named };
  const plans = new Map(
    Object.entries(all).map(([name, { day, week, month, ...rest }]): [string, Plan] => {
      const given = named[name] === undefined ? { turns, micros } : day;
      return [
        name,
        {
          name,
          ...rest,
          windows: {
            ...(given === undefined ? {} : { day: given }),
            ...(week === undefined ? {} : { week }),
            ...(month === undefined ? {} : { month }),
          },
        },
      ];
    }),
  );
  const free = plans.get(FREE_PLAN);
  if (free === undefined) throw new Error('there is always a free plan');
  return {
    plans,
    free,
    house: {
      chatDayMicros: house.chatDayUsd,
      newUserDays: house.newUserDays,
      newUserDayMicros: house.newUserDayUsd,
      newUsersDayMicros: house.newUsersDayUsd,
      hourly: house.hourly,
      allow: house.allow,
      models: house.models,
    },
  };
}

/**
 * Whether the house can answer with what plans name: each model of a provider whose key it has needs
 * a price, and a plan that names models needs one of them.
 * @throws StartError
 */
export function checkPlanModels(
  { plans }: Plans,
  house: { readonly provider: string },
  hasPrice: (model: string) => boolean,
): void {
  if (house.provider === 'offline') return;
  for (const { name, models } of plans.values()) {
    const usable = modelsOf(house.provider, models);
    if (models.length > 0 && usable.length === 0) {
      throw new StartError(
        `PLANS_FILE: the plan "${name}" has no model of ${house.provider}, whose key the house has.`,
      );
    }
    const unpriced = usable.find((model) => !hasPrice(model));
    if (unpriced !== undefined) {
      throw new StartError(
        `PLANS_FILE: the plan "${name}" has "${house.provider}/${unpriced}", whose price is unknown: what it costs could not be limited. Take another model, or give its price in PRICES_FILE.`,
      );
    }
  }
}

/** The names, without their provider, of those that one provider has. */
export function modelsOf(provider: string, models: readonly string[]): readonly string[] {
  const prefix = `${provider}/`;
  return models.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}
