import type pg from 'pg';
import { literal, quoted } from '../expression.ts';
import { draftOf, sqlOf, wordsOf } from './column-value.ts';
import type { ReadTable } from './read-table.ts';
import { serviceOf, startOf } from './recognise.ts';
import {
  type SurveyedColumn,
  selectOverlap,
  selectShape,
  selectUnitsPerSecond,
  selectWords,
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
    : [deleted.type === 'boolean' ? `${sqlOf(deleted)} is not true` : `${sqlOf(deleted)} is null`];
}

/** An amount of time in seconds: by its type, by its rows, or by its name. */
async function secondsOf(client: pg.ClientBase, table: ReadTable): Promise<DraftValue | undefined> {
  const { duration, started_at, ended_at } = table.found;
  if (duration === undefined) {
    return undefined;
  }
  const { name, type } = duration;
  if (type === 'interval') {
    return draftOf(duration);
  }
  const number = /^(text|character)/.test(type) ? `nullif(${sqlOf(duration)}, '')::numeric` : sqlOf(duration);
  const plain = plainName(name);
  const ratio =
    started_at === undefined || ended_at === undefined
      ? null
      : await selectUnitsPerSecond(client, table.relation, {
          amount: sqlOf(duration),
          from: sqlOf(started_at),
          to: sqlOf(ended_at),
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
      ? number === sqlOf(duration)
        ? draftOf(duration)
        : { sql: number }
      : { sql: unit > 1 ? `${number} / 1000.0` : `${number} * 60` };
  return { ...value, ...(note !== undefined && { note }) };
}

/** How a call ended, where no word says it: by a flag, and by whether it has ended. */
async function statusByFlags(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
): Promise<DraftValue | undefined> {
  const { failed, succeeded, ended_at } = found;
  const ends = ended_at && (await selectShape(client, relation, sqlOf(ended_at)));
  const isTold = ended_at?.isNullable === true && ends !== undefined && ends.present > ends.rows / 2;
  const cases = [
    ...(failed === undefined ? [] : [`when ${sqlOf(failed)} then 'error'`]),
    ...(isTold ? [`when ${sqlOf(ended_at)} is null then 'active'`] : []),
    ...(succeeded === undefined || failed !== undefined ? [] : [`when not ${sqlOf(succeeded)} then 'error'`]),
  ];
  return cases.length === 0 ? undefined : { sql: `case ${cases.join(' ')} else 'completed' end` };
}

async function statusOf(client: pg.ClientBase, table: ReadTable): Promise<DraftValue | undefined> {
  const { relation, found } = table;
  if (found.status === undefined) {
    return statusByFlags(client, table);
  }
  const words = await selectWords(client, relation, sqlOf(found.status));
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
    ...wordsOf(found.status, values),
    ...(unsure.length > 0 && { note: `unsure of ${unsure.join(', ')}: taken as completed` }),
  };
}

/** Whose a call is: the column itself, or by the assistant. */
async function ownerOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
  { assistants }: Surroundings,
): Promise<[string, DraftValue][]> {
  const columns: [string, DraftValue][] = found.user === undefined ? [] : [['user', draftOf(found.user)]];
  const { assistant } = found;
  if (assistant === undefined) {
    return columns;
  }
  const id = assistants?.found.provider_assistant_id;
  const [key, ...rest] = assistants?.key ?? [];
  if (assistants === undefined || id === undefined || key === undefined || rest.length > 0) {
    return [...columns, ['assistant', draftOf(assistant)]];
  }
  const from = { relation, value: sqlOf(assistant) };
  const isInner =
    assistant.references?.relation === assistants.relation
      ? assistant.references.column !== id.name
      : (await selectOverlap(client, from, { relation: assistants.relation, value: `r.${quoted(key)}` })) >
        (await selectOverlap(client, from, { relation: assistants.relation, value: sqlOf(id) }));
  return [
    ...columns,
    [
      'assistant',
      isInner
        ? {
            sql: `(select a.${quoted(id.name)} from ${assistants.relation} a where a.${quoted(key)} = ${sqlOf(assistant)})`,
            note: 'it is the row of the assistant: the id at the provider stands there',
          }
        : draftOf(assistant),
    ],
  ];
}

const sized = (column: SurveyedColumn): DraftValue => {
  const plain = plainName(column.name);
  const factor = /mb$/.test(plain) ? 1_048_576 : /kb$/.test(plain) ? 1024 : 1;
  return factor === 1 ? draftOf(column) : { sql: `(${sqlOf(column)} * ${factor})::bigint` };
};

/** Money in its whole units. */
const priced = (column: SurveyedColumn): DraftValue => {
  const plain = plainName(column.name);
  const parts = /micro/.test(plain) ? '1000000.0' : /cents/.test(plain) ? '100.0' : undefined;
  return parts === undefined ? draftOf(column) : { sql: `${sqlOf(column)} / ${parts}` };
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
    ['provider_call_id', found.provider_call_id && draftOf(found.provider_call_id)],
    ...(await ownerOf(client, table, surroundings)),
    ['model', found.model && draftOf(found.model)],
    ['status', await statusOf(client, table)],
    ['started_at', draftOf(startOf(table))],
    ['ended_at', found.ended_at && draftOf(found.ended_at)],
    ['duration_seconds', await secondsOf(client, table)],
    [
      'messages',
      found.messages ? draftOf(found.messages) : service === 'chat' ? { constant: '1' } : undefined,
    ],
    ['words_spoken', found.words_spoken && draftOf(found.words_spoken)],
    ['file_size_bytes', found.file_size && sized(found.file_size)],
    ['cost', found.cost && priced(found.cost)],
    ['error_message', found.error_message && draftOf(found.error_message)],
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
  const words = kind === undefined ? [] : await selectWords(client, table.relation, sqlOf(kind));
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
    const literals = those.map(literal).join(', ');
    const conditions = [
      ...whereOf(table),
      ...(isSplit
        ? [
            those.length === 1
              ? `(${sqlOf(kind)})::text = ${literals}`
              : `(${sqlOf(kind)})::text in (${literals})`,
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
