export { extractLongCode, type LongCode } from '../../../text/parsing/long-code.ts';
export { type PreviewOptions, renderPreview } from './preview.ts';
export { type RenderOptions, render } from './render.ts';
export { ENTITY_LIMIT, join, MESSAGE_LIMIT, type Rendered } from './rendered.ts';
export { split } from './split.ts';
