import { loadJobs } from '../../../jobs/index.ts';

/** The jobs with their schedules, and what a run promises. */
export async function cronText(): Promise<string> {
  const definitions = await loadJobs();
  const nameWidth = Math.max(...definitions.map(({ name }) => name.length));
  const scheduleWidth = Math.max(...definitions.map(({ schedule }) => schedule.length));
  const lines = definitions.map(
    ({ name, schedule, summary }) =>
      `  ${schedule.padEnd(scheduleWidth)}  ${name.padEnd(nameWidth)}  ${summary}`,
  );
  return `
Each job is exact when run twice or at once, and catches up what was missed. Times are UTC, written as in a crontab:

${lines.join('\n')}

Ready to be installed: the files of deploy/. QUOTA_SCHEDULES changes when a job is expected, or says that it is not:
QUOTA_SCHEDULES="reap-stale=0 * * * *;purge=off"

A run ends with 0 when nothing is left, with 75 when it is to be run again (locked, deadline, work left at the
provider), with 78 when a setting is missing. See quota help exit-codes.

  --quiet              nothing is printed when nothing was to be done
  --max-duration 50m   stop after the batch in which this passes, so that the next run is not in the way
  --if-locked skip     end with 0 while another run of the job is going on; wait: wait for it; fail (the default): 75
  --ping-url URL       tell a monitor (healthchecks.io and its like) of start, success and failure
  --log-format json    what is said on stderr as JSON, a line each, for what collects logs
  --metrics-file FILE  figures for the textfile collector of Prometheus

  $ quota jobs list            what is due, how each job's last run went, and which is overdue
  $ quota jobs list --check    the same; exit 3 when one is overdue
`;
}
