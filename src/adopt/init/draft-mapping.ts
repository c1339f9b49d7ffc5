import type pg from 'pg';
import { sqlOf } from './column-value.ts';
import { deriveColumns } from './derived-columns.ts';
import { draftCalls, type Surroundings } from './draft-calls.ts';
import { draftLimited, draftRest } from './draft-rest.ts';
import { draftAssistants, draftUsers } from './draft-users.ts';
import { withOwners } from './owners.ts';
import { type ReadTable, readTable, settleIds } from './read-table.ts';
import { callScore, isAssistants, userScore } from './recognise.ts';
import { type SurveyedColumn, selectDatabaseName, selectShape, selectTables } from './survey-store.ts';
import { plainName } from './words.ts';
import { type DraftPart, mappingText } from './yaml-text.ts';

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
  const read = await readTables(client, wanted);
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

/** All tables with what their columns, and what stands within these, seem to mean. */
async function readTables(client: pg.ClientBase, schema: string | null): Promise<ReadTable[]> {
  const tables: ReadTable[] = [];
  for (const surveyed of await selectTables(client, schema)) {
    const isOnePerRow = async (column: SurveyedColumn) => {
      const { present, distinct } = await selectShape(client, surveyed.relation, sqlOf(column));
      return present > 1 && distinct > 0.9 * present;
    };
    tables.push(await settleIds(readTable(await deriveColumns(client, surveyed)), isOnePerRow));
  }
  return [...new Set(tables.map(({ schema }) => schema))].flatMap((one) => {
    const those = tables.filter((table) => table.schema === one);
    return withOwners(those, usersOf(those)[0]);
  });
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
