import { expect, test, vi } from 'vitest';
import { createHealth, seldom } from '../../src/web/parts.ts';

test('each part is told of by its name, and one that fails makes the whole fail', async () => {
  const health = createHealth({
    probes: {
      fine: () => ({ ok: true, detail: 'a newer version' }),
      broken: () => Promise.reject(new Error('postgres://me:pw@host')),
    },
  });
  expect(await health()).toEqual({
    ok: false,
    parts: { fine: { ok: true, detail: 'a newer version' }, broken: { ok: false } },
  });
});

test('a part that does not answer takes no longer than the others may wait', async () => {
  const health = createHealth({
    probes: { silent: () => new Promise(() => {}), fine: () => ({ ok: true }) },
    patienceMs: 20,
  });
  expect(await health()).toEqual({
    ok: false,
    parts: { silent: { ok: false, detail: 'no answer' }, fine: { ok: true } },
  });
});

test('who asks again at once gets the same answer, and the parts are asked once', async () => {
  const probe = vi.fn(() => ({ ok: true }));
  const health = createHealth({ probes: { probe } });
  await Promise.all([health(), health()]);
  await health();
  expect(probe).toHaveBeenCalledTimes(1);
});

test('a costly part is asked seldom while it works, and at once when it does not', async () => {
  let ok = true;
  const asked = vi.fn(() => ({ ok }));
  const probe = seldom(60_000, asked);
  expect([await probe(), await probe()]).toEqual([{ ok: true }, { ok: true }]);
  expect(asked).toHaveBeenCalledTimes(1);
  ok = false;
  const failing = seldom(60_000, asked);
  await failing();
  await failing();
  expect(asked).toHaveBeenCalledTimes(3);
});
