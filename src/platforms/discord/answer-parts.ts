import type { Answer } from '../../chat/reply.ts';
import { ANSWER_AS_FILE, codeFiles, EMPTY_ANSWER, MAY_BE_A_REPEAT } from '../../text/discord.ts';
import { codeBlock } from '../../text/markdown.ts';
import { extractLongCode } from '../../text/parsing/long-code.ts';
import type { Rows } from './api.ts';
import { join, MESSAGE_LIMIT, render, split } from './render/index.ts';

/** UTF-16 units. Code that fills more than two messages is only begun there, and comes as a file. */
const LONG_CODE = 2 * MESSAGE_LIMIT;
const LONG_CODE_PREVIEW = 1500;
/** Discord's, for one message. */
const MAX_FILES = 10;
/** Answers to one interaction where nothing else can be sent: the first, and follow-ups. One is kept for a notice. */
const MAX_ANSWERS = 5;

interface File {
  readonly name: string;
  readonly content: string;
}

export interface Part {
  readonly content: string;
  readonly components: Rows;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Messages with the same, where files are refused. */
  readonly insteadOfFiles: readonly string[];
}

/**
 * The same answer always gives the same parts: they are recorded by their number.
 * @param takesFew whether Discord takes a few messages only
 */
export function partsOf(answer: Answer, components: Rows, takesFew: boolean): Part[] {
  const { markdown, files } = extractLongCode(answer.markdown, LONG_CODE, LONG_CODE_PREVIEW);
  const note = render(answer.note ?? '', { isOwn: true });
  const texts = split(join([render(markdown), note].filter((units) => units.length > 0)));
  if (texts.length === 0) texts.push(...split(render(EMPTY_ANSWER)));
  const all = [...texts.map(textPart), ...filesParts(files)];
  const parts = takesFew && all.length > MAX_ANSWERS ? shortened(answer, all, files) : all;
  return parts.map((part, index) => (index === parts.length - 1 ? { ...part, components } : part));
}

function textPart(content: string): Part {
  return { content, components: [], files: [], insteadOfFiles: [] };
}

function filesParts(files: readonly File[]): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < files.length; at += MAX_FILES) {
    const some = files.slice(at, at + MAX_FILES);
    parts.push(filePart(codeFiles(some.length), some));
  }
  return parts;
}

function filePart(content: string, files: readonly File[]): Part {
  return {
    content,
    components: [],
    files: files.map((file) => ({
      name: file.name,
      bytes: new TextEncoder().encode(file.content),
    })),
    insteadOfFiles: files.flatMap((file) => split(render(codeBlock(file.content)))),
  };
}

/** The beginning as messages, and the whole as a file. */
function shortened(answer: Answer, all: readonly Part[], code: readonly File[]): Part[] {
  const whole = [answer.markdown, answer.note ?? ''].filter((text) => text !== '').join('\n\n');
  const files = [{ name: 'answer.md', content: `${whole}\n` }, ...code.slice(0, MAX_FILES - 1)];
  const texts = all.filter((part) => part.files.length === 0).slice(0, MAX_ANSWERS - 1);
  const [note = ''] = split(render(answer.note ?? '', { isOwn: true }));
  const content = note === '' ? ANSWER_AS_FILE : `${ANSWER_AS_FILE}\n\n${note}`;
  return [...texts, filePart(content.length <= MESSAGE_LIMIT ? content : ANSWER_AS_FILE, files)];
}

/** @returns undefined where the sentence does not fit any more */
export function marksRepeat(part: Part): Part | undefined {
  const content = `${MAY_BE_A_REPEAT}\n\n${part.content}`;
  return content.length <= MESSAGE_LIMIT ? { ...part, content } : undefined;
}
