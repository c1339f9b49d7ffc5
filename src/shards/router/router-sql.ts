import { escapeLiteral } from 'pg';
import type { Shard } from '../../context.ts';
import { type ShardLogin, serverPlace } from '../server-place.ts';
import { bucketInSql, shardsMax } from '../shard.ts';
import type { AppFunction, AppType } from './app-function-store.ts';

/** What a router is made of, as statements. Only `secret` holds the password. */
export interface RouterScript {
  statements: string[];
  secret: string;
}

/** By this the schema is known as one that may be made anew. */
export const routerMark =
  'The door for apps to the shards of quota, made by quota shards router: no data is here.';

/**
 * The functions of apps with the arguments that they have in each shard, which run where the user is. For a database of its
 * own with the extension PL/Proxy (https://plproxy.github.io).
 * @param elsewhere users who are not where their external id says, with the place of their shard in `shards`
 */
export function routerScript(
  shards: readonly Shard[],
  { functions, types }: { functions: readonly AppFunction[]; types: readonly AppType[] },
  elsewhere: readonly { externalId: string; place: number }[],
  login: ShardLogin,
): RouterScript {
  const user = [
    `user ${escapeLiteral(login.user)}`,
    ...(login.password === undefined ? [] : [`password ${escapeLiteral(login.password)}`]),
  ];
  return {
    statements: [
      'create extension if not exists plproxy',
      `do $$ begin create role quota_app nologin; exception when duplicate_object then null; end $$`,
      'drop schema if exists quota cascade',
      'drop server if exists quota cascade',
      'create schema quota',
      `comment on schema quota is ${escapeLiteral(routerMark)}`,
      ...mapOfUsers(shards, elsewhere),
      serverOf(shards),
      'grant usage on foreign server quota to quota_app',
      'grant usage on schema quota to quota_app',
      ...types.map(({ name, columns }) => `create type quota.${name} as (${columns})`),
      ...functions.flatMap(routed),
      'revoke execute on all functions in schema quota from public',
      'grant execute on all functions in schema quota to quota_app',
    ],
    secret: `create user mapping for public server quota options (${user.join(', ')})`,
  };
}

/**
 * Names the partitions of the cluster. PL/Proxy wants a power of two of them and takes the place that it is told within
 * those; the places behind the last shard are never told.
 */
function serverOf(shards: readonly Shard[]): string {
  const count = 2 ** Math.ceil(Math.log2(shards.length));
  const partitions = Array.from({ length: count }, (_, place) => {
    const { url } = shards[Math.min(place, shards.length - 1)] as Shard;
    return `p${place} ${escapeLiteral(`${placeOf(url)} application_name='quota router'`)}`;
  });
  return `create server quota foreign data wrapper plproxy options (connection_lifetime '1800', ${partitions.join(', ')})`;
}

/** As libpq reads keywords. */
const placeOf = (url: string): string =>
  serverPlace(url)
    .map(([keyword, value]) => `${keyword}='${value.replaceAll(/['\\]/g, '\\$&')}'`)
    .join(' ');

function mapOfUsers(
  shards: readonly Shard[],
  elsewhere: readonly { externalId: string; place: number }[],
): string[] {
  const buckets = shards.map(({ buckets: { from, to } }, place) => `(${from}, ${to}, ${place})`);
  const numbers = shards.map(({ number }, place) => `(${number}, ${place})`);
  const placed = elsewhere.map(({ externalId, place }) => `(${escapeLiteral(externalId)}, ${place})`);
  return [
    'create table quota.shard_buckets (first integer primary key, last integer not null, place integer not null)',
    `insert into quota.shard_buckets values ${buckets.join(', ')}`,
    'create table quota.shard_numbers (number integer primary key, place integer not null)',
    `insert into quota.shard_numbers values ${numbers.join(', ')}`,
    'create table quota.placed_users (external_id text primary key, place integer not null)',
    ...(placed.length === 0 ? [] : [`insert into quota.placed_users values ${placed.join(', ')}`]),
    'grant select on quota.shard_buckets, quota.shard_numbers, quota.placed_users to quota_app',
    // Nobody signed in is asked for as null: any shard knows what a guest may.
    `create function quota.place_of_user(p_user text) returns integer language sql stable as $$
  select coalesce(
    (select place from quota.placed_users where external_id = p_user),
    (select place from quota.shard_buckets b, sha256(convert_to(p_user, 'UTF8')) d
     where ${bucketInSql('d')} between b.first and b.last), 0)
$$`,
    `create function quota.place_of_id(p_id bigint) returns integer language sql stable as $$
  select place from quota.shard_numbers where number = (p_id - 1) % ${shardsMax}
$$`,
  ];
}

/** A function with the arguments of the shards, which runs in the one that is meant; none where none is meant. */
function routed({ name, arguments: given, argumentNames, result }: AppFunction): string[] {
  const declared = `create function quota.${name}(${given}) returns ${result} language plproxy as`;
  if (name === 'gate') {
    return routedGate(given, result);
  }
  if (argumentNames.includes('p_user')) {
    return [`${declared} $$ cluster 'quota'; run on quota.place_of_user(p_user); $$`];
  }
  return argumentNames[0] === 'p_session'
    ? [`${declared} $$ cluster 'quota'; run on quota.place_of_id(p_session); $$`]
    : [];
}

/** A webhook says which assistant it is about, not which user: all are asked, the one that knows answers it. */
const routedGate = (given: string, result: string): string[] => [
  `create function quota.gate_owners(p_body jsonb) returns setof text language plproxy as $$
  cluster 'quota'; run on all; select quota.gate_owner(p_body); $$`,
  `create function quota.gate_of_user(p_user text, p_provider text, p_body jsonb, p_service text, p_refusal text)
returns jsonb language plproxy as $$
  cluster 'quota'; run on quota.place_of_user(p_user); select quota.gate(p_provider, p_body, p_service, p_refusal); $$`,
  `create function quota.gate(${given}) returns ${result} language sql as $$
  select quota.gate_of_user((select o from quota.gate_owners(p_body) o where o is not null limit 1), p_provider,
    p_body, p_service, p_refusal)
$$`,
];
