interface Login {
  username?: string;
  password?: string;
}

export interface SocketAddress {
  login: Login;
  path: string;
}

export interface HostAddress {
  login: Login;
  host: string;
  port: number;
  database: number;
  isTls: boolean;
}

/** Where Redis may be reached, in the order in which they are written; of a cluster, any of its nodes will do. */
export function readAddresses(url: string): (HostAddress | SocketAddress)[] {
  // The host is looked for after the last @, since passwords may hold all that hosts and lists do.
  const [, before = '', hosts = '', after = ''] = /^(.*:\/\/(?:.*@)?)([^/@]*)(\/[^@]*)?$/s.exec(url) ?? [];
  return hosts.split(',').map((host) => readAddress(new URL(`${before}${host}${after}`)));
}

function readAddress({
  protocol,
  username,
  password,
  hostname,
  port,
  pathname,
}: URL): HostAddress | SocketAddress {
  const login = {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
  if (protocol === 'unix:') {
    return { login, path: decodeURIComponent(pathname) };
  }
  return {
    login,
    host: hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: port === '' ? 6379 : Number(port),
    database: Number(pathname.slice(1)),
    isTls: protocol === 'rediss:',
  };
}
