/** Of a row of a table of a database of finance, whose parts are the tables of the shards: the number of its shard, as SQL. */
export const shardNumberOf = (table: string): string =>
  `substring(${table}.tableoid::regclass::text from '_(\\d+)$')::integer`;
