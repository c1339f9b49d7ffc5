import { leadsTo } from './owners.ts';
import type { ReadTable } from './read-table.ts';
import type { SurveyedColumn } from './survey-store.ts';
import { plainName, serviceWords } from './words.ts';

/** @throws Error of what was taken for something that it is not */
function present({ relation }: ReadTable, column: SurveyedColumn | undefined, what: string): SurveyedColumn {
  if (column === undefined) {
    throw new Error(`${relation} was taken for what it is without ${what}`);
  }
  return column;
}

/** When a call began, or at least was written down. */
export const startOf = (table: ReadTable): SurveyedColumn =>
  present(table, table.found.started_at ?? table.found.made_at, 'a time');

/** Whose a row is. */
export const userOf = (table: ReadTable): SurveyedColumn => present(table, table.found.user, 'a user');

/** Names of tables that count, warn or describe, and hold no calls. */
const noCalls =
  /quota|limit|alert|warn|notif|plan|summary|summaries|analytic|daily|monthly|stats|report|audit|migration|session_tokens?|queue|concurrent|webhook/;

/** How much a table looks like one of calls; 0: not at all. */
export function callScore({ plain, found, key }: ReadTable, users: readonly ReadTable[]): number {
  const isOwned = found.user !== undefined || found.assistant !== undefined;
  const isUsers = users.some((one) => one.plain === plain);
  if (
    !isOwned ||
    isUsers ||
    (found.started_at === undefined && found.made_at === undefined) ||
    noCalls.test(plain)
  ) {
    return 0;
  }
  const told = [
    found.duration,
    found.ended_at,
    found.provider_call_id,
    found.model,
    found.status,
    found.cost,
    found.file_size,
  ];
  const known = told.filter((one) => one !== undefined).length;
  const isMeasured =
    found.duration !== undefined ||
    found.ended_at !== undefined ||
    found.model !== undefined ||
    found.messages !== undefined;
  const isNamed = /call|session|record|usage|log|message|job|transcri|track|stream/.test(plain);
  return isMeasured
    ? known + (found.started_at === undefined ? 0 : 2) + (isNamed ? 2 : 0) + (key.length > 0 ? 1 : 0)
    : 0;
}

/** How much a table looks like that of the users; 0: not at all. */
export function userScore(table: ReadTable, all: readonly ReadTable[]): number {
  const { plain, found } = table;
  if (
    found.started_at !== undefined ||
    found.duration !== undefined ||
    (found.email === undefined && found.signup_at === undefined)
  ) {
    return 0;
  }
  const named =
    /^(app_?)?(users?|profiles?|members?|accounts?|customers?|people|persons?|subscribers?|clients?)$/.test(
      plain,
    )
      ? 3
      : 0;
  const pointedAt = all.filter(
    (other) =>
      other.relation !== table.relation &&
      (other.columns.some((column) => leadsTo(column, table)) ||
        other.foreignKeys.some(({ relation }) => relation === table.relation)),
  ).length;
  const score =
    named +
    (found.email === undefined ? 0 : 2) +
    (found.signup_at === undefined ? 0 : 1) +
    Math.min(pointedAt, 3);
  return named > 0 || (found.email !== undefined && pointedAt > 0) ? score : 0;
}

/** Assistants: an id at the provider, an owner, and no times of their own. */
export const isAssistants = ({ plain, found }: ReadTable): boolean =>
  /assistant|agent|bot/.test(plain) &&
  found.provider_assistant_id !== undefined &&
  found.user !== undefined &&
  found.duration === undefined &&
  found.started_at === undefined;

/** A counter by user, perhaps by month. */
export const isCounter = ({ found, plain }: ReadTable): boolean =>
  found.user !== undefined &&
  found.duration === undefined &&
  found.started_at === undefined &&
  !/alert|warn|notif/.test(plain) &&
  [
    found.used_seconds,
    found.used_minutes,
    found.used_messages,
    found.used_premium,
    found.limit_seconds,
    found.limit_minutes,
    found.limit_cost,
    found.limit_value,
  ].some((one) => one !== undefined);

/** Jobs that run at the moment. */
export const isJobs = ({ plain, found }: ReadTable): boolean =>
  /concurrent|running|in_progress|active_jobs|processing|leases?$/.test(plain) &&
  found.user !== undefined &&
  (found.started_at ?? found.made_at) !== undefined;

export const isAlerts = ({ plain, found }: ReadTable): boolean =>
  /alert|warn|notif/.test(plain) &&
  found.user !== undefined &&
  found.threshold !== undefined &&
  (found.read_at ?? found.is_read) !== undefined;

/** Which service a table is of, by its name and those of its columns; undefined: it cannot be told. */
export function serviceOf(table: ReadTable): (typeof serviceWords)[number] | undefined {
  const names = table.columns.map(({ name }) => plainName(name)).join(' ');
  const scored = serviceWords
    .map((one) => ({
      one,
      score:
        (one.words.test(table.plain) ? 3 : 0) +
        (one.words.test(plainName(table.schema)) ? 1 : 0) +
        (names.match(new RegExp(one.words.source, 'g'))?.length ?? 0) +
        (one.service === 'chat' && table.found.model !== undefined && table.found.duration === undefined
          ? 4
          : 0) +
        (one.service === 'transcription' && table.found.file_size !== undefined ? 3 : 0),
    }))
    .sort((a, b) => b.score - a.score);
  const [first] = scored;
  return first !== undefined && first.score > 0 ? first.one : undefined;
}
