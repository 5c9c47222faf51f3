/** An answer that fills several messages, of which every line can be found again. */

export const ALL_LINES = Array.from({ length: 250 }, (_, n) => n);

/** Some 20,000 characters: paragraphs and blocks of code, with a number in each line. */
export function longAnswer(): string {
  const blocks = Array.from({ length: 10 }, (_, block) => {
    const lines = ALL_LINES.slice(block * 25, (block + 1) * 25).map(
      (n) => `line${n} ${'x'.repeat(70)}`,
    );
    return block % 2 === 0 ? `\`\`\`js\n${lines.join('\n')}\n\`\`\`` : lines.join('\n\n');
  });
  return blocks.join('\n\n');
}

export function linesIn(text: string): number[] {
  return [...text.matchAll(/line(\d+) x{70}(?!x)/g)].map(([, n]) => Number(n));
}
