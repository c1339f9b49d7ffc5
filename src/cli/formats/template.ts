import Handlebars from 'handlebars';
import { usageError } from '../../errors.ts';
import { cellText, printableText } from '../printable.ts';

/** What a template may call besides `each`, `if`, `unless` and `with`. */
const helpers = {
  /** `{{pad externalId 20}}`: followed by spaces up to this width. */
  pad: (value: unknown, width: unknown) => cellText(value).padEnd(Number(width)),
  /** `{{padStart percent 6}}`: the same, to the right. */
  padStart: (value: unknown, width: unknown) => cellText(value).padStart(Number(width)),
  /** `{{join models ", "}}` */
  join: (list: unknown, separator: unknown) =>
    Array.isArray(list) ? list.map(cellText).join(String(separator)) : cellText(list),
  /** `{{json period}}` */
  json: (value: unknown) => JSON.stringify(value),
};

/** Nothing is escaped for HTML; a field that is not there is an error, as everywhere. */
const options = {
  noEscape: true,
  strict: true,
  knownHelpers: { pad: true, padStart: true, join: true, json: true },
};

/** @throws usageError where it cannot be read */
export function checkTemplate(template: string): void {
  try {
    Handlebars.precompile(withBreaks(template), options);
  } catch (error) {
    throw templateError(error, "write it like --template '{{#each users}}{{externalId}}\\n{{/each}}'");
  }
}

/**
 * A template in the language of Handlebars, filled with data; `\n` and `\t` in it are a line break and a tab.
 * @throws usageError where it names a field that is not there
 */
export function templateText(data: unknown, template: string): string {
  const house = Handlebars.create();
  house.registerHelper(helpers);
  try {
    const text = printableText(house.compile(withBreaks(template), options)(data));
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  } catch (error) {
    throw templateError(error, 'the command itself has run; --json shows what the template is given');
  }
}

const withBreaks = (template: string) => template.replaceAll('\\n', '\n').replaceAll('\\t', '\t');

function templateError(error: unknown, suggestion: string) {
  const [reason = '', ...more] = (error instanceof Error ? error.message : String(error)).split('\n');
  const field = /^"([^"]+)" not defined in/.exec(reason)?.[1];
  return usageError(`--template: ${field === undefined ? reason : `there is no field "${field}"`}`, {
    detail: more.join('\n') || undefined,
    suggestion,
  });
}
