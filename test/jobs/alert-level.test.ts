import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();

test.each([
  [70, 'warning'],
  [85, 'critical'],
  [99, 'critical'],
  [100, 'exceeded'],
  [120, 'exceeded'],
])('of thresholds at 70, 85, 99, 100 and 120 %%, %i is %s', async (threshold, level) => {
  const [row] = await desk.query(`select quota.alert_level($1, '{85,70,99,120,100}') as level`, [threshold]);
  expect(row).toEqual({ level });
});
