import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
// Nobody listens there: the failure is told.
const url = 'http://127.0.0.1:9/ping/5ecret-k3y-of-the-monitor';

test.each([
  ['the flag and its value', ['--ping-url', url]],
  ['in one word', [`--ping-url=${url}`]],
])('the address of a monitor is in no line when it is given as a flag: %s', async (_, flag) => {
  const { code, stdout, stderr } = await desk.run('jobs', 'reap-stale', ...flag);
  expect(code).toBe(0);
  expect(stderr).toMatch(/monitor/);
  expect(stdout + stderr).not.toContain('5ecret-k3y');
  const [{ stored } = { stored: '' }] = await desk.query<{ stored: string }>(
    'select jsonb_agg(r)::text as stored from quota.job_runs r',
  );
  expect(stored).not.toContain('5ecret-k3y');
});
