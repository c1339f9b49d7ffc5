import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { readTarget } from '../../src/db/target/target.ts';

/** Which way what is said goes: to the server, or to whoever asks. */
export type Direction = 'up' | 'down';

/**
 * What becomes of a connection: nothing comes through any more and nobody is told (`stall`), both ends are told that it
 * is over (`close`), or that it broke (`reset`).
 */
export type Fault = 'stall' | 'close' | 'reset';

interface Plan {
  fault: Fault;
  direction: Direction;
  /** Strikes once so much has gone that way on a connection. */
  afterBytes: number;
}

interface Link {
  client: Socket;
  server: Socket;
}

/**
 * A proxy in front of a server that stalls, closes or breaks what goes through it, at once or once so many bytes have
 * passed. A stalled connection stays open on both sides, whatever becomes of either: as behind a firewall that forgot it.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #plan: Plan | undefined;
  #isStalled = false;
  #rewrite: ((text: Buffer, direction: Direction) => Buffer) | undefined;
  /** How many connections there were, and how many were struck. */
  connections = 0;
  struck = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** In front of the server of a database URL, or of a port of this machine. */
  static async start(upstream: string | number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new FaultProxy(server);
    server.on('connection', (client) => proxy.#connect(client, openUpstream(upstream)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The URL of a database, through the proxy. */
  url(upstream: string): string {
    const { user, database } = readTarget(upstream);
    return `postgres://${user}@127.0.0.1:${this.port}/${database}?sslmode=disable`;
  }

  /** From now on nothing comes through, on any connection. */
  stall(): void {
    this.#isStalled = true;
    this.stallThose();
  }

  /** From now on nothing comes through on the connections that there are. */
  stallThose(): void {
    for (const link of this.#links) {
      stallLink(link);
    }
  }

  /** What strikes each connection from now on; undefined: nothing. */
  strike(plan: Plan | undefined): void {
    this.#plan = plan;
  }

  /** Changes what goes through; lengths have to stay. */
  rewrite(change: ((text: Buffer, direction: Direction) => Buffer) | undefined): void {
    this.#rewrite = change;
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #connect(client: Socket, server: Socket): void {
    this.connections += 1;
    const link = { client, server };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.on('error', () => {});
    }
    if (this.#isStalled) {
      stallLink(link);
      return;
    }
    client.pipe(this.#passage(link, 'up')).pipe(server);
    server.pipe(this.#passage(link, 'down')).pipe(client);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('close', () => {
        if (!socket.readableEnded && !isStalled(link)) {
          other.destroy();
        }
      });
    }
  }

  #passage(link: Link, direction: Direction): Transform {
    let passed = 0;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        passed += chunk.length;
        const plan = this.#plan;
        if (plan?.direction === direction && passed > plan.afterBytes) {
          this.struck += 1;
          strikeLink(link, plan.fault);
          return;
        }
        done(null, this.#rewrite === undefined ? chunk : this.#rewrite(chunk, direction));
      },
    });
  }
}

function openUpstream(upstream: string | number): Socket {
  if (typeof upstream === 'number') {
    return createConnection({ port: upstream, host: '127.0.0.1', allowHalfOpen: true });
  }
  const [{ address, port } = { address: '127.0.0.1', port: 0 }] = readTarget(upstream).hosts;
  return address.startsWith('/')
    ? createConnection({ path: `${address}/.s.PGSQL.${port}`, allowHalfOpen: true })
    : createConnection({ host: address, port, allowHalfOpen: true });
}

const stalled = new WeakSet<Link>();
const isStalled = (link: Link) => stalled.has(link);

/** The sockets stay open and are not read: neither end learns anything. */
function stallLink(link: Link): void {
  stalled.add(link);
  for (const socket of [link.client, link.server]) {
    socket.unpipe();
    socket.pause();
  }
}

function strikeLink(link: Link, fault: Fault): void {
  const { client, server } = link;
  if (fault === 'stall') {
    stallLink(link);
  } else if (fault === 'close') {
    client.destroy();
    server.destroy();
  } else {
    client.resetAndDestroy();
    server.destroy();
  }
}
