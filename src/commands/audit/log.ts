import { selectMeters } from '../../allowances/meters/meter-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import {
  type AuditFilter,
  type AuditRow,
  selectActions,
  selectAuditLog,
} from '../../audit/audit-log-store.ts';
import type { Column, Context, Database, Row } from '../../context.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { repeated, value } from '../../declarations/option.ts';
import { limitOption } from '../../declarations/page-options.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { nearText } from '../../text/time-text.ts';
import { parseIdOf, parseInstant, parseInteger } from '../../values/option-values.ts';
import { changeText } from './change-text.ts';

/** Of a page for a person or in JSON; csv and ndjson have all there is unless `--limit` is given. */
const limitDefault = 50;

const declaration = declareCommand({
  options: {
    ...userOption,
    action: repeated('action', 'only usage.reset, or all of usage; can be repeated', (text) => text.trim()),
    since: value('instant', 'only from then on', parseInstant),
    until: value('instant', 'only before then', parseInstant),
    run: value('id', 'only of this run of a job', parseIdOf('a run')),
    ...limitOption,
    after: value('id', 'go on where the page before ended', (text) =>
      String(parseInteger({ max: 999_999_999_999_999 })(text)),
    ),
  },
  examples: [
    ['quota audit log --user ada@example.com', 'what was changed for a user'],
    [
      'quota audit log --action usage.reset --since 2026-11-01 --json',
      'resets by hand, with before and after',
    ],
    ['quota audit log --output csv', 'all of it'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/** `quota audit log`: `{entries: [AuditRow], next}`; csv and ndjson are streamed. */
export const auditLog = defineCommand(declaration, async (context, options) => {
  const isStreamed = context.output.format === 'csv' || context.output.format === 'ndjson';
  await context.withDatabase(async ({ client }) => {
    const filter = await readFilter(context, client, options);
    await (isStreamed
      ? context.output.stream(entryColumns, rowsOf(selectAuditLog(client, filter)))
      : writePage(context, client, { ...filter, limit: options.limit ?? limitDefault }));
  });
  return exitCodes.ok;
});

async function readFilter(
  context: Context,
  client: Database['client'],
  options: Options,
): Promise<AuditFilter> {
  const { user, action: actions = [], since, until, run: runId, limit, after: beforeId } = options;
  const userId = user === undefined ? undefined : (await meantUser(context, client, user)).id;
  return { userId, actions, since, until, runId, beforeId, limit };
}

async function* rowsOf(entries: AsyncIterable<AuditRow>): AsyncGenerator<Row> {
  for await (const entry of entries) {
    yield { ...entry };
  }
}

async function writePage(
  context: Context,
  client: Database['client'],
  filter: AuditFilter & { limit: number },
): Promise<void> {
  const found: AuditRow[] = [];
  for await (const entry of selectAuditLog(client, { ...filter, limit: filter.limit + 1 })) {
    found.push(entry);
  }
  const entries = found.slice(0, filter.limit);
  const next = found.length > entries.length ? (entries.at(-1)?.id ?? null) : null;
  const meters = context.output.format === 'table' ? await selectMeters(client) : [];
  const telling: Telling = {
    now: context.now(),
    currency: context.settings.currency,
    units: new Map(meters.map(({ key, unit }) => [key, unit])),
  };
  await context.output.write({
    data: { entries, next },
    rows: entries.map((entry) => tableRow(entry, telling)),
    columns: tableColumns,
  });
  if (next !== null) {
    context.talk.info(`There are more: --after ${next}`);
  }
  if (entries.length === 0 && filter.actions.length > 0) {
    const known = await selectActions(client);
    const isKnown = (wanted: string) => known.some((one) => one === wanted || one.startsWith(`${wanted}.`));
    const strange = filter.actions.filter((wanted) => !isKnown(wanted));
    if (strange.length > 0) {
      context.talk.warn(
        `the history has no ${strange.join(', ')}; it has ${known.join(', ') || 'no row yet'}`,
      );
    }
  }
}

const entryColumns: Column[] = [
  'id',
  'at',
  'recordedAt',
  'actor',
  'login',
  'action',
  'userId',
  'user',
  'service',
  'subject',
  'reason',
  'before',
  'after',
  'runId',
  'periodEnd',
].map((key) => ({ key }));

const tableColumns: Column[] = [
  { key: 'id', align: 'right' },
  { key: 'at', isWhole: true },
  { key: 'actor' },
  { key: 'login', isExtra: true },
  { key: 'action', isKept: true },
  { key: 'user', isKept: true },
  { key: 'about' },
  { key: 'change' },
  { key: 'reason' },
];

interface Telling {
  now: Date;
  currency: string;
  /** Of meters, by key. */
  units: ReadonlyMap<string, string>;
}

/** What was before and after is there in short; the other formats have all of it. */
const tableRow = (
  { id, at, actor, login, action, user, service, subject, reason, ...row }: AuditRow,
  { now, currency, units }: Telling,
): Row => ({
  id,
  at: nearText(at, now),
  actor,
  login,
  action,
  user,
  about: subject ?? service,
  change: changeText({ action, ...row }, { currency, unit: units.get(subject ?? '') }),
  reason,
});
