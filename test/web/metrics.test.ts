import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics, type MetricsOptions } from '../../src/web/metrics.ts';

const OPTIONS: MetricsOptions = {
  role: 'worker',
  health: async () => ({ ok: false, parts: { database: { ok: true }, queue: { ok: false } } }),
  levels: async () => ({
    mailbox: { queued: 7, running: 2, oldestSeconds: 1.5 },
    house: { limit: 5, left: 3.25 },
  }),
};

const turn = { turnId: 1, attempt: 1 };

test('a turn is counted by its state, its platform, who paid and whom', async () => {
  const { turns, page } = createMetrics(OPTIONS);
  await turns.attempt(turn, async () => {
    turns.tell(turn, { type: 'read', platform: 'telegram', ageMs: 300 });
    turns.tell(turn, { type: 'paid', funding: 'own', provider: 'anthropic' });
    await turns.step(turn, 'provider', async () => {
      turns.tell(turn, { type: 'provider-failed', provider: 'anthropic', code: 'overloaded' });
      turns.tell(turn, { type: 'first-text' });
    });
    expect((await page()).text).toMatch(/^latchkey_turns_running 1$/m);
    turns.tell(turn, { type: 'ended', state: 'done' });
  });
  const { text } = await page();
  expect(text).toContain(
    'latchkey_turns_total{state="done",platform="telegram",funding="own",provider="anthropic"} 1',
  );
  expect(text).toContain(
    'latchkey_provider_failures_total{provider="anthropic",funding="own",code="overloaded"} 1',
  );
  expect(text).toContain('latchkey_turn_waiting_seconds_bucket{le="0.25",platform="telegram"} 0');
  expect(text).toContain('latchkey_turn_waiting_seconds_bucket{le="0.5",platform="telegram"} 1');
  expect(text).toContain(
    'latchkey_turn_first_text_seconds_count{funding="own",provider="anthropic"} 1',
  );
  expect(text).toContain('latchkey_turn_step_seconds_count{step="provider"} 1');
  expect(text).toMatch(/^latchkey_turns_running 0$/m);
});

test('levels and parts are as they are when somebody looks', async () => {
  const { text } = await createMetrics(OPTIONS).page();
  for (const line of [
    'latchkey_mailbox_turns{state="queued"} 7',
    'latchkey_mailbox_turns{state="running"} 2',
    'latchkey_mailbox_oldest_seconds 1.5',
    'latchkey_house_allowance_dollars 5',
    'latchkey_house_allowance_left_dollars 3.25',
    'latchkey_part_up{part="database"} 1',
    'latchkey_part_up{part="queue"} 0',
    'latchkey_info{role="worker"} 1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
});

test('a level that the database does not tell is no number, rather than an old one', async () => {
  let isAway = false;
  const { page } = createMetrics({
    ...OPTIONS,
    levels: () => (isAway ? Promise.reject(new Error('away')) : OPTIONS.levels()),
  });
  isAway = true;
  const { text } = await page();
  expect(text).toMatch(/^latchkey_house_allowance_left_dollars (NaN|Nan)$/m);
  expect(text).not.toContain('latchkey_mailbox_turns{');
});

test('a turn that waits again is not counted as ended, and its end is measured from its acceptance', async () => {
  const { turns, page } = createMetrics(OPTIONS);
  for (const attempt of [1, 2]) {
    await turns.attempt({ turnId: 1, attempt }, async () => {
      turns.tell({ turnId: 1, attempt }, { type: 'read', platform: 'discord', ageMs: 20_000 });
      turns.tell(
        { turnId: 1, attempt },
        { type: 'ended', state: attempt === 1 ? 'put-back' : 'done' },
      );
    });
  }
  const { text } = await page();
  expect(text).toContain('latchkey_turn_seconds_count{state="done",funding="none"} 1');
  expect(text).toContain('latchkey_turn_waiting_seconds_count{platform="discord"} 1');
  expect(text).toContain('latchkey_turn_seconds_bucket{le="15",state="done",funding="none"} 0');
});

test('every metric and label that the dashboard and the page for operators name exists', async () => {
  const { turns, mailbox, platformFailed, page } = createMetrics(OPTIONS);
  mailbox.accepted('telegram', 'accepted');
  platformFailed('telegram', 'flood');
  await turns.attempt(turn, async () => {
    turns.tell(turn, { type: 'read', platform: 'telegram', ageMs: 300 });
    turns.tell(turn, { type: 'paid', funding: 'own', provider: 'anthropic' });
    turns.tell(turn, { type: 'provider-failed', provider: 'anthropic', code: 'overloaded' });
    await turns.step(turn, 'provider', async () => turns.tell(turn, { type: 'first-text' }));
    turns.tell(turn, { type: 'ended', state: 'done' });
  });
  const { text } = await page();
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  const bases = types.map(([, name = '']) => name);
  const series = types.flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
  const labelsOf = (name: string) =>
    new Set(
      [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} `, 'gm'))].flatMap(([, list = '']) =>
        [...list.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
      ),
    );

  const metric = /\b(?:latchkey|process|nodejs)_[a-z0-9_]+\b/g;
  const dashboard = readFileSync('docs/grafana-dashboard.json', 'utf8');
  const queries = [...dashboard.matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(([, q = '']) => q);
  expect(queries.length).toBeGreaterThan(10);
  for (const query of queries) {
    const names = [...query.matchAll(metric)].map(([name]) => name);
    expect(names.length, query).toBeGreaterThan(0);
    expect(names.filter((name) => !series.includes(name))).toEqual([]);
    // What Prometheus itself adds: where it scraped.
    const known = new Set([...names.flatMap((name) => [...labelsOf(name)]), 'instance', 'job']);
    const by = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(/, ?/),
    );
    const picked = [...query.matchAll(/[{,] ?(\w+)(?:=|!|=~)/g)].map(([, label = '']) => label);
    for (const label of [...by, ...picked]) expect(known, query).toContain(label);
  }

  const operating = readFileSync('docs/operating.md', 'utf8');
  const told = [...operating.matchAll(/`((?:latchkey|process|nodejs)_[a-z_]+)(?:\{(\w+)=)?/g)];
  expect(told.length).toBeGreaterThan(5);
  for (const [, name = '', label] of told) {
    expect([...bases, ...series]).toContain(name);
    if (label !== undefined) expect(labelsOf(name)).toContain(label);
  }
});
