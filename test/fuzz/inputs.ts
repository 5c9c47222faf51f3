/** Inputs that are almost what they should be. */

import fc from 'fast-check';

const DEEP: unknown = JSON.parse('['.repeat(300) + ']'.repeat(300));

/** As JSON, so that `__proto__` is a member like any other. */
const POLLUTING = [
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"hasOwnProperty":2,"then":3}',
].map((json): unknown => JSON.parse(json));

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\udc00x',
  '\u202e',
  '\ufeff',
  '__proto__',
  'constructor',
  '../../x',
  '-1',
  '1e999',
  'NaN',
  '<@1>',
  '`'.repeat(3000),
  '`a'.repeat(2000),
  '/x@'.repeat(1000),
  '> '.repeat(2000),
  '\n'.repeat(3000),
  '😀'.repeat(1000),
  'e\u0301'.repeat(1000),
];

const ODD_NUMBERS = [
  0,
  -0,
  -1,
  0.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
];

export const oddText = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
);
export const oddNumber = fc.oneof(
  fc.constantFrom(...ODD_NUMBERS),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: oddText },
  { weight: 3, arbitrary: oddNumber },
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom<unknown>([], {}, [null], DEEP, ...POLLUTING),
  fc.jsonValue(),
);

type How = 'replace' | 'remove' | 'repeat' | 'add';

interface Edit {
  /** Which of all places; modulo their number. */
  readonly at: number;
  readonly how: How;
  readonly value: unknown;
  readonly text: string;
  readonly number: number;
}

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    at: fc.nat(),
    how: fc.constantFrom<How>('replace', 'replace', 'replace', 'remove', 'repeat', 'add'),
    value: oddValue,
    text: oddText,
    number: oddNumber,
  }),
  { maxLength: 5 },
);

/** One of the samples, as it is or with some of its values, at any depth, made something else. */
export function bent<T>(samples: readonly T[]): fc.Arbitrary<unknown> {
  return fc.tuple(fc.constantFrom(...samples), edits).map(([sample, changes]) => {
    const whole = { root: structuredClone<unknown>(sample) };
    for (const change of changes) bend(whole, change);
    return whole.root;
  });
}

/** As {@link bent}, each value staying of its type, and a numeric id a numeric id. */
export function bentWithinTypes<T>(samples: readonly T[]): fc.Arbitrary<T> {
  return fc.tuple(fc.constantFrom(...samples), edits).map(([sample, changes]) => {
    const whole = { root: structuredClone(sample) };
    for (const change of changes) {
      const leaves = placesOf(whole).filter(({ value }) => typeof value !== 'object');
      const place = leaves[change.at % leaves.length];
      if (place === undefined || place.key === 'type') continue;
      const { value } = place;
      if (typeof value === 'string' && /^\d+$/.test(value)) {
        const digits = String(Math.abs(Math.trunc(change.number)) % 2 ** 53);
        put(place, /^\d+$/.test(digits) ? digits : '18446744073709551615');
      } else if (typeof value === 'string') put(place, change.text);
      else if (typeof value === 'number') put(place, change.number);
      else if (typeof value === 'boolean') put(place, !value);
    }
    return whole.root;
  });
}

/** The JSON of such a value, and now and then of any other, or cut, or with something in it. */
export function bentJson<T>(samples: readonly T[]): fc.Arbitrary<string> {
  const whole = bent(samples).map((value) => JSON.stringify(value) ?? '');
  return fc.oneof(
    { weight: 6, arbitrary: whole },
    { weight: 2, arbitrary: cut(whole) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: oddText },
  );
}

/** A text with pieces taken out, put in or doubled. */
export function cut(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.nat(), fc.nat(), fc.oneof(fc.constant(''), oddText))
    .map(([whole, from, length, instead]) => {
      const start = from % (whole.length + 1);
      return whole.slice(0, start) + instead + whole.slice(start + (length % 50));
    });
}

interface Place {
  readonly parent: object;
  readonly key: string;
  readonly value: unknown;
}

function placesOf(parent: object, depth = 0): Place[] {
  return Object.entries(parent).flatMap(([key, value]: [string, unknown]) => [
    { parent, key, value },
    ...(typeof value === 'object' && value !== null && depth < 12
      ? placesOf(value, depth + 1)
      : []),
  ]);
}

function put({ parent, key }: Place, value: unknown): void {
  Object.defineProperty(parent, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function bend(whole: object, { at, how, text, ...edit }: Edit): void {
  // What is put in may be bent in its turn.
  const value = structuredClone(edit.value);
  const places = placesOf(whole);
  const place = places[at % places.length];
  if (place === undefined) return;
  const { parent, key } = place;
  switch (how) {
    case 'replace':
      put(place, value);
      return;
    case 'remove':
      if (key !== 'root') Reflect.deleteProperty(parent, key);
      return;
    case 'repeat':
      if (Array.isArray(parent))
        parent.push(...Array.from({ length: 50 }, () => structuredClone(place.value)));
      return;
    case 'add':
      put({ parent, key: key === 'root' ? key : text, value: undefined }, value);
  }
}

export function join(pieces: readonly unknown[]): string {
  return pieces.join('');
}
