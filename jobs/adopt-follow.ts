import { withAppDatabases } from '../src/adopt/remote/app-databases.ts';
import { lookAtNext } from '../src/adopt/remote/follow-due.ts';
import { countToFollow, selectRemoteProducts, selectToFollow } from '../src/adopt/remote/follow-store.ts';
import { value } from '../src/declarations/option.ts';
import { parseInteger } from '../src/values/option-values.ts';
import { defineJob } from './define-job.ts';

const pageRowsDefault = 2_000;

/** `{runId, asOf, due, done, left, rows, durationMs}`: due and left are tables, done is looks, each at a page of rows. */
export const adoptFollow = defineJob({
  name: 'adopt-follow',
  summary:
    'read what has changed in the tables of adopted products that are in another database (QUOTA_SOURCE_URL)',
  schedule: '* * * * *',
  isSetUp: ({ sourceUrls }) => Object.keys(sourceUrls).length > 0,
  unit: 'looks',
  scope: { everybody: 'rows go in the order of their changes' },
  // Each is a transaction here, and one there.
  batchSizeDefault: 1,
  options: {
    pageRows: value(
      'n',
      `rows that are read at once (default: ${pageRowsDefault})`,
      parseInteger({ max: 20_000 }),
    ),
  },
  countDue: (client) => countToFollow(client),
  listDue: (client, _scope, limit) => selectToFollow(client, limit),
  async withWork(context, options, use) {
    const products = await context.withDatabase(({ client }) => selectRemoteProducts(client));
    const failures: Error[] = [];
    const { redact } = context;
    return withAppDatabases(context, products, (databases) =>
      use({
        async runBatch(client) {
          const looked = await lookAtNext(client, databases, {
            pageRows: options.pageRows ?? pageRowsDefault,
            redact,
          });
          failures.push(...looked.failures);
          return { done: looked.looks, counts: { rows: looked.rows } };
        },
        async settle() {
          const [failure] = failures;
          if (failure !== undefined) {
            throw failure;
          }
          return { counts: {}, left: 0 };
        },
      }),
    );
  },
});
