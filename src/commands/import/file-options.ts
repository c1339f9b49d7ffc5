import { changeOptions } from '../../declarations/change-options.ts';
import { argument, flag, type Given, repeated, value } from '../../declarations/option.ts';
import { parseChoice } from '../../values/option-values.ts';

/** What every import has: the file, how it is read, and what is done with lines that cannot be used. */
export const fileArgument = { file: argument('CSV with a header, or JSONL; gzip too; - is stdin') };

export const fileOptions = {
  map: repeated('theirs=ours', 'a column under another name; "theirs=" leaves it out'),
  skipInvalid: flag('load the good lines and write the others to a file'),
  rejects: value('file', 'where to write them (default: FILE.rejects.csv)'),
  update: flag('bring what is there already in line with the file'),
  assumeUtc: flag('times without a zone are UTC'),
  dateOrder: value(
    'order',
    'mdy, dmy or ymd: a spreadsheet wrote the file',
    parseChoice('mdy', 'dmy', 'ymd'),
  ),
  decimal: value('sign', 'comma: amounts are written 1.234,56', parseChoice('point', 'comma')),
  ...changeOptions,
};

export type FileOptions = Given<typeof fileArgument> & Given<typeof fileOptions>;
