/** Where a process spent its time: a `.cpuprofile`, summed up by the part that ran. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { lines } from './table.ts';

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** Rows of less than this part of the busy time are left out. */
const LEAST_SHARE = 0.02;

/** @returns a table for each profile of the folder */
export async function profileReport(directory: string): Promise<string> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  const tables = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return [`#### ${name}`, '', ...table(profileSchema.parse(JSON.parse(text)))].join('\n');
    }),
  );
  return tables.join('\n\n');
}

function table({ nodes, samples, timeDeltas }: z.infer<typeof profileSchema>): readonly string[] {
  const partOf = new Map(nodes.map(({ id, callFrame }) => [id, part(callFrame)]));
  const sums = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = partOf.get(id) ?? '?';
    sums.set(name, (sums.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  });
  sums.delete('(idle)');
  const busy = [...sums.values()].reduce((sum, value) => sum + value, 0);
  const rows = [...sums]
    .filter(([, micros]) => micros >= busy * LEAST_SHARE)
    .sort(([, a], [, b]) => b - a)
    .map(([name, micros]) => [name, `${((micros / busy) * 100).toFixed(0)} %`]);
  return lines([`of ${(busy / 1e6).toFixed(1)} s busy`, 'share'], rows);
}

/** The package, the folder of `src`, or what node does itself. */
function part({
  functionName,
  url,
}: {
  readonly functionName: string;
  readonly url: string;
}): string {
  if (url === '') return functionName.startsWith('(') ? functionName : `native ${functionName}`;
  const packages = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (packages !== undefined) return packages;
  const own = /\/src\/(\w+\/|[\w-]+\.ts)/.exec(url)?.[1];
  if (own !== undefined) return `src/${own}`;
  return url.startsWith('node:') ? url.split('/').slice(0, 2).join('/') : url;
}
