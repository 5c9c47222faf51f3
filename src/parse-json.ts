/** @returns undefined for what is no JSON; a schema refuses it, as it refuses JSON of another form */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
