import { findChat, findTopic } from './access.ts';
import { badRequest } from './api-error.ts';
import { checkLength, MAX_CAPTION, MAX_TEXT, readFormattedText } from './formatted-text.ts';
import type { MethodCall, MethodTable } from './method.ts';
import { readDestination, readPreview, send } from './outgoing.ts';
import type { UploadedFile } from './params.ts';
import { documentFields, type StoredFile, type World } from './state.ts';

const ACTIONS = [
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
];

const TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  md: 'text/markdown',
  json: 'application/json',
  py: 'text/x-python',
  js: 'text/javascript',
  html: 'text/html',
  csv: 'text/csv',
};

export function sendMethods(world: World): MethodTable {
  return {
    sendMessage: ({ params, noteDropped }) => {
      if (params.text('text') === '') throw badRequest('Message text is empty');
      const formatted = readFormattedText(params, { text: 'text', entities: 'entities' });
      const to = readDestination(world, params);
      const limit = { atMost: MAX_TEXT, tooLong: 'Message is too long', mayBeEmpty: false };
      const { text, entities, dropped } = checkLength(formatted, limit);
      noteDropped(dropped);
      return send(world, to, {
        text,
        ...(entities.length === 0 ? {} : { entities: [...entities] }),
        ...readPreview(params),
      });
    },

    sendDocument: (call) => {
      const caption = readCaption(call);
      const to = readDestination(world, call.params);
      const file = readFile(world, call, 'document', 'documents');
      return send(world, to, { ...documentFields(file), ...caption });
    },

    sendPhoto: (call) => {
      const caption = readCaption(call);
      const to = readDestination(world, call.params);
      const { id, uniqueId, size } = readFile(world, call, 'photo', 'photos');
      const photo = [
        { file_id: id, file_unique_id: uniqueId, width: 1280, height: 960, file_size: size },
      ];
      return send(world, to, { photo, ...caption });
    },

    sendMessageDraft: ({ params, noteDropped }) => {
      const formatted = readFormattedText(params, { text: 'text', entities: 'entities' });
      const record = findChat(world, params, 'send');
      if (record.chat.type !== 'private') throw badRequest('TEXTDRAFT_PEER_INVALID');
      const topic = findTopic(record, params);
      const draftId = params.integer('draft_id');
      // That it is refused is documented; the words are a guess.
      if (draftId === 0) throw badRequest('RANDOM_ID_INVALID');
      const limit = { atMost: MAX_TEXT, tooLong: 'MESSAGE_TOO_LONG', mayBeEmpty: true };
      const { text, entities, dropped } = checkLength(formatted, limit);
      noteDropped(dropped);
      record.drafts.set(topic ?? 0, {
        text,
        entities,
        draftId,
        canStop: params.flag('can_stop'),
        keepOnStop: params.flag('keep_on_stop'),
        updatedAt: world.now(),
      });
      return true;
    },

    sendChatAction: ({ params }) => {
      if (!ACTIONS.includes(params.text('action'))) {
        throw badRequest('Wrong parameter action in request');
      }
      findTopic(findChat(world, params, 'send'), params);
      return true;
    },
  };
}

function readCaption({ params, noteDropped }: MethodCall) {
  const formatted = readFormattedText(params, { text: 'caption', entities: 'caption_entities' });
  const { text, entities, dropped } = checkLength(formatted, {
    atMost: MAX_CAPTION,
    tooLong: 'Message caption is too long',
    mayBeEmpty: true,
  });
  noteDropped(dropped);
  if (text === '') return {};
  return {
    caption: text,
    ...(entities.length === 0 ? {} : { caption_entities: [...entities] }),
  };
}

/** An upload, or a file that Telegram has already. @throws BotApiError */
function readFile(
  world: World,
  { params }: MethodCall,
  field: 'document' | 'photo',
  kind: 'documents' | 'photos',
): StoredFile {
  const upload = params.file(field);
  if (upload !== undefined) {
    if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
    return world.addFile(kind, named(upload));
  }
  const id = params.text(field);
  if (id === '') throw badRequest(`There is no ${field} in the request`);
  const known = world.files.get(id);
  if (known === undefined) {
    throw badRequest('wrong remote file identifier specified: Wrong string length');
  }
  return known;
}

/** Telegram goes by the name of a file, not by what the upload says of its type. */
function named(upload: UploadedFile): UploadedFile {
  const extension = /\.(\w+)$/.exec(upload.name)?.[1]?.toLowerCase() ?? '';
  return { ...upload, mime: TYPES[extension] ?? 'application/octet-stream' };
}
