/** What a PNG says of itself (W3C PNG specification, IHDR). */

import { inflateSync } from 'node:zlib';

export const PNG_SIGNATURE: readonly number[] = [137, 80, 78, 71, 13, 10, 26, 10];

/** In pixels. */
export function sizeOf(png: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The first pixel, as its bytes: red, green and blue, and how opaque it is where that can differ. */
export function cornerOf(png: Uint8Array): readonly number[] {
  const view = new DataView(png.buffer, png.byteOffset);
  const data: Uint8Array[] = [];
  for (let at = PNG_SIGNATURE.length; at < png.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(png.subarray(at + 4, at + 8)).toString('latin1');
    if (type === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [depth, colourType] = png.subarray(24, 26);
  if (depth !== 8 || (colourType !== 2 && colourType !== 6)) throw new Error('not in true colour');
  // Behind the filter of its line, which foretells nothing for the first pixel of all.
  return [...inflateSync(Buffer.concat(data)).subarray(1, colourType === 6 ? 5 : 4)];
}
