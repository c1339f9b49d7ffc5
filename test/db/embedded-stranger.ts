/** A process that tries to get into a server by its socket: prints "in", or the code of the refusal. */
import pg from 'pg';

const [socketDirectory, role] = process.argv.slice(2);
const client = new pg.Client({ host: socketDirectory, port: 5432, user: role, database: 'quota' });
client.on('error', () => {});
try {
  await client.connect();
  process.stdout.write('"in"\n');
  await client.end();
} catch (error) {
  process.stdout.write(`${JSON.stringify((error as { code?: string }).code ?? String(error))}\n`);
}
