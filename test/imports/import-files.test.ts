import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { callHeader, ImportDesk } from './import-desk.ts';

const desk = perTest(new ImportDesk());

const call = (id: string, seconds: number | string, day = '03') =>
  `${id},assistant-of-ada,ada,2026-10-${day}T10:00:00Z,,${seconds},0.10,completed`;
const csv = (...lines: string[]) => `${[callHeader, ...lines].join('\n')}\n`;
const calls = () => desk.query('select * from quota.call_logs order by provider_call_id');
const used = () =>
  desk.query(
    `select u.external_id as who, q.meter, q.used, q.calls from quota.usage_quotas q join quota.users u on u.id = q.user_id
    where q.calls > 0 order by 1, 2, q.period_start`,
  );

describe('users', () => {
  test('a uuid of the app is kept as the id, once for all', async () => {
    const id = 'A4CB0000-0000-4000-8000-00000000C0DE';
    const file = (name: string, ...lines: string[]) =>
      desk.write(name, `id,external_id\n${lines.join('\n')}\n`);
    const good = file('ids.csv', `${id},carl`, ',dora');
    expect(await desk.report('users', good)).toMatchObject({ new: 2 });
    expect(await desk.report('users', good)).toMatchObject({ new: 0, existing: 2 });
    expect(await desk.query(`select id from quota.users where external_id = 'carl'`)).toEqual([
      { id: id.toLowerCase() },
    ]);
    for (const [line, words] of [
      [`${id},eve`, 'is the id of another user'],
      ['a4cb0000-0000-4000-8000-00000000c0df,carl', 'already, which stays'],
      ['a4cb,eve', 'is not a uuid'],
      ['00000000-0000-0000-0000-000000000000,eve', 'is not a uuid'],
      [
        'a4cb0000-0000-4000-8000-00000000c0d1,eve\na4cb0000-0000-4000-8000-00000000c0d1,fay',
        'is the id of several users',
      ],
    ] as const) {
      const bad = await desk.run('import', 'users', file('bad.csv', line));
      expect(bad).toMatchObject({ code: 65, stderr: expect.stringContaining(words) });
    }
  });

  test('a line makes a user with the plans it names', async () => {
    const file = desk.write(
      'users.csv',
      'external_id,email,name,signup_at,timezone,plan\n' +
        'carl,carl@example.com,Carl,2026-01-31T22:00:00+02:00,asia/kolkata,"voice-free, chat-free"\n' +
        'dora,,,,,avatar-lifetime\n',
    );
    expect(await desk.report('users', file)).toMatchObject({
      kind: 'users',
      lines: 2,
      new: 2,
      subscriptions: 3,
    });
    const subscriptions = await desk.query(
      `select u.external_id, u.email, u.timezone as home, u.created_at, s.service, s.plan, s.anchor_local::text, s.timezone,
        s.next_reset_at = quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now()) as is_next,
        s.next_reset_at is null as never
      from quota.users u left join quota.subscriptions s on s.user_id = u.id where u.external_id in ('carl', 'dora') order by 1, 5`,
    );
    const carl = {
      external_id: 'carl',
      email: 'carl@example.com',
      home: 'Asia/Kolkata',
      created_at: new Date('2026-01-31T20:00:00Z'),
      is_next: true,
      never: false,
    };
    expect(subscriptions).toEqual([
      { ...carl, service: 'chat', plan: 'chat-free', timezone: 'UTC', anchor_local: '2026-01-31 20:00:00' },
      {
        ...carl,
        service: 'voice',
        plan: 'voice-free',
        timezone: 'Asia/Kolkata',
        anchor_local: '2026-02-01 01:30:00',
      },
      expect.objectContaining({
        external_id: 'dora',
        email: null,
        home: 'UTC',
        plan: 'avatar-lifetime',
        never: true,
      }),
    ]);
  });

  test('--as-of is the moment of a signup that the file does not tell, and of the first reset', async () => {
    const file = desk.write('users.csv', 'external_id,plan\ncarl,voice-free\n');
    await desk.report('users', file, '--as-of', '2027-03-31T10:00:00Z');
    const [carl] = await desk.query(
      `select u.created_at, s.next_reset_at from quota.users u join quota.subscriptions s on s.user_id = u.id
      where external_id = 'carl'`,
    );
    expect(carl).toEqual({
      created_at: new Date('2027-03-31T10:00:00Z'),
      next_reset_at: new Date('2027-04-30T00:00:00Z'),
    });
  });

  test('existing users are left alone; --update brings email, name and zone in line, and tells what it cannot', async () => {
    await desk.query(
      `insert into quota.subscriptions (user_id, service, plan)
      select id, 'transcription', 'transcription-pro' from quota.users where external_id = 'bob'`,
    );
    const file = desk.write(
      'users.csv',
      'external_id,email,name,signup_at,timezone,plan\n' +
        'ada,,Ada,,Europe/Berlin,voice-free\n' +
        'bob,bob@example.com,,2026-02-10T12:00:00Z,,transcription-free\n',
    );
    expect(await desk.report('users', file)).toMatchObject({
      new: 0,
      existing: 2,
      differing: 2,
      unchangeable: 1,
      updated: 0,
      subscriptions: 1,
    });
    expect(await desk.report('users', file, '--update', '--reason', 'CRM')).toMatchObject({
      updated: 1,
      subscriptions: 0,
    });
    const users = await desk.query(
      `select u.external_id, u.email, u.name, u.timezone, s.plan, s.timezone as zone, s.anchor_local::text
      from quota.users u join quota.subscriptions s on s.user_id = u.id order by 1`,
    );
    expect(users).toEqual([
      {
        external_id: 'ada',
        email: 'ada@example.com',
        name: 'Ada',
        timezone: 'Europe/Berlin',
        plan: 'voice-free',
        zone: 'Europe/Berlin',
        anchor_local: '2026-01-31 13:00:00',
      },
      expect.objectContaining({ external_id: 'bob', timezone: 'Europe/Berlin', plan: 'transcription-pro' }),
    ]);
    const [audit] = await desk.query(
      `select a.*, quota.audit_reason(a) as reason, p.before as personal_before, p.after as personal_after
      from quota.audit_log a join quota.audit_personal p on p.audit_id = a.id where action = 'user.update'`,
    );
    expect(audit).toMatchObject({
      reason: 'CRM',
      before: { timezone: 'UTC' },
      after: { timezone: 'Europe/Berlin' },
      personal_before: { name: null, email: 'ada@example.com' },
      personal_after: { name: 'Ada', email: 'ada@example.com' },
    });
    expect(await desk.report('users', file, '--update')).toMatchObject({
      differing: 1,
      unchangeable: 1,
      updated: 0,
    });
    expect(await desk.differences()).toEqual([]);
  });
});

describe('assistants', () => {
  test('new ones are added, existing ones renamed on demand, never moved', async () => {
    const file = desk.write(
      'assistants.csv',
      'provider_assistant_id,user_external_id,name\nassistant-of-ada,bob,Robot\nassistant-of-bob,bob,Robot\nfresh,ada,Fresh\n',
    );
    const first = await desk.report('assistants', file);
    expect(first).toMatchObject({ new: 1, existing: 2, differing: 2, unchangeable: 1, updated: 0 });
    expect(await desk.report('assistants', file, '--update')).toMatchObject({ new: 0, updated: 2 });
    const assistants = await desk.query(
      `select a.provider_assistant_id as id, a.name, u.external_id as who
      from quota.assistants a join quota.users u on u.id = a.user_id order by 1`,
    );
    expect(assistants).toEqual([
      { id: 'assistant-of-ada', name: 'Robot', who: 'ada' },
      { id: 'assistant-of-bob', name: 'Robot', who: 'bob' },
      { id: 'fresh', name: 'Fresh', who: 'ada' },
    ]);
  });

  test('those that the gate lets in, with their numbers; two that answer one number are refused', async () => {
    const header = 'provider_assistant_id,user_external_id,gated,numbers\n';
    const file = desk.write(
      'gated.csv',
      `${header}assistant-of-ada,ada,yes,+4930111; number-1\nfresh,ada,,\n`,
    );
    expect(await desk.report('assistants', file)).toMatchObject({ new: 1, differing: 1, updated: 0 });
    expect(await desk.report('assistants', file, '--update')).toMatchObject({ updated: 1 });
    expect(await desk.report('assistants', file, '--update')).toMatchObject({ differing: 0, updated: 0 });
    const list = desk.write('list.jsonl', [
      JSON.stringify({
        providerAssistantId: 'next',
        userExternalId: 'bob',
        gated: true,
        numbers: '["+4930222"]',
      }),
    ]);
    expect(await desk.report('assistants', list)).toMatchObject({ new: 1 });
    expect(
      await desk.query(
        'select provider_assistant_id as id, numbers from quota.assistants where is_gated order by 1',
      ),
    ).toEqual([
      { id: 'assistant-of-ada', numbers: ['+4930111', 'number-1'] },
      { id: 'next', numbers: ['+4930222'] },
    ]);
    const [row] = await desk.query(
      `select a.after, p.after as personal from quota.audit_log a join quota.audit_personal p on p.audit_id = a.id
       where action = 'assistant.update'`,
    );
    expect(row).toEqual({ after: { gated: true }, personal: { numbers: ['+4930111', 'number-1'] } });

    const wrong = desk.write(
      'wrong.csv',
      `${header}a,ada,perhaps,1\nb,ada,no,+4930222\nc,ada,no,5\nd,bob,no,5;6\ne,bob,no,"[1]"\n`,
    );
    expect((await desk.failure('assistants', wrong)).problems).toMatchObject([
      { line: 2, column: 'gated', reason: expect.stringContaining('neither yes nor no') },
      { line: 3, column: 'numbers', reason: 'another assistant answers the number "+4930222"' },
      { line: 5, column: 'numbers', reason: 'another assistant answers the number "5"' },
      { line: 6, column: 'numbers', reason: expect.stringContaining('no list of texts') },
    ]);
  });

  test('an assistant of a limited user is queued to be limited', async () => {
    await desk.report(
      'call-logs',
      desk.write('calls.csv', csv(call('1', 700))),
      '--as-of',
      '2026-10-04T00:00:00Z',
    );
    const file = desk.write('more.csv', 'provider_assistant_id,user_external_id\nfresh,ada\n');
    await desk.report('assistants', file);
    const queue = await desk.query(
      `select a.provider_assistant_id as id, l.desired from quota.assistant_limits l
      join quota.assistants a on a.id = l.assistant_id order by 1`,
    );
    expect(queue).toEqual([
      { id: 'assistant-of-ada', desired: 'limited' },
      { id: 'fresh', desired: 'limited' },
    ]);
  });
});

describe('call logs', () => {
  test('JSONL, gzip, stdin, semicolons and a byte order mark are the same calls', async () => {
    const lines = [
      {
        providerCallId: 'a',
        userExternalId: 'ada',
        startedAt: '2026-10-03T10:00:00Z',
        durationSeconds: 61.5,
        cost: 0.12,
      },
      {
        provider_call_id: 'b',
        provider_assistant_id: 'assistant-of-bob',
        started_at: '2026-10-03T12:00:00+02:00',
        duration_seconds: '60',
      },
    ];
    const jsonl = lines.map((line) => JSON.stringify(line)).join('\n');
    expect(await desk.report('call-logs', desk.write('calls.jsonl', jsonl))).toMatchObject({
      lines: 2,
      new: 2,
    });
    expect(await used()).toEqual([
      { who: 'ada', meter: 'voice_seconds', used: '61.500', calls: 1 },
      { who: 'bob', meter: 'voice_seconds', used: '60.000', calls: 1 },
    ]);
    const [ada, bob] = await calls();
    expect(ada).toMatchObject({
      cost: '0.12',
      provider: 'vapi',
      service: 'voice',
      status: 'completed',
      ended_at: null,
    });
    expect(bob).toMatchObject({
      started_at: new Date('2026-10-03T10:00:00Z'),
      assistant_id: 'assistant-of-bob',
    });

    const again = { lines: 2, new: 0, existing: 2, differing: 0 };
    const gz = desk.write('calls.jsonl.gz', gzipSync(jsonl));
    expect(await desk.report('call-logs', gz)).toMatchObject(again);
    expect(await desk.report('call-logs', desk.write('list.json', JSON.stringify(lines)))).toMatchObject(
      again,
    );
    const semicolons =
      '\ufeffProvider Call ID;User External ID;Provider Assistant ID;Started At;Duration Seconds\r\n' +
      'a;ada;;2026-10-03T10:00:00.000Z;61.50\r\n\r\nb;;assistant-of-bob;2026-10-03T10:00:00Z;60.000\r\n';
    const piped = await desk.with({ input: semicolons }).run('import', 'call-logs', '-', '--json');
    expect(JSON.parse(piped.stdout)).toMatchObject({ ...again, file: 'stdin' });
  });

  test('columns under other names are mapped, or left out', async () => {
    const file = desk.write('calls.csv', 'ID;who;begin;secs;notes\na;ada;2026-10-03 10:00:00;10;x\n');
    const map = [
      'ID=provider_call_id',
      'who=user_external_id',
      'begin=started_at',
      'secs=duration_seconds',
      'notes=',
    ];
    const options = [...map.flatMap((pair) => ['--map', pair]), '--assume-utc'];
    expect(await desk.report('call-logs', file, ...options)).toMatchObject({ new: 1 });
    expect(await used()).toEqual([{ who: 'ada', meter: 'voice_seconds', used: '10.000', calls: 1 }]);
  });

  test('a file of a spreadsheet is read in the order of its dates', async () => {
    const file = desk.write(
      'calls.csv',
      'provider_call_id,user_external_id,started_at,duration_seconds,cost\na,ada,10/3/26 10:00 AM,10,"$1,000.50"\n',
    );
    await desk.report('call-logs', file, '--date-order', 'mdy');
    expect(await calls()).toMatchObject([{ started_at: new Date('2026-10-03T10:00:00Z'), cost: '1000.50' }]);
  });

  test('what the hint to a decimal comma names is an option', async () => {
    const file = desk.write(
      'calls.csv',
      'provider_call_id;user_external_id;started_at;duration_seconds;cost\na;ada;2026-10-03T10:00:00Z;10,5;1.000,50\n',
    );
    expect((await desk.run('import', 'call-logs', file, '--yes')).stderr).toContain('--decimal comma');
    await desk.report('call-logs', file, '--decimal', 'comma');
    expect(await calls()).toMatchObject([{ duration_seconds: '10.500', cost: '1000.50' }]);
  });

  test('lengths of time and sizes are written as flags and plans take them', async () => {
    const lines = [call('a', '1:40'), call('b', '2m'), call('c', '90s'), call('d', '60.5')];
    expect(await desk.report('call-logs', desk.write('calls.csv', csv(...lines)))).toMatchObject({ new: 4 });
    expect((await calls()).map(({ duration_seconds }) => duration_seconds)).toEqual([
      '100.000',
      '120.000',
      '90.000',
      '60.500',
    ]);
  });

  test('other services name their provider', async () => {
    const header =
      'provider_call_id,user_external_id,started_at,service,provider,model,messages,metadata,error_message,status';
    const file = desk.write(
      'chats.csv',
      `${header}\n` +
        'm1,ada,2026-10-03T10:00:00Z,chat,anthropic,claude-3-opus,2,"{""topic"": ""tea""}",,\n' +
        'm2,ada,2026-10-03T10:00:00Z,chat,,gpt-4o,,,"line one\nline\ttwo \\ three",Error\n' +
        'm3,ada,2026-10-03T10:00:00Z,,,,,,,\n',
    );
    const refused = await desk.failure('call-logs', file, '--service', 'chat');
    expect(refused).toMatchObject({
      exit: 65,
      problems: [
        { line: 3, column: 'provider' },
        { line: 5, column: 'provider' },
      ],
    });
    await desk.report('call-logs', file, '--service', 'chat', '--provider', 'openai');
    expect(await calls()).toMatchObject([
      { provider: 'anthropic', model: 'claude-3-opus', messages: 2, metadata: { topic: 'tea' } },
      { provider: 'openai', status: 'error', error_message: 'line one\nline\ttwo \\ three' },
      { provider: 'openai', status: 'completed', messages: null },
    ]);
    expect(await used()).toEqual([
      { who: 'ada', meter: 'messages', used: '3.000', calls: 3 },
      { who: 'ada', meter: 'premium_messages', used: '2.000', calls: 1 },
    ]);
    const unknown = await desk.failure('call-logs', file, '--service', 'fax', '--provider', 'x');
    expect(unknown).toMatchObject({ exit: 2, message: '--service: "fax" is not a service' });
  });

  test('calls without an id are told apart by content and occurrence', async () => {
    const twice = csv(call('', 10), call('', 10), call('', 11), call('x', 12), call('x', '12.000'));
    const first = await desk.report('call-logs', desk.write('calls.csv', twice));
    expect(first).toMatchObject({ lines: 5, new: 4, skipped: 1, existing: 0 });
    expect(await used()).toMatchObject([{ used: '43.000', calls: 4 }]);
    const reordered = csv(call('', 11), call('', '10.0'), call('x', 12), call('', 10));
    expect(await desk.report('call-logs', desk.write('again.csv', reordered))).toMatchObject({
      new: 0,
      existing: 4,
    });
    const thrice = csv(call('', 10), call('', 10), call('', 10));
    expect(await desk.report('call-logs', desk.write('more.csv', thrice))).toMatchObject({
      new: 1,
      existing: 2,
    });
    expect(await used()).toMatchObject([{ used: '53.000', calls: 5 }]);
    expect(await desk.differences()).toEqual([]);
  });

  test('facts are taken as logged, even where they contradict each other', async () => {
    const file = desk.write(
      'calls.csv',
      csv(
        'a,assistant-of-bob,ada,2026-10-03T10:00:00Z,2026-10-03T10:01:00Z,99.5,0,completed',
        'b,assistant-of-bob,ada,2026-10-03T11:00:00Z,2026-10-03T11:01:30.250Z,,,active',
      ),
    );
    await desk.report('call-logs', file);
    expect(await used()).toEqual([{ who: 'ada', meter: 'voice_seconds', used: '189.750', calls: 2 }]);
  });

  test('--update moves a call to another user and time, and makes the duration of a new end', async () => {
    await desk.report(
      'call-logs',
      desk.write('a.csv', csv('a,assistant-of-ada,ada,2026-10-03T10:00:00Z,,,,active')),
    );
    expect(await used()).toMatchObject([{ who: 'ada', used: '0.000' }]);
    const ended = csv('a,assistant-of-ada,ada,2026-10-03T10:00:00Z,2026-10-03T10:00:42Z,,0.05,completed');
    expect(await desk.report('call-logs', desk.write('b.csv', ended), '--update')).toMatchObject({
      updated: 1,
    });
    expect(await used()).toMatchObject([{ who: 'ada', used: '42.000' }]);
    const moved = csv('a,assistant-of-bob,bob,2026-09-03T10:00:00Z,2026-09-03T10:00:42Z,,,');
    expect(await desk.report('call-logs', desk.write('c.csv', moved), '--update')).toMatchObject({
      updated: 1,
    });
    expect(await used()).toMatchObject([{ who: 'bob', used: '42.000', calls: 1 }]);
    expect(await calls()).toMatchObject([{ cost: '0.05', status: 'completed', duration_seconds: '42.000' }]);
    expect(await desk.differences()).toEqual([]);
  });

  test('what a changed call says of a person is kept beside the audit row', async () => {
    const header = 'provider_call_id,user_external_id,started_at,error_message,metadata';
    const file = (name: string, rest: string) =>
      desk.write(name, `${header}\na,ada,2026-10-03T10:00:00Z,${rest}\n`);
    await desk.report('call-logs', file('a.csv', 'no answer from Ada,"{""caller"": ""Ada""}"'));
    const changed = file('b.csv', 'no answer from Eve,"{""caller"": ""Ada""}"');
    expect(await desk.report('call-logs', changed, '--update')).toMatchObject({ updated: 1 });
    const [audit] = await desk.query(
      `select a.before, a.after, p.before as personal_before, p.after as personal_after
      from quota.audit_log a join quota.audit_personal p on p.audit_id = a.id and p.user_id = a.user_id
      where action = 'call-log.update'`,
    );
    expect(audit).toEqual({
      before: null,
      after: null,
      personal_before: { errorMessage: 'no answer from Ada' },
      personal_after: { errorMessage: 'no answer from Eve' },
    });
  });

  test('--skip-invalid loads the good lines and writes the others to a new file', async () => {
    const file = desk.write(
      'calls.csv',
      csv(
        call('a', 10),
        call('b', -5),
        '=cmd(),"quoted, text",ada,2026-10-03T10:00:00Z,,7,,',
        'too,few',
        call('c', 11),
      ),
    );
    const run = () => desk.run('import', 'call-logs', file, '--skip-invalid', '--json');
    const { code, stdout, stderr } = await run();
    expect(code).toBe(0);
    expect(stderr).toBe(`warning: 3 of 5 lines cannot be used: see ${file}.rejects.csv\n`);
    expect(JSON.parse(stdout)).toMatchObject({
      lines: 5,
      new: 2,
      rejected: 3,
      rejectsFile: `${file}.rejects.csv`,
    });
    expect(readFileSync(`${file}.rejects.csv`, 'utf8')).toBe(
      'line,column,reason,original\n' +
        `3,duration_seconds,"""-5"" is negative","${call('b', -5)}"\n` +
        `4,provider_assistant_id,"there is no assistant ""quoted, text""","'=cmd(),""quoted, text"",ada,2026-10-03T10:00:00Z,,7,,"\n` +
        '5,2,"the row has 2 fields, the header has 8","too,few"\n',
    );
    const before = await desk.snapshot();
    const again = await run();
    expect(again.code).toBe(5);
    expect(JSON.parse(again.stderr).error.message).toContain('exists already');
    expect(await desk.snapshot()).toEqual(before);
    const elsewhere = desk.path('elsewhere.csv');
    const third = await desk.run(
      'import',
      'call-logs',
      file,
      '--skip-invalid',
      '--rejects',
      elsewhere,
      '--json',
    );
    expect(JSON.parse(third.stdout)).toMatchObject({
      new: 0,
      existing: 2,
      rejected: 3,
      rejectsFile: elsewhere,
    });
    expect(readFileSync(elsewhere, 'utf8')).toBe(readFileSync(`${file}.rejects.csv`, 'utf8'));
  });

  test('a dry run changes nothing, writes nothing and says what would be', async () => {
    const file = desk.write('calls.csv', csv(call('a', 700), call('', 5), 'bad'));
    const before = await desk.snapshot();
    const { code, stdout } = await desk.run('import', 'call-logs', file, '--dry-run', '--skip-invalid');
    expect(code).toBe(0);
    expect(stdout).toContain('3 lines, 2 new, 1 that cannot be used');
    expect(stdout).toContain('Dry run: nothing was changed.');
    expect((await desk.failure('call-logs', file, '--dry-run')).exit).toBe(65);
    expect(() => readFileSync(`${file}.rejects.csv`)).toThrow('ENOENT');
    expect(await desk.snapshot()).toEqual(before);
  });

  test('production wants the name of the database', async () => {
    const file = desk.write('calls.csv', csv(call('a', 10)));
    const before = await desk.snapshot();
    const env = { QUOTA_ENV: 'production' };
    const refused = await desk.with({ env }).run('import', 'call-logs', file, '--yes');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('1 line, 1 new');
    expect(await desk.snapshot()).toEqual(before);
    const name = new URL(desk.url.replace('@/', '@host/')).pathname.slice(1);
    expect((await desk.with({ env }).run('import', 'call-logs', file, '--confirm', name)).code).toBe(0);
    expect((await desk.with({ env }).run('import', 'call-logs', file)).code).toBe(0); // Nothing left to confirm.
  });
});
