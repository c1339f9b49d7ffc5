import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-11-15T12:00:00Z' });
const at = '2026-11-15T12:00:00Z';
// biome-ignore lint/suspicious/noExplicitAny: what a function answers is what the tests are about
const ask = async (sql: string, values: unknown[] = []): Promise<any> =>
  (await desk.queryAt(at, sql, values))[0];
const failure = async (sql: string): Promise<{ code: string; message: string; hint: string | undefined }> => {
  try {
    await ask(sql);
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string | undefined };
    return { code, message, hint };
  }
  throw new Error(`${sql} was taken`);
};

beforeAll(async () => {
  const plans = desk.write('products.yaml', [
    `meters:
  llm_tokens: { service: llm, unit: token }
  gpt_tokens: { service: llm, unit: token, models: ['gpt-4*'] }
  out_tokens: { service: llm, unit: token }
  asked: { service: llm, unit: request }
  credits: { service: dubbing, unit: credit, credit_seconds: 60, rounding: 1 }
  stored: { service: drive, unit: byte }
plans:
  llm-free:
    service: llm
    default: true
    limits:
      llm_tokens: { limit: 50000, unit_price: 2, reset_every: 1 month }
      gpt_tokens: { limit: 10000, reset_every: 1 month }
      asked: { limit: 100, reset_every: 1 month }
  dubbing-free: { service: dubbing, default: true, limits: { credits: { limit: 10, unit_price: 0.02, reset_every: 1 month } } }
  drive-free: { service: drive, default: true, limits: { stored: { limit: 2GB, unit_price: 0.1, reset_every: 1 month } } }`,
  ]);
  await desk.json('plan', 'apply', plans, '--reason', 'three products', '--yes');
});

describe('tokens by model family', () => {
  test('the number of a call is its tokens; a family counts beside all, and money is what tokens cost', async () => {
    await ask(`select quota.record('ada', 'llm', 'a1', 1500, p_model => 'gpt-4o')`);
    await ask(`select quota.record('ada', 'llm', 'a2', 500, p_model => 'llama')`);
    const answer = await ask(`select * from quota.check('ada', 'llm', 'gpt-4o')`);
    expect(answer).toMatchObject({ allowed: true, meter: 'gpt_tokens', remaining: '8500.000' });
    expect(answer.meters).toEqual([
      expect.objectContaining({ meter: 'asked', used: '2', remaining: '98' }),
      expect.objectContaining({ meter: 'gpt_tokens', used: '1500', limit: '10000', remaining: '8500' }),
      expect.objectContaining({ meter: 'llm_tokens', used: '2000', cost: '0.004' }),
    ]);
  });

  test('a model in capitals is the same, also of plans that allow it, and of meters that a former version wrote', async () => {
    const gpt = async () =>
      (
        await ask(
          `select q.used::float8 from quota.usage_quotas q join quota.users u on u.id = q.user_id
           where u.external_id = 'max' and q.meter = 'gpt_tokens'`,
        )
      )?.used;
    await ask(`select quota.record('max', 'llm', 'm1', 70, p_model => 'GPT-4o')`);
    expect(await gpt()).toBe(70);
    await desk.query(`update quota.plans set allowed_models = '{Gpt-4o,"a, b"}' where key = 'llm-free'`);
    const reason = async (model: string) =>
      (await ask(`select reason from quota.check('max', 'llm', $1)`, [model])).reason;
    expect(await Promise.all(['gpt-4O', 'A, b', 'gpt-4'].map(reason))).toEqual([
      'ok',
      'ok',
      'model_not_allowed',
    ]);
    await desk.query(`update quota.plans set allowed_models = null where key = 'llm-free'`);
    await desk.query(`alter table quota.meters disable trigger user;
      update quota.meters set patterns = null where models is not null;
      create or replace function quota.counts_model(models text[], patterns text[], model text) returns boolean
      language sql immutable as 'select models is null or model like any (array[''gpt-4%''])';
      select quota.refresh_quotas(array_agg(id), null, false) from quota.users`);
    expect(await gpt()).toBe(0);
    await desk.query('alter table quota.meters enable trigger user');
    await desk.json('db', 'migrate', '--reinstall');
    expect(await gpt()).toBe(70);
    expect(await ask(`select patterns from quota.meters where key = 'gpt_tokens'`)).toEqual({
      patterns: ['gpt-4%'],
    });
  });

  test('of what is needed the meter that stands in the way is named', async () => {
    const refused = (more: string) => ask(`select reason, meter from quota.check('ada', 'llm', ${more})`);
    expect(await refused(`'gpt-4', 9000`)).toEqual({ reason: 'would_exceed', meter: 'gpt_tokens' });
    expect(await refused(`'llama', 9000`)).toMatchObject({ reason: 'ok' });
    expect(await refused(`'llama', p_quantities => '{"tokens": 49000}'`)).toEqual({
      reason: 'would_exceed',
      meter: 'llm_tokens',
    });
    expect(await refused(`'llama', p_quantities => '{"requests": 99}'`)).toEqual({
      reason: 'would_exceed',
      meter: 'asked',
    });
  });

  test('a request that runs holds what it is to take, on each meter; its end tells what it took', async () => {
    const started = await ask(
      `select allowed, cap_seconds::float8 as cap from quota.start_session('bob', 'llm', 's1', p_model => 'gpt-4', p_estimate => 4000)`,
    );
    expect(started).toEqual({ allowed: true, cap: 4000 });
    const left = () =>
      ask(
        `select array(select m->>'remaining' from jsonb_array_elements(meters) m) as left from quota.check('bob', 'llm')`,
      );
    expect(await left()).toEqual({ left: ['99', '6000', '46000'] });
    const touched = await ask(`select * from quota.touch_session('bob', 's1', 1000)`);
    expect(touched).toMatchObject({ running: true, progress: '1000.000', cost: '0' });
    const ended = await ask(
      `select * from quota.end_session('bob', 's1', 2.5, p_quantities => '{"tokens": 3120, "out_tokens": 40}')`,
    );
    expect(ended).toMatchObject({ recorded: true, stored_quantity: '3120' });
    expect(await left()).toEqual({ left: ['99', '6880', '46880'] });
    const again = (more: string) =>
      ask(`select recorded, differs from quota.end_session('bob', 's1', null, p_quantities => '${more}')`);
    expect(await again('{"tokens": 3120}')).toEqual({ recorded: false, differs: false });
    expect(await again('{"tokens": 3121}')).toEqual({ recorded: false, differs: true });
  });

  test('what nobody ended is settled at its last sign of life, and by hand', async () => {
    await ask(`select quota.start_session('eve', 'llm', 'e1', p_estimate => 4000)`);
    await ask(`select quota.touch_session('eve', 'e1', 699.5)`);
    await desk.at('2026-11-15T18:00:00Z').json('jobs', 'reap-stale');
    const [row] = await desk.query<{ quantities: unknown; settled_by: string }>(
      `select quantities, settled_by from quota.call_logs where provider_call_id = 'e1'`,
    );
    expect(row).toEqual({ quantities: { tokens: 700 }, settled_by: 'heartbeat' });
    const settled = await desk.json(
      ...['usage', 'settle', 'e1', '--quantity', '650', '--reason', 'our own log', '--yes'],
    );
    expect(settled).toMatchObject({ quantity: '650', session: { unit: 'token', quantity: '700' } });
    expect(await ask(`select used::float8 from quota.check('eve', 'llm')`)).toEqual({ used: 650 });
  });
});

test('credits are started minutes, in what is counted, held, asked and said', async () => {
  await ask(`select quota.record('ada', 'dubbing', 'd1', 61)`);
  await ask(`select quota.record('ada', 'dubbing', 'd2', 60)`);
  const started = await ask(
    `select cap_seconds::float8 as cap, remaining::float8 from quota.start_session('ada', 'dubbing', 'd3', p_estimate => 121)`,
  );
  expect(started).toEqual({ cap: 121, remaining: 420 });
  const answer = await ask(`select * from quota.check('ada', 'dubbing', p_quantity => 241)`);
  expect(answer).toMatchObject({ reason: 'would_exceed', used: '3.000', remaining: '4.000' });
  expect(answer.message).toContain('more than the 4 credits that are left');
  await ask(`select quota.end_session('ada', 'd3', 360)`);
  expect(await ask(`select used::float8, cost::float8 from quota.check('ada', 'dubbing')`)).toEqual({
    used: 9,
    cost: 0.18,
  });
  const capped = await ask(
    `select cap_seconds::float8 as cap from quota.start_session('ada', 'dubbing', 'd4')`,
  );
  expect(capped).toEqual({ cap: 60 });
});

test('bytes are told, or those of the file; people read them as sizes', async () => {
  await ask(`select quota.record('ada', 'drive', 'f1', 734003200)`);
  await ask(`select quota.record('ada', 'drive', 'f2', null, p_file_bytes => 1048576)`);
  const answer = await ask(`select * from quota.check('ada', 'drive', p_quantity => 2147483648)`);
  expect(answer).toMatchObject({ reason: 'would_exceed', used: '735051776.000' });
  const { stdout } = await desk.run('user', 'show', 'ada');
  expect(stdout).toContain('0.68 of 2 GB used, 1.32 left');
  expect((await desk.run('plan', 'list')).stdout).toContain('stored 2GB per month');
});

test('from the terminal, and from a file of calls', async () => {
  const record = ['usage', 'record', 'ada', '--service', 'llm', '--quantity', '100'];
  await desk.json(...record, '--also', 'requests=3', '--key', 'cli-1', '--yes');
  await desk.json(2, ...record, '--also', 'pages=3', '--key', 'cli-2', '--yes');
  const check = ['usage', 'check', 'ada', '--service', 'llm', '--also'];
  expect(await desk.json(...check, 'requests=96')).toMatchObject({ allowed: false, meter: 'asked' });
  const file = desk.write('calls.jsonl', [
    '{"provider_call_id":"i1","user_external_id":"ada","started_at":"2026-11-14T10:00:00Z","quantities":{"tokens":40}}',
    '{"provider_call_id":"i2","user_external_id":"ada","started_at":"2026-11-14T10:00:00Z","quantities":{"pages":40}}',
  ]);
  const load = ['import', 'call-logs', file, '--service', 'llm', '--provider', 'x', '--yes'];
  const refused = await desk.answer(...load);
  expect(refused.code).toBe(65);
  expect(refused.stderr).toContain('no meter of llm counts \\"pages\\"');
  const good = desk.write('good.jsonl', [
    '{"provider_call_id":"i1","user_external_id":"ada","started_at":"2026-11-14T10:00:00Z","quantities":{"tokens":40}}',
  ]);
  const loaded = ['import', 'call-logs', good, '--service', 'llm', '--provider', 'x', '--yes'];
  await desk.json(...loaded);
  await desk.json(...loaded);
  expect(await ask(`select quantities from quota.usage_history('ada', 'llm') where key = 'i1'`)).toEqual({
    quantities: { tokens: 40 },
  });
  expect((await desk.json('doctor')).ok).toBe(true);
});

test('of seconds and credits 3 digits are kept, however they are told', async () => {
  const stored = async (key: string) =>
    ask(`select duration_seconds, quantities from quota.call_logs where provider_call_id = $1`, [key]);
  await ask(`select quota.record('kim', 'dubbing', 'k1', 12.34567)`);
  await ask(
    `select quota.record('kim', 'dubbing', 'k2', null, p_quantities => '{"seconds": 12.34567, "credits": 0.12345}')`,
  );
  await ask(
    `select quota.end_session('kim', 'k3', null, p_service => 'dubbing', p_quantities => '{"seconds": 9.8765}')`,
  );
  expect(await stored('k1')).toEqual({ duration_seconds: '12.346', quantities: null });
  expect(await stored('k2')).toEqual({ duration_seconds: '12.346', quantities: { credits: 0.123 } });
  expect(await stored('k3')).toEqual({ duration_seconds: '9.877', quantities: null });
  const again = (more: string) =>
    ask(`select recorded, differs from quota.record('kim', 'dubbing', 'k2', ${more})`);
  const same = { recorded: false, differs: false };
  expect(await again(`12.34567, p_quantities => '{"seconds": 12.3457, "credits": 0.1234}'`)).toEqual(same);
  expect(await again(`null, p_quantities => '{"credits": 0.124}'`)).toMatchObject({ differs: true });
  expect(
    (await failure(`select quota.record('kim', 'dubbing', 'k4', null, p_quantities => '{"seconds": 1e-41}')`))
      .hint,
  ).toBe('It has 40 digits after the point at most.');
  // A file of them is the same calls when it comes again.
  const file = desk.write('long.jsonl', [
    '{"provider_call_id":"k5","user_external_id":"kim","started_at":"2026-11-14T10:00:00Z","quantities":{"seconds":40.12345,"credits":1.00049}}',
  ]);
  const load = ['import', 'call-logs', file, '--service', 'dubbing', '--provider', 'x', '--yes'];
  expect(await desk.json(...load)).toMatchObject({ new: 1 });
  expect(await desk.json(...load)).toMatchObject({ new: 0, existing: 1, differing: 0 });
  expect(await stored('k5')).toEqual({ duration_seconds: '40.123', quantities: { credits: 1 } });
});

test.each([
  [`p_quantities => '{"pages": 1}'`, 'no meter of llm counts "pages"'],
  [`p_quantities => '{"out": 1}'`, 'no meter of llm counts "out"'],
  [`p_quantities => '{"seconds": 1}'`, 'no meter of llm counts "seconds"'],
  [`p_quantities => '{"tokens": -1}'`, 'the quantity "tokens" cannot be -1'],
  [`p_quantities => '{"tokens": "12"}'`, 'the quantity "tokens" cannot be "12"'],
  [`p_quantities => '{"tokens": null}'`, 'the quantity "tokens" cannot be null'],
  [`p_quantities => '{"tokens": 0.5}'`, 'the quantity "tokens" cannot be 0.5'],
  [`p_quantities => '{"tokens": 1e15}'`, 'the quantity "tokens" cannot be 1000000000000000'],
  [`p_quantities => '[1]'`, 'quantities are an object of numbers'],
])('%s is refused, and nothing is written', async (more, message) => {
  const before = await desk.snapshot({ sequences: false });
  for (const call of [
    `select quota.record('ada', 'llm', 'bad', null, ${more})`,
    `select quota.record('nobody-yet', 'llm', 'bad', 5, ${more.replace('{"tokens"', '{"requests"')})`,
    `select quota.check('ada', 'llm', ${more})`,
    `select quota.end_session('ada', 'bob-has-it', 1, p_service => 'llm', ${more})`,
  ]) {
    const { code, message: said } = await failure(call);
    expect(code, call).toBe('QT003');
    expect(said.replace('"requests"', '"tokens"')).toContain(message);
    expect(said.length).toBeLessThan(200);
  }
  expect(await desk.snapshot({ sequences: false })).toEqual(before);
});

test('one quantity told twice has to be the same, and a long name is not echoed whole', async () => {
  expect(
    (await failure(`select quota.record('ada', 'llm', 'x', 5, p_quantities => '{"tokens": 6}')`)).code,
  ).toBe('QT003');
  const long = await failure(
    `select quota.record('ada', 'llm', 'x', 5, p_quantities => jsonb_build_object(repeat('n', 1000000), 1))`,
  );
  expect(long.code).toBe('QT003');
  expect(`${long.message}${long.hint}`.length).toBeLessThan(400);
});

test('a plain row tells them too, and is refused alike', async () => {
  const insert = (quantities: string) =>
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, quantities)
     values (quota.find_user('ada'), 'llm', 'row', 'p1', quota.now(), '${quantities}')`;
  expect((await failure(insert('{"pages": 2}'))).code).toBe('QT003');
  const spoken = (quantities: string) =>
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds, quantities)
     values (quota.find_user('ada'), 'voice', 'row', 'p2', quota.now(), 30, '${quantities}')`;
  expect(await failure(spoken('{"seconds": 31}'))).toMatchObject({
    code: 'QT003',
    message: 'one quantity is told twice, and differs',
  });
  await ask(spoken('{"seconds": 30}'));
  await ask(`update quota.call_logs set quantities = '{"seconds": 40}' where provider_call_id = 'p2'`);
  expect(
    await ask(`select duration_seconds, quantities from quota.call_logs where provider_call_id = 'p2'`),
  ).toEqual({ duration_seconds: '40.000', quantities: null });
  await ask(insert('{"tokens": 9}'));
  await ask(`update quota.call_logs set quantities = '{"tokens": 11}' where provider_call_id = 'p1'`);
  const facts = await ask(
    `select bool_and(q.used = f.used) as alike from quota.usage_quotas q
     join quota.usage_from_facts() f using (user_id, meter, period_start)`,
  );
  expect(facts).toEqual({ alike: true });
});
