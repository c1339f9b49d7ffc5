import type pg from 'pg';
import { literal } from '../expression.ts';
import { draftOf, sqlOf } from './column-value.ts';
import type { ReadTable } from './read-table.ts';
import { userOf } from './recognise.ts';
import { selectWords } from './survey-store.ts';
import type { DraftPart, DraftValue } from './yaml-text.ts';

/** The month that a row of a counter is of, as an instant within it. */
async function monthOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
): Promise<DraftValue | undefined> {
  const { month } = found;
  if (month === undefined) {
    return undefined;
  }
  if (month.type === 'date' || month.type.startsWith('timestamp')) {
    return draftOf(month);
  }
  const [word = ''] = await selectWords(client, relation, sqlOf(month));
  const name = sqlOf(month);
  return /^\d{4}-\d\d$/.test(word) || word === ''
    ? { sql: `(${name} || '-01')::date` }
    : /^\d{6}$/.test(word)
      ? { sql: `to_date(${name}::text, 'YYYYMM')` }
      : /^\d{4}-\d\d-\d\d/.test(word)
        ? { sql: `${name}::date` }
        : undefined;
}

interface Counted {
  meter: string;
  column: string;
  factor: number;
  /** What the column is told from ours. */
  mirrored: string;
  /** The limit that stands in the app's code, where the meter is of messages. */
  isWhole: boolean;
}

function counted({ found }: ReadTable, services: readonly string[]): Counted[] {
  const ofTime = services.find((service) => service !== 'chat');
  const time =
    ofTime === undefined
      ? []
      : [
          ...(found.used_seconds
            ? [
                {
                  meter: `${ofTime}_seconds`,
                  column: found.used_seconds.name,
                  factor: 1,
                  mirrored: 'q.used',
                  isWhole: true,
                },
              ]
            : []),
          ...(found.used_minutes
            ? [
                {
                  meter: `${ofTime}_seconds`,
                  column: found.used_minutes.name,
                  factor: 60,
                  mirrored: 'floor(q.used / 60)',
                  isWhole: false,
                },
              ]
            : []),
        ];
  const messages = services.includes('chat')
    ? [
        ...(found.used_messages
          ? [
              {
                meter: 'messages',
                column: found.used_messages.name,
                factor: 1,
                mirrored: '100 - q.remaining',
                isWhole: true,
              },
            ]
          : []),
        ...(found.used_premium
          ? [
              {
                meter: 'premium_messages',
                column: found.used_premium.name,
                factor: 1,
                mirrored: '20 - q.remaining',
                isWhole: true,
              },
            ]
          : []),
      ]
    : [];
  return [...time, ...messages];
}

/** Counters: what they are compared by, what they allow, and the columns that follow ours. */
export async function draftCounters(
  client: pg.ClientBase,
  table: ReadTable,
  services: readonly string[],
): Promise<DraftPart[]> {
  const { found, name } = table;
  const user: [string, DraftValue] = ['user', draftOf(userOf(table))];
  const at = await monthOf(client, table);
  const month: [string, DraftValue][] = at === undefined ? [] : [['at', at]];
  const all = counted(table, services);
  const parts: DraftPart[] = [];
  for (const meter of new Set(all.map((one) => one.meter))) {
    const those = all.filter((one) => one.meter === meter);
    const exact = those.find(({ isWhole }) => isWhole);
    if (exact !== undefined) {
      parts.push({
        part: 'figures',
        comments: [
          'the counter that the app keeps: verify holds it against ours; what it has beyond the rows is an opening balance',
        ],
        settings: [
          ['table', name],
          ['meter', meter],
          user,
          ['used', { column: exact.column }],
          ...month,
          ['opening', true],
          ...(found.exhausted_at ? [['exhausted_at', found.exhausted_at.name] as [string, string]] : []),
        ],
        columns: [],
      });
    }
    const isTime = meter.endsWith('_seconds');
    parts.push({
      part: 'mirror',
      comments: [
        'while quota decides, these columns follow it: what the app adds by itself is overwritten',
        ...(isTime
          ? []
          : [
              `what is told as used is the limit in the app's code (${those[0]?.mirrored.split(' ')[0]}?) less what remains: grants and other plans hold there, too`,
            ]),
      ],
      settings: [['table', name], ['meter', meter], user, ...month],
      columns: [
        ...those.map(({ column, mirrored }) => [column, mirrored] as [string, string]),
        ...(isTime && found.used_cost ? [[found.used_cost.name, 'q.cost'] as [string, string]] : []),
        ...(isTime && found.session_count ? [[found.session_count.name, 'q.calls'] as [string, string]] : []),
        ...(isTime && found.exhausted ? [[found.exhausted.name, 'q.exhausted'] as [string, string]] : []),
        ...(isTime && found.exhausted_at
          ? [[found.exhausted_at.name, 'q.exhausted_at'] as [string, string]]
          : []),
        ...(isTime && found.last_reset
          ? [[found.last_reset.name, 'q.last_reset_at'] as [string, string]]
          : []),
      ],
    });
  }
  return [...parts, ...(await draftLimits(client, table, services, month))];
}

/** What users may use, where that is told user by user. */
async function draftLimits(
  client: pg.ClientBase,
  { found, name, relation }: ReadTable,
  services: readonly string[],
  month: [string, DraftValue][],
): Promise<DraftPart[]> {
  const service = services.find((one) => one !== 'chat');
  const { limit_seconds, limit_minutes, limit_value, limit_cost, user, kind } = found;
  if (
    service === undefined ||
    user === undefined ||
    (limit_seconds ?? limit_minutes ?? limit_value ?? limit_cost) === undefined
  ) {
    return [];
  }
  const words = kind === undefined ? [] : await selectWords(client, relation, sqlOf(kind));
  const credit = words.find((word) => /credit|minute/i.test(word)) ?? words[0];
  const limit: DraftValue | undefined = limit_seconds
    ? draftOf(limit_seconds)
    : limit_minutes
      ? { sql: `${sqlOf(limit_minutes)} * 60` }
      : limit_value
        ? { sql: `${sqlOf(limit_value)} * 60`, note: 'taken as credits of a minute' }
        : undefined;
  return [
    {
      part: 'limits',
      comments: ['who may use more, or less, than the plan says'],
      settings: [
        ['table', name],
        ['meter', `${service}_seconds`],
        ...(kind === undefined || credit === undefined
          ? []
          : [['where', `(${sqlOf(kind)})::text = ${literal(credit)}`] as [string, string]]),
      ],
      columns: [
        ['user', draftOf(user)],
        ...(limit ? [['limit', limit] as [string, DraftValue]] : []),
        ...(limit_cost ? [['cost_limit', draftOf(limit_cost)] as [string, DraftValue]] : []),
        ...month,
      ],
    },
  ];
}
