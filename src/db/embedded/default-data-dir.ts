import { isAbsolute, join } from 'node:path';

/** Where data goes unless QUOTA_DATA_DIR names a directory. XDG: a relative XDG_DATA_HOME is to be ignored. */
export function defaultDataDir(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home: string,
): string {
  if (platform === 'darwin') {
    return join(home, 'Library', 'Application Support', 'quota');
  }
  const dataHome = env.XDG_DATA_HOME;
  return dataHome && isAbsolute(dataHome) ? join(dataHome, 'quota') : join(home, '.local', 'share', 'quota');
}
