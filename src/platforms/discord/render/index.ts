export { renderPreview } from './preview.ts';
export { join, type RenderOptions, render } from './render.ts';
export { MESSAGE_LIMIT, split } from './split.ts';
export { sourceOf, type Unit } from './unit.ts';
