/** `1 answer`, `2 answers`, `1,000 answers`: for words whose plural takes an s. */
export function counted(n: number, word: string): string {
  return `${n.toLocaleString('en-US')} ${word}${n === 1 ? '' : 's'}`;
}
