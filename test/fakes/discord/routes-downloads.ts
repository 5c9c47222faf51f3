/** Attachments, as the CDN serves them: to anybody whose address is signed and not too old. */

import { DiscordRefusal } from './refusal.ts';
import { param, type Reply, type Request, type RouteTable } from './routing.ts';
import { isSigned } from './signed-url.ts';
import type { World } from './world.ts';

export function downloadRoutes(world: World): RouteTable {
  const download = (request: Request): Reply => {
    const file = world.files.get(param(request, 'attachment'));
    if (file === undefined || !isSigned(world, file, request.query)) {
      throw new DiscordRefusal(404, 0, 'This content is no longer available.');
    }
    return { status: 200, bytes: file.bytes };
  };
  return {
    'GET /attachments/:channel/:attachment/:name': download,
    'GET /ephemeral-attachments/:application/:attachment/:name': download,
  };
}
