import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those from which a system takes the ports of its outgoing connections (Linux: 32768): tests make hundreds meanwhile. */
const [first, end] = [10_000, 32_768];

/** Ports that nothing listened on a moment ago, all different; by chance, so that whoever else looks has others. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(first, end);
    if (await isFree(port)) {
      found.add(port);
    }
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
