import { describe, expect, test } from 'vitest';
import { checkPlanModels, parsePlans, readPlansFile } from '../../src/funding/plans-file.ts';

const FREE = { turnsPerDay: 20, microsPerDay: 100_000 };
const parse = (plans: unknown) => parsePlans(JSON.stringify(plans), FREE, 'plans.json');

describe('PLANS_FILE', () => {
  test('leaves the free plan to the settings unless it names one', () => {
    expect(parse({}).free.windows).toEqual({ day: { turns: 20, micros: 100_000 } });
    expect(parse({ pro: {} }).free.windows).toEqual({ day: { turns: 20, micros: 100_000 } });
    expect(parse({ free: { week: { usd: 0.1 } } }).free.windows).toEqual({
      week: { turns: null, micros: 100_000 },
    });
  });

  test.each([
    ['a negative sum', { pro: { day: { usd: -1 } } }, 'pro.day.usd'],
    ['a sum beyond all measure', { pro: { day: { usd: 1e9 } } }, 'pro.day.usd'],
    ['a sum in words', { pro: { day: { usd: '1' } } }, 'pro.day.usd'],
    ['half a turn', { pro: { month: { turns: 0.5 } } }, 'pro.month.turns'],
    ['a window of its own', { pro: { year: { turns: 1 } } }, 'year'],
    ['a rate of nothing', { pro: { requestsPerMinute: 0 } }, 'pro.requestsPerMinute'],
    ['no time zone', { pro: { timeZone: 'Mars/Olympus' } }, 'pro.timeZone'],
    ['a model without its provider', { pro: { models: ['gpt-5'] } }, 'pro.models.0'],
    ['a name with blanks', { 'my plan': {} }, 'my plan'],
    ['a plan that is none', { pro: 5 }, 'pro'],
    ['nobody on the list', { house: { allow: ['123'] } }, 'house.allow.0'],
    ['an unknown rule', { house: { chatDay: 1 } }, 'chatDay'],
    ['a list', [], 'plans'],
    ['null', null, 'plans'],
  ])('with %s stops the start, and says where', (_, plans, where) => {
    expect(() => parse(plans)).toThrow(/^PLANS_FILE plans\.json can't be read as plans/);
    expect(() => parse(plans)).toThrow(where);
  });

  test('that is no JSON, or not there, stops the start', async () => {
    expect(() => parsePlans('{', FREE, 'plans.json')).toThrow(/no JSON/);
    await expect(readPlansFile('/nowhere/plans.json', FREE)).rejects.toThrow(/can't be read/);
  });

  test('whose models the house can’t pay for stops the start', () => {
    const check = (models: readonly string[], provider = 'openai') =>
      checkPlanModels(parse({ pro: { models } }), { provider }, (model) => model !== 'unheard-of');
    expect(() => check(['openai/a'])).not.toThrow();
    expect(() => check(['openai/a', 'anthropic/unheard-of'])).not.toThrow();
    expect(() => check(['anthropic/a'])).toThrow(/no model of openai/);
    expect(() => check(['openai/a', 'openai/unheard-of'])).toThrow(/price is unknown/);
    expect(() => check(['anthropic/a'], 'offline')).not.toThrow();
  });
});
