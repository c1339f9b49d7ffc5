import { describe, expect, test } from 'vitest';
import { bar, rangeOf } from '../../src/html/bars.ts';
import { columnChart, ticksFor } from '../../src/html/column-chart.ts';
import { cut, html } from '../../src/html/html.ts';
import { table } from '../../src/html/table.ts';
import { amountText, scaleOf, signedText } from '../../src/values/amount.ts';

test('what is put in is escaped, in text and in attributes, and loses its control characters', () => {
  const evil = `"><script>alert('1')</script>&\u001b[31mred\u202e\n`;
  expect(html`<p title="${evil}">${evil}</p>`.text).toBe(
    `<p title="${'&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;red '}">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;red </p>`,
  );
  expect(html`${[html`<b>${1}</b>`, html`<i>${null}</i>`]}`.text).toBe('<b>1</b><i></i>');
});

test('a long text ends in an ellipsis, and no character is cut in two', () => {
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('abcd', 3)).toBe('ab…');
  expect(cut('😀😀😀😀', 3)).toBe('😀😀…');
});

describe('amounts stay exact', () => {
  test.each([
    ['0', 2, '0.00'],
    ['1234567.5', 2, '1,234,567.50'],
    ['-1234.5000', 2, '-1,234.50'],
    ['0.8958740000000000', 2, '0.895874'],
    ['123456789012345678901234567890.1', 0, '123,456,789,012,345,678,901,234,567,890.1'],
    ['1000', 0, '1,000'],
    ['-0.00', 2, '0.00'],
    ['0.2538359800000000000000000000000001', 2, '≈0.253836'],
    ['-9999.9999995', 2, '≈-10,000.000000'],
    ['0.0000000000004', 2, '≈0.000000'],
  ])('%s with %i digits: %s', (decimal, scale, text) => {
    expect(amountText(decimal, scale)).toBe(text);
  });

  test('signs, and as many digits as a column needs', () => {
    expect([signedText('1.5'), signedText('-1.5'), signedText('0.000')]).toEqual(['+1.50', '-1.50', '0.00']);
    expect(scaleOf(['1', '2.30', '0.00130', null])).toBe(4);
    expect(scaleOf([])).toBe(2);
    expect(scaleOf(['0.12345678901'])).toBe(6);
    expect(signedText('0.12345678')).toBe('≈+0.123457');
  });
});

test.each([
  [0, 80],
  [0, 7.3],
  [0, 0.00012],
  [-3.2, 1.7],
  [-9, 0],
  [0, 1_234_567],
])('the ticks from %f to %f are even, few, hold zero and both ends', (min, max) => {
  const ticks = ticksFor(min, max);
  const [first = 0, second = 0] = ticks;
  expect(ticks.some((tick) => tick === 0)).toBe(true);
  expect(first).toBeLessThanOrEqual(min);
  expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
  expect(ticks.length).toBeGreaterThan(2);
  expect(ticks.length).toBeLessThan(9);
  for (const [index, tick] of ticks.entries()) {
    expect(tick).toBeCloseTo(first + index * (second - first), 6);
  }
});

test('a chart without values, and bars without a range, are still well formed', () => {
  const chart = columnChart({
    id: 'empty',
    title: 'Nothing',
    description: 'None',
    labels: ['1', '2'],
    hints: ['a', 'b'],
    series: [{ name: 'billed', style: 'first', values: [0, 0] }],
  }).text;
  expect(chart).not.toMatch(/NaN|Infinity|undefined/);
  expect(chart).toContain('aria-labelledby="empty-title empty-desc"');
  expect(bar(0, rangeOf([0, 0])).text).toBe('');
  expect(bar(-1, rangeOf([-1, 3])).text).toContain('class="below" x="0%" y="2" width="25%"');
});

test('with many columns the first cell of a row stands above the others on a phone, in a dense table it stays', () => {
  const rows = [{ cells: ['a', '1', '2', '3', ''] }];
  const numbers = ['x', 'y', 'z'].map((title) => ({ title, kind: 'number' as const }));
  const columns = [{ title: 'name' }, ...numbers, { title: '', kind: 'bar' as const }];
  expect(table({ caption: 'c', columns, rows }).text).toContain(
    '<table class="stacked" style="--columns:3">',
  );
  expect(table({ caption: 'c', columns: columns.slice(0, 3), rows }).text).toContain('<table><caption');
  expect(table({ caption: 'c', columns, rows, dense: true }).text).toContain('<table class="dense">');
});

test('the scale of large amounts is written short, of small ones in full', () => {
  const chart = (value: number) =>
    columnChart({
      id: 'x',
      title: 't',
      description: 'd',
      labels: ['1'],
      hints: ['h'],
      series: [{ name: 'n', style: 'first', values: [value] }],
    }).text;
  expect(chart(98_765_432_109)).toContain('>75B</span>');
  expect(chart(7_300)).toContain('>8,000</span>');
});
