import type pg from 'pg';
import { literal } from '../expression.ts';
import { draftOf, sqlOf } from './column-value.ts';
import { draftCounters } from './draft-counters.ts';
import type { ReadTable } from './read-table.ts';
import { isAlerts, isCounter, isJobs, serviceOf, startOf, userOf } from './recognise.ts';
import { selectWords } from './survey-store.ts';
import { plainName } from './words.ts';
import type { DraftPart, DraftValue } from './yaml-text.ts';

/** Running jobs, read alerts and counters. */
export async function draftRest(
  client: pg.ClientBase,
  table: ReadTable,
  services: readonly string[],
): Promise<DraftPart[]> {
  const { found, name, key, relation } = table;
  const [first = ''] = services;
  const service = serviceOf(table)?.service ?? first;
  if (isJobs(table)) {
    const words = found.status === undefined ? [] : await selectWords(client, relation, sqlOf(found.status));
    const running = words.filter((word) => /process|running|active|progress|queued/i.test(word));
    const status =
      found.status === undefined
        ? undefined
        : `(${sqlOf(found.status)})::text in (${(running.length > 0 ? running : ['processing']).map(literal).join(', ')})`;
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
          ['user', draftOf(userOf(table))],
          ['service', { constant: services.includes(service) ? service : first }],
          ['started_at', draftOf(startOf(table))],
          ...(found.expires_at ? [['expires_at', draftOf(found.expires_at)] as [string, DraftValue]] : []),
        ],
      },
    ];
  }
  if (isAlerts(table)) {
    const { is_read, read_at, made_at } = found;
    const read = is_read ? sqlOf(is_read) : read_at && `${sqlOf(read_at)} is not null`;
    const at = [read_at, made_at].flatMap((one) => (one === undefined ? [] : [sqlOf(one)]));
    return at.length === 0
      ? []
      : [
          {
            part: 'alerts',
            comments: ['alerts that were read are so here, too'],
            settings: [
              ['table', name],
              ['meter', first === 'chat' ? 'messages' : `${first}_seconds`],
              ...(read === undefined ? [] : [['where', read] as [string, string]]),
            ],
            columns: [
              ['user', draftOf(userOf(table))],
              ['threshold', { column: found.threshold?.name ?? '' }],
              ['read_at', { sql: `coalesce(${at.join(', ')})` }],
              ...(made_at === undefined ? [] : [['at', draftOf(made_at)] as [string, DraftValue]]),
            ],
          },
        ];
  }
  return isCounter(table) ? draftCounters(client, table, services) : [];
}

/** Whom the app has limited at the provider, and what their assistants were before. */
export function draftLimited(
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
