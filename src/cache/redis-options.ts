import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { ClusterOptions, RedisOptions } from 'ioredis';
import type { HostAddress, SocketAddress } from './redis-address.ts';

const timeoutMs = 5_000;
/** A server that restarts has 0.2 s, 0.4 s, … to come back; whatever happens, no command waits longer than timeoutMs. */
const attemptsMax = 5;
const retryDelayMs = (attempt: number) => (attempt > attemptsMax ? null : 200 * attempt);

const bounded = {
  lazyConnect: true,
  protocol: 2, // Everything speaks it; the third has nothing that counters need.
  disableClientInfo: true,
  enableReadyCheck: false, // Its warnings would go to the console.
  connectTimeout: timeoutMs,
  commandTimeout: timeoutMs,
  maxRetriesPerRequest: attemptsMax,
} as const satisfies RedisOptions;

export function serverOptions(address: HostAddress | SocketAddress) {
  const options = { ...bounded, ...address.login, retryStrategy: retryDelayMs };
  if ('path' in address) {
    return { ...options, path: address.path } satisfies RedisOptions;
  }
  const { host, port, database, isTls } = address;
  return {
    ...options,
    host,
    port,
    db: database,
    ...(isTls ? { tls: tlsOfServer(host) } : {}),
  } satisfies RedisOptions;
}

export const clusterOptions = ({ login, host, isTls }: HostAddress) =>
  ({
    lazyConnect: true,
    // Where it fails - a node that does not answer, slots that nobody has - its promise is never settled. Commands tell.
    enableReadyCheck: false,
    clusterRetryStrategy: retryDelayMs,
    slotsRefreshTimeout: timeoutMs,
    dnsLookup: (name, callback) => callback(null, name), // Certificates are made out to names.
    redisOptions: { ...bounded, ...login, ...(isTls ? { tls: tlsOfNodes(host) } : {}) },
  }) satisfies ClusterOptions;

/** The name that the server is asked to be: addresses are none, and Node warns of them. */
const tlsOfServer = (host: string): ConnectionOptions => (isIP(host) === 0 ? { servername: host } : {});

/**
 * For the nodes that a node names: clusters name theirs by address, where certificates are made out to a name. The name
 * that we were given for the cluster is as good there.
 */
const tlsOfNodes = (host: string): ConnectionOptions => ({
  checkServerIdentity: (node: string, certificate: PeerCertificate) => {
    const problem = checkServerIdentity(node, certificate);
    return problem !== undefined && isIP(node) !== 0 ? checkServerIdentity(host, certificate) : problem;
  },
});
