import { meantUser } from '../../asking/meant-user.ts';
import { defineCommand } from '../../declarations/command.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes } from '../../errors.ts';
import { selectUserRows, selectUserTables, tablesAbout } from '../../privacy/privacy-store.ts';
import { inFormerShards } from '../../shards/former-shards.ts';

/**
 * `quota user export`: `{user, exportedAt, tables: {<table>: [row]}}`, every row that names the user, and what
 * was billed for its calls and assistants and how that was reconciled, with the columns of the database: quantities and money as strings of exact decimals. ndjson and csv have one line per row: `{table, row}`.
 */
export const userExport = defineCommand(
  {
    arguments: userArgument,
    examples: [
      ['quota user export ada@example.com > ada.json', 'answer a request for access'],
      ['quota user export user_00042 --output ndjson', 'one line per row'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) => {
      const user = await meantUser(context, client, options.user);
      const tables: Record<string, unknown[]> = {};
      for (const table of tablesAbout(await selectUserTables(client))) {
        tables[table] = await selectUserRows(client, table, user.id);
      }
      await inFormerShards(context, user.id, async (former) => {
        for (const [table, rows] of Object.entries(tables)) {
          rows.push(...(await selectUserRows(former, table, user.id)));
        }
      });
      return { user, exportedAt: context.now().toISOString(), tables };
    });
    await context.output.write({
      data,
      rows: Object.entries(data.tables).flatMap(([table, rows]) => rows.map((row) => ({ table, row }))),
      columns: [{ key: 'table' }, { key: 'row' }],
      text: (exported) => JSON.stringify(exported, null, 2),
      isVerbatim: true,
    });
    return exitCodes.ok;
  },
);
