import { selectDead } from '../../adopt/backfill-store.ts';
import { selectMirrors } from '../../adopt/mirror-store.ts';
import { type AdoptedSource, selectProducts } from '../../adopt/product-store.ts';
import { selectLag } from '../../adopt/verify-store.ts';
import { type StoredTemplate, selectTemplates } from '../../cache/template-store.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

const deadShownMax = 20;

/**
 * `quota adopt status`: `[{product, authority, services, attachedAt, detachedAt, waiting, lagSeconds, sources, mirrors, redis, dead}]`;
 * dead are the rows that wait, the oldest first, at most 20.
 */
export const adoptStatus = defineCommand(
  {
    arguments: { product: optionalArgument('only this one') },
    examples: [
      ['quota adopt status', 'all products that were ever attached'],
      ['quota adopt status voice-matrix --json', 'with the rows that wait, and why'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(async ({ client }) => {
      const products = await selectProducts(client, options.product);
      const templates = await selectTemplates(client);
      const states = [];
      for (const { mapping: _mapping, ...product } of products) {
        states.push({
          ...product,
          ...(await selectLag(client, product.product)),
          mirrors: await selectMirrors(client, product.product),
          redis: templates.filter(({ product: its }) => its === product.product).map(redisState),
          dead: await selectDead(client, product.product, deadShownMax),
        });
      }
      return states;
    });
    await context.output.write({
      data,
      rows: data.map(({ sources, dead: _dead, mirrors: _mirrors, redis: _redis, services, ...state }) => ({
        ...state,
        services: services.join(', '),
        sources: sources.map(({ relation }) => relation).join(', '),
      })),
      columns: [
        'product',
        'authority',
        'services',
        'attachedAt',
        'detachedAt',
        'waiting',
        'lagSeconds',
        'sources',
      ].map((key) => ({ key })),
      text: (states, style) =>
        states.length === 0
          ? 'No product was ever attached.'
          : states.map((state) => stateText(state, style)).join('\n\n'),
    });
    return exitCodes.ok;
  },
);

const redisState = ({ meter, template }: StoredTemplate) => ({ meter, ...template });

interface State {
  product: string;
  authority: string;
  detachedAt: string | null;
  waiting: number;
  sources: AdoptedSource[];
  mirrors: { relation: string; error: string | null }[];
  redis: { meter: string; key: string; field: string | null }[];
  dead: { source: string; key: string | null; reason: string; attempts: number }[];
}

function sourceText(source: AdoptedSource, style: Style): string {
  const { name, relation, backfilledRows, backfilledAt, isRemote, isStale, followedAt, followError } = source;
  const backfilled =
    backfilledAt === null
      ? style.yellow(`backfill at ${counted(backfilledRows, 'row')}`)
      : `${backfilledRows} rows backfilled`;
  const looked = followedAt === null ? 'not looked at since' : `looked at ${followedAt}`;
  const followed = !isRemote || backfilledAt === null ? '' : `, ${isStale ? style.yellow(looked) : looked}`;
  const failed = followError === null ? '' : style.yellow(`, and then not: ${followError}`);
  return `  ${name} from ${relation}${isRemote ? ' in another database' : ''}: ${backfilled}${followed}${failed}`;
}

const stateText = (
  { product, authority, detachedAt, waiting, sources, mirrors, redis, dead }: State,
  style: Style,
) =>
  [
    `${style.bold(product)}: ${detachedAt === null ? `attached, ${authority} decides` : `detached ${detachedAt}`}`,
    ...sources.map((source) => sourceText(source, style)),
    ...mirrors.map(({ relation, error }) =>
      error === null ? `  ${relation} follows` : style.yellow(`  ${relation} does not follow: ${error}`),
    ),
    ...redis.map(
      ({ meter, key, field }) => `  ${field === null ? key : `${key} ${field}`} in Redis follows ${meter}`,
    ),
    ...(waiting === 0 ? [] : [style.yellow(`  ${counted(waiting, 'row waits', 'rows wait')}:`)]),
    ...dead.map(
      ({ source, key, reason, attempts }) =>
        `    ${source} ${key ?? '?'}: ${reason} (tried ${attempts} times)`,
    ),
  ].join('\n');
