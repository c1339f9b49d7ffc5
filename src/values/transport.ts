/** Whether a host, or the folder of a socket, is on this machine: what is said to it passes no network. */
export const isLoopback = (host: string): boolean =>
  host === '' ||
  host.startsWith('/') ||
  /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[?::1\]?|\[?::ffff:127(?:\.\d{1,3}){3}\]?)$/i.test(host);

/** The host of an http URL that is not on this machine; undefined for https, and for what is no URL. */
export function plainHttpHost(url: string): string | undefined {
  if (!URL.canParse(url)) {
    return undefined;
  }
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname) ? hostname : undefined;
}
