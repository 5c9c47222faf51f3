/**
 * Reads uploads as Telegram's server does: it takes file names without quotation marks too, with
 * blanks and beyond ASCII, which `Response.formData` does not.
 */

import { badRequest } from './api-error.ts';
import type { UploadedFile } from './params.ts';

export type Part = readonly [name: string, value: string | UploadedFile];

const HEAD_END = Buffer.from('\r\n\r\n');

/** @throws BotApiError when the body is no multipart form */
export function parseMultipart(body: Buffer, contentType: string): Part[] {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) throw badRequest('boundary not found');
  const delimiter = Buffer.from(`--${name}`);
  const parts: Part[] = [];
  let start = body.indexOf(delimiter);
  while (start >= 0) {
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
    if (end < 0) break;
    parts.push(parsePart(body.subarray(start + delimiter.length + 2, end)));
    start = end + 2;
  }
  if (parts.length === 0) throw badRequest('failed to parse the request');
  return parts;
}

function parsePart(part: Buffer): Part {
  const end = part.indexOf(HEAD_END);
  if (end < 0) throw badRequest('failed to parse the request');
  const head = part.subarray(0, end).toString('utf8');
  const content = part.subarray(end + HEAD_END.length);
  const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? '';
  const name = attribute(disposition, 'name');
  if (name === undefined) throw badRequest('field name in multipart/form-data not found');
  const fileName = attribute(disposition, 'filename');
  if (fileName === undefined) return [name, content.toString('utf8')];
  const mime = /^content-type:\s*(\S+)/im.exec(head)?.[1] ?? 'application/octet-stream';
  return [name, { name: fileName, mime, bytes: new Uint8Array(content) }];
}

function attribute(disposition: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;\\r\\n]*))`, 'i').exec(disposition);
  return found?.[1] ?? found?.[2];
}
