import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

/** The line between commands and the server, which breaks or stands still when it is told to. */
export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param socketPath where the server listens */
  static async open(socketPath: string): Promise<Line> {
    const server = createServer();
    const line = new Line(server);
    server.on('connection', (client) => line.#join(client, createConnection({ path: socketPath })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every connection that there is breaks; others may come. */
  break(): void {
    for (const client of this.#clients) {
      client.resetAndDestroy();
    }
  }

  /** Nothing comes through for a while, and nobody is told. */
  stall(milliseconds: number): void {
    const stalled = [...this.#sockets];
    for (const socket of stalled) {
      socket.pause();
    }
    setTimeout(() => {
      for (const socket of stalled) {
        socket.resume();
      }
    }, milliseconds).unref();
  }

  close(): void {
    this.break();
    this.#server.close();
  }

  #join(client: Socket, server: Socket): void {
    this.#clients.add(client);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('data', (piece) => other.write(piece));
      one.on('end', () => other.end());
      one.on('close', () => {
        this.#sockets.delete(one);
        this.#clients.delete(one);
        other.destroy();
      });
    }
  }
}
