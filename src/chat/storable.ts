/** The text as PostgreSQL takes it: without NUL, and without half a surrogate pair. */
export function storable(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}
