/** What can be read in a message that somebody asks about: its text, or what its embeds say. */

import {
  type APIEmbed,
  type APIMessageSnapshotFields,
  type APIMessageTopLevelComponent,
  type APIUser,
  ComponentType,
} from 'discord-api-types/v10';
import { storable } from '../../chat/storable.ts';
import { displayName } from './people.ts';

/** As much of a message as is read. */
export interface Readable {
  readonly content: string;
  readonly mentions?: readonly APIUser[];
  readonly embeds?: readonly APIEmbed[];
  readonly components?: readonly APIMessageTopLevelComponent[];
  readonly message_snapshots?: readonly { readonly message: APIMessageSnapshotFields }[];
}

/** The text of a message, as it can be stored; of one without a text, what its embeds, its parts or its forwards say. */
export function readableText(message: Readable): string {
  return storable(allText(message));
}

function allText(message: Readable): string {
  const said = [
    withNames(message.content, message.mentions ?? []),
    ...(message.message_snapshots ?? []).map((snapshot) => allText(snapshot.message)),
  ].filter((text) => text !== '');
  if (said.length > 0) return said.join('\n\n');
  return [
    ...(message.embeds ?? []).map(embedText),
    ...(message.components ?? []).flatMap(componentTexts),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function embedText({ author, title, description, fields, footer, url }: APIEmbed): string {
  return [
    author?.name,
    title,
    description,
    ...(fields ?? []).map(({ name, value }) => `${name}: ${value}`),
    footer?.text,
    title === undefined && description === undefined ? url : undefined,
  ]
    .filter((part) => part !== undefined && part !== '')
    .join('\n');
}

function componentTexts(component: APIMessageTopLevelComponent): readonly string[] {
  switch (component.type) {
    case ComponentType.TextDisplay:
      return [component.content];
    case ComponentType.Section:
      return component.components.map(({ content }) => content);
    case ComponentType.Container:
      return component.components.flatMap(componentTexts);
    default:
      return [];
  }
}

/** In code nothing is a mention, and so the pieces at odd places stay as they are. */
const CODE = /(```[\s\S]*?```|``[^\n]*?``|`[^`\n]*`)/;

/** Writes `@name` for `<@1>`, outside of code. */
function withNames(text: string, people: readonly APIUser[]): string {
  if (people.length === 0) return text;
  return outsideOfCode(text, (piece) =>
    piece.replaceAll(/<@!?(\d{1,20})>/g, (mention, id: string) => {
      const person = people.find((user) => user.id === id);
      return person === undefined ? mention : `@${displayName(person)}`;
    }),
  );
}

export function outsideOfCode(text: string, change: (piece: string) => string): string {
  return text
    .split(CODE)
    .map((piece, index) => (index % 2 === 0 ? change(piece) : piece))
    .join('');
}
