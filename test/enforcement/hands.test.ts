import { expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { afterReset, LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 3, perUser: 2 }));

const hand = (id: string | undefined, user: string) =>
  desk.query(
    `update quota.assistants set user_id = (select id from quota.users where external_id = $2) where provider_assistant_id = $1`,
    [id, user],
  );
const maxDuration = (id: string | undefined) => desk.vapi.assistant(id ?? '')?.maxDurationSeconds ?? 600;
const rowOf = async (id: string | undefined) => (await desk.limits()).find(({ provider }) => provider === id);

test('an assistant that changes hands is restored or limited as its new owner is', async () => {
  const [limited, staying] = desk.assistantsOf('user_0');
  const [free] = desk.assistantsOf('user_1');
  const before = [limited, staying, free].map(maxDuration);
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  await hand(limited, 'user_1');
  await hand(free, 'user_0');
  expect(await rowOf(limited)).toMatchObject({ user: 'user_1', desired: 'original', status: 'pending' });
  expect(await rowOf(free)).toMatchObject({ user: 'user_0', desired: 'limited', status: 'pending' });
  expect(await desk.answer('limits', 'sync')).toMatchObject({
    code: 0,
    data: { counts: { limited: 1, restored: 1 } },
  });
  expect([limited, staying, free].map(maxDuration)).toEqual([before[0], 10, 10]);
  expect((await desk.answer('doctor')).code).toBe(0);

  // Between two limited users it stays as it is, and comes back with the reset of the one who has it.
  await desk.exceed('user_2');
  await hand(staying, 'user_2');
  expect(await rowOf(staying)).toMatchObject({ user: 'user_2', desired: 'limited', status: 'applied' });
  await desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);
  await desk.at(afterReset).answer('limits', 'sync');
  expect([limited, staying, free].map(maxDuration)).toEqual(before);
});

test('a limit that the triggers did not move along is seen by the doctor, and can be lifted', async () => {
  const [limited] = desk.assistantsOf('user_0');
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  await desk.query('alter table quota.assistants disable trigger assistants_moved');
  await hand(limited, 'user_1');
  await desk.query('alter table quota.assistants enable trigger assistants_moved');
  const { code, data } = await desk.answer('doctor');
  expect(code).toBe(3);
  expect(data.checks.find(({ check }: { check: string }) => check === 'limits')).toMatchObject({
    count: 1,
    findings: [{ externalId: 'user_1', problem: 'its limit is still that of its former owner' }],
  });
});

test('an assistant made behind the back of the triggers is seen, and enforce-limits limits it', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  await desk.query('alter table quota.assistants disable trigger assistants_inserted');
  await desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id) select id, 'quiet' from quota.users where external_id = 'user_0'`,
  );
  await desk.query('alter table quota.assistants enable trigger assistants_inserted');
  desk.vapi.putAssistants([{ id: 'quiet', firstMessage: 'Psst' }]);
  const { data } = await desk.answer('doctor');
  expect(data.checks.find(({ check }: { check: string }) => check === 'unlimited')).toMatchObject({
    count: 1,
  });
  await desk.answer('jobs', 'enforce-limits', '--rate', '1000');
  expect(maxDuration('quiet')).toBe(10);
});

test('nothing is booked on an erased user by way of an assistant, and its name stays out', async () => {
  const [first = '', second = ''] = desk.assistantsOf('user_0');
  await desk.json('user', 'erase', 'user_0', '--reason', 'request 17', '--yes', '--confirm', 'user_0');
  const call = (columns: string, values: string) =>
    desk.query(
      `insert into quota.call_logs (service, provider, started_at, duration_seconds, ${columns})
       values ('voice', 'vapi', '2026-10-16T10:00:00Z', 60, ${values})`,
    );
  await expect(call('assistant_id', `'${first}'`)).rejects.toMatchObject({
    code: 'QT001',
    message: expect.stringContaining('was erased'),
  });
  const calls = desk.write(
    'calls.csv',
    `service,provider,provider_call_id,provider_assistant_id,started_at,duration_seconds\nvoice,vapi,c1,${first},2026-10-16T10:00:00Z,60\nvoice,vapi,c2,${desk.assistantsOf('user_1')[0]},2026-10-16T11:00:00Z,60\n`,
  );
  const imported = await desk.run('import', 'call-logs', calls, '--yes', '--reason', 'late');
  expect(imported.code).toBe(65);
  expect(imported.stderr).toContain('was erased: whose call was it?');
  const report = {
    type: 'end-of-call-report',
    startedAt: '2026-10-16T10:00:00Z',
    endedAt: '2026-10-16T10:01:00Z',
  };
  const events = desk.write(
    'events.jsonl',
    `${JSON.stringify({ message: { ...report, call: { id: 'c3', assistantId: first } } })}\n`,
  );
  const loaded = await desk.run('usage', 'import', '--format', 'vapi-events', events, '--yes');
  expect(loaded.code).toBe(65);
  expect(await desk.query('select 1 from quota.call_logs')).toEqual([]);

  const names = desk.write(
    'assistants.csv',
    `provider_assistant_id,user_external_id,name\n${first},user_1,Ada at work\n`,
  );
  await desk.run('import', 'assistants', names, '--update', '--yes', '--reason', 'names');
  await desk.query(`update quota.assistants set name = 'Ada again' where provider_assistant_id = $1`, [
    second,
  ]);
  const named = `select 1 from quota.assistants a join quota.users u on u.id = a.user_id where erased_at is not null and a.name is not null`;
  expect(await desk.query(named)).toEqual([]);
  await desk.query('alter table quota.assistants disable trigger assistants_of_nobody');
  await desk.query(`update quota.assistants set name = 'Ada again' where provider_assistant_id = $1`, [
    second,
  ]);
  await desk.query('alter table quota.assistants enable trigger assistants_of_nobody');
  const { code, data } = await desk.answer('doctor');
  expect(code).toBe(3);
  expect(data.checks.find(({ check }: { check: string }) => check === 'erased')).toMatchObject({ count: 1 });

  // Whoever has it now gets its calls, under its own name.
  await hand(first, 'user_1');
  await desk.query(`update quota.assistants set name = 'Reception' where provider_assistant_id = $1`, [
    first,
  ]);
  await call('assistant_id', `'${first}'`);
  expect(
    await desk.query(`select u.external_id as "user", a.name from quota.call_logs l
      join quota.users u on u.id = l.user_id join quota.assistants a on a.provider_assistant_id = l.assistant_id`),
  ).toEqual([{ user: 'user_1', name: 'Reception' }]);
});
