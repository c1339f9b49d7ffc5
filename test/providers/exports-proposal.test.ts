import { describe, expect, it } from 'vitest';
import type { ExportOptions } from '../../src/providers/exports/opened-export.ts';
import { refusal } from '../files/input.ts';
import { read, readText, sample } from './read-export.ts';

const options: ExportOptions = {
  commandWith: (file, args) => ['quota', 'reconcile', '--month', '2026-10', '--export', file, ...args],
};

/** The words of a proposal after those that were given, as a shell would split them. */
function argumentsOf(line: string): string[] {
  const words = [...line.matchAll(/'((?:[^']|'\\'')*)'|(\S+)/g)].map(
    ([, inQuotes, bare]) => inQuotes?.replaceAll("'\\''", "'") ?? bare ?? '',
  );
  expect(words.slice(0, 6)).toEqual(['quota', 'reconcile', '--month', '2026-10', '--export', 'stdin']);
  return words.slice(6);
}

describe('a CSV that nobody knows', () => {
  it.each([
    [
      'of a German spreadsheet',
      "Gespräch-ID;Agent's id;Begin;Finish;Talk (min);Net price (EUR)\nk1;b-1;13.10.2026 16:12:19;13.10.2026 16:14:39;2,33;0,2315\n",
      [
        'Gespräch-ID=id',
        "Agent's id=assistant_id",
        'Begin=started_at',
        'Finish=ended_at',
        'Talk (min)=duration_minutes',
        'Net price (EUR)=cost',
      ],
      ['--date-order', 'dmy', '--decimal', 'comma'],
      { durationSeconds: '139.80', cost: '0.2315', startedAt: '2026-10-13T16:12:19Z' },
    ],
    [
      'of an app',
      'conversation,timestamp,talk_time_ms,price\nq-1,2026-10-03 16:12:19,1500,0.10\n',
      ['conversation=id', 'timestamp=started_at', 'talk_time_ms=duration_ms', 'price=cost'],
      ['--assume-utc'],
      { durationSeconds: '1.500', cost: '0.10', startedAt: '2026-10-03T16:12:19Z' },
    ],
    [
      'of serial dates',
      'Ref,Start,Amount\nr-1,46298.675220,0.10\n',
      ['Ref=id', 'Start=started_at'],
      ['--date-order', 'serial'],
      { cost: '0.10', startedAt: '2026-10-03T16:12:19Z' },
    ],
    [
      'of a French spreadsheet',
      'Référence;Agent;Début;Durée (s);Coût\nr-9;b-3;03/10/2026 16:12:19;61;1,5\n',
      ['Référence=id', 'Agent=assistant_id', 'Début=started_at', 'Durée (s)=duration_seconds', 'Coût=cost'],
      ['--date-order', '--decimal', 'comma'],
      { durationSeconds: '61', cost: '1.5' },
    ],
    [
      'of sums',
      'Usage date,Engine,Spend\n2026-10-03,o3,1.25\n',
      ['Usage date=day', 'Engine=model', 'Spend=cost'],
      [],
      { kind: 'aggregate', day: '2026-10-03', model: 'o3', cost: '1.25' },
    ],
  ])('gets the command that reads it: %s', async (_, text, mapping, flags, line) => {
    const error = await refusal(readText(text, options));
    expect(error.exitCode).toBe(65);
    const words = argumentsOf(error.suggestion ?? '');
    const mapped = words.filter((_, at) => words[at - 1] === '--map');
    expect(mapped).toEqual(expect.arrayContaining(mapping));
    expect(words).toEqual(expect.arrayContaining(['--provider', 'NAME', ...flags]));
    const following = (flag: string) => words[words.indexOf(flag) + 1];
    const told: ExportOptions = {
      provider: 'acme',
      mapping: mapped,
      assumeUtc: words.includes('--assume-utc'),
      ...(words.includes('--date-order') && { dateOrder: following('--date-order') as 'dmy' }),
      ...(words.includes('--decimal') && { decimal: following('--decimal') as 'comma' }),
    };
    expect((await readText(text, told)).lines[0]).toMatchObject(line);
  });

  it('names what it cannot guess, and a cost that would not be read', async () => {
    const bare = await refusal(readText('id,cost\na,1\n', { ...options, provider: 'acme' }));
    expect(bare.suggestion).toBe(
      "quota reconcile --month 2026-10 --export stdin --map 'THEIR COLUMN=started_at'",
    );
    const unread = 'id,started_at,duration_seconds,Net cost\na,2026-10-03T16:12:19Z,60,1.20\n';
    const error = await refusal(readText(unread, { ...options, provider: 'acme' }));
    expect(error.message).toContain(
      'the column "Net cost" looks like what calls cost, and would not be read',
    );
    expect(argumentsOf(error.suggestion ?? '')).toEqual(['--map', 'Net cost=cost']);
    const told = await readText(unread, { provider: 'acme', mapping: ['Net cost='] });
    expect(told.lines[0]).toMatchObject({ cost: null, durationSeconds: '60' });
  });
});

describe('what a bill is for', () => {
  it.each([
    ['a column', 'id,started_at,duration_seconds,Price EUR\na,2026-10-03T16:12:19Z,60,1.20\n', 'Price EUR'],
    [
      'a member',
      '[{"id":"a","created_at":"2026-10-03T16:12:19Z","duration":60,"netAmount":"1.20"}]',
      'netAmount',
    ],
    [
      'a column of commas',
      'id;started_at;duration_seconds;Betrag\na;2026-10-03T16:12:19Z;60;1,20\n',
      'Betrag',
    ],
  ])('is never passed over in silence: %s', async (_, text, name) => {
    const error = await refusal(readText(text, { ...options, provider: 'acme' }));
    expect(error.message).toContain(`the column "${name}" looks like what calls cost, and would not be read`);
    expect(argumentsOf(error.suggestion ?? '')).toEqual(expect.arrayContaining(['--map', `${name}=cost`]));
  });

  const calls = 'id,started_at,duration_seconds';
  it.each([
    ['Kwota', '1.20'],
    ['金额', '1.20'],
    ['Nettobetrag', '120'],
    ['Total', '3'],
    ['credits_used', '2.5'],
    ['x', '0.0231'],
  ])('is told in any language, or by its values: %s', async (name, value) => {
    const text = `${calls},${name}\na,2026-10-03T16:12:19Z,60,${value}\n`;
    const error = await refusal(readText(text, { ...options, provider: 'acme' }));
    expect(argumentsOf(error.suggestion ?? '')).toEqual(['--map', `${name}=cost`]);
    const left = await readText(text, { provider: 'acme', mapping: [`${name}=`] });
    expect(left.lines).toHaveLength(1);
  });

  it('is not read inside another member, nor mapped from there in silence', async () => {
    const text =
      '[{"id":"a","started_at":"2026-10-03T16:12:19Z","duration_seconds":60,"billing":{"cost":1.2}}]';
    for (const mapping of [[], ['billing.cost=cost']]) {
      const error = await refusal(readText(text, { ...options, provider: 'acme', mapping }));
      expect(error.message).toContain('the member "billing.cost" stands inside another');
      expect(error.suggestion).toContain("jq -c '.[] | .cost = .billing.cost' FILE");
    }
    const { lines } = await readText(text, { provider: 'acme', mapping: ['billing='] });
    expect(lines[0]).toMatchObject({ cost: null });
  });

  it('is said of a second column, where it says something else', async () => {
    const text = (name: string, value: string) =>
      `${calls},cost,${name}\na,2026-10-03T16:12:19Z,60,1.20,${value}\nb,2026-10-03T16:12:19Z,60,0,0\n`;
    const noticesOf = async (name: string, value: string, mapping: string[] = []) =>
      (await readText(text(name, value), { provider: 'acme', mapping })).summary.notices;
    const said = [expect.stringContaining('"total_cost" looks like money, too, and is not read')];
    expect(await noticesOf('total_cost', '1.43')).toEqual(said);
    expect(await noticesOf('total_cost', '1.43', ['total_cost='])).toEqual([]);
    expect(await noticesOf('total_cost', '1.2000')).toEqual([]);
    expect(await noticesOf('VAT', '0.00')).toEqual([]);
    expect(await noticesOf('VAT', '0.23')).toHaveLength(1);
  });

  it('is not what only sounds like it', async () => {
    const text =
      'id,started_at,duration_seconds,cost_center,charge_id,price plan,amount_currency,latency\na,2026-10-03T16:12:19Z,60,120,77,gold,USD,0.25\n';
    expect((await readText(text, { provider: 'acme' })).lines[0]).toMatchObject({ durationSeconds: '60' });
  });
});

describe('a file that is no table of a bill', () => {
  it.each([
    [
      'titles above the header',
      `October\n\nid;started_at;cost\na;2026-10-03;1\nb;2026-10-03;2\n`,
      /header seems to be on line 3/,
      'tail -n +3',
    ],
    [
      'a word of a gateway',
      'upstream connect error or disconnect\n',
      /is no table; it says "upstream connect/,
      'download it again',
    ],
    ['nothing at all', 'null', /is no table; it says "null"/, 'download it again'],
    [
      'a complaint of an API',
      '{"detail":"Not authenticated"}',
      /an answer that says: "Not authenticated"/,
      'fetch it again',
    ],
    [
      'a complaint with a short code',
      '{"code":401,"data":null,"message":"no such key"}',
      /an answer that says: "no such key"/,
      'fetch it again',
    ],
    [
      'one of two lists in something else',
      '{"calls":[{"id":"a","cost":1}],"fees":[{"id":"b","cost":1}]}',
      /several lists of records in it: "calls", "fees"/,
      "jq -c '.calls[]' FILE",
    ],
  ])('is named as such: %s', async (_, text, message, advice) => {
    const error = await refusal(readText(text, { ...options, provider: 'acme' }));
    expect(error.message).toMatch(message);
    expect(error.suggestion).toContain(advice);
  });
});

describe('FOCUS of a converter', () => {
  const text =
    'BilledCost,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ResourceId\n0.05,Usage,2026-10-03T16:12:19Z,2026-10-03T16:14:39Z,NULL\n';

  it('gets hints that work for what it leaves out', async () => {
    const error = await refusal(readText(text, options));
    expect(error.message).toContain('FOCUS has a column "EffectiveCost", "BillingCurrency", "ProviderName"');
    expect(argumentsOf(error.suggestion ?? '')).toEqual([
      ...['--map', 'BilledCost=EffectiveCost', '--currency', 'USD', '--provider', 'NAME'],
    ]);
    const told = { mapping: ['BilledCost=EffectiveCost'], currency: 'EUR', provider: 'acme' };
    const { format, lines } = await readText(text, told);
    expect(format).toBe('focus');
    expect(lines[0]).toMatchObject({ kind: 'aggregate', assistantId: null, currency: 'EUR', cost: '0.05' });
  });

  it('is read under other names', async () => {
    const renamed = text.replace('ChargePeriodEnd', 'period_end').replace('BilledCost', 'effective_cost');
    const told = { mapping: ['period_end=ChargePeriodEnd'], currency: 'USD', provider: 'acme' };
    expect((await readText(renamed, told)).lines[0]?.endedAt).toBe('2026-10-03T16:14:39Z');
  });
});

describe('an export of another provider', () => {
  it('is refused with the command that reads it as a list of calls', async () => {
    const error = await refusal(read('liveavatar-sessions.json', { ...options, provider: 'acme' }));
    expect(error.suggestion).toContain(
      `quota reconcile --month 2026-10 --export ${sample('liveavatar-sessions.json')} --format csv`,
    );
  });
});
