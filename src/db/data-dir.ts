import { join } from 'node:path';

/** Where the embedded server keeps its data: `quota` under the folder that the platform gives to programs. */
export function defaultDataDir(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  home: string,
): string {
  if (platform === 'darwin') {
    return join(home, 'Library', 'Application Support', 'quota');
  }
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'quota');
  }
  return join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'quota');
}
