import type { ConnectionSettings, Keyword } from './keywords.ts';
import { ConninfoFault } from './parse-conninfo.ts';

const choices: Partial<Record<Keyword, readonly string[]>> = {
  sslmode: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
  sslnegotiation: ['postgres', 'direct'],
  target_session_attrs: ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
};

/** @throws ConninfoFault for a value that libpq would refuse, too */
export function checkSettings(settings: ConnectionSettings): void {
  for (const [keyword, known] of Object.entries(choices)) {
    const value = settings[keyword as Keyword];
    if (value !== undefined && !known.includes(value)) {
      throw new ConninfoFault(`has the ${keyword} ${value}, which is not one of ${known.join(', ')}`);
    }
  }
  const ports = (settings.port ?? '').split(',');
  const written = ports.filter((port) => port !== '');
  if (written.some((port) => !/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535)) {
    throw new ConninfoFault('has a port that is not one of 1 to 65535');
  }
  const hosts = (settings.host ?? settings.hostaddr ?? '').split(',').length;
  if (ports.length > 1 && ports.length !== hosts) {
    throw new ConninfoFault(`has ${ports.length} ports for ${hosts} hosts`);
  }
  if (settings.connect_timeout !== undefined && !/^-?\d+$/.test(settings.connect_timeout)) {
    throw new ConninfoFault('has a connect_timeout that is not a number of seconds');
  }
}
