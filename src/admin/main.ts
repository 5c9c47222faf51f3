/** `npm run admin`: what the operator does from the shell. */

import { CommanderError } from 'commander';
import { DatabaseError } from '../db/client.ts';
import { serializeError } from '../log.ts';
import { StartError } from '../start-error.ts';
import { createOutput } from './output.ts';
import { createProgram } from './program.ts';

async function main(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  const output = createOutput({
    json,
    stdout: process.stdout,
    stderr: process.stderr,
    isTerminal: process.stderr.isTTY === true,
  });
  const program = createProgram(() => output);
  try {
    await program.parseAsync(args.length === 0 ? ['--help'] : [...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already, for people.
      if (json && error.exitCode !== 0) {
        output.result({ error: error.message.replace(/^error: /, '') }, []);
      }
      process.exitCode = error.exitCode;
      return;
    }
    const sentence = explain(error);
    if (json) output.result({ error: sentence }, []);
    output.note(sentence);
    process.exitCode = 1;
  }
}

function explain(error: unknown): string {
  if (error instanceof StartError) return error.message;
  if (error instanceof DatabaseError) {
    if (error.code === '53100') {
      return 'The disk of the database is full: what was done stays done. Make room, then run this again.';
    }
    if (error.connectionLost) {
      return 'The connection to the database broke: what was done stays done. Run this again.';
    }
  }
  return `This failed: ${serializeError(error).message}`;
}

await main(process.argv.slice(3));
