import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { unavailableError } from '../errors.ts';
import { AnswerReader, encodeCommand, RedisError, type RedisValue } from './resp.ts';

const timeoutMs = 5_000;

export interface Redis {
  /** @throws RedisError (unavailableError to the caller of withRedis) when the server refuses it */
  call(...words: string[]): Promise<RedisValue>;
}

/**
 * Opens a connection for the time of `use`: `redis://[user[:password]@]host[:port][/database]`, `rediss://` with TLS,
 * `unix:///path`. Five commands are all that is needed of it: a client library would weigh more than this program.
 * @throws unavailableError
 */
export async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const socket = openSocket(new URL(url));
  const redis = new Connection(socket);
  try {
    await redis.logIn(new URL(url));
    return await use(redis);
  } catch (error) {
    throw error instanceof RedisError
      ? unavailableError('Redis refused a command', {
          detail: error.message,
          suggestion: 'check REDIS_URL',
          cause: error,
        })
      : error;
  } finally {
    socket.destroy();
  }
}

function openSocket({ protocol, hostname, port, pathname }: URL): Socket {
  if (protocol === 'unix:') {
    return connectPlain({ path: decodeURIComponent(pathname) });
  }
  const host = hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const address = { host, port: port === '' ? 6379 : Number(port) };
  return protocol === 'rediss:' ? connectTls({ ...address, servername: host }) : connectPlain(address);
}

interface Waiting {
  resolve(answer: RedisValue): void;
  reject(error: Error): void;
}

class Connection implements Redis {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #failure: Error | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new AnswerReader((answer) => {
      const waiting = this.#waiting.shift();
      if (answer instanceof RedisError) {
        waiting?.reject(answer);
      } else {
        waiting?.resolve(answer);
      }
    });
    socket.setTimeout(timeoutMs);
    socket.on('timeout', () => this.#fail('it does not answer'));
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('it ended the connection'));
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : String(error));
      }
    });
  }

  async logIn({ username, password, pathname, protocol }: URL): Promise<void> {
    if (password !== '') {
      const user = username === '' ? [] : [decodeURIComponent(username)];
      await this.call('AUTH', ...user, decodeURIComponent(password));
    }
    const database = pathname.replace('/', '');
    if (protocol !== 'unix:' && database !== '') {
      await this.call('SELECT', database);
    }
    await this.call('PING');
  }

  call(...words: string[]): Promise<RedisValue> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#socket.write(encodeCommand(words));
    });
  }

  #fail(detail: string): void {
    this.#failure ??= unavailableError('Redis cannot be used', { detail, suggestion: 'check REDIS_URL' });
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) {
      reject(this.#failure);
    }
  }
}
