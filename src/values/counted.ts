/** A count with its noun as people say it: `1 call`, `2 calls`, `1 discrepancy`. */
export const counted = (count: number | string, one: string, many = `${one}s`): string =>
  `${count} ${Number(count) === 1 ? one : many}`;

/** Of a noun that is known in the plural: `1 subscription`, `2 subscriptions`, `1 stale entry`. */
export const countedOf = (count: number, many: string): string =>
  counted(count, many.replace(/ies$/, 'y').replace(/s$/, ''), many);

/** `maxDailyCost` as `max daily cost`: a name of the JSON for people. */
export const wordsOfName = (name: string): string =>
  name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);

/** What a table says of columns for which a terminal has no room. */
export const leftOut = (titles: readonly string[]): string =>
  `left out for want of room: ${titles.join(', ')}; --wide has all`;
