/** Run as a process of its own: holds an embedded PostgreSQL until it is killed. */
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';

const [dataDir = ''] = process.argv.slice(2);
const { url } = await startEmbeddedPostgres({ dataDir });
process.stdout.write(`${url.reveal()}\n`);
