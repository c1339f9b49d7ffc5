import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { endProcess } from '../end-process.ts';
import { freePorts } from '../free-ports.ts';

/** Starts a program that listens on PORT, and waits until it does. */
export async function startEndpoint(program: string, file: string, env: Record<string, string>) {
  const [port = 0] = await freePorts(1);
  const child = spawn(program, [file], {
    env: { PATH: process.env.PATH ?? '', ...env, PORT: String(port) },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}/`;
  const isUp = () =>
    fetch(url, { method: 'POST', body: '' }).then(
      () => true,
      () => false,
    );
  await vi.waitUntil(async () => child.exitCode !== null || (await isUp()), { timeout: 60_000 });
  if (child.exitCode !== null) {
    throw new Error(`${program} ${file} ended with ${child.exitCode}`);
  }
  return {
    url,
    stop: () => endProcess(child, 'SIGTERM'),
  };
}

/** Serves a handler of the kind that edge runtimes have. */
export async function serveHandler(handler: (request: Request) => Promise<Response>) {
  const server = createHttpServer(async (incoming, outgoing) => {
    const body = await text(incoming);
    const headers = Object.entries(incoming.headers).map(
      ([name, value]) => [name, String(value)] as [string, string],
    );
    const answer = await handler(new Request('http://edge/', { method: 'POST', headers, body }));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
