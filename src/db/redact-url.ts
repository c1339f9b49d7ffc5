/**
 * Takes passwords of database URLs out of a text, wherever in it they are: `postgres://ada:***@db:5432/app`.
 * Also `password=…`, as in a query string or a libpq connection string.
 */
export const redactUrls = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):\S*@/gi, '$1:***@')
    .replace(/\b(\w*password)=(?:'[^']*'|[^\s&]+)/gi, '$1=***');
