import type pg from 'pg';
import { refusedError } from '../errors.ts';
import { type Fields, limitedAlready, pickFields, telltaleFields } from './assistant-state.ts';
import type { GivenOriginal, UserName } from './operator-store.ts';
import { type ReportedOriginals, readOriginalsFile } from './originals-file.ts';
import { readEach } from './preview.ts';
import type { RestoreRequest, RestoreSetup } from './restore-request.ts';
import { type AssistantStatus, selectStatus } from './status-store.ts';

/** An original that is given, and whose it is. */
export interface Given {
  assistant: AssistantStatus;
  original: GivenOriginal;
}

interface GivenAndNot {
  given: Given[];
  /** What the file names and cannot help. */
  unhelped: { id: string; reason: string }[];
}

const assistantsMax = 1_000_000;

/**
 * Values from the file or the operator, for assistants that are limited at VAPI and whose original is unknown.
 * @throws badInputError for a file that cannot be used, refusedError for values that fit nobody
 */
export async function givenOriginals(
  client: pg.ClientBase,
  users: readonly UserName[],
  { chosen, originalsFile, values }: Pick<RestoreRequest, 'chosen' | 'originalsFile' | 'values'>,
  setup: RestoreSetup | undefined,
): Promise<GivenAndNot> {
  if (setup === undefined || (originalsFile === undefined && values === undefined)) {
    return { given: [], unhelped: [] };
  }
  const reports =
    originalsFile === undefined
      ? undefined
      : await readOriginalsFile({ path: originalsFile }, setup.limitedState);
  const named = reports === undefined ? [] : [...reports.newest.keys(), ...reports.onlyLimited];
  const isEverybody = chosen.kind === 'everybody';
  const all =
    chosen.kind === 'assistants'
      ? chosen.assistants
      : await selectStatus(client, {
          userIds: isEverybody ? null : users.map(({ id }) => id),
          ...(isEverybody ? { providerAssistantIds: named } : {}),
          untouched: true,
          rowsMax: assistantsMax,
        });
  const candidates = all.filter(({ original, status }) => original === null && status !== 'gone');
  const given: Given[] = [];
  const unhelped: GivenAndNot['unhelped'] = [];
  await readEach(candidates, setup, (assistant, found) => {
    const limited = assistant.planState ?? setup.limitedState;
    if (found instanceof Error || limitedAlready(found, limited) === undefined) {
      return;
    }
    // For everybody at once: whoever is limited stays so, and now has an original to come back to.
    const desired = isEverybody ? assistant.desired : 'original';
    const report = reports?.newest.get(assistant.providerAssistantId);
    if (report !== undefined) {
      given.push({
        assistant,
        original: fromReport(assistant, desired, report.assistant, { found, limited }),
      });
    } else if (values !== undefined) {
      given.push({ assistant, original: fromOperator(assistant, values, found) });
    } else if (reports?.onlyLimited.has(assistant.providerAssistantId)) {
      unhelped.push({ id: assistant.providerAssistantId, reason: 'it is limited in every report of it' });
    }
  });
  if (given.length === 0 && values !== undefined) {
    throw refusedError('no assistant needs values: the original of each that is limited is stored', {
      detail: 'nothing was changed',
      suggestion:
        'quota limits restore without --set puts the stored originals back; --to-original-of DATE older ones',
    });
  }
  return { given, unhelped: [...unhelped, ...(isEverybody ? unknownNames(reports, all) : [])] };
}

/** Every field that a limit may have changed: of those that the report leaves out it is known that they were not set. */
function fromReport(
  { assistantId }: AssistantStatus,
  desired: GivenOriginal['desired'],
  reported: Fields,
  { found, limited }: { found: Fields; limited: Fields },
): GivenOriginal {
  const names = [...new Set([...Object.keys(limited), ...telltaleFields])];
  const fields = pickFields(reported, names);
  const absent = names.filter((name) => !Object.hasOwn(fields, name));
  return { assistantId, fields, absent, source: 'file', exact: false, made: valuesOf(found, names), desired };
}

const fromOperator = ({ assistantId }: AssistantStatus, fields: Fields, found: Fields): GivenOriginal => ({
  assistantId,
  fields,
  absent: [],
  source: 'operator',
  exact: true,
  made: valuesOf(found, Object.keys(fields)),
  desired: 'original',
});

/** What the other application's limit is: not anybody's own values, whatever becomes of them until the restore. */
const valuesOf = (found: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.map((name) => [name, found[name] ?? null]));

/** Of a file for everybody: names that are not in the database. */
function unknownNames(
  reports: ReportedOriginals | undefined,
  known: readonly AssistantStatus[],
): GivenAndNot['unhelped'] {
  if (reports === undefined) {
    return [];
  }
  const ids = new Set(known.map(({ providerAssistantId }) => providerAssistantId));
  return [...reports.newest.keys()]
    .filter((id) => !ids.has(id))
    .map((id) => ({ id, reason: 'no assistant with this id is known' }));
}
