import type pg from 'pg';
import { quoted } from '../expression.ts';
import { type ReadTable, serviceOf } from './recognise.ts';
import {
  type SurveyedColumn,
  selectColumnWords,
  selectOverlap,
  selectUnitsPerSecond,
} from './survey-store.ts';
import { columnWords, meaningOfStatus, plainName, serviceWords } from './words.ts';
import type { DraftPart, DraftValue } from './yaml-text.ts';

/** What the other tables of the app are taken to be. */
export interface Surroundings {
  users: ReadTable | undefined;
  assistants: ReadTable | undefined;
}

/** Rows that the app has marked as deleted do not count. */
export function whereOf({ found }: ReadTable): string[] {
  const { deleted } = found;
  return deleted === undefined
    ? []
    : [
        deleted.type === 'boolean'
          ? `r.${quoted(deleted.name)} is not true`
          : `r.${quoted(deleted.name)} is null`,
      ];
}

/** An amount of time in seconds: by its type, by its rows, or by its name. */
async function secondsOf(client: pg.ClientBase, table: ReadTable): Promise<DraftValue | undefined> {
  const { duration, started_at, ended_at } = table.found;
  if (duration === undefined) {
    return undefined;
  }
  const { name, type } = duration;
  if (type === 'interval') {
    return { column: name };
  }
  const number = /^(text|character)/.test(type)
    ? `nullif(r.${quoted(name)}, '')::numeric`
    : `r.${quoted(name)}`;
  const plain = plainName(name);
  const ratio =
    started_at === undefined || ended_at === undefined
      ? null
      : await selectUnitsPerSecond(client, table.relation, {
          amount: name,
          from: started_at.name,
          to: ended_at.name,
        });
  const named = /(^|_)(m|mins?|minutes)($|_)/.test(plain)
    ? 1 / 60
    : /(^|_)(ms|milli.*)($|_)/.test(plain)
      ? 1000
      : 1;
  const unit = ratio === null ? named : ratio > 100 ? 1000 : ratio < 0.2 ? 1 / 60 : 1;
  const note =
    ratio === null && named === 1 && !/sec/.test(plain)
      ? 'taken as seconds: neither its name nor its rows say so'
      : unit !== named
        ? `by its name it is of another unit: its rows are ${unit === 1 ? 'seconds' : unit > 1 ? 'milliseconds' : 'minutes'}`
        : undefined;
  const value =
    unit === 1
      ? number.startsWith('r.')
        ? { column: name }
        : { sql: number }
      : { sql: unit > 1 ? `${number} / 1000.0` : `${number} * 60` };
  return { ...value, ...(note !== undefined && { note }) };
}

async function statusOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
): Promise<DraftValue | undefined> {
  if (found.status === undefined) {
    return undefined;
  }
  const words = await selectColumnWords(client, relation, found.status.name);
  if (words.length > 20) {
    return undefined;
  }
  const values: Record<string, string> = {};
  const unsure: string[] = [];
  for (const word of words) {
    const meaning = meaningOfStatus(word);
    if (meaning === null) {
      unsure.push(word);
    } else if (meaning !== 'completed') {
      values[word] = meaning;
    }
  }
  for (const word of ['active', 'error'] as const) {
    values[word] ??= word;
  }
  values['*'] = 'completed';
  return {
    column: found.status.name,
    values,
    ...(unsure.length > 0 && { note: `unsure of ${unsure.join(', ')}: taken as completed` }),
  };
}

/** Whose a call is: the column itself, or by the assistant. */
async function ownerOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
  { assistants }: Surroundings,
): Promise<[string, DraftValue][]> {
  const columns: [string, DraftValue][] =
    found.user === undefined ? [] : [['user', { column: found.user.name }]];
  const { assistant } = found;
  if (assistant === undefined) {
    return columns;
  }
  const id = assistants?.found.provider_assistant_id;
  const [key, ...rest] = assistants?.key ?? [];
  if (assistants === undefined || id === undefined || key === undefined || rest.length > 0) {
    return [...columns, ['assistant', { column: assistant.name }]];
  }
  const from = { relation, column: assistant.name };
  const isInner =
    assistant.references?.relation === assistants.relation
      ? assistant.references.column !== id.name
      : (await selectOverlap(client, from, { relation: assistants.relation, column: key })) >
        (await selectOverlap(client, from, { relation: assistants.relation, column: id.name }));
  return [
    ...columns,
    [
      'assistant',
      isInner
        ? {
            sql: `(select a.${quoted(id.name)} from ${assistants.relation} a where a.${quoted(key)} = r.${quoted(assistant.name)})`,
            note: 'it is the row of the assistant: the id at the provider stands there',
          }
        : { column: assistant.name },
    ],
  ];
}

const sized = ({ name }: SurveyedColumn): DraftValue => {
  const plain = plainName(name);
  const factor = /mb$/.test(plain) ? 1_048_576 : /kb$/.test(plain) ? 1024 : 1;
  return factor === 1 ? { column: name } : { sql: `(r.${quoted(name)} * ${factor})::bigint` };
};

/** The fields of calls that are told by columns of their own. */
async function fieldsOfCalls(
  client: pg.ClientBase,
  table: ReadTable,
  surroundings: Surroundings,
  service: string,
  provider: string,
): Promise<[string, DraftValue][]> {
  const { found } = table;
  const columns: [string, DraftValue | undefined][] = [
    ['service', { constant: service }],
    ...(provider === 'chat' ? [] : [['provider', { constant: provider }] as [string, DraftValue]]),
    ['provider_call_id', found.provider_call_id && { column: found.provider_call_id.name }],
    ...(await ownerOf(client, table, surroundings)),
    ['model', found.model && { column: found.model.name }],
    ['status', await statusOf(client, table)],
    ['started_at', { column: (found.started_at ?? found.made_at)?.name ?? '' }],
    ['ended_at', found.ended_at && { column: found.ended_at.name }],
    ['duration_seconds', await secondsOf(client, table)],
    [
      'messages',
      found.messages ? { column: found.messages.name } : service === 'chat' ? { constant: '1' } : undefined,
    ],
    ['words_spoken', found.words_spoken && { column: found.words_spoken.name }],
    ['file_size_bytes', found.file_size && sized(found.file_size)],
    [
      'cost',
      found.cost &&
        (/cents/.test(plainName(found.cost.name))
          ? { sql: `r.${quoted(found.cost.name)} / 100.0` }
          : { column: found.cost.name }),
    ],
    ['error_message', found.error_message && { column: found.error_message.name }],
  ];
  return columns.filter((entry): entry is [string, DraftValue] => entry[1] !== undefined);
}

/** Sources of calls of a table: one per service that its rows name, or one. */
export async function draftCalls(
  client: pg.ClientBase,
  table: ReadTable,
  surroundings: Surroundings,
  notes: string[],
): Promise<DraftPart[]> {
  const guessed = serviceOf(table);
  const kind = table.found.kind;
  const words = kind === undefined ? [] : await selectColumnWords(client, table.relation, kind.name);
  const named = words.flatMap((word) => {
    const one = serviceWords.find(
      ({ words: pattern }) => pattern.test(plainName(word)) && !/api/.test(plainName(word)),
    );
    return one === undefined ? [] : [{ word, ...one }];
  });
  const isSplit = kind !== undefined && words.length > 0 && words.length <= 20 && named.length > 0;
  const kinds: { service: string; provider: string; words: string[] }[] = isSplit
    ? [...new Set(named.map(({ service }) => service))].map((service) => ({
        service,
        provider: serviceWords.find((one) => one.service === service)?.provider ?? service,
        words: named.filter((one) => one.service === service).map(({ word }) => word),
      }))
    : [{ service: guessed?.service ?? 'voice', provider: guessed?.provider ?? 'app', words: [] }];
  if (guessed === undefined && !isSplit) {
    notes.push(`which service ${table.relation} is of cannot be told by its names: voice is a guess`);
  }
  const others = isSplit ? words.filter((word) => !named.some((one) => one.word === word)) : [];
  const parts: DraftPart[] = [];
  for (const { service, provider, words: those } of kinds) {
    const literals = those.map((word) => `'${word.replaceAll("'", "''")}'`).join(', ');
    const conditions = [
      ...whereOf(table),
      ...(isSplit
        ? [
            those.length === 1
              ? `r.${quoted(kind.name)}::text = ${literals}`
              : `r.${quoted(kind.name)}::text in (${literals})`,
          ]
        : []),
    ];
    const { deleted } = table.found;
    parts.push({
      part: 'calls',
      comments: [
        ...(others.length > 0
          ? [`not taken, being of no service here: rows of ${kind?.name} ${others.join(', ')}`]
          : []),
        ...(deleted === undefined
          ? []
          : [`rows that ${deleted.name} marks count no more, as those that are deleted`]),
        ...(table.found.started_at === undefined
          ? [`nothing says when it started: ${table.found.made_at?.name} is taken`]
          : []),
        ...(table.found.provider_call_id === undefined && service !== 'chat'
          ? ['no id of the provider: bills are matched by assistant and time']
          : []),
      ],
      settings: [
        ...(kinds.length > 1
          ? [['source', `${table.plain.replaceAll('_', '-')}-${service}`] as [string, string]]
          : []),
        ['table', table.name],
        ['key', table.key.length > 0 ? table.key : ['id']],
        ...(conditions.length > 0 ? [['where', conditions.join(' and ')] as [string, string]] : []),
        ...(deleted === undefined ? [] : [['on_delete', 'remove'] as [string, string]]),
        ...(surroundings.users === undefined ? [['make_users', true] as [string, boolean]] : []),
      ],
      columns: await fieldsOfCalls(client, table, surroundings, service, provider),
    });
  }
  return parts;
}

/** Whether a column is one by which a user is known in the table of users. */
export const isUserColumn = (name: string): boolean =>
  columnWords.user.some((pattern) => pattern.test(plainName(name)));
