import { exitCodeTable } from '../exit-code-table.ts';
import { type Setting, settingTable } from '../setting-table.ts';
import { wrapText } from '../wrap-text.ts';

/** Every setting, as the README's table has it. */
export const environmentText = (): string =>
  [
    'A flag wins over the environment, the environment over the file of --env-file, the file over the default.',
    'An empty variable counts as not set. Secrets are never printed.',
    wrapText(`A secret can lie in a file that another variable names: ${secretFiles}.`, paragraphWidth),
    wrapText(
      'What DATABASE_URL leaves open comes from PGHOST, PGUSER, PGPASSFILE and the other variables of libpq; where it is not set, PGHOST, PGDATABASE or PGSERVICE name the server.',
      paragraphWidth,
    ),
    ...(settingTable as readonly Setting[]).map(settingText),
  ].join('\n\n');

const paragraphWidth = 120;

const secretFiles = (settingTable as readonly Setting[])
  .filter(({ secret }) => secret === true)
  .map(({ variable }) => `${variable}_FILE`)
  .join(', ');

const settingText = ({ variable, flag, defaultText, description }: Setting) =>
  [
    flag === undefined ? variable : `${variable}, ${flag}`,
    `    ${description}`,
    `    default: ${defaultText}`,
  ]
    .join('\n')
    .replaceAll('`', '')
    .replace(/\[[^\]]*\]\(([^)]*)\)/g, '$1');

/** What a script may rely on. */
export function exitCodesText(): string {
  const rows = exitCodeTable.map(({ codes, meaning }) => ({ codes: codes.join(', '), meaning }));
  const width = Math.max(...rows.map(({ codes }) => codes.length));
  return rows.map(({ codes, meaning }) => `${codes.padEnd(width)}  ${meaning}`).join('\n');
}
