import type pg from 'pg';
import { loadJobs } from '../../../jobs/index.ts';
import { meantUser } from '../../asking/meant-user.ts';
import type { Context, Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag, value } from '../../declarations/option.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { type CheckResult, type Diagnosis, examine, type OverdueJob } from '../../doctor/examine.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { standingsOf } from '../../jobs/standing.ts';
import { foldText } from '../../text/fold-text.ts';
import { peopleText } from '../../text/people-text.ts';
import { counted, wordsOfName } from '../../values/counted.ts';
import { parseInteger } from '../../values/option-values.ts';

const findingsDefault = 20;

/** `quota doctor`: the data is a `Diagnosis`; exit 3 on differences, with `--strict` on anything found. */
export const doctor = defineCommand(
  {
    options: {
      ...userOption,
      cache: flag('hold the counters of the app in Redis against the facts instead (REDIS_URL)'),
      rebuild: flag('with --cache: put right the counters that differ'),
      full: flag('examine everybody from the facts, and note who is right'),
      strict: flag('exit 3 also on what only needs attention, not only on differences'),
      limit: value(
        'count',
        'list at most so many findings of a check (default: 20)',
        parseInteger({ max: 100_000 }),
      ),
    },
    examples: [
      ['quota doctor', 'is everything as the facts say?'],
      ['quota doctor --strict --json', 'for monitoring: exit 3 on anything found'],
      ['quota doctor --cache --rebuild', "the app's counters, after what it cannot know of"],
      ['quota doctor --user ada@example.com', 'one user, in a moment'],
      ['quota doctor --full', 'everything from the facts, at night'],
    ],
    details: `Whose quotas, grants and alerts --full found right is noted. Without --full they are not examined anew while nothing of
theirs was written, taken away, begun or ended since: the rows themselves tell that, whoever wrote and whatever triggers were
switched off. Users without such a note always are.`,
  },
  async (context, options) => {
    if (options.cache) {
      const { doctorCache } = await import('./doctor-cache.ts');
      return doctorCache(context, options);
    }
    if (options.rebuild) {
      throw usageError('--rebuild goes with --cache only', {
        suggestion: 'quotas follow from the facts: see what the doctor suggests',
      });
    }
    if (options.full && options.user !== undefined) {
      throw usageError('--full is of everybody', {
        suggestion: 'leave it out: a user who is named is always summed anew',
      });
    }
    const isFull = options.full === true;
    const data = await context.withDatabase(async (database) => {
      const { client } = database;
      const userId = options.user === undefined ? null : (await meantUser(context, client, options.user)).id;
      const examination = { userId, findingsMax: options.limit ?? findingsDefault, isFull };
      const onCheck = (check: string) => context.talk.verbose(`checking ${check}`);
      const overdue = userId === null ? await overdueJobs(context, client) : [];
      return examine(database, examination, onCheck, overdue);
    });
    await context.output.write({
      data,
      rows: data.checks.flatMap(({ check, level, findings }) =>
        findings.map((finding) => ({ check, level, finding })),
      ),
      columns: [{ key: 'check' }, { key: 'level' }, { key: 'finding' }],
      text: (diagnosis, style) =>
        [
          ...diagnosis.checks.flatMap((result) =>
            checkLines(result, { now: context.now(), width: nameWidth(diagnosis) }, style),
          ),
          ...scopeLines(diagnosis, isFull).map(style.dim),
        ].join('\n'),
    });
    const isUnwell = !data.ok || (options.strict === true && data.attention > 0);
    return isUnwell ? exitCodes.differences : exitCodes.ok;
  },
);

async function overdueJobs(context: Context, client: pg.ClientBase): Promise<OverdueJob[]> {
  const definitions = await loadJobs();
  const { standings } = await standingsOf(client, definitions, context.settings);
  return standings
    .filter(({ overdueSince }) => overdueSince !== null)
    .map(({ job, schedule, overdueSince }) => ({ job, schedule, overdueSince }));
}

/** What the checks do not say themselves: of whom they are, and what the next ones will know. */
const scopeLines = ({ examined, noted }: Diagnosis, isFull: boolean): string[] => [
  ...(examined === null
    ? []
    : [
        `${counted(examined, 'user')} examined anew; --full examines those, too, who are as it found them right`,
      ]),
  ...(isFull && !noted
    ? ['it could not be noted who is right: this login, or this server, lets nobody write']
    : []),
];

function checkLines(
  { check, level, count, message, suggestion, findings }: CheckResult,
  { now, width }: { now: Date; width: number },
  style: Style,
): string[] {
  const name = check.padEnd(width);
  const indent = ' '.repeat(levelWidth + width + 3);
  if (count === 0) {
    return [`${style.green('ok'.padEnd(levelWidth))}  ${name} ${message}`];
  }
  const mark = level === 'difference' ? style.red('WRONG'.padEnd(levelWidth)) : style.yellow('attention');
  const more =
    count > findings.length ? [`${indent}and ${count - findings.length} more: --limit ${count}`] : [];
  return [
    `${mark}  ${name} ${message}`,
    ...findings.flatMap((finding) => foldText(findingText(finding, now), indent.length, style)),
    ...more,
    ...(suggestion === null ? [] : foldText(`→ ${suggestion}`, indent.length, style, style.dim)),
  ];
}

const levelWidth = 'attention'.length;
const nameWidth = ({ checks }: Diagnosis) => Math.max(...checks.map(({ check }) => check.length));

/** `ada, meter voice_seconds, used 600.000, used by facts 612.000`; what is null or agrees is left out. */
function findingText({ externalId, ...rest }: Readonly<Record<string, unknown>>, now: Date): string {
  const agrees = (key: string) => {
    const stored = key.replace(/ByFacts$/, '');
    return `${stored}ByFacts` in rest && rest[stored] === rest[`${stored}ByFacts`];
  };
  const parts = Object.entries(rest)
    .filter(([key, value]) => value !== null && !agrees(key))
    .map(([key, value]) => `${wordsOfName(key)} ${peopleText(value, now)}`);
  return [...(externalId === undefined || externalId === null ? [] : [externalId]), ...parts].join(', ');
}
