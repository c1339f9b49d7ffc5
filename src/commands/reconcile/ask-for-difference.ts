import type pg from 'pg';
import type { Choice, Context } from '../../context.ts';
import { notFoundError } from '../../errors.ts';
import { type Decision, type Kind, kindMeanings, kinds } from '../../reconcile/match/kinds.ts';
import type { MonthChoice, StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { selectReconciliations } from '../../reconcile/months/stored-reconciliation-store.ts';
import { type Entry, streamEntries } from '../../reconcile/resolve/discrepancy-store.ts';
import { correctable } from '../../reconcile/resolve/resolve-discrepancies.ts';
import { costText } from '../../text/sum-text.ts';
import { minuteText } from '../../values/instant.ts';

/** What somebody wants to decide. */
export interface ChosenDifferences {
  ids: string[];
  kinds: Kind[];
}

/** One by one so many are offered; more are resolved by their kind, or named by their ids. */
const offeredMax = 200;

/**
 * Asks which month is meant, of those that are not closed or of all, with what is open in each.
 * @throws notFoundError where there is none
 */
export async function askForMonth(
  context: Context,
  client: pg.ClientBase,
  { provider }: MonthChoice,
  which: 'open' | 'any' = 'open',
): Promise<MonthChoice> {
  const months = (await selectReconciliations(client, { provider })).filter(
    ({ closedAt }) => which === 'any' || closedAt === null,
  );
  const [first] = months;
  if (first === undefined) {
    throw notFoundError(which === 'any' ? 'no month has been reconciled yet' : 'no month is open', {
      suggestion:
        'quota reconcile --month M --export FILE adds one, quota reconcile reopen opens a closed one',
    });
  }
  const choices = months.map((month) => ({
    name: `${month.month} of ${month.provider}: ${month.closedAt === null ? `${openCount(month)} open` : 'closed'}`,
    value: month.id,
  }));
  return { id: await context.choose('Which month?', choices, first.id) };
}

const openCount = ({ open }: StoredReconciliation) =>
  Object.values(open).reduce((sum, count) => sum + count, 0);

/**
 * Asks what of a month is to be decided: all of a kind, or one call.
 * @throws notFoundError where nothing is open
 */
export async function askForDifferences(
  context: Context,
  client: pg.ClientBase,
  stored: StoredReconciliation,
): Promise<ChosenDifferences> {
  const ofKinds = kinds
    .filter((kind) => (stored.open[kind] ?? 0) > 0)
    .map((kind) => ({ name: `all of ${kind} (${stored.open[kind]}): ${kindMeanings[kind]}`, value: kind }));
  if (ofKinds.length === 0) {
    throw notFoundError(`nothing is open in ${stored.month} of ${stored.provider}`, {
      suggestion: 'quota reconcile show tells what was decided; --as open takes a decision back',
    });
  }
  const choices: Choice[] = [...ofKinds, ...(await openEntries(client, stored))];
  const chosen = await context.search('Which difference?', {
    find: async (typed) => choices.filter(({ name }) => name.toLowerCase().includes(typed.toLowerCase())),
  });
  const kind = kinds.find((candidate) => candidate === chosen);
  return kind === undefined ? { ids: [chosen], kinds: [] } : { ids: [], kinds: [kind] };
}

async function openEntries(client: pg.ClientBase, { id, currency }: StoredReconciliation): Promise<Choice[]> {
  const choices: Choice[] = [];
  const page = { limit: offeredMax, after: null };
  for await (const entry of streamEntries(client, { reconciliationId: id, isOpen: true }, page)) {
    choices.push({ name: entryText(entry, currency), value: entry.id ?? '' });
  }
  return choices;
}

function entryText(entry: Entry, currency: string | null): string {
  const { id, kind, externalId, user, owner, startedAt, day, billed, logged } = entry;
  const unit = currency === null ? '' : ` ${currency}`;
  const parts = [
    `${id} ${kind}`,
    user ?? owner,
    startedAt === null ? day : minuteText(startedAt),
    `billed ${costText(billed)}, logged ${costText(logged)}${unit}`,
    externalId,
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

/** Asks what is decided; only what can be corrected is offered so. */
export function askForDecision(context: Context, chosen: readonly Kind[]): Promise<Decision> {
  const canCorrect = chosen.length > 0 && chosen.every((kind) => correctable.includes(kind));
  const choices: Choice<Decision>[] = [
    { name: 'accepted: it is so, and nothing is to be done', value: 'accepted' },
    { name: 'disputed: to be claimed back from the provider', value: 'disputed' },
    ...(canCorrect
      ? [{ name: 'corrected: our logs are brought in line with the bill', value: 'corrected' as const }]
      : []),
  ];
  return context.choose('What is decided?', choices, 'accepted');
}
