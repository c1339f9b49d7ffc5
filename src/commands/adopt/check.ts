import type pg from 'pg';
import { planAttach } from '../../adopt/attach.ts';
import { examineRows } from '../../adopt/examine-rows.ts';
import { readMappingFile } from '../../adopt/find-product.ts';
import { readMapping } from '../../adopt/read-mapping.ts';
import { type AppDatabase, withAppDatabase } from '../../adopt/remote/app-database.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { sourceOption } from '../../declarations/source-option.ts';
import { exitCodes } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

/**
 * `quota adopt check`: `{product, services, isAttached, sources: [{source, kind, relation, rows}], notes: [{source, field,
 * note, rows}]}`; rows of a source are an estimate. A mapping that does not fit is bad input (65), with all problems.
 */
export const adoptCheck = defineCommand(
  {
    options: sourceOption,
    arguments: { mapping: argument('file with the mapping, or the name of a preset; - reads stdin') },
    examples: [
      ['quota adopt check product.yaml', 'what does not fit, by line'],
      ['quota adopt check voice-matrix --json', 'the preset as it is'],
    ],
  },
  async (context, options) => {
    const document = await readMappingFile(options.mapping, context.stdin);
    const { product } = readMapping(document);
    const look = async (client: pg.ClientBase, app: AppDatabase) => {
      const plan = await planAttach(client, document, app);
      return {
        product: plan.mapping.product,
        services: plan.mapping.services,
        isAttached: plan.isAttached,
        sources: plan.checked.sources.map(({ source, table }) => ({
          source: source.name,
          kind: source.kind,
          relation: table.relation,
          rows: table.rowsEstimate,
        })),
        notes: await examineRows(app.client, plan),
      };
    };
    const data = await context.withDatabase(({ client }) =>
      withAppDatabase(context, client, { product, given: options.sourceUrl }, (app) => look(client, app)),
    );
    await context.output.write({
      data,
      rows: data.notes,
      columns: [{ key: 'source' }, { key: 'field' }, { key: 'note' }, { key: 'rows', align: 'right' }],
      text: ({ product, sources, notes }, style) =>
        [
          `${style.green('fits')} ${product}: ${sources.map(({ kind, relation }) => `${kind} from ${relation}`).join(', ')}`,
          ...notes.map(
            ({ source, field, note, rows }) =>
              `${style.yellow(`${source}.${field}`)}: ${note} (${counted(rows, 'row')})`,
          ),
        ].join('\n'),
    });
    return exitCodes.ok;
  },
);
