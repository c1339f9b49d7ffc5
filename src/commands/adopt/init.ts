import { planAttach } from '../../adopt/attach.ts';
import { draftMapping } from '../../adopt/init/draft-mapping.ts';
import { parsePlanText } from '../../allowances/files/plan-document.ts';
import { withSnapshot } from '../../db/transaction.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, optionalArgument, value } from '../../declarations/option.ts';
import { exitCodes, notFoundError, QuotaError } from '../../errors.ts';
import { createFile } from '../../files/write-file.ts';
import { shellWord } from '../../shell-word.ts';

/**
 * `quota adopt init`: `{dryRun, product, schema, services, notes: [text], problems: [text], file, mapping}`; file is null where
 * none was written; problems are those that adopt check says of the draft.
 */
export const adoptInit = defineCommand(
  {
    arguments: { file: optionalArgument('the file that it writes; without it stdout') },
    options: {
      schema: value('name', 'only tables of this schema (default: the one that looks most like a product)'),
      product: value('name', 'what the product is called here (default: as its schema, or its database)'),
      dryRun: flag('show what would be written'),
    },
    details:
      'It looks at names, types, keys and some rows of the tables, and writes what it takes them for, with what it is unsure of. Nothing in the database is changed.',
    examples: [
      ['quota adopt init product.yaml', 'a mapping to read through and to correct'],
      ['quota adopt init --schema shop', 'on stdout'],
    ],
  },
  async (context, options) => {
    const { draft, problems } = await context.withDatabase(async ({ client }) => {
      const drafted = await withSnapshot(client, () =>
        draftMapping(client, { schema: options.schema ?? null, product: options.product ?? null }),
      );
      const { mapping } = drafted;
      if (mapping === null) {
        throw notFoundError('no table looks like calls, sessions, jobs or messages of users', {
          detail: `in ${options.schema === undefined ? 'all schemas that are not of the host' : `the schema "${options.schema}"`}`,
          suggestion: 'begin with the mapping of a product like it: quota adopt preset',
        });
      }
      return {
        draft: { ...drafted, mapping },
        problems: await planAttach(client, await parsePlanText(options.file ?? 'the draft', mapping)).then(
          () => [],
          (error: unknown) => {
            if (error instanceof QuotaError && error.exitCode === exitCodes.badInput) {
              return (error.detail ?? error.message).split('\n');
            }
            throw error;
          },
        ),
      };
    });
    const { mapping, product, schema, services, notes } = draft;
    const text = [...problems.map((problem) => `# quota adopt check says: ${problem}\n`), mapping].join('');
    const dryRun = options.dryRun ?? false;
    const isWritten = options.file !== undefined && !dryRun;
    if (options.file !== undefined && isWritten) {
      await createFile(options.file, (write) => write(text));
    }
    await context.output.write({
      data: {
        dryRun,
        product,
        schema,
        services,
        notes,
        problems,
        file: isWritten ? (options.file ?? null) : null,
        mapping: text,
      },
      isVerbatim: !isWritten,
      text: (_data, style) =>
        isWritten
          ? [
              `${style.green('written')} ${options.file}: ${product}, ${services.join(', ')}`,
              ...[...notes, ...problems].map((note) => style.yellow(`unsure: ${note}`)),
              `read it through, then: quota adopt check ${shellWord(options.file ?? '')}`,
            ].join('\n')
          : text.trimEnd(),
    });
    return exitCodes.ok;
  },
);
