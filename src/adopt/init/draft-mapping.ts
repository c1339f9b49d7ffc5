import type pg from 'pg';
import { quoted } from '../expression.ts';
import { draftCalls, isUserColumn, type Surroundings, whereOf } from './draft-calls.ts';
import { draftCounters } from './draft-counters.ts';
import {
  callScore,
  isAlerts,
  isAssistants,
  isCounter,
  isJobs,
  type ReadTable,
  readTable,
  serviceOf,
  userScore,
} from './recognise.ts';
import { selectColumnWords, selectDatabaseName, selectOverlap, selectTables } from './survey-store.ts';
import { plainName } from './words.ts';
import { type DraftPart, type DraftValue, mappingText } from './yaml-text.ts';

export interface Draft {
  /** The mapping, as YAML with comments; null: nothing looks like calls. */
  mapping: string | null;
  product: string;
  schema: string;
  services: string[];
  /** What it was unsure of. */
  notes: string[];
}

/** Of how many of the best table another one is, too. */
const nearlyAsGood = 0.6;

/**
 * Looks at a database - names, types, keys and some rows - and drafts the mapping of the product in it. Changes nothing.
 * @param schema only its tables; null: the schema that looks most like a product
 */
export async function draftMapping(
  client: pg.ClientBase,
  { schema: wanted, product: named }: { schema: string | null; product: string | null },
): Promise<Draft> {
  const read = (await selectTables(client, wanted)).map(readTable);
  const notes: string[] = [];
  const scored = read
    .map((table) => ({
      table,
      score: callScore(table, usersOf(read.filter((one) => one.schema === table.schema))),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  const [best] = scored;
  const schema = best?.table.schema ?? wanted ?? 'public';
  const product = named ?? productName(schema === 'public' ? await selectDatabaseName(client) : schema);
  if (best === undefined) {
    return { mapping: null, product, schema, services: [], notes };
  }
  for (const other of new Set(scored.map(({ table }) => table.schema))) {
    if (other !== schema) {
      notes.push(`the schema ${other} has tables of calls, too: quota adopt init --schema ${other}`);
    }
  }
  const tables = read.filter((one) => one.schema === schema);
  const calls = scored
    .filter(({ table, score }) => table.schema === schema && score >= nearlyAsGood * best.score)
    .map(({ table }) => table);
  const [users] = usersOf(tables);
  const assistants = tables.find(isAssistants);
  const surroundings: Surroundings = { users, assistants };
  const sources: DraftPart[] = [];
  for (const table of calls) {
    sources.push(...(await draftCalls(client, table, surroundings, notes)));
  }
  const services = [
    ...new Set(
      sources.flatMap(({ columns }) =>
        columns.flatMap(([name, value]) =>
          name === 'service' && typeof value !== 'string' ? [value.constant ?? ''] : [],
        ),
      ),
    ),
  ];
  const rest = tables.filter((table) => !calls.includes(table) && table !== users && table !== assistants);
  const parts: DraftPart[] = [
    ...(users === undefined ? [] : [await draftUsers(client, users, calls, rest, services)]),
    ...(assistants === undefined ? [] : [draftAssistants(assistants)]),
    ...sources,
  ];
  for (const table of rest) {
    parts.push(...(await draftRest(client, table, services)));
  }
  parts.push(...draftLimited(users, assistants, services));
  notes.push(...naiveNotes([...calls, ...(users ? [users] : [])]));
  const head = [
    `# Drafted from what is in the database: read it through, then quota adopt check FILE.`,
    ...notes.map((note) => `# Unsure: ${note}`),
    `product: ${product}`,
    ...(schema === 'public' ? [] : [`schema: ${schema}`]),
    'timezone: UTC # of timestamps without a zone',
  ];
  return { mapping: mappingText(head, parts), product, schema, services, notes };
}

const productName = (name: string): string =>
  plainName(name)
    .replaceAll('_', '-')
    .replace(/^-+|-+$/g, '') || 'product';

const usersOf = (tables: readonly ReadTable[]): ReadTable[] =>
  tables
    .map((table) => ({ table, score: userScore(table, tables) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ table }) => table);

/** By which of its columns the calls know a user. */
async function userId(
  client: pg.ClientBase,
  users: ReadTable,
  calls: readonly ReadTable[],
): Promise<DraftValue> {
  const key = users.key[0] ?? 'id';
  for (const { relation, found } of calls) {
    if (found.user === undefined) {
      continue;
    }
    if (found.user.references?.relation === users.relation) {
      return { column: found.user.references.column };
    }
    const candidates = users.columns.filter(
      ({ name }) =>
        name === key ||
        isUserColumn(name) ||
        /_?(id|uid|uuid|ref)$/.test(plainName(name)) ||
        name === users.found.email?.name,
    );
    let most = { name: key, percent: 0 };
    for (const { name } of candidates) {
      const percent = await selectOverlap(
        client,
        { relation, column: found.user.name },
        { relation: users.relation, column: name },
      );
      most = percent > most.percent ? { name, percent } : most;
    }
    return {
      column: most.name,
      ...(most.percent < 90 && { note: `of some users of ${relation} ${most.percent} % are found by it` }),
    };
  }
  return { column: key };
}

/** Which plan a user is on: by a column with its words, or the one of the service. */
async function planOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
  rest: readonly ReadTable[],
  services: readonly string[],
): Promise<DraftValue | undefined> {
  const [service] = services;
  if (service === 'voice') {
    return { constant: 'voice-free' };
  }
  if (service === 'avatar') {
    const isMonthly = rest.some((table) => isCounter(table) && table.found.month !== undefined);
    const isLifetime = rest.some((table) => isCounter(table) && table.found.month === undefined);
    return isLifetime && !isMonthly
      ? { constant: 'avatar-lifetime' }
      : { constant: 'avatar-monthly', ...(!isMonthly && { note: 'or avatar-lifetime' }) };
  }
  if (service !== 'transcription' || found.plan === undefined) {
    return service === 'transcription' ? { constant: 'transcription-free' } : undefined;
  }
  const words = await selectColumnWords(client, relation, found.plan.name);
  const values: Record<string, string> = {};
  const unsure: string[] = [];
  for (const word of words) {
    const tier = ['enterprise', 'starter', 'pro', 'free'].find((one) => plainName(word).includes(one));
    if (tier === undefined) {
      unsure.push(word);
    } else if (tier !== 'free') {
      values[word] = `transcription-${tier}`;
    }
  }
  for (const tier of ['starter', 'pro', 'enterprise']) {
    values[tier] ??= `transcription-${tier}`;
  }
  values['*'] = 'transcription-free';
  return {
    column: found.plan.name,
    values,
    ...(unsure.length > 0 && { note: `unsure of ${unsure.join(', ')}: taken as free` }),
  };
}

async function draftUsers(
  client: pg.ClientBase,
  users: ReadTable,
  calls: readonly ReadTable[],
  rest: readonly ReadTable[],
  services: readonly string[],
): Promise<DraftPart> {
  const { found } = users;
  const plan = await planOf(client, users, rest, services);
  const columns: [string, DraftValue | undefined][] = [
    ['user', await userId(client, users, calls)],
    ['email', found.email && { column: found.email.name }],
    ['name', found.name && { column: found.name.name }],
    ['signup_at', found.signup_at && { column: found.signup_at.name }],
    ['timezone', found.timezone && { column: found.timezone.name }],
    ['plan', plan],
  ];
  const where = whereOf(users);
  return {
    part: 'users',
    comments:
      found.signup_at === undefined ? ['nothing says when they signed up: months are counted from now'] : [],
    settings: [
      ['table', users.name],
      ['key', users.key.length > 0 ? users.key : ['id']],
      ...(where.length > 0 ? [['where', where.join(' and ')] as [string, string]] : []),
    ],
    columns: columns.filter((entry): entry is [string, DraftValue] => entry[1] !== undefined),
  };
}

function draftAssistants(assistants: ReadTable): DraftPart {
  const { found, name, key } = assistants;
  const where = whereOf(assistants);
  return {
    part: 'assistants',
    comments: [],
    settings: [
      ['table', name],
      ['key', key.length > 0 ? key : ['id']],
      ...(where.length > 0 ? [['where', where.join(' and ')] as [string, string]] : []),
    ],
    columns: [
      ['user', { column: found.user?.name ?? '' }],
      ['provider_assistant_id', { column: found.provider_assistant_id?.name ?? '' }],
      ...(found.name ? [['name', { column: found.name.name }] as [string, DraftValue]] : []),
    ],
  };
}

/** Running jobs, read alerts and counters. */
async function draftRest(
  client: pg.ClientBase,
  table: ReadTable,
  services: readonly string[],
): Promise<DraftPart[]> {
  const { found, name, key, relation } = table;
  const [first = ''] = services;
  const service = serviceOf(table)?.service ?? first;
  if (isJobs(table)) {
    const words =
      found.status === undefined ? [] : await selectColumnWords(client, relation, found.status.name);
    const running = words.filter((word) => /process|running|active|progress|queued/i.test(word));
    const status =
      found.status === undefined
        ? undefined
        : `r.${quoted(found.status.name)}::text in (${(running.length > 0 ? running : ['processing']).map((word) => `'${word.replaceAll("'", "''")}'`).join(', ')})`;
    return [
      {
        part: 'jobs',
        comments: ['jobs that run at the moment take one of the places that the plan has'],
        settings: [
          ['table', name],
          ['key', key.length > 0 ? key : ['id']],
          ...(status === undefined ? [] : [['where', status] as [string, string]]),
        ],
        columns: [
          ['user', { column: found.user?.name ?? '' }],
          ['service', { constant: services.includes(service) ? service : first }],
          ['started_at', { column: (found.started_at ?? found.made_at)?.name ?? '' }],
          ...(found.expires_at
            ? [['expires_at', { column: found.expires_at.name }] as [string, DraftValue]]
            : []),
        ],
      },
    ];
  }
  if (isAlerts(table)) {
    const readAt = found.read_at?.name;
    const madeAt = found.made_at?.name;
    const at = [readAt, madeAt].flatMap((one) => (one === undefined ? [] : [`r.${quoted(one)}`]));
    return at.length === 0
      ? []
      : [
          {
            part: 'alerts',
            comments: ['alerts that were read are so here, too'],
            settings: [
              ['table', name],
              ['meter', first === 'chat' ? 'messages' : `${first}_seconds`],
              [
                'where',
                found.is_read ? `r.${quoted(found.is_read.name)}` : `r.${quoted(readAt ?? '')} is not null`,
              ],
            ],
            columns: [
              ['user', { column: found.user?.name ?? '' }],
              ['threshold', { column: found.threshold?.name ?? '' }],
              ['read_at', { sql: `coalesce(${at.join(', ')})` }],
              ...(madeAt === undefined ? [] : [['at', { column: madeAt }] as [string, DraftValue]]),
            ],
          },
        ];
  }
  return isCounter(table) ? draftCounters(client, table, services) : [];
}

/** Whom the app has limited at the provider, and what their assistants were before. */
function draftLimited(
  users: ReadTable | undefined,
  assistants: ReadTable | undefined,
  services: readonly string[],
): DraftPart[] {
  const enforced = users?.found.enforced_at;
  const original = assistants?.columns.find(
    ({ name, type }) =>
      /^jsonb?$/.test(type) && /original|backup|previous|before|saved|stored/.test(plainName(name)),
  );
  const user = users?.key[0];
  if (users === undefined || enforced === undefined || user === undefined || !services.includes('voice')) {
    return [];
  }
  return [
    {
      part: 'enforced',
      comments: ['whom the app has limited, since when: they stay so, and nothing is sent for it'],
      settings: [
        ['table', users.name],
        ['service', 'voice'],
      ],
      columns: [
        ['user', { column: user }],
        ['since', { column: enforced.name }],
      ],
    },
    ...(assistants === undefined || original === undefined
      ? []
      : [
          {
            part: 'originals',
            comments: ['what its assistants were before the limit: they are restored to it'],
            settings: [['table', assistants.name]] as DraftPart['settings'],
            columns: [
              ['assistant', { column: assistants.found.provider_assistant_id?.name ?? '' }],
              ['original', { column: original.name }],
            ] as DraftPart['columns'],
          },
        ]),
    {
      part: 'mirror',
      comments: ['while quota decides, the app reads from here since when a user is limited'],
      settings: [
        ['table', users.name],
        ['meter', 'voice_seconds'],
        ['user', user],
      ],
      columns: [[enforced.name, 'q.limit_enforced_at']],
    },
  ];
}

/** Timestamps that say no zone: whose are they? */
const naiveNotes = (tables: readonly ReadTable[]): string[] => {
  const naive = tables.flatMap(({ name, found }) =>
    [found.started_at ?? found.made_at, found.ended_at].flatMap((column) =>
      column?.type === 'timestamp without time zone' ? [`${name}.${column.name}`] : [],
    ),
  );
  return naive.length === 0
    ? []
    : [
        `${naive.join(', ')} ${naive.length === 1 ? 'has' : 'have'} no time zone: UTC is taken; say timezone: if it is another one`,
      ];
};
