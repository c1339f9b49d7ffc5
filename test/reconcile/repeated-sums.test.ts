import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perTest(new MonthDesk());

const write = (name: string, content: string | Buffer) => desk.write(name, content);

interface Answer {
  kinds: Record<string, { count: number; billed: string }>;
  totals: { billed: string };
  differences: { billedAgain: string; claim: { certain: string } };
}

/** Loads files one after the other and gives the last answer, and all that was said. */
async function load(
  provider: string,
  files: readonly string[],
  on: MonthDesk = desk,
): Promise<Answer & { said: string }> {
  let said = '';
  let answer: Answer | undefined;
  for (const file of files) {
    const args = ['--month', '2026-08', '--provider', provider, '--export', file];
    const { stdout, stderr } = await on.run('reconcile', ...args, '--json');
    said += stderr;
    answer = JSON.parse(stdout);
  }
  return { ...(answer as Answer), said };
}

const two = (n: number) => String(n).padStart(2, '0');
const times = (day: number) => {
  const start = Date.UTC(2026, 7, day) / 1000;
  return `${start},${start + 86_400},2026-08-${two(day)}T00:00:00,,`;
};
const openAiHead =
  'start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n';
const openAi = (from: number, to: number, amount: string, item = '', project = '') =>
  openAiHead +
  Array.from(
    { length: to - from + 1 },
    (_, n) => `${times(from + n)}${amount},usd,"${item}",${project}\n`,
  ).join('');

/** All orders in which three files can come. */
const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

describe('a bill of sums that comes again', () => {
  test('packed is the same bill, and that is said', async () => {
    const text = openAi(3, 5, '0.70');
    const { totals, kinds, said } = await load('openai', [
      write('plain.csv', text),
      write('plain.csv.gz', gzipSync(text)),
    ]);
    expect(totals.billed).toBe('2.10');
    expect(kinds.duplicate_line).toMatchObject({ count: 3, billed: '2.10' });
    expect(said).toMatch(/3 of 3 lines of .*plain\.csv(\.gz)? repeat lines .*--replace/);
  });

  test('longer, or overlapping, comes to the same in any order; the day on which it was saved is corrected', async () => {
    // Saved on the 9th, of which half had passed; then from the 6th on, at the end of the month.
    const early =
      openAi(1, 8, '1.10', 'o3, input', 'p') + openAi(9, 9, '0.40', 'o3, input', 'p').split('\n')[1];
    const files = [
      write('early.csv', `${early}\n`),
      write('late.csv', openAi(6, 31, '1.10', 'o3, input', 'p')),
      write('middle.csv', openAi(4, 20, '1.10', 'o3, input', 'p')),
    ];
    for (const order of orders) {
      const other = await new MonthDesk().open();
      const { totals, said } = await load(
        'openai',
        order.map((at) => files[at] ?? ''),
        other,
      );
      expect([order.join(), totals.billed]).toEqual([order.join(), '34.10']);
      expect(said).toMatch(/repeat lines of the exports of 2026-08/);
      await other.close();
    }
  });

  test('cut by line item beside cut by day, by project beside by line item, is one bill', async () => {
    const byDay = write('day.csv', openAi(1, 31, '1.00'));
    const byItem = write(
      'item.csv',
      openAi(1, 31, '0.25', 'o3, input') + openAi(1, 31, '0.75', 'o3, output').slice(openAiHead.length),
    );
    const byProject = write('project.csv', openAi(1, 31, '1.00', '', 'proj_a'));
    for (const files of [
      [byDay, byItem],
      [byItem, byDay],
      [byProject, byItem, byDay],
    ]) {
      const other = await new MonthDesk().open();
      const { totals, kinds } = await load('openai', files, other);
      expect(totals.billed).toBe('31.00');
      expect(kinds.aggregate_mismatch?.count).toBe(31);
      await other.close();
    }
  });

  test('the parts of one bill are added, whatever they are parts by', async () => {
    const lines = openAi(1, 10, '1.00', 'o3, input', 'a').split('\n').slice(1, -1);
    const halves = [lines.slice(0, 5), lines.slice(5)].map((half, n) =>
      write(`half-${n}.csv`, `${openAiHead}${half.join('\n')}\n`),
    );
    const others = [
      write('b.csv', openAi(1, 10, '2.00', 'o3, input', 'b')),
      write('o.csv', openAi(1, 10, '4.00', 'o3, output', 'a')),
    ];
    const { totals, kinds, said } = await load('openai', [...halves, ...others]);
    expect(totals.billed).toBe('70.00');
    expect(kinds.duplicate_line).toBeUndefined();
    expect(said).toBe('');
  });

  test('activity stands beside costs', async () => {
    const activity =
      'start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model\n' +
      `${times(3)}a,12.0,o3\n`;
    const { totals, kinds } = await load('openai', [
      write('costs.csv', openAi(3, 3, '1.50', 'o3, input', 'a')),
      write('activity.csv', activity),
    ]);
    expect(totals.billed).toBe('1.50');
    expect(kinds.duplicate_line).toBeUndefined();
  });

  test('of two that are cut in other ways, the one that states more of a day counts', async () => {
    const filtered = write('filtered.csv', openAi(1, 31, '0.30', 'o3, input'));
    const whole = write('whole.csv', openAi(1, 25, '1.00'));
    for (const files of [
      [filtered, whole],
      [whole, filtered],
    ]) {
      const other = await new MonthDesk().open();
      expect((await load('openai', files, other)).totals.billed).toBe('26.80');
      await other.close();
    }
  });

  test('a newer one that states less counts, and the older is told of', async () => {
    const { totals, said } = await load('openai', [
      write('before.csv', openAi(1, 25, '1.00', 'o3, input')),
      write('corrected.csv', openAi(1, 31, '0.30', 'o3, input')),
    ]);
    expect(totals.billed).toBe('9.30');
    expect(said).toMatch(
      /before\.csv states 1\.00 of 2026-08-01 where 0\.30 counts, and more on 24 further days/,
    );
  });

  test('the same row twice in a file of a provider counts once, in one of a hand twice', async () => {
    const row = `${times(3)}1.25,usd,"o3, input",a\n`;
    const answer = await load('openai', [write('twice.csv', openAiHead + row + row)]);
    expect(answer.totals.billed).toBe('1.25');
    expect(answer.kinds.duplicate_line).toMatchObject({ count: 1, billed: '1.25' });
    const hand = 'day,model,cost\n2026-08-03,m,1.25\n2026-08-03,m,1.25\n';
    expect((await load('acme', [write('hand.csv', hand)])).totals.billed).toBe('2.50');
  });
});

describe('other bills of sums', () => {
  const result = (amount: string, model: string) =>
    `{"amount":"${amount}","currency":"USD","cost_type":"tokens","description":"${model} Usage","model":"${model}","token_type":"output_tokens"}`;
  const bucket = (day: number, ...results: string[]) =>
    `{"starting_at":"2026-08-${two(day)}T00:00:00Z","ending_at":"2026-08-${two(day + 1)}T00:00:00Z","results":[${results.join(',')}]}`;
  const page = (more: boolean, ...buckets: string[]) =>
    `{"data":[${buckets.join(',')}],"has_more":${more},"next_page":${more ? '"p"' : 'null'}}`;
  const first = bucket(1, result('1000', 'claude-opus-4-5-20251101'));
  const second = bucket(2, result('500', 'claude-opus-4-5-20251101'));

  test("Anthropic's first page, then both", async () => {
    const files = [
      write('page.json', page(true, first)),
      write('pages.json', `${page(true, first)}\n${page(false, second)}\n`),
    ];
    expect((await load('anthropic', files)).totals.billed).toBe('15.00');
  });

  test('results that differ in what is not read beside them are no repetitions, in whatever they are indented', async () => {
    const standard = result('1000', 'claude-opus-4-5-20251101');
    const batch = standard.replace('}', ',"service_tier":"batch","context_window":"0-200k"}');
    const other = batch.replace('0-200k', '200k-1M');
    const text = page(true, bucket(1, standard, batch, other));
    const again = JSON.stringify(JSON.parse(text.replace('"has_more":true', '"has_more":false')), null, 2);
    const { totals, kinds } = await load('anthropic', [write('tiers.json', `[${text},${again}]`)]);
    expect(Number(totals.billed)).toBe(30);
    expect(kinds.duplicate_line).toMatchObject({ count: 3 });
  });

  test('the console and the API of Anthropic state one bill in their own words', async () => {
    const console =
      'usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type\n' +
      '2026-08-01,Claude Opus 4.5,Default,k,message,≤ 200k,output,10.00,token\n' +
      '2026-08-02,Claude Opus 4.5,Default,k,message,≤ 200k,output,5.00,token\n';
    const { totals } = await load('anthropic', [
      write('api.json', page(false, first, second)),
      write('console.csv', console),
    ]);
    expect(Number(totals.billed)).toBe(15);
  });

  test('what was charged once more and given back is neither billed nor claimed, in whatever files', async () => {
    const head = 'id,started_at,duration_seconds,cost\n';
    const of = (id: string, cost: string) => `${id},2026-08-03T10:00:00Z,60,${cost}\n`;
    const twice = of('a', '0.40') + of('a', '0.40') + of('a', '-0.40');
    const anew = of('b', '0.50') + of('b', '-0.50') + of('b', '0.45');
    const back = of('c', '0.30') + of('c', '-0.30');
    const whole = write('whole.csv', head + twice + anew + back);
    const one = await load('acme', [write('early.csv', head + of('c', '0.30') + of('b', '0.50')), whole]);
    expect(Number(one.totals.billed)).toBe(0.85);
    expect(one.differences).toMatchObject({ billedAgain: '0.80', claim: { certain: '0' } });
    const alone = await desk.json(
      3,
      'reconcile',
      '--month',
      '2026-08',
      '--provider',
      'acme',
      '--export',
      whole,
      '--replace',
    );
    expect(alone.kinds.duplicate_line).toMatchObject({ count: 4, billed: '0.00' });
    expect(alone.differences).toMatchObject({
      billedAgain: '0.00',
      claim: { certain: '0', toCheck: '1.15' },
    });
  });

  test('fees of a newer download are not added', async () => {
    const head = 'kind,started_at,description,cost\n';
    const fee = (day: number, what: string, cost: string) =>
      `fee,2026-08-${two(day)}T00:00:00Z,${what},${cost}\n`;
    const old = head + fee(1, 'Numbers', '33.00') + fee(2, 'Support', '20.00');
    const files = [write('fees.csv', old), write('fees-2.csv', old + fee(9, 'Add-on', '1.00'))];
    const { totals, kinds, said } = await load('acme', files);
    expect(totals.billed).toBe('54.00');
    expect(kinds.duplicate_line).toMatchObject({ count: 2, billed: '53.00' });
    expect(said).toMatch(/2 of 2 lines of .*fees\.csv repeat/);
  });
});
