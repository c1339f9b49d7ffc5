import { parseInteger } from '../values/option-values.ts';
import { value } from './option.ts';

/** How many of a long list a person gets at once; csv and ndjson have all there is unless `--limit` is given. */
const pageLimitDefault = 50;

export const limitOption = {
  limit: value(
    'count',
    `at most so many (default: ${pageLimitDefault}; csv and ndjson: all)`,
    parseInteger({ max: 100_000 }),
  ),
};

/** Of lists that are read page by page. */
export const pageOptions = {
  ...limitOption,
  after: value('position', 'go on where the page before ended'),
};
