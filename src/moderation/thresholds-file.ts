/** The operator's own thresholds: `DATA_DIR/moderation.json`, read at the start where it is there. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import { StartError } from '../start-error.ts';
import { systemCodeOf } from '../system-code.ts';
import { isCategory, THRESHOLDS, type Thresholds } from './thresholds.ts';

const fileSchema = z.strictObject({
  thresholds: z
    .record(z.string(), z.number().gt(0).max(2))
    .refine((given) => Object.keys(given).every(isCategory)),
});

/**
 * `{"thresholds": {"violence": 0.9}}`; what it does not name stays as it is, and one above 1 is
 * never reached.
 * @throws StartError
 */
export async function readThresholds(file: string): Promise<Thresholds> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return THRESHOLDS;
    throw new StartError(`${file} can't be read.`);
  }
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new StartError(
      `${file} takes {"thresholds": {"violence": 0.9}}: scores above 0 for any of ${Object.keys(THRESHOLDS).join(', ')}.`,
    );
  }
  return { ...THRESHOLDS, ...parsed.data.thresholds };
}
