import { parseConninfo } from '../db/target/parse-conninfo.ts';

/** How one database logs in to the shards: never as an owner of them. */
export interface ShardLogin {
  user: string;
  /** Undefined: their servers want none, or it is in the password file of whoever runs the server that logs in. */
  password: string | undefined;
}

/** What says where a database is; who logs in there is another thing. */
const keywords = ['host', 'hostaddr', 'port', 'dbname', 'sslmode', 'sslrootcert', 'sslcrl'] as const;

/** The part of a URL that says where the database is, as keywords of libpq with their values. */
export function serverPlace(url: string): [keyword: string, value: string][] {
  const settings = parseConninfo(url);
  return keywords.flatMap((keyword) => {
    const value = settings[keyword];
    return value === undefined ? [] : [[keyword, value] as [string, string]];
  });
}
