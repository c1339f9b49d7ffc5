import type pg from 'pg';
import type { Column, Context } from '../../context.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { flag, repeated, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { selectBill } from '../../reconcile/match/bill-store.ts';
import { readDifferences } from '../../reconcile/match/claim.ts';
import { selectQuantities } from '../../reconcile/match/quantity-store.ts';
import { selectExpectedCosts } from '../../reconcile/match/rate-store.ts';
import { findReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import type { StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { type Entry, type EntryFilter, streamEntries } from '../../reconcile/resolve/discrepancy-store.ts';
import { parseInteger } from '../../values/option-values.ts';
import { askForMonth } from './ask-for-difference.ts';
import { kindColumns, kindRows } from './kind-table.ts';
import { askedMonthOptions, parseKinds, userIdOf } from './options.ts';
import { entriesText, summaryText } from './show-text.ts';

/** As many as a person looks at; files take all. */
const shownDefault = 50;
const listedMax = 10_000_000;

const declaration = declareCommand({
  options: {
    ...askedMonthOptions,
    kind: repeated('kind', 'the calls of this kind; can be repeated'),
    user: value('user', 'the calls of this user: id, external id or email'),
    open: flag('the calls that nobody has resolved'),
    limit: value('n', 'so many calls (default: 50; csv and ndjson: all)', parseInteger()),
    after: value('cursor', 'go on after the last page'),
  },
  examples: [
    ['quota reconcile show --month 2026-10', 'where the month stands'],
    ['quota reconcile show --month 2026-10 --kind unlogged', 'billed calls without a log'],
    ['quota reconcile show --month 2026-10 --user ada@example.com --open', 'what is open of a user'],
    ['quota reconcile show --month 2026-10 --kind duplicate_line --output csv', 'for a spreadsheet'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/**
 * `quota reconcile show`: without `--kind`, `--user` and `--open` the month, a `StoredReconciliation` and `Bill` with
 * `quantities`, `differences` and `rates`;
 * with one of them the calls, `{id, provider, month, currency, entries, next}`, where `next` is for `--after`, or null.
 */
export const reconcileShow = defineCommand(declaration, async (context, options) => {
  const kinds = parseKinds(options.kind);
  await context.withDatabase(async ({ client }) => {
    const month = options.month === undefined ? await askForMonth(context, client, options, 'any') : options;
    const stored = await findReconciliation(client, month);
    if (kinds === undefined && options.user === undefined && options.open !== true) {
      await showMonth(context, client, stored);
      return;
    }
    const userId = await userIdOf(context, client, options.user);
    const filter = { reconciliationId: stored.id, kinds, userId, isOpen: options.open };
    await showEntries(context, client, stored, filter, options);
  });
  return exitCodes.ok;
});

async function showMonth(
  { output }: Context,
  client: pg.ClientBase,
  stored: StoredReconciliation,
): Promise<void> {
  const quantities = await selectQuantities(client, stored.id);
  const bill = await selectBill(client, stored.id);
  const rates = await selectExpectedCosts(client, stored.id);
  const differences = (await readDifferences(client, [stored])).get(stored.id) ?? null;
  const data = { ...stored, ...bill, quantities, differences, rates };
  await output.write({ data, rows: kindRows(data), columns: kindColumns, text: summaryText });
}

const entryColumns: readonly Column[] = [
  'id',
  'kind',
  'externalId',
  'user',
  'owner',
  'assistantId',
  'startedAt',
  'billedSeconds',
  'loggedSeconds',
  'billed',
  'logged',
  'difference',
  'day',
  'model',
  'source',
  'line',
  'resolution',
  'resolvedAt',
  'resolvedBy',
  'reason',
  'currency',
].map((key) => ({ key }));

async function showEntries(
  { output }: Context,
  client: pg.ClientBase,
  { id, provider, month, currency }: StoredReconciliation,
  filter: EntryFilter,
  options: Pick<Options, 'limit' | 'after'>,
): Promise<void> {
  const after = options.after ?? null;
  const { limit } = options;
  if (output.format === 'csv' || output.format === 'ndjson') {
    await output.stream(
      entryColumns,
      withoutCursor(streamEntries(client, filter, { limit: limit ?? listedMax, after }), currency),
    );
    return;
  }
  const shown = limit ?? shownDefault;
  const found = [];
  for await (const entry of streamEntries(client, filter, { limit: shown + 1, after })) {
    found.push(entry);
  }
  const page = found.slice(0, shown);
  const next = found.length > shown ? (page.at(-1)?.cursor ?? null) : null;
  const entries = page.map(({ cursor: _, ...entry }): Entry => entry);
  await output.write({ data: { id, provider, month, currency, entries, next }, text: entriesText });
}

async function* withoutCursor(entries: AsyncIterable<Entry & { cursor: string }>, currency: string | null) {
  for await (const { cursor: _, ...entry } of entries) {
    yield { ...entry, currency };
  }
}
