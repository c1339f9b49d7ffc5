import {
  aheadOfTime,
  deadRows,
  deadRuns,
  doubtfulLogins,
  dueResets,
  failedMirrors,
  leftMoves,
  leftPartition,
  namedErased,
  rowsAhead,
  strayLimits,
  tooManyAssistants,
  unfinishedAssistants,
  unfollowedSources,
  unknownZones,
  unlimitedAssistants,
  unmarkedQuotas,
  unsettledSessions,
  waitingCounters,
  wrongSessions,
} from './check-store.ts';
import { lostItems, wrongClosings, wrongExports, wrongMonths } from './finance-check-store.ts';

/**
 * `difference`: what is stored contradicts the facts. `attention`: somebody has something to do, or cron does not
 * run; nothing is wrong.
 */
export type CheckLevel = 'difference' | 'attention';

export interface Check {
  check: string;
  level: CheckLevel;
  /** What is so when nothing is found. */
  healthy: string;
  /** What the findings are. */
  found: string;
  suggestion: string;
  /** None: it is one of those of users. */
  sql?: string;
  /** The planner knows how many rows it is of, and may look up what belongs to them where that is less than all there is. */
  isByKeys?: true;
}

/** In the order in which they are told. */
export const checks: readonly Check[] = [
  {
    check: 'usage',
    level: 'difference',
    healthy: 'every quota is the sum of its calls and adjustments',
    found: 'quotas that differ from the sum of their calls and adjustments',
    suggestion:
      'find out who writes to quota.usage_quotas or switches triggers off; quota.refresh_quotas(users) counts anew',
  },
  {
    check: 'grants',
    level: 'difference',
    healthy: 'every running quota has what is left of its grants',
    found: 'running quotas whose extra allowance is not what is left of their grants',
    suggestion:
      'find out who writes to quota.grants or quota.usage_quotas; quota.refresh_quotas(users) works it out anew',
  },
  {
    check: 'alerts',
    level: 'difference',
    healthy: 'the alerts that stand are those that the usage calls for',
    found: 'alerts that stand although they are not so, or that are missing',
    suggestion:
      'find out who writes to quota.usage_alerts or quota.usage_quotas; quota.refresh_quotas(users) raises and ends them anew',
  },
  {
    check: 'sessions',
    level: 'difference',
    healthy: 'what is reserved is what running sessions may use',
    found: 'reservations that no running session has, or that are not what it may use',
    suggestion: 'quota jobs reap-stale mends them; find out who switches triggers off',
    sql: wrongSessions,
  },
  {
    check: 'clock',
    level: 'difference',
    healthy: 'no reset is dated after now',
    found: 'subscriptions whose last reset is dated after now: a run had a clock that was ahead',
    suggestion:
      'quota jobs reopen --after INSTANT takes back what runs after that instant closed; --dry-run first',
    sql: aheadOfTime,
  },
  {
    check: 'future',
    level: 'attention',
    healthy: 'no run and no fact is dated after now',
    found: 'runs or facts that are dated after now: a clock was ahead, or --as-of was',
    suggestion:
      'look whose clock it was; quota jobs reopen takes resets back, an adjustment what was counted wrongly',
    sql: rowsAhead,
  },
  {
    check: 'zones',
    level: 'difference',
    healthy: 'the server knows every time zone',
    found: 'subscriptions in a time zone that this server does not know; nothing is reset for them',
    suggestion:
      'quota user edit USER --timezone ZONE, where the plan says the zone quota plan apply with another, or update the time zone data of the server',
    sql: unknownZones,
  },
  {
    check: 'coverage',
    level: 'difference',
    healthy: 'every call on a meter of its plan is counted',
    found: 'meters of users with calls that no period counts',
    suggestion:
      'find out who switches triggers off; quota.refresh_quotas(users) opens the periods and counts anew',
  },
  {
    check: 'exports',
    level: 'difference',
    healthy: 'every billing export has the lines that it was loaded with',
    found: 'billing exports whose lines are not those that they were loaded with, or lines without an export',
    suggestion: 'find out who writes to quota.billing_lines; reconcile --replace with the file as it came',
    sql: wrongExports,
  },
  {
    check: 'items',
    level: 'difference',
    healthy: 'every reconciled item and discrepancy has its line and its call',
    found: 'months with items or discrepancies of lines or calls that are gone',
    suggestion: 'find out who deletes bills or calls; quota reconcile --month M matches an open month anew',
    sql: lostItems,
    isByKeys: true,
  },
  {
    check: 'months',
    level: 'difference',
    healthy: 'every reconciled month comes to what its items come to',
    found: 'kinds or totals of months that differ from the sum of their items',
    suggestion:
      'find out who writes to quota.reconciliations or its items; quota reconcile --month M adds an open month up anew',
    sql: wrongMonths,
  },
  {
    check: 'closings',
    level: 'difference',
    healthy: 'every closed month says what it was closed with',
    found: 'closed months that differ from what the history says they were closed with',
    suggestion: 'quota audit log --action reconciliation.close tells what it was',
    sql: wrongClosings,
  },
  {
    check: 'limits',
    level: 'difference',
    healthy: 'every limit on an assistant is that of its owner',
    found: 'assistants that are limited although their owner is not, or whose limit is that of another',
    suggestion: 'quota limits restore --all-reset; find out who switches triggers off',
    sql: strayLimits,
  },
  {
    check: 'erased',
    level: 'difference',
    healthy: 'no assistant of an erased user has a name',
    found: 'assistants of erased users that have a name',
    suggestion: 'find out who switches triggers off; quota user erase with the id takes the names out',
    sql: namedErased,
  },
  {
    check: 'logins',
    level: 'attention',
    healthy: 'every login that is registered is the role that it was registered as, and was looked at',
    found: 'logins that an upgrade carried over, or whose role was renamed or is gone (those are refused)',
    suggestion:
      'quota login allow ROLE (the whole app), quota login bind ROLE --user or --claim, or quota login revoke ROLE',
    sql: doubtfulLogins,
  },
  {
    check: 'enforcement',
    level: 'attention',
    healthy: 'what is used up is marked and limited',
    found: 'running quotas that are used up and not marked or limited, or the other way round',
    suggestion: 'quota jobs enforce-limits',
    sql: unmarkedQuotas,
  },
  {
    check: 'resets',
    level: 'attention',
    healthy: 'no reset is due',
    found: 'plans with subscriptions whose reset is due',
    suggestion: 'quota jobs reset-anniversaries, quota jobs reset-months',
    sql: dueResets,
  },
  {
    check: 'leases',
    level: 'attention',
    healthy: 'no session waits to be settled for more than an hour',
    found: 'sessions whose lease ended more than an hour ago and that nobody settled',
    suggestion: 'quota jobs reap-stale',
    sql: unsettledSessions,
  },
  {
    check: 'assistants',
    level: 'attention',
    healthy: 'nobody has more assistants than the plan allows',
    found: 'users with more assistants than their plan allows',
    suggestion: 'talk to them, or move them to another plan',
    sql: tooManyAssistants,
  },
  {
    check: 'unlimited',
    level: 'attention',
    healthy: 'every assistant of a limited user is limited or queued to be',
    found: 'assistants of limited users that are neither limited nor queued to be',
    suggestion: 'quota jobs enforce-limits',
    sql: unlimitedAssistants,
  },
  {
    check: 'provider',
    level: 'attention',
    healthy: 'no provider work has failed or waits for more than an hour',
    found: 'assistants that wait for provider work that has failed or that nobody does',
    suggestion: 'quota limits status shows why, quota limits sync tries again',
    sql: unfinishedAssistants,
  },
  {
    check: 'adopted rows',
    level: 'attention',
    healthy: 'every row that adopted products wrote is counted',
    found: 'rows of adopted products that could not be counted yet',
    suggestion: 'quota adopt status says why; quota jobs adopt-retry takes up what can be',
    sql: deadRows,
  },
  {
    check: 'adopted databases',
    level: 'attention',
    healthy: 'every other database of an adopted product was looked at in the last ten minutes',
    found: 'tables of adopted products in other databases that nobody looks at, or that cannot be read',
    suggestion: 'quota jobs adopt-follow, with QUOTA_SOURCE_URL, every minute',
    sql: unfollowedSources,
  },
  {
    check: 'mirrors',
    level: 'attention',
    healthy: 'the columns of adopted products that follow are as they should be',
    found: 'tables of adopted products whose columns do not follow',
    suggestion: 'mend what it says: they follow with the next change of whoever they are of',
    sql: failedMirrors,
  },
  {
    check: 'cache',
    level: 'attention',
    healthy: "no change has waited for an hour to be told to the app's Redis",
    found: "meters whose changes have waited for more than an hour to be told to the app's Redis",
    suggestion: 'quota jobs sync-cache, with the REDIS_URL of the app, every 5 minutes',
    sql: waitingCounters,
  },
  {
    check: 'partition',
    level: 'attention',
    healthy: 'no quota db partition was broken off',
    found: 'things on call_logs that a quota db partition left which was broken off',
    suggestion: 'quota jobs purge takes them back; the same quota db partition goes on',
    sql: leftPartition,
  },
  {
    check: 'moves',
    level: 'attention',
    healthy: 'nobody has been on the way here from another shard for an hour',
    found: 'users whose move here from another shard was broken off more than an hour ago',
    suggestion:
      'quota shards move USER --to SHARD, with the id: this shard to go on, the other one to have them stay',
    sql: leftMoves,
  },
  {
    check: 'jobs',
    level: 'attention',
    healthy: 'the last run of every job went through',
    found: 'jobs whose last run ended unfinished, or died',
    suggestion: 'quota jobs history JOB; running it again picks up where it stopped',
    sql: deadRuns,
  },
];
