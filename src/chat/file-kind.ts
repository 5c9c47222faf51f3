/** Which attached files are text, which are images, and what their names are safe to be. */

import type { FileReference } from './message.ts';

const MAX_NAME_LENGTH = 120;

/** Media types below `application/` that are text all the same. */
const TEXT_TYPES =
  /^(?:text\/.*|application\/(?:json|ld\+json|x-ndjson|xml|yaml|x-yaml|toml|javascript|x-javascript|ecmascript|typescript|x-typescript|sql|x-sql|x-sh|x-shellscript|x-httpd-php|x-php|x-python|x-perl|x-ruby|x-tex|x-ipynb\+json|graphql|x-subrip|.*\+xml|.*\+json))$/;

/** The platforms' clients know few media types: source code mostly comes as `application/octet-stream`. */
const TEXT_EXTENSIONS = new Set(
  (
    'adoc asm astro awk bash bat bib bzl c cc cfg clj cljs cmake cmd conf cpp cs css csv cxx d dart diff ' +
    'dockerfile edn el elm env erl ex exs f90 fish fs fsx gitignore gleam go gql gradle graphql groovy h ' +
    'haml hbs hcl hh hpp hrl hs htm html hxx ini ino ipynb java jl js json json5 jsonc jsonl jsx kt kts ' +
    'less lisp lock log lua m make makefile markdown md mdx mjs cjs mk ml mli mm mts cts nim nix opml org ' +
    'pas patch php pl pm plist po properties proto ps1 psm1 puml py pyi pyx r rake rb rkt rs rst s sass ' +
    'scala scm scss sh sol sql srt styl sv svelte svg swift tcl tex tf tfvars thrift toml ts tsv tsx txt ' +
    'v vb vbs vhd vhdl vim vtt vue wat xhtml xml xsd xsl yaml yml zig zsh'
  ).split(' '),
);

/**
 * What models see (all providers take these and no others), by extension, for images that were sent
 * as files without a media type.
 */
const IMAGE_EXTENSIONS = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
]);

/** By the name and the media type that the platform gives. */
export function fileKind(
  name: string,
  mediaType = 'application/octet-stream',
): Pick<FileReference, 'kind' | 'mediaType'> {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const image = IMAGE_EXTENSIONS.get(extension);
  if (mediaType === 'image/svg+xml') return { kind: 'text', mediaType };
  if (mediaType.startsWith('image/')) {
    const known = mediaType === 'image/jpg' ? 'image/jpeg' : mediaType;
    const isSeen = [...IMAGE_EXTENSIONS.values()].includes(known);
    return { kind: isSeen ? 'image' : 'other', mediaType: known };
  }
  if (image !== undefined && mediaType === 'application/octet-stream') {
    return { kind: 'image', mediaType: image };
  }
  if (TEXT_TYPES.test(mediaType)) return { kind: 'text', mediaType };
  // `.ts` is video/mp2t to some clients: for source code the name is the better witness.
  if (TEXT_EXTENSIONS.has(extension)) return { kind: 'text', mediaType: 'text/plain' };
  return { kind: 'other', mediaType };
}

/** The last part of a path, without control characters. */
export function cleanFileName(name: string): string {
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const clean = base.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim();
  if (clean.length <= MAX_NAME_LENGTH) return clean === '' ? 'file' : clean.toWellFormed();
  return clean.slice(-MAX_NAME_LENGTH).toWellFormed();
}
