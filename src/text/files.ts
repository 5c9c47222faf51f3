import { inlineCode } from './markdown.ts';

const REASONS = {
  'too-large': 'it is too large (text files up to 256 kB, images up to 5 MB)',
  'not-text': 'it is neither text nor an image in PNG, JPEG, GIF or WebP',
  'cannot-see': 'this model does not see images: choose another with /model',
  'too-many': 'I read up to 10 files at once',
  gone: 'it is no longer there',
} as const;

/** Says which file was left out of a turn, and why. */
export function skippedFileRemark(file: {
  readonly name: string;
  readonly reason: keyof typeof REASONS;
}): string {
  return `I left out ${inlineCode(file.name)}: ${REASONS[file.reason]}.`;
}
