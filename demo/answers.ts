/** What the simulated models answer, in the Markdown that models write. */

import type { Behaviour, Script } from '../test/fakes/behaviour.ts';

/** Between two words, so that answers grow before the reader's eyes, as they do in chats. */
const WORD_MS = 12;

const ANSWERS: readonly (readonly [asked: RegExp, answer: string])[] = [
  [
    /reverse a string/,
    'Slice it with a step of **-1**:\n\n```python\ndef reverse(text: str) -> str:\n    return text[::-1]\n```\n\nIt reverses code points, so an emoji made of several of them falls apart.',
  ],
  [
    /without breaking emoji/,
    'Then reverse *graphemes*, with the package `regex`:\n\n```python\nimport regex\n\ndef reverse(text: str) -> str:\n    return "".join(reversed(regex.findall(r"\\X", text)))\n```\n\n`\\X` matches one character as people see it.',
  ],
  [
    /why does it never end/,
    '`i` is never changed: `i + 1` makes a number and drops it.\n\n```js\nwhile (i < rows.length) {\n  print(rows[i]);\n  i += 1;\n}\n```\n\nOr write `for (const row of rows) print(row);`, which can’t forget.',
  ],
  [
    /map instead/,
    '`map` is for making a new list. To do something with each row, `for … of` says what you mean.',
  ],
  [
    /Review this code/,
    '**One bug, and it is a bad one**: the name goes into the SQL text, so whoever chooses the name writes the query (SQL injection). Let the driver pass it:\n\n```python\ndb.execute("select * from users where name = %s", (name,))\n```\n\n- Smaller: `select *` breaks when a column is added; name the columns.',
  ],
  [
    /still need an index/,
    'Yes: without an index on `name` every call reads the whole table.\n\n```sql\ncreate index users_name on users (name);\n```',
  ],
  [
    /explain closures/,
    'A closure is a function **with** the variables that it was born among:\n\n```js\nfunction counter() {\n  let n = 0;\n  return () => ++n; // keeps n alive\n}\n```\n\nEach call of `counter()` makes an `n` of its own.',
  ],
];

export const answering: Script = (question): Behaviour => {
  const found = ANSWERS.findLast(([asked]) => asked.test(question));
  return { text: found?.[1] ?? 'I have no answer to that in this play.', chunkDelayMs: WORD_MS };
};
