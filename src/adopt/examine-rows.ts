import type pg from 'pg';
import { withSnapshot } from '../db/transaction.ts';
import type { AttachPlan } from './attach.ts';
import { rawExpression } from './expression.ts';
import { fieldsOf } from './row-expression.ts';
import { selectIsIndexed, selectOrphans, selectWords } from './table-store.ts';

/** What is worth a look before a product is attached; it keeps nobody from it. */
export interface MappingNote extends Record<string, unknown> {
  source: string;
  field: string;
  note: string;
  rows: number;
}

const statuses = ['active', 'completed', 'error'];

/** Values without a meaning, fields that are not mapped and users that nobody tells of. */
export async function examineRows(
  client: pg.ClientBase,
  { mapping, checked }: Pick<AttachPlan, 'mapping' | 'checked'>,
): Promise<MappingNote[]> {
  const users = checked.sources.filter(({ source }) => source.kind === 'users');
  return withSnapshot(client, async () => {
    const notes: MappingNote[] = [];
    for (const { source, table, reading } of checked.sources) {
      const column = reading?.follow?.column ?? null;
      if (column !== null && !(await selectIsIndexed(client, table.oid, column))) {
        notes.push({
          source: source.name,
          field: 'follow',
          note: `no index begins with ${column}: each look reads the whole table`,
          rows: table.rowsEstimate,
        });
      }
    }
    for (const placed of checked.sources.filter(({ source }) => source.kind === 'calls')) {
      const { source, table } = placed;
      const fields = fieldsOf(placed, mapping.timezone);
      if (source.fields.status?.column !== undefined) {
        const words = await selectWords(client, table.relation, fields.status ?? '');
        const raw = await selectWords(client, table.relation, rawExpression(source.fields.status));
        for (const { word, rows } of words.filter((one) => !statuses.includes(one.word ?? ''))) {
          notes.push({ source: source.name, field: 'status', note: `"${word}" has no meaning here`, rows });
        }
        const mapped = Object.keys(source.fields.status.values ?? {});
        for (const { word, rows } of raw.filter(
          (one) => mapped.includes('*') && !mapped.includes(one.word ?? ''),
        )) {
          notes.push({
            source: source.name,
            field: 'status',
            note: `"${word}" is taken as all others`,
            rows,
          });
        }
      }
      if (source.fields.user !== undefined && users.length > 0 && !source.makesUsers) {
        const rows = await selectOrphans(
          client,
          { relation: table.relation, user: fields.user ?? '' },
          users.map((one) => ({
            relation: one.table.relation,
            user: fieldsOf(one, mapping.timezone).user ?? '',
          })),
        );
        if (rows > 0) {
          notes.push({ source: source.name, field: 'user', note: 'no row of the users has this user', rows });
        }
      }
    }
    return notes;
  });
}
